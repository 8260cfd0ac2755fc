/// The random number generator of one lane on NeuronCore-v4, and of GpSimd: XORWOW.
///
/// Five words of a 160-bit xorshift and a Weyl counter; period 2^192 - 2^32.
/// Source: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (14), 2003, section
/// 3.1; that the hardware uses it with six words per generator is in the public kernel interface.
public struct XorwowGenerator: Sendable, Equatable, BitwiseCopyable {
  /// Words of state per generator.
  public static var stateWordCount: Int { 6 }

  /// The shift register x, y, z, w, v and the counter d, in that order. With x to v all zero only
  /// the counter moves. The order of the words in the hardware's state is assumed.
  public var words: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

  /// A generator in a given state: `words` holds six words, missing ones are zero.
  public init(words: some Sequence<UInt32>) {
    var iterator = words.makeIterator()
    func word() -> UInt32 { iterator.next() ?? 0 }
    self.words = (word(), word(), word(), word(), word(), word())
  }

  /// The generator of the paper, with its starting words.
  public init() {
    words = (123_456_789, 362_436_069, 521_288_629, 88_675_123, 5_783_321, 6_615_241)
  }

  /// A generator for one lane of a seeded engine. How the hardware spreads a seed is not
  /// published; assumed: six words drawn from a mixing function of seed and lane.
  public init(seed: UInt32, lane: Int = 0) {
    var mixer = SeedMixer(seed: seed, lane: lane)
    self.init(words: (0..<Self.stateWordCount).map { _ in mixer.nextWord() })
  }

  /// The six words of state in order.
  public var stateWords: [UInt32] {
    get { [words.0, words.1, words.2, words.3, words.4, words.5] }
    set { self = XorwowGenerator(words: newValue) }
  }

  /// The next 32 bits.
  @inlinable
  public mutating func next() -> UInt32 {
    let t = words.0 ^ (words.0 >> 2)
    words.0 = words.1
    words.1 = words.2
    words.2 = words.3
    words.3 = words.4
    words.4 = (words.4 ^ (words.4 << 4)) ^ (t ^ (t << 1))
    words.5 &+= 362_437
    return words.5 &+ words.4
  }

  /// Equal states.
  public static func == (left: Self, right: Self) -> Bool {
    left.stateWords == right.stateWords
  }
}
