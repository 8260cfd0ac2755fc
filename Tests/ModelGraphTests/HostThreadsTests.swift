import ModelGraph
import NumericFormats
import Synchronization
import Testing

@Suite struct HostThreadsTests {
  @Test func piecesCoverEachIndexOnce() {
    for count in [0, 1, 7, 8, 9, 100] {
      let seen = Mutex([Int](repeating: 0, count: count))
      HostThreads.forEachPiece(of: count, size: 8) { range in
        seen.withLock { seen in for index in range { seen[index] += 1 } }
      }
      #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test func resultsKeepTheOrderOfTheItems() {
    for size in [1, 3, 1_000] {
      let squares = HostThreads.map(Array(0..<100), size: size) { $0.map { $0 * $0 } }
      #expect(squares == (0..<100).map { $0 * $0 })
    }
  }

  @Test func numbersStandAtTheirPlacesInWhateverOrderTheseAreMet() {
    let order = (0..<100).map { $0 * 37 % 100 }
    let numbers = HostThreads.numbers(visiting: order, size: 8) { $0.map { Double($0) / 2 } }
    #expect(numbers == (0..<100).map { Double($0) / 2 })
  }

  @Test func theFirstErrorInOrderIsThrown() {
    let error = #expect(throws: GraphError.self) {
      try HostThreads.map(Array(0..<100), size: 4) { (part) throws(GraphError) -> [Int] in
        for item in part where item % 30 == 29 {
          throw .badValue(tensor: "\(item)", reason: "planted")
        }
        return Array(part)
      }
    }
    #expect(error == .badValue(tensor: "29", reason: "planted"))
  }

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
