import Foundation

/// Random numbers that depend on a seed, a stream's name and an index alone: element 1,000,000 of a
/// tensor can be drawn without the elements before it, on any host and any number of threads.
///
/// The mixing function is SplitMix64 (Steele, Lea and Flood, 2014).
package struct SeededGenerator: Sendable {
  private let key: UInt64

  /// The stream of that name under a seed.
  package init(seed: UInt64, stream: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    key = Self.mix(seed &+ Self.mix(hash))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }

  /// 64 random bits.
  package func bits(at index: Int) -> UInt64 {
    Self.mix(key &+ UInt64(truncatingIfNeeded: index) &* 0x9e37_79b9_7f4a_7c15)
  }

  /// Evenly spread over [0, 1).
  package func uniform(at index: Int) -> Double { Double(bits(at: index) >> 11) * 0x1p-53 }

  /// Evenly spread over the whole numbers 0 ..< count; `count` is positive.
  package func integer(below count: Int, at index: Int) -> Int {
    Int(bits(at: index).multipliedFullWidth(by: UInt64(count)).high)
  }

  /// Bell-shaped: mean 0, standard deviation 1, within ±3.47.
  ///
  /// The sum of four uniform 16-bit numbers, so that it costs no logarithm and overflows no narrow
  /// format. Each has variance (65536² − 1) / 12, hence the divisor 65536 / sqrt(3).
  package func normal(at index: Int) -> Double {
    let bits = bits(at: index)
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)
    return (Double(sum) - 131_070) / 37_837.227
  }

  /// A row of a table of `count`, frequent rows with a share of about rank^(−exponent): the inverse
  /// of a bounded Pareto distribution, ranks spread over the table by a fixed multiplication.
  package func powerLaw(_ count: Int, exponent: Double, at index: Int) -> Int {
    guard count > 1 else { return 0 }
    let power = 1 - exponent
    let share = uniform(at: index)
    let rank =
      abs(power) < 1e-9
      ? pow(Double(count) + 1, share) - 1
      : pow((pow(Double(count) + 1, power) - 1) * share + 1, 1 / power) - 1
    return min(count - 1, max(0, Int(rank))) * 2_654_435_761 % count
  }

  /// The seeded values of a given tensor, not yet rounded to its format; the stream is its name.
  package static func values(of tensor: TensorDeclaration, seed: UInt64) -> [Float] {
    let values = SeededValues(of: tensor, seed: seed)
    return values[0..<values.count]
  }
}

extension RotaryAngles {
  /// The angle by which a pair of a token is turned.
  package func radians(token: Int, pair: Int) -> Double {
    let plain = pow(base, -2 * Double(pair) / Double(channels))
    return Double(firstPosition + token) * (scaling?.stretched(plain) ?? plain)
  }

  /// The cosine and sine that a pair of a token is turned with.
  package func turn(token: Int, pair: Int) -> (cosine: Double, sine: Double) {
    let radians = radians(token: token, pair: pair)
    let magnitude = scaling?.magnitude ?? 1
    return (magnitude * cos(radians), magnitude * sin(radians))
  }
}
