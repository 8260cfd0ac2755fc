/// Spreads a seed and a lane number over words of state (SplitMix64's output function, by Steele,
/// Lea and Flood, 2014).
struct SeedMixer {
  private var state: UInt64

  init(seed: UInt32, lane: Int) {
    state = Self.mixed(UInt64(seed) << 32 | UInt64(UInt32(truncatingIfNeeded: lane)))
  }

  mutating func nextWord() -> UInt32 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return UInt32(truncatingIfNeeded: Self.mixed(state) >> 32)
  }

  /// A bijection of 64 bits in which every input bit reaches every output bit.
  static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
