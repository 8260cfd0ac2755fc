/// How a value that lies between two numbers of a format is stored.
public enum RoundingMode: Sendable, Hashable, BitwiseCopyable {
  /// To the nearest, ties to the even code: the default of every engine.
  case nearestEven
  /// Up or down at random, in proportion to the distances, so that the mean is the value itself.
  ///
  /// Integer formats round to nearest even all the same: the documentation of the mode speaks of
  /// floating-point formats alone.
  case stochastic(seed: UInt64)
}

/// The random bits of stochastic rounding: a function of seed, pass and element index alone, so
/// that neither threads nor vector widths nor the order of elements change a result.
///
/// What the hardware uses is not published; assumed: two rounds of an integer hash (the constants
/// of C. Wellons' "lowbias32") keyed by seed and pass.
public struct StochasticBits: Sendable, Equatable, BitwiseCopyable {
  /// Added to the index before the first round.
  public let firstKey: UInt32
  /// Mixed in between the rounds.
  public let secondKey: UInt32

  /// The bits of one pass: `pass` counts the roundings of one index, such as instructions retired.
  public init(seed: UInt64, pass: UInt64 = 0) {
    let key = SeedMixer.mixed(SeedMixer.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) ^ pass)
    firstKey = UInt32(truncatingIfNeeded: key)
    secondKey = UInt32(truncatingIfNeeded: key >> 32)
  }

  /// The 32 bits of one element.
  @inlinable
  public func word(at index: UInt32) -> UInt32 {
    Self.hashed(Self.hashed(index &+ firstKey) ^ secondKey)
  }

  /// A bijection of 32 bits.
  @inlinable
  static func hashed(_ value: UInt32) -> UInt32 {
    var bits = value
    bits ^= bits &>> 16
    bits = bits &* 0x7FEB_352D
    bits ^= bits &>> 15
    bits = bits &* 0x846C_A68B
    return bits ^ (bits &>> 16)
  }
}
