import Testing
import VectorKernels

@Suite struct SelectionTests {
  let patterns: [[(size: Int32, step: Int32)]] = [
    [], [(1, 5)], [(17, 1)], [(16, -2)], [(3, 100), (33, 1)], [(2, -7), (3, 50), (5, -3)],
    [(2, 1000), (2, 100), (3, 10), (4, 1)], [(0, 1)], [(50, 1)], [(50, -1)], [(4, 1_000_000_000)],
  ]

  func values(_ dimensions: [(size: Int32, step: Int32)], _ base: Int32) -> [Int32] {
    dimensions.reduce([base]) { starts, dimension in
      starts.flatMap { start in (0..<dimension.size).map { start &+ $0 &* dimension.step } }
    }
  }

  @Test func iotaCountsThroughEveryDimension() {
    for dimensions in patterns {
      let pattern = AffinePattern(dimensions)
      let expected = values(dimensions, -9)
      #expect(pattern.count == expected.count)
      var result = [Int32](repeating: 77, count: expected.count + 1)
      unsafe Selection.iota(pattern, base: -9, into: &result)
      #expect(result == expected + [77])
    }
  }

  @Test func affineSelectComparesEachValueWithZero() {
    for dimensions in patterns {
      let pattern = AffinePattern(dimensions)
      for comparison in AffineComparison.allCases {
        let base: Int32 = dimensions.first?.step == -1 ? 29 : -29
        let row = sampleRow(pattern.count, seed: 90)
        let expected = zip(row, values(dimensions, base)).map { comparison.holds($1) ? $0 : -1e30 }
        let result = unsafe floats(pattern.count, from: row) {
          unsafe Selection.affineSelect(
            pattern, base: base, comparison, $0, otherwise: -1e30, into: $0)
        }
        #expect(isSame(result, expected), "\(dimensions) \(comparison)")
      }
    }
    #expect(AffineComparison.greaterEqual.holds(0) && !AffineComparison.greaterThan.holds(0))
  }

  @Test func selectTakesTheRowThatThePredicateNames() {
    for count in rowSizes {
      let predicate = sampleRow(count, seed: 91).map { $0 > 0 ? $0 : 0 }
      let (yes, no) = (sampleRow(count, seed: 92), sampleRow(count, seed: 93))
      let expected = predicate.indices.map { predicate[$0] != 0 ? yes[$0] : no[$0] }
      let result = unsafe floats(count, from: no) {
        unsafe Selection.select(predicate, onTrue: yes, onFalse: $0, into: $0, count: count)
      }
      #expect(isSame(result, expected))
    }
  }

  @Test func bitsAreSelectedUnchanged() {
    for count in rowSizes {
      let predicate = (0..<count).map { UInt32($0 % 3 == 1 ? 0 : 1 << ($0 % 32)) }
      let yes = (0..<count).map { UInt32(0x7FC0_0000 + $0) }
      let no = (0..<count).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
      for isReversed in [false, true] {
        var result = no
        unsafe result.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          unsafe Selection.selectBits(
            predicate, isReversed: isReversed, onTrue: yes, onFalse: base, into: base, count: count)
        }
        #expect(
          result
            == predicate.indices.map { (predicate[$0] != 0) != isReversed ? yes[$0] : no[$0] })
      }
    }
  }
}

@Suite struct MovementTests {
  func element(_ bytes: [UInt8], _ size: Int, at offset: Int) -> [UInt8] {
    Array(bytes[offset..<(offset + size)])
  }

  @Test func transposesOfEverySizeTurnRowsIntoColumns() {
    for size in [1, 2, 4] {
      for (rows, columns) in [(0, 5), (1, 1), (15, 17), (16, 16), (32, 48), (33, 31), (128, 128)] {
        let pitch = columns * size + 3
        let turnedPitch = rows * size + 5
        var generator = Seeded(UInt64(rows + size))
        let source = (0..<(rows * pitch + 1)).map { _ in
          UInt8.random(in: 0...255, using: &generator)
        }
        var turned = [UInt8](repeating: 0xEE, count: columns * turnedPitch + 1)
        unsafe source.withUnsafeBytes { raw in
          unsafe turned.withUnsafeMutableBytes { out in
            guard let from = raw.baseAddress, let to = out.baseAddress else { return }
            unsafe Movement.transpose(
              sizeBytes: size, from: from, pitchBytes: pitch, rows: rows, columns: columns,
              into: to,
              destinationPitchBytes: turnedPitch)
          }
        }
        var expected = [UInt8](repeating: 0xEE, count: columns * turnedPitch + 1)
        for row in 0..<rows {
          for column in 0..<columns {
            for byte in 0..<size {
              expected[column * turnedPitch + row * size + byte] =
                source[row * pitch + column * size + byte]
            }
          }
        }
        #expect(turned == expected, "\(size) \(rows) \(columns)")
      }
    }
  }

  @Test func fillsGathersAndPredicatedCopiesFollowTheElementSize() {
    let source = (0..<256).map { UInt8($0) }
    let indices: [UInt32] = [3, 0, 19, 20, 1_000_000, 7]
    let predicate: [Float] = [1, 0, .nan, -0.0, 2, 0]
    for size in [1, 2, 4] {
      var gathered = [UInt8](repeating: 0xEE, count: 6 * size)
      var copied = gathered
      var filled = [UInt8](repeating: 0, count: 8 * size)
      var found = 0
      unsafe source.withUnsafeBytes { raw in
        guard let from = raw.baseAddress else { return }
        found = unsafe Movement.gather(
          sizeBytes: size, from: from, sourceCount: 20, indices: indices, count: 6, into: &gathered)
        unsafe Movement.copyWhere(
          predicate, isReversed: true, sizeBytes: size, from: from, into: &copied, count: 6)
      }
      unsafe Movement.fill(0x0403_0201, sizeBytes: size, into: &filled, stride: 2, count: 4)
      #expect(found == 4)
      for (place, index) in indices.enumerated() {
        let expected =
          index < 20
          ? element(source, size, at: Int(index) * size) : [UInt8](repeating: 0xEE, count: size)
        #expect(element(gathered, size, at: place * size) == expected)
        let kept = predicate[place] != 0
        #expect(
          element(copied, size, at: place * size)
            == (kept
              ? [UInt8](repeating: 0xEE, count: size) : element(source, size, at: place * size)))
      }
      let pair =
        Array([UInt8](arrayLiteral: 1, 2, 3, 4).prefix(size)) + [UInt8](repeating: 0, count: size)
      #expect(filled == pair + pair + pair + pair)
    }
  }

  @Test func gatheredRowsKeepTheirPitchAndSkipWhatIsNotThere() {
    let table = (0..<60).map { UInt8($0) }
    var rows = [UInt8](repeating: 0xEE, count: 3 * 9)
    let found = unsafe Movement.gatherRows(
      from: table, rowCount: 5, pitchBytes: 12, rowBytes: 7, indices: [4, 5, 1], count: 3,
      into: &rows, destinationPitchBytes: 9)
    #expect(found == 2)
    #expect(Array(rows[0..<9]) == [48, 49, 50, 51, 52, 53, 54, 0xEE, 0xEE])
    #expect(Array(rows[9..<18]) == [UInt8](repeating: 0xEE, count: 9))
    #expect(Array(rows[18..<25]) == [12, 13, 14, 15, 16, 17, 18])
  }
}
