import ModelGraph
import WorkloadCatalog

/// Float64 values of instructions that work along the row of a partition.
///
/// The bound of a sum of K values kept in fp32 is 4 · u · √K · Σ|x|, as in `Tolerance`.
enum MicroRows {
  /// What the instruction writes.
  static func results(_ instruction: MicroInstruction, _ inputs: [[Double]]) -> [MicroExpectation] {
    switch instruction {
    case .tensorReduce(let arithmetic, let move):
      let values = rows(inputs[0], move.columns).map { reduce(arithmetic, $0) }
      return [MicroExpectation(MicroOperands.destination(move.destination, 1), values)]
    case .max8(let columns):
      let values = rows(inputs[0], columns).flatMap { $0.sorted(by: >).prefix(8) }
      return [
        MicroExpectation(MicroOperands.destination(8), values.map { MicroElement($0) })
      ]
    case .batchStatistics(let columns):
      let values = rows(inputs[0], columns).flatMap(statistics)
      return [MicroExpectation(MicroOperands.destination(6), values)]
    case .scan(let columns, let seed):
      let seeds = seed == .tensor ? inputs[2] : inputs[2].map { _ in 0 }
      let values = zip(zip(rows(inputs[0], columns), rows(inputs[1], columns)), seeds).flatMap {
        scan($0.0, $0.1, from: $1)
      }
      return [MicroExpectation(MicroOperands.destination(columns), values)]
    default: return []
    }
  }

  private static func rows(_ values: [Double], _ columns: Int) -> [ArraySlice<Double>] {
    stride(from: 0, to: values.count, by: columns).map { values[$0..<$0 + columns] }
  }

  /// The sum of elements that may themselves be off; their errors add up like a random walk.
  static func sum(_ elements: ArraySlice<MicroElement>) -> MicroElement {
    var (total, size, squares) = (0.0, 0.0, 0.0)
    for element in elements {
      total += element.value
      size += abs(element.value)
      squares += element.bound * element.bound
    }
    let walk = Tolerance.factor * Tolerance.sum * Double(elements.count).squareRoot()
    return MicroElement(total, within: walk * size + Tolerance.factor * squares.squareRoot())
  }

  private static func reduce(_ arithmetic: MicroArithmetic, _ row: ArraySlice<Double>)
    -> MicroElement
  {
    switch arithmetic {
    case .add, .subtract: return sum(ArraySlice(row.map { MicroElement($0) }))
    case .max: return MicroElement(row.max() ?? 0)
    case .min: return MicroElement(row.min() ?? 0)
    case .multiply:
      let product = row.reduce(1, *)
      let walk = Tolerance.factor * Tolerance.sum * Double(row.count).squareRoot()
      return MicroElement(product, within: walk * abs(product))
    }
  }

  /// Count, mean and the sum of squared deviations of the even elements, then of the odd ones.
  private static func statistics(_ row: ArraySlice<Double>) -> [MicroElement] {
    [0, 1].flatMap { first in
      let values = stride(from: row.startIndex + first, to: row.endIndex, by: 2).map { row[$0] }
      let count = Double(max(1, values.count))
      let mean = values.reduce(0, +) / count
      let size = values.reduce(0) { $0 + abs($1) } / count
      let spread = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let walk = Tolerance.factor * Tolerance.sum * count.squareRoot()
      let roundings = values.reduce(0) {
        $0 + 4 * Tolerance.sum * abs($1 - mean) * (abs($1) + abs(mean))
      }
      return [
        MicroElement(Double(values.count)), MicroElement(mean, within: walk * size),
        MicroElement(spread, within: walk * spread + roundings),
      ]
    }
  }

  /// The recurrence itself; each step rounds twice and passes on the error of the step before.
  private static func scan(
    _ factors: ArraySlice<Double>, _ addends: ArraySlice<Double>, from seed: Double
  ) -> [MicroElement] {
    var last = MicroElement(seed)
    return zip(factors, addends).map { factor, addend in
      let product = factor * last.value
      let error =
        abs(factor) * last.bound + 2 * Tolerance.sum * (abs(product) + abs(product + addend))
      last = MicroElement(product + addend, within: error)
      return last
    }
  }
}
