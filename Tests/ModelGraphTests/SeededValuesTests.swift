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
      .raggedPowerLaw(rows: 40, places: 2, exponent: 1.1),
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

  /// Lists of every length, none empty, filled from the front.
  @Test func raggedListsAreFilledFromTheFront() {
    let tensor = TensorDeclaration(
      name: "index", shape: [500, 6], format: .uint32, role: .input,
      fill: .raggedPowerLaw(rows: 1000, places: 3, exponent: 1.05))
    let values = SeededValues(of: tensor, seed: 0)[0..<3000]
    var lengths: Set<Int> = []
    for list in stride(from: 0, to: values.count, by: 3) {
      let filled = values[list..<list + 3].map { $0 < 1000 }
      #expect(filled == filled.sorted { $0 && !$1 })
      #expect(values[list..<list + 3].allSatisfy { $0 <= 1000 })
      lengths.insert(filled.count { $0 })
    }
    #expect(lengths == [1, 2, 3])
  }
}
