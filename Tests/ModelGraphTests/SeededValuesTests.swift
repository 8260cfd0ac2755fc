import ModelGraph
import NumericFormats
import Testing

@Suite struct SeededValuesTests {
  @Test func anyRangeOfATensorsValuesIsTheSame() {
    let fills: [TensorFill] = [
      .zeros, .constant(2), .normal(standardDeviation: 0.5), .uniform(low: -1, high: 3),
      .leading(columns: 3, standardDeviation: 2),
      .indices(count: 50), .lattice(spacing: 1.5), .latticeNeighbours,
      .powerLaw(counts: [40, 9], exponent: 1.1),
    ]
    for fill in fills {
      let tensor = TensorDeclaration(
        name: "x", shape: [27, 4], format: .float32, role: .weight, fill: fill)
      let values = SeededValues(of: tensor, seed: 3)
      let whole = values[0..<values.count]
      #expect(whole.count == 108)
      #expect(whole == SeededGenerator.values(of: tensor, seed: 3))
      #expect(values[0..<50] + values[50..<51] + values[51..<108] == whole, "\(fill)")
    }
  }
}
