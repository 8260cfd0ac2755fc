import ModelGraph
import NumericFormats
import Testing

/// Adagrad on the rows that bags name, against dense gradients and the formula.
@Suite struct BagAdagradTests {
  private static let (rows, width, bags) = (6, 2, 4)
  /// Row 3 is in three bags, twice in one of them; row 5 in none.
  private static let named: [Double] = [3, 1, 3, 3, 0, 2, 1, 3]

  private let family = BagAdagrad(
    places: 0..<2, column: 2, width: width, rate: 0.1, epsilon: 1e-3)

  /// Indices, gradient and table.
  private func inputs() throws -> [TensorView] {
    let slopes = (0..<Self.bags * 4).map { 0.3 * Double($0 % 5) - 0.4 }
    let length = BagAdagrad.rowLength(Self.width)
    let table = (0..<(Self.rows + BagAdagrad.spareRows) * length).map { index in
      index % length < Self.width ? 0.1 * Double(index % 7) : index % length < 4 ? 0.5 : 0
    }
    return [
      try TensorView(Self.named, shape: [Self.bags, 2], type: .int32),
      try TensorView(slopes, shape: [Self.bags, 4], type: .float64),
      try TensorView(
        table, shape: [Self.rows + BagAdagrad.spareRows, length], type: .float64),
    ]
  }

  @Test func everyLookUpOfARowCounts() throws {
    let inputs = try inputs()
    let values = try Float64Interpreter.evaluate(.bagAdagrad(family), inputs: inputs)
    let length = BagAdagrad.rowLength(Self.width)
    for row in 0..<Self.rows {
      for element in 0..<Self.width {
        var gradient = 0.0
        for (place, name) in Self.named.enumerated() where Int(name) == row {
          gradient += inputs[1][place / 2 * 4 + 2 + element]
        }
        let old = inputs[2][row * length + element]
        let squares = inputs[2][row * length + 2 + element] + gradient * gradient
        let new = old - 0.1 * gradient / (squares.squareRoot() + 1e-3)
        #expect(abs(values[row * length + element] - new) < 1e-12)
        #expect(abs(values[row * length + 2 + element] - squares) < 1e-12)
        #expect(values[row * length + 4 + element] == 0)
      }
    }
    for index in Self.rows * length..<inputs[2].count {
      #expect(values[index] == inputs[2][index])
    }
  }

  /// The gradient that reverse mode writes for a whole table gives the same step.
  @Test func agreesWithTheDenseGradient() throws {
    var builder = GraphBuilder(name: "bags", format: .float32)
    try builder.given("i", [Self.bags, 2], format: .int32)
    try builder.given("t", [Self.rows, Self.width])
    try builder.given("dy", [Self.bags, Self.width])
    try builder.apply(.embeddingBag(EmbeddingBag(lengths: [2])), to: ["i", "t"], name: "y")
    let names = try builder.differentiate("y", derivative: "dy", in: ["t"], inputs: [])
    let graph = try builder.finish()
    let inputs = try inputs()
    let length = BagAdagrad.rowLength(Self.width)
    var given = [
      "i": inputs[0],
      "t": try TensorView(
        [Double](repeating: 1, count: Self.rows * Self.width), shape: [Self.rows, Self.width],
        type: .float64),
      "dy": try TensorView(
        (0..<Self.bags * 2).map { inputs[1][$0 / 2 * 4 + 2 + $0 % 2] },
        shape: [Self.bags, Self.width], type: .float64),
    ]
    for tensor in graph.givenTensors where given[tensor.name] == nil {
      if case .values(let constant) = tensor.fill { given[tensor.name] = constant.view }
      if case .constant(let value) = tensor.fill {
        given[tensor.name] = try TensorView([value], shape: tensor.shape, type: .float64)
      }
    }
    let values = try Float64Interpreter.evaluate(graph, given: given)
    let name = try #require(names["t"])
    let dense = try #require(values[name])
    let stepped = try Float64Interpreter.evaluate(.bagAdagrad(family), inputs: inputs)
    for row in 0..<Self.rows {
      for element in 0..<Self.width {
        let gradient = dense[row * Self.width + element]
        let squares = stepped[row * length + 2 + element] - 0.5
        #expect(abs(gradient * gradient - squares) < 1e-12, "row \(row)")
      }
    }
  }

  @Test func aDuplicateDroppedIsFound() throws {
    let inputs = try inputs()
    var fewer = Self.named
    // Row 3 twice in a bag, the second time somewhere else.
    fewer[3] = 5
    let wrong = try Float64Interpreter.evaluate(
      .bagAdagrad(family),
      inputs: [try TensorView(fewer, shape: [Self.bags, 2], type: .int32)] + inputs.dropFirst())
    let right = try Float64Interpreter.evaluate(.bagAdagrad(family), inputs: inputs)
    for (values, passes) in [(right, true), (wrong, false)] {
      let output = try TensorView(values, shape: inputs[2].shape, format: .float32)
      let report = try NumericsChecker(seed: 1).check(
        .bagAdagrad(family), named: "step", inputs: inputs, output: output)
      #expect(report.passed == passes)
    }
  }
}
