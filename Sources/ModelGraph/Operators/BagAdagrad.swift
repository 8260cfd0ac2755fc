/// Adagrad (Duchi, Hazan and Singer, 2011) on one table of embedding bags: only rows that a bag
/// names change. No ONNX operator.
///
/// Inputs indices [bags, places], the loss's gradient in the bags' sums [bags, columns], and the
/// table. A row of the table holds `width` weights, as many sums of squares, and as many elements
/// of each collector, where a kernel adds up gradients: zero before and after. With g the sum of
/// the gradients of all bags that name a row, once for each time they do: s ← s + g², w ← w − rate
/// · g / (√s + epsilon). The last `spareRows` rows of a table are no bag's.
package struct BagAdagrad: OperatorFamily {
  /// Sums that a kernel keeps beside each other in a row, so that fewer wait for each other.
  package static let collectors = 2
  /// Rows behind those that bags name: what a kernel need not add to a row goes there.
  package static let spareRows = 128
  /// Elements of a row with `width` weights.
  package static func rowLength(_ width: Int) -> Int { (2 + collectors) * width }

  /// The places of a bag that name rows of this table.
  package var places: Range<Int>
  /// Where the table's sums begin in a row of the gradient.
  package var column: Int
  /// Weights of a row.
  package var width: Int
  /// The learning rate.
  package var rate: Double
  /// Is added to the root.
  package var epsilon: Double

  /// A step on the table that bags name in `places`.
  package init(places: Range<Int>, column: Int, width: Int, rate: Double, epsilon: Double) {
    self.places = places
    self.column = column
    self.width = width
    self.rate = rate
    self.epsilon = epsilon
  }

  package var name: String { "BagAdagrad" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (indices, gradient, table) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(
      indices.rank == 2 && !places.isEmpty && places.lowerBound >= 0
        && places.upperBound <= indices[1], "bags have no places \(places)")
    try inputs.require(
      gradient.rank == 2 && gradient[0] == indices[0] && column >= 0
        && column + width <= gradient[1], "the gradient is [bags, columns] up to \(column + width)")
    try inputs.require(
      table.rank == 2 && table[0] > Self.spareRows && table[1] == Self.rowLength(width),
      "the table is [rows + \(Self.spareRows), \(Self.rowLength(width))]")
    return [inputs[2]]
  }

  /// The sums, and eight operations per weight of a row that a bag may name.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    inputs[0].shape[0] * places.count * width * 9
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    var values = inputs[2].allValues
    for (row, sums) in collected(inputs) {
      for (element, sum) in sums.enumerated() {
        let place = row * inputs[2].shape[1] + element
        let squares = values[place + width] + sum.value * sum.value
        values[place] -= step(sum.value, squares)
        values[place + width] = squares
      }
    }
    return [try TensorView(values, shape: inputs[2].shape, type: inputs[2].type)]
  }

  private func step(_ gradient: Double, _ squares: Double) -> Double {
    rate * gradient / (squares.squareRoot() + epsilon)
  }

  /// A sum of gradients, and of what its terms may be off.
  private struct Sum {
    var value = 0.0
    var squares = 0.0
    var count = 0.0
    var given = 0.0

    /// Single roundings are a random walk; the sum grows step by step.
    var error: Double {
      Tolerance.factor * Tolerance.sum * count.squareRoot() * (squares.squareRoot() + abs(value))
        + given
    }
  }

  /// The gradients of the rows that bags name.
  private func collected(_ inputs: Operands<TensorView>) -> [Int: [Sum]] {
    let (indices, gradient) = (inputs[0], inputs[1])
    let rows = inputs[2].shape[0] - Self.spareRows
    var sums: [Int: [Sum]] = [:]
    for bag in 0..<indices.shape[0] {
      let first = bag * gradient.shape[1] + column
      for place in places {
        let row = Int(indices[bag * indices.shape[1] + place])
        guard row >= 0, row < rows else { continue }
        var sum = sums[row] ?? [Sum](repeating: Sum(), count: width)
        for element in 0..<width {
          let term = gradient[first + element]
          sum[element].value += term
          sum[element].squares += term * term
          sum[element].count += 1
          sum[element].given += gradient.absoluteUncertainty(term)
        }
        sums[row] = sum
      }
    }
    return sums
  }

  /// The step grows with the gradient: its ends are those of the gradient's error.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let sums = collected(inputs)
    let table = inputs[2]
    return indices.map { index in
      let (row, element) = index.quotientAndRemainder(dividingBy: table.shape[1])
      guard let sum = sums[row]?[element % width], element < 2 * width else { return 0 }
      let (gradient, error) = (sum.value, sum.error)
      let old = table[row * table.shape[1] + width + element % width]
      let squares = old + gradient * gradient
      guard element < width else {
        return 2 * abs(gradient) * error + error * error + 4 * Tolerance.sum * squares
      }
      let change = step(gradient, squares)
      let (low, high) = (gradient - error, gradient + error)
      let reach = max(
        abs(step(high, old + high * high) - change), abs(step(low, old + low * low) - change))
      return reach + abs(change) * (Tolerance.function + 6 * Tolerance.sum)
        + 2 * Tolerance.sum * abs(table[index])
    }
  }
}
