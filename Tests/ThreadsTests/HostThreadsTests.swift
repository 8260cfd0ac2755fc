import Synchronization
import Testing
import Threads

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
    let error = #expect(throws: PlantedError.self) {
      try HostThreads.map(Array(0..<100), size: 4) { (part) throws(PlantedError) -> [Int] in
        for item in part where item % 30 == 29 {
          throw PlantedError(item: item)
        }
        return Array(part)
      }
    }
    #expect(error == PlantedError(item: 29))
  }
}

private struct PlantedError: Error, Equatable {
  var item: Int
}
