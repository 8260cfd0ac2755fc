import NumericFormats
import Testing

private let floatFormats: [NumberFormat] = [
  .tensorFloat32, .bfloat16, .float16, .float8e4m3, .float8e4m3fn, .float8e5m2, .float8e3m4,
]

@Suite struct StochasticRoundingTests {
  /// The mean of a million draws against the value itself. With a share p of draws that go up, the
  /// mean's standard error is gap * sqrt(p (1 - p) / n).
  @Test(arguments: floatFormats)
  func meanIsTheValue(format: NumberFormat) {
    let draws: UInt32 = 1_000_000
    let tiny = format.decode(format == .tensorFloat32 ? 0x2000 : 1)
    let values: [Float] = [
      1 + 0x1p-13, 1.2345678, -2.71828, 0.3, 5.04, tiny * 0.37, -tiny * 1.81, tiny * 0x1.1p-6,
    ]
    for (pass, value) in values.enumerated() {
      let bits = StochasticBits(seed: 2024, pass: UInt64(pass))
      var counts: [UInt32: Int] = [:]
      for index in 0..<draws {
        counts[format.encode(value, stochasticBits: bits.word(at: index)), default: 0] += 1
      }
      let codes = counts.keys.sorted { format.decode($0) < format.decode($1) }
      #expect(codes.count == 2, "\(format.name) \(value)")
      guard codes.count == 2 else { continue }
      let low = Double(format.decode(codes[0]))
      let high = Double(format.decode(codes[1]))
      let share = (Double(value) - low) / (high - low)
      #expect(share > 0 && share < 1)
      let mean = codes.reduce(0.0) {
        $0 + Double(format.decode($1)) * Double(counts[$1] ?? 0) / Double(draws)
      }
      let error = (high - low) * (share * (1 - share) / Double(draws)).squareRoot()
      #expect(abs(mean - Double(value)) < 3 * error, "\(format.name) \(value): \(mean)")
    }
  }

  @Test func numbersOfTheFormatStay() {
    for format in floatFormats where format.sizeBytes < 4 {
      for code in UInt32(0)..<(1 << UInt32(8 * format.sizeBytes)) {
        let value = format.decode(code)
        let expected = format.encode(value)
        for bits: UInt32 in [0, 0x8000_0000, .max] {
          #expect(format.encode(value, stochasticBits: bits) == expected)
        }
      }
    }
  }

  /// The number of 32-bit words that round up is the dropped fraction of 2^32, so it is found by
  /// halving: the carry happens for every word above a limit and for none below.
  @Test func probabilityIsExact() {
    let tiny = NumberFormat.float8e4m3.decode(1)
    let cases: [(NumberFormat, Float, Double)] = [
      (.bfloat16, 1 + 0x1p-9, 0.25), (.bfloat16, 1 + 0x1p-23, 0x1p-16),
      (.float16, 1 + 0x1.8p-11, 0.75), (.float8e4m3, 1.0625, 0.5), (.float8e5m2, 1.0625, 0.25),
      (.float8e3m4, -15.625, 0.25), (.tensorFloat32, 1 + 0x1p-12, 0.25),
      (.float8e4m3, tiny * 0x1.8p-9, 0x1.8p-9), (.float8e4m3, tiny * 0x1p-32, 0x1p-32),
      (.float8e4m3, tiny * 0x1p-33, 0), (.float16, .leastNonzeroMagnitude, 0),
      (.bfloat16, .leastNonzeroMagnitude, 0x1p-16),
    ]
    for (format, value, probability) in cases {
      let below = format.encode(value, stochasticBits: 0)
      var (low, high) = (UInt64(0), UInt64(1) << 32)
      while low < high {
        let middle = (low + high) / 2
        let code = format.encode(value, stochasticBits: UInt32(middle))
        if code == below { low = middle + 1 } else { high = middle }
      }
      let share = Double((UInt64(1) << 32) - low) * 0x1p-32
      #expect(share == probability, "\(format.name) \(value)")
    }
  }

  @Test func specialValuesFollowTheNearestRule() {
    for format in NumberFormat.allCases {
      for value in [Float.nan, -.nan, .infinity, -.infinity, 0, -0.0, 1e38 * 3] {
        for bits: UInt32 in [0, 1, .max] where value != 1e38 * 3 || format.sizeBytes == 1 {
          #expect(format.encode(value, stochasticBits: bits) == format.encode(value))
        }
      }
    }
    // Between the largest number and the step behind it, either may come.
    #expect(NumberFormat.float8e4m3.encode(250, stochasticBits: 0) == 0x77)
    #expect(NumberFormat.float8e4m3.encode(250, stochasticBits: .max) == 0x78)
    #expect(NumberFormat.int8.encode(0.5, stochasticBits: .max) == 0)
  }

  @Test func bitsDependOnSeedPassAndIndexAlone() {
    let bits = StochasticBits(seed: 7, pass: 3)
    #expect(bits == StochasticBits(seed: 7, pass: 3))
    let words = Set((0..<1000).map { bits.word(at: $0) })
    #expect(words.count == 1000)
    for other in [StochasticBits(seed: 7, pass: 4), StochasticBits(seed: 8, pass: 3)] {
      #expect((UInt32(0)..<1000).count { other.word(at: $0) == bits.word(at: $0) } < 3)
    }
  }

  /// Each bit of consecutive words is set half of the time, and differs from its neighbour's half
  /// of the time: within five standard errors over 2^18 words.
  @Test func bitsAreBalanced() {
    let count = 1 << 18
    let bits = StochasticBits(seed: 1)
    var ones = [Int](repeating: 0, count: 32)
    var changes = ones
    for index in 0..<UInt32(count) {
      let word = bits.word(at: index)
      let changed = word ^ bits.word(at: index &+ 1)
      for bit in 0..<32 {
        ones[bit] += Int(word >> UInt32(bit) & 1)
        changes[bit] += Int(changed >> UInt32(bit) & 1)
      }
    }
    let tolerance = 5 * Double(count).squareRoot() / 2
    for bit in 0..<32 {
      #expect(abs(Double(ones[bit] - count / 2)) < tolerance)
      #expect(abs(Double(changes[bit] - count / 2)) < tolerance)
    }
  }
}
