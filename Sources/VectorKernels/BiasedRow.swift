/// Rows of sums on their way to bf16, as convolutions and products end: scaled, biased, clipped and
/// rounded in one pass instead of one for each.
public enum BiasedRow {
  /// `destination[i] = bf16(max(fma(source[i], scale, bias), 0))`, without the maximum unless
  /// `clips`. A NaN becomes the quiet one; what is not above zero becomes +0 when it is clipped.
  ///
  /// `Activation.apply` and `Conversion.narrow` in turn are the reference.
  public static func toBFloat16(
    _ source: UnsafePointer<Float>, scale: Float, bias: Float, clips: Bool,
    into destination: UnsafeMutableRawPointer, count: Int
  ) {
    if clips {
      unsafe steps(source, scale, bias, destination, count) { $0 <= 0 ? 0 : $0 }
    } else {
      unsafe steps(source, scale, bias, destination, count) { $0 }
    }
  }

  @inline(__always)
  private static func steps(
    _ source: UnsafePointer<Float>, _ scale: Float, _ bias: Float,
    _ destination: UnsafeMutableRawPointer, _ count: Int, _ function: (Float) -> Float
  ) {
    var index = 0
    while index < count {
      let value = unsafe function(bias.addingProduct(source[index], scale))
      unsafe destination.storeBytes(
        of: Conversion.bfloat16Code(value), toByteOffset: index &* 2, as: UInt16.self)
      index &+= 1
    }
  }
}
