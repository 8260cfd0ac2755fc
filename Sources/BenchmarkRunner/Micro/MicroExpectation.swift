import CoreState
import ModelGraph
import NumericFormats
import WorkloadCatalog

/// One element of a result: its value, and how far a correct device may be from it before it rounds
/// to the format of the result.
struct MicroElement {
  var value: Double
  var bound: Double

  /// An element that a correct device hits; `bound` is 0 for values that are only moved.
  init(_ value: Double, within bound: Double = 0) {
    self.value = value
    self.bound = bound
  }
}

/// What a correct run leaves in one place.
struct MicroExpectation {
  /// Where the result stands.
  enum Place {
    case onChip(AccessPattern)
    /// From the beginning of HBM on.
    case hbm
    /// The reduce registers of the scalar engine.
    case accumulators
  }

  let place: Place
  let format: NumberFormat
  /// What the report's name ends with.
  let name: String
  /// Partition after partition.
  let elements: [MicroElement]

  init(_ pattern: AccessPattern, _ elements: [MicroElement]) {
    place = .onChip(pattern)
    format = pattern.format
    name = ""
    self.elements = elements
  }

  private init(_ place: Place, name: String = "", _ elements: [MicroElement]) {
    self.place = place
    format = .float32
    self.name = name
    self.elements = elements
  }

  /// What an element may be off by once it is rounded: nothing where the value is only moved and
  /// the format holds it.
  func bound(of element: MicroElement, _ rounding: RunOptions.Rounding) -> Double {
    let format = rounding == .none ? format.withoutRounding : format
    if element.bound == 0 {
      let held = Double(format.decode(format.encode(Float(element.value))))
      if held == element.value { return 0 }
    }
    // A random neighbour is up to twice as far as the nearest; integers round to nearest always.
    let reach = rounding == .stochastic && !format.isInteger ? 2.0 : 1
    return Tolerance.rounded(
      element.bound, of: element.value, unit: reach * Roundoff.unit(of: format),
      floor: format.isInteger ? 0.5 : reach * Roundoff.floor(of: format))
  }
}

extension MicroExpectation {
  /// Everything that an instruction writes, given what it reads.
  static func all(of program: MicroProgram, _ inputs: [[Double]]) -> [MicroExpectation] {
    switch program.instruction {
    case .matrixProduct(_, let depth, let rows, let columns, _, _):
      let values = MicroProducts.product(inputs[0], inputs[1], depth, rows, columns)
      return [MicroExpectation(MicroOperands.product(rows, columns), values)]
    case .transpose(let format, let columns):
      let values = MicroProducts.transpose(inputs[0], columns)
      return [MicroExpectation(MicroOperands.transposed(format, columns), values)]
    case .activation(let function, let move, let accumulates):
      return activation(function, move, accumulates, inputs)
    case .dma(let direction, let bytes, let partitions, _):
      let values = inputs[0].map { MicroElement($0) }
      return direction == .load
        ? [MicroExpectation(MicroOperands.transferred(bytes, partitions), values)]
        : [MicroExpectation(.hbm, values)]
    case .handoff: return []
    case .memset(let operand, let columns, _):
      let pattern = MicroOperands.destination(operand, columns)
      let one = MicroElement(1)
      return [
        MicroExpectation(pattern, Array(repeating: one, count: columns * Self.partitions))
      ]
    case .iota(let columns):
      let values = indices(columns) { MicroElement(Double($0 + $1)) }
      return [MicroExpectation(MicroOperands.destination(columns, .int32), values)]
    case .tensorCopy, .tensorTensor, .tensorScalar, .reciprocal:
      return MicroElementwise.results(program.instruction, inputs)
    case .affineSelect(let columns):
      let values = indices(columns) { partition, column in
        MicroElement(partition >= column ? inputs[0][partition * columns + column] : 0)
      }
      return [MicroExpectation(MicroOperands.destination(columns), values)]
    case .tensorReduce, .scan, .max8, .batchStatistics:
      return MicroRows.results(program.instruction, inputs)
    }
  }

  private static let partitions = MicroOperands.partitions

  /// One element for each partition and column.
  private static func indices(
    _ columns: Int, _ element: (_ partition: Int, _ column: Int) -> MicroElement
  ) -> [MicroElement] {
    (0..<partitions * columns).map { element($0 / columns, $0 % columns) }
  }

  /// The function of each element plus its partition's bias, and the sums of each partition.
  private static func activation(
    _ function: MicroFunction, _ move: MicroMove, _ accumulates: Bool, _ inputs: [[Double]]
  ) -> [MicroExpectation] {
    let values = indices(move.columns) { partition, column in
      MicroElementwise.function(
        function, of: inputs[0][partition * move.columns + column], plus: inputs[1][partition])
    }
    let destination = MicroOperands.destination(move.destination, move.columns)
    let result = MicroExpectation(destination, values)
    guard accumulates else { return [result] }
    let sums = (0..<partitions).map { partition in
      MicroRows.sum(values[partition * move.columns..<(partition + 1) * move.columns])
    }
    return [result, MicroExpectation(.accumulators, name: ", sums", sums)]
  }
}
