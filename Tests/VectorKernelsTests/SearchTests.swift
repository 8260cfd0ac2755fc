import Testing
import VectorKernels

@Suite struct SearchTests {
  @Test func theEightLargestEqualTheReference() {
    for count in rowSizes {
      for seed in 0..<6 {
        var row = sampleRow(count, seed: UInt64(seed + 50), isTame: seed % 2 == 0)
        // Few distinct values make duplicates.
        if seed % 3 == 0 { row = row.map { ($0 * 2).rounded() } }
        let fast = unsafe floats(8) { unsafe Search.max8(row, count: count, into: $0) }
        #expect(isSame(fast, Search.max8Reference(row)), "\(count) \(seed)")
      }
    }
    let row: [Float] = [1, 9, 9, 3, 2, 8, 7, 6, 5, 4]
    #expect(
      unsafe floats(8) { unsafe Search.max8(row, count: 10, into: $0) } == [9, 9, 8, 7, 6, 5, 4, 3])
  }

  @Test func indicesEqualTheReferenceAndDuplicatesPairAscending() {
    for count in rowSizes {
      for seed in 0..<4 {
        let row = sampleRow(count, seed: UInt64(seed + 70)).map { ($0 * 2).rounded() }
        let largest = Search.max8Reference(row)
        for values in [largest, [0, 1, 1, .nan, 0, 99, 99, 1]] {
          var found = [UInt32](repeating: 5, count: 8)
          unsafe Search.findIndex8(values, in: row, count: count, into: &found)
          #expect(found == Search.findIndex8Reference(values, in: row), "\(count) \(seed)")
        }
      }
    }
    var found = [UInt32](repeating: 0, count: 8)
    unsafe Search.findIndex8([4, 4, 4, 7, 7, 1, 2, 3], in: [4, 1, 4, 7], count: 4, into: &found)
    let miss = UInt32.max
    #expect(found == [0, 2, miss, 3, miss, 1, miss, miss])
  }
}

extension SearchTests {
  @Test func replacementsEqualTheReference() {
    for count in rowSizes {
      for seed in 0..<4 {
        let row = sampleRow(count, seed: UInt64(seed + 75)).map { ($0 * 2).rounded() }
        let values: [Float] =
          seed % 2 == 0 ? Search.max8Reference(row) : [0, 1, 1, .nan, 0, 99, 99, 1]
        var places = [UInt32](repeating: 5, count: 8)
        let result = unsafe floats(count, from: row) {
          unsafe Search.matchReplace8(values, in: $0, count: count, by: -1, into: &places)
        }
        let expected = Search.matchReplace8Reference(values, in: row, by: -1)
        #expect(isSame(result, expected.row), "\(count) \(seed)")
        #expect(places == expected.places, "\(count) \(seed)")
      }
    }
    var places = [UInt32](repeating: 0, count: 8)
    let result = unsafe floats(4, from: [4, 1, 4, 7]) {
      unsafe Search.matchReplace8([4, 4, 9, 7, 4, 0, 0, 0], in: $0, count: 4, by: 0, into: &places)
    }
    // The three zeros miss, the last 4 takes the first place, 7 becomes 0 and so on.
    let miss = UInt32.max
    #expect(result == [0, 1, 0, 0])
    #expect(places == [miss, 2, miss, 3, 0, miss, miss, miss])
  }
}

@Suite struct BatchNormTests {
  @Test func statisticsEqualTheReference() {
    for count in rowSizes {
      for isTame in [true, false] {
        let row = sampleRow(count, seed: UInt64(count + 80), isTame: isTame)
        let fast = unsafe floats(6) { unsafe BatchNorm.statistics(row, count: count, into: $0) }
        #expect(isSame(fast, BatchNorm.statisticsReference(row)), "\(count)")
      }
    }
    let small = unsafe floats(6) {
      unsafe BatchNorm.statistics([1, 10, 3, 30], count: 4, into: $0)
    }
    #expect(small == [2, 2, 2, 2, 20, 200])
  }

  @Test func aggregationGivesTheMeanAndVarianceOfTheWhole() {
    let row = sampleRow(500, seed: 81, isTame: true)
    var triples = unsafe floats(6) { unsafe BatchNorm.statistics(row, count: 300, into: $0) }
    unsafe triples += floats(6) {
      unsafe BatchNorm.statistics(Array(row[300...]), count: 200, into: $0)
    }
    let (mean, variance) = unsafe BatchNorm.aggregate(triples, count: triples.count)
    let trueMean = row.reduce(0.0) { $0 + Double($1) } / 500
    let trueVariance =
      row.reduce(0.0) { $0 + (Double($1) - trueMean) * (Double($1) - trueMean) } / 500
    #expect(abs(Double(mean) - trueMean) < 1e-6)
    #expect(abs(Double(variance) - trueVariance) < 1e-5)
    let empty = unsafe BatchNorm.aggregate([], count: 0)
    #expect(empty.mean == 0 && empty.variance == 0)
  }
}
