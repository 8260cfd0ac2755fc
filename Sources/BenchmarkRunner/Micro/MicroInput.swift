import CoreState
import ModelGraph
import NumericFormats
import WorkloadCatalog

/// A tensor that a micro-program reads, with the seeded values that it holds.
struct MicroInput {
  /// Where the tensor stands.
  enum Place {
    case onChip(AccessPattern)
    /// From the beginning of HBM on.
    case hbm
  }

  /// How values are drawn: each range keeps the instruction away from overflow and cancellation,
  /// which would hide mistakes behind large tolerances.
  enum Fill {
    /// Bell-shaped around zero.
    case normal
    /// Between 0.5 and 4, for roots and reciprocals.
    case positive
    /// Between 0.9 and 1.1, for long products.
    case nearOne
    /// Between -0.9 and 0.9, for recurrences that must not grow.
    case contracting
    /// One where row and column are equal, else zero.
    case identity
  }

  let place: Place
  let format: NumberFormat
  /// Elements as stored, partition after partition.
  let bits: [UInt32]

  /// The elements as numbers.
  var values: [Double] { bits.map { Double(format.decode($0)) } }

  init(_ pattern: AccessPattern, _ fill: Fill, _ generator: SeededGenerator) {
    place = .onChip(pattern)
    format = pattern.format
    bits = Self.draw(
      fill, pattern.format, rows: Int(pattern.partitionCount), columns: pattern.columns, generator)
  }

  /// A tensor of fp32 words in HBM.
  init(hbmRows rows: Int, columns: Int, _ generator: SeededGenerator) {
    place = .hbm
    format = .float32
    bits = Self.draw(.normal, .float32, rows: rows, columns: columns, generator)
  }

  private static func draw(
    _ fill: Fill, _ format: NumberFormat, rows: Int, columns: Int, _ generator: SeededGenerator
  ) -> [UInt32] {
    (0..<rows * columns).map { index in
      let value =
        switch fill {
        case .normal: generator.normal(at: index)
        case .positive: 0.5 + 3.5 * generator.uniform(at: index)
        case .nearOne: 0.9 + 0.2 * generator.uniform(at: index)
        case .contracting: 1.8 * generator.uniform(at: index) - 0.9
        case .identity: index / columns == index % columns ? 1.0 : 0.0
        }
      return format.encode(Float(value))
    }
  }
}

extension MicroInput {
  /// What an instruction reads, in the order of its operands.
  static func all(of program: MicroProgram, seed: UInt64) -> [MicroInput] {
    func input(_ pattern: AccessPattern, _ name: String, _ fill: Fill = .normal) -> MicroInput {
      MicroInput(pattern, fill, SeededGenerator(seed: seed, stream: "\(program.label) \(name)"))
    }
    func source(_ move: MicroMove, _ fill: Fill = .normal) -> MicroInput {
      input(MicroOperands.source(move.source, move.columns), "source", fill)
    }
    switch program.instruction {
    case .matrixProduct(let format, let depth, let rows, let columns, let isDoubleRow, _):
      return [
        input(MicroOperands.stationary(format, depth, rows, isDoubleRow), "stationary"),
        input(MicroOperands.moving(format, depth, columns, isDoubleRow), "moving"),
      ]
    case .transpose(let format, let columns):
      return [
        input(MicroOperands.source(columns, format), "source"),
        input(
          MicroOperands.second(MicroOperands.partitions, format), "permutation", .identity),
      ]
    case .tensorCopy(let move, _), .tensorScalar(_, let move): return [source(move)]
    case .tensorTensor(_, let move, let second):
      return [source(move), input(MicroOperands.second(second, move.columns), "second")]
    case .tensorReduce(let arithmetic, let move):
      return [source(move, arithmetic == .multiply ? .nearOne : .normal)]
    case .reciprocal(let move): return [source(move, .positive)]
    case .activation(let function, let move, _):
      let fill: Fill = function == .rsqrt ? .positive : .normal
      return [
        source(move, fill),
        input(MicroOperands.column, "bias", function == .rsqrt ? .positive : .contracting),
      ]
    case .scan(let columns, _):
      return [
        input(MicroOperands.source(columns), "factors", .contracting),
        input(MicroOperands.second(columns), "addends"),
        input(MicroOperands.column, "seed"),
      ]
    case .affineSelect(let columns), .max8(let columns), .batchStatistics(let columns):
      return [input(MicroOperands.source(columns), "source")]
    case .dma(let direction, let bytes, let partitions, _):
      let tile = MicroOperands.transferred(bytes, partitions)
      guard direction == .load else { return [input(tile, "source")] }
      let stream = SeededGenerator(seed: seed, stream: "\(program.label) source")
      return [MicroInput(hbmRows: partitions, columns: tile.columns, stream)]
    case .memset, .iota, .handoff: return []
    }
  }
}
