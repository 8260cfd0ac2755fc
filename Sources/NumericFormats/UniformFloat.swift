/// Uniform fp32 numbers from random words.
public enum UniformFloat {
  /// A number in [0, 1): the upper 24 bits of a word as a fraction, so that all steps are equal.
  ///
  /// Assumed: how the hardware makes a number of a word is not published.
  @inlinable
  public static func unit(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }

  /// A number in [low, high), or `high` where the fp32 sum rounds to it.
  @inlinable
  public static func between(_ low: Float, _ high: Float, _ word: UInt32) -> Float {
    low + (high - low) * unit(word)
  }
}
