import NumericFormats
import Testing
import VectorKernels

/// Rows in runs against the same row element by element.
@Suite struct RunConversionTests {
  static let patterns: [ElementRuns] = [
    ElementRuns(count: 1), ElementRuns(count: 7), ElementRuns(count: 8), ElementRuns(count: 29),
    ElementRuns(count: 14, stride: 1, outerCounts: (1, 1, 6), outerStrides: (0, 0, 16)),
    ElementRuns(count: 9, stride: 1, outerCounts: (2, 3, 2), outerStrides: (80, 24, 11)),
    ElementRuns(count: 3, stride: 1, outerCounts: (1, 4, 3), outerStrides: (0, 13, 4)),
    ElementRuns(count: 10, stride: 2, outerCounts: (1, 2, 4), outerStrides: (0, 90, 20)),
    ElementRuns(count: 5, stride: 2, outerCounts: (1, 1, 3), outerStrides: (0, 0, 11)),
    ElementRuns(count: 4, stride: 2, outerCounts: (1, 1, 3), outerStrides: (0, 0, 9)),
    ElementRuns(count: 6, stride: 3, outerCounts: (1, 1, 2), outerStrides: (0, 0, 31)),
  ]
  static let room = 200

  func offsets(_ runs: ElementRuns) -> [Int] {
    var offsets: [Int] = []
    runs.forEach { run in offsets += (0..<runs.count).map { run + $0 * runs.stride } }
    return offsets
  }

  @Test func everyFormatWidensLikeOneElementAfterTheOther() {
    var generator = Seeded(11)
    for format in NumberFormat.allCases {
      let bytes = (0..<Self.room * 4).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for runs in Self.patterns {
        var wide = [Float](repeating: -77, count: runs.total + 1)
        unsafe bytes.withUnsafeBytes { raw in
          guard let base = raw.baseAddress else { return }
          unsafe Conversion.widen(format, from: base, runs, into: &wide)
        }
        let expected = offsets(runs).map { element in
          let code = (0..<format.sizeBytes).reduce(UInt32(0)) {
            $0 | UInt32(bytes[element * format.sizeBytes + $1]) << (8 * $1)
          }
          return format.decode(code)
        }
        #expect(isSame(Array(wide.dropLast()), expected), "\(format.name) \(runs)")
        #expect(wide[runs.total] == -77, "\(format.name) \(runs)")
      }
    }
  }

  @Test func everyFormatNarrowsLikeOneElementAfterTheOther() {
    for format in NumberFormat.allCases {
      for runs in Self.patterns {
        var values = sampleRow(runs.total, seed: 5, isTame: false)
        values[0] = .nan
        var fast = [UInt8](repeating: 0xA5, count: Self.room * format.sizeBytes)
        var slow = fast
        unsafe fast.withUnsafeMutableBytes { raw in
          guard let base = raw.baseAddress else { return }
          unsafe Conversion.narrow(format, from: values, into: base, runs)
        }
        for (value, element) in zip(values, offsets(runs)) {
          let code = format.encode(value)
          for byte in 0..<format.sizeBytes {
            slow[element * format.sizeBytes + byte] = UInt8(truncatingIfNeeded: code >> (8 * byte))
          }
        }
        #expect(fast == slow, "\(format.name) \(runs)")
      }
    }
  }
}
