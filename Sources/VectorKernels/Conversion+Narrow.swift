import NumericFormats

extension Conversion {
  @inline(__always)
  static func narrowSteps(
    _ format: NumberFormat, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
  ) {
    switch format {
    case .float32:
      unsafe each(UInt32.self, source, destination, stride, count) {
        $0 == $0 ? $0.bitPattern : 0x7FC0_0000
      }
    case .tensorFloat32:
      unsafe each(UInt32.self, source, destination, stride, count) {
        roundToTensorFloat32($0.bitPattern)
      }
    case .bfloat16:
      unsafe each(UInt16.self, source, destination, stride, count) { bfloat16Code($0) }
    case .float16:
      unsafe each(UInt16.self, source, destination, stride, count) {
        $0 == $0 ? Float16($0).bitPattern : 0x7E00
      }
    case .float8e4m3, .float8e4m3fn, .float8e5m2, .float8e3m4:
      guard let layout = format.layout else { return }
      let step = NarrowFloatStep(layout)
      unsafe each(UInt8.self, source, destination, stride, count) {
        UInt8(truncatingIfNeeded: step.narrow($0))
      }
    case .float8e8m0:
      unsafe each(UInt8.self, source, destination, stride, count) {
        UInt8(truncatingIfNeeded: scaleCode($0))
      }
    case .float8e4m3fnx4, .float8e5m2x4, .float4e2m1fnx4:
      unsafe narrowPacked(format, source, destination, stride, count)
    default: return
    }
  }

  /// Each value four times, as `NumberFormat.encode` packs it: clamped, since MX elements saturate.
  @inline(__always)
  private static func narrowPacked(
    _ format: NumberFormat, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
  ) {
    guard let packed = format.packedFormat else { return }
    let step = SaturatingStep(packed.layout)
    if format.sizeBytes == 2 {
      unsafe each(UInt16.self, source, destination, stride, count) {
        UInt16(truncatingIfNeeded: step.narrow($0) &* 0x1111)
      }
    } else {
      unsafe each(UInt32.self, source, destination, stride, count) {
        step.narrow($0) &* 0x0101_0101
      }
    }
  }

  /// The scale byte nearest to a value: the exponent field, one more from 1.5 on.
  @inline(__always)
  static func scaleCode(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    let rounded = (bits &+ 0x0040_0000) &>> 23
    // 2^-127 is half of the smallest normal fp32; the codes 0 and 1 part at three quarters of it.
    let small: UInt32 = bits < 0x0060_0000 ? 0 : 1
    let code = bits < 0x0080_0000 ? small : rounded
    return bits == 0 || bits >= 0x7F40_0000 ? 0xFF : code
  }

  /// A function of its own, not a case of `narrowSteps`: past a certain size the compiler stops
  /// inlining, and a loop that does not see that its stride is 1 scatters.
  static func narrowIntegers(
    _ format: NumberFormat, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
  ) {
    if stride == 1 {
      unsafe integerSteps(format, source, destination, 1, count)
    } else {
      unsafe integerSteps(format, source, destination, stride, count)
    }
  }

  @inline(__always)
  private static func integerSteps(
    _ format: NumberFormat, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
  ) {
    switch format {
    case .int8:
      unsafe each(UInt8.self, source, destination, stride, count) {
        UInt8(truncatingIfNeeded: roundedBits($0, -128, 127))
      }
    case .uint8:
      unsafe each(UInt8.self, source, destination, stride, count) {
        UInt8(truncatingIfNeeded: roundedBits($0, 0, 255))
      }
    case .int16:
      unsafe each(UInt16.self, source, destination, stride, count) {
        UInt16(truncatingIfNeeded: roundedBits($0, -32768, 32767) &- 0x4B40_0000)
      }
    case .uint16:
      unsafe each(UInt16.self, source, destination, stride, count) {
        UInt16(truncatingIfNeeded: roundedBits($0, 0, 65535))
      }
    case .int32:
      unsafe each(UInt32.self, source, destination, stride, count) {
        roundedWideBits($0, -2_147_483_648, 2_147_483_647)
      }
    default:
      unsafe each(UInt32.self, source, destination, stride, count) {
        roundedWideBits($0, 0, 4_294_967_295)
      }
    }
  }

  @inline(__always)
  static func bfloat16Code(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
    return UInt16(truncatingIfNeeded: value == value ? rounded : 0x7FC0)
  }

  /// Clamped, rounded to even, as the low bits of the sum with 1.5 * 2^23, whose unit is 1.
  @inline(__always)
  private static func roundedBits(_ value: Float, _ low: Float, _ high: Float) -> UInt32 {
    let number = value == value ? value : 0
    let above = number < low ? low : number
    let clamped = above > high ? high : above
    return (clamped + 0x1.8p23).bitPattern
  }

  /// The same in fp64, which holds every four-byte integer.
  @inline(__always)
  private static func roundedWideBits(_ value: Float, _ low: Double, _ high: Double) -> UInt32 {
    let number = Double(value == value ? value : 0)
    let above = number < low ? low : number
    let clamped = above > high ? high : above
    return UInt32(truncatingIfNeeded: (clamped + 0x1.8p52).bitPattern)
  }

  @inline(__always)
  private static func each<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int,
    _ function: (Float) -> Element
  ) {
    var index = 0
    while index < count {
      let offset = index &* stride &* MemoryLayout<Element>.size
      unsafe destination.storeBytes(of: function(source[index]), toByteOffset: offset, as: type)
      index &+= 1
    }
  }
}
