/// 64-bit integers on their way to and from the device, whose elements have at most 32 bits.
///
/// Compilers for the device store them as 32-bit integers unless asked for native ones (source: the
/// public data-type pages of the AWS Neuron documentation), and no engine computes on 64 bits: all
/// arithmetic goes through fp32. So they are a format of tensors outside the device only.
public enum WideInteger {
  /// The int32 that stands for an int64: equal where it fits, else the nearest one.
  public static func narrow(_ value: Int64) -> Int32 { Int32(clamping: value) }

  /// The uint32 that stands for a uint64: equal where it fits, else the nearest one.
  public static func narrow(_ value: UInt64) -> UInt32 { UInt32(clamping: value) }

  /// The nearest fp32, ties to even.
  public static func decode(_ value: Int64) -> Float { Float(value) }

  /// The nearest fp32, ties to even.
  public static func decode(_ value: UInt64) -> Float { Float(value) }

  /// The nearest int64, ties to even, saturated; NaN becomes 0 (assumed, as for int32).
  public static func encodeSigned(_ value: Float) -> Int64 {
    guard !value.isNaN else { return 0 }
    let rounded = value.rounded(.toNearestOrEven)
    if rounded >= 0x1p63 { return .max }
    return rounded < -0x1p63 ? .min : Int64(rounded)
  }

  /// The nearest uint64, ties to even, saturated; NaN becomes 0 (assumed, as for uint32).
  public static func encodeUnsigned(_ value: Float) -> UInt64 {
    guard !value.isNaN else { return 0 }
    let rounded = value.rounded(.toNearestOrEven)
    if rounded >= 0x1p64 { return .max }
    return rounded <= 0 ? 0 : UInt64(rounded)
  }
}
