/// The random number generator of one lane up to NeuronCore-v3: a linear feedback shift register.
///
/// The vendor says that it is such a register and publishes no polynomial. Assumed here: 32 bits
/// with the primitive polynomial x^32 + x^22 + x^2 + x + 1 (period 2^32 - 1), stepped 32 times per
/// word, so that two words share no bits. Bit i of the state is the register's output i steps on.
public struct LinearFeedbackGenerator: Sendable, Equatable, BitwiseCopyable {
  /// Words of state per lane.
  public static var stateWordCount: Int { 1 }

  /// The register. All zeros is its fixed point, which only an explicit state can reach.
  public var state: UInt32

  /// A generator in a given state.
  @inlinable
  public init(state: UInt32) { self.state = state }

  /// A generator for one lane of a seeded engine; lanes differ and none starts at zero.
  public init(seed: UInt32, lane: Int = 0) {
    var mixer = SeedMixer(seed: seed, lane: lane)
    state = mixer.nextWord()
    if state == 0 { state = 1 }
  }

  /// The next 32 bits.
  @inlinable
  public mutating func next() -> UInt32 {
    state = Self.advanced(state)
    return state
  }

  /// The state 32 steps on: each new bit s[i + 32] is s[i + 22] ^ s[i + 2] ^ s[i + 1] ^ s[i].
  ///
  /// Bits that the sum takes from the new word itself are filled in from the low end upward.
  @inlinable
  public static func advanced(_ state: UInt32) -> UInt32 {
    let known = state ^ (state >> 1) ^ (state >> 2) ^ (state >> 22)
    let near = known ^ (known << 31) ^ (known << 30)
    return near ^ (near << 10) ^ (near << 20) ^ (near << 30)
  }
}
