/// How large the numbers of a packed tile are, as the bits of fp32 magnitudes.
public struct Magnitudes: Hashable, Sendable, BitwiseCopyable {
  /// The smallest beside zero; 2^31 where all are zero.
  public var least: UInt32
  /// The largest; numbers that are not finite are the largest of all.
  public var most: UInt32

  /// No numbers, or zeros alone.
  public static let none = Magnitudes(least: 1 << 31, most: 0)
}

extension MatrixTile {
  /// True where a zero of the moving tile changes no sum, so that it may be left out of products.
  ///
  /// Zero times a finite weight is a zero, and adding it changes at most a sum of -0. No sum is -0
  /// where every product is a multiple of the smallest fp32 number: sums begin with +0, one that is
  /// not zero is then never rounded to zero, and two numbers that cancel make +0. Both factors are
  /// multiples of a bit 23 places below their leading one.
  public static func zerosAddNothing(_ weights: Magnitudes, leastMoving: UInt32) -> Bool {
    let (exponentBits, exponentSum): (UInt32, UInt32) = (23, 2 * 127 + 2 * 23 - 149)
    return weights.most < 0x7F80_0000
      && (weights.least >> exponentBits) + (leastMoving >> exponentBits) >= exponentSum
  }

  /// What a packed stationary tile holds; columns beyond m are zeros and do not count.
  public static func magnitudes(
    stationary panels: UnsafePointer<Float>, k: Int, m: Int
  ) -> Magnitudes {
    var (least, most): (UInt32, UInt32) = (.max, 0)
    for panel in 0..<panelCount(m, panelRows) {
      let values = unsafe panels + panel * panelFloats(k, panelRows)
      for index in 0..<k &* panelRows {
        let bits = unsafe values[index].bitPattern & 0x7FFF_FFFF
        let below = bits &- 1
        least = below < least ? below : least
        most = bits > most ? bits : most
      }
    }
    return Magnitudes(least: least == .max ? Magnitudes.none.least : least &+ 1, most: most)
  }
}
