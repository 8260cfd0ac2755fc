import NumericFormats

extension Conversion {
  @inline(__always)
  static func widenSteps(
    _ format: NumberFormat, _ source: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ destination: UnsafeMutablePointer<Float>
  ) {
    switch format {
    case .float32:
      unsafe each(UInt32.self, source, stride, count, destination) { Float(bitPattern: $0) }
    case .tensorFloat32:
      unsafe each(UInt32.self, source, stride, count, destination) {
        Float(bitPattern: roundToTensorFloat32($0))
      }
    case .bfloat16:
      unsafe each(UInt16.self, source, stride, count, destination) {
        Float(bitPattern: UInt32($0) &<< 16)
      }
    case .float16:
      unsafe each(UInt16.self, source, stride, count, destination) {
        Float(Float16(bitPattern: $0))
      }
    case .float8e4m3, .float8e4m3fn, .float8e5m2, .float8e3m4:
      guard let layout = format.layout else { return }
      let step = NarrowFloatStep(layout)
      unsafe each(UInt8.self, source, stride, count, destination) { step.widen(UInt32($0)) }
    case .int8: unsafe each(Int8.self, source, stride, count, destination) { Float($0) }
    case .uint8: unsafe each(UInt8.self, source, stride, count, destination) { Float($0) }
    case .int16: unsafe each(Int16.self, source, stride, count, destination) { Float($0) }
    case .uint16: unsafe each(UInt16.self, source, stride, count, destination) { Float($0) }
    case .int32: unsafe each(Int32.self, source, stride, count, destination) { Float($0) }
    case .uint32: unsafe each(UInt32.self, source, stride, count, destination) { Float($0) }
    case .float8e8m0:
      unsafe each(UInt8.self, source, stride, count, destination) { scaleValue(UInt32($0)) }
    case .float8e4m3fnx4, .float8e5m2x4, .float4e2m1fnx4:
      unsafe widenPacked(format, source, stride, count, destination)
    }
  }

  @inline(__always)
  private static func each<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ destination: UnsafeMutablePointer<Float>, _ function: (Element) -> Float
  ) {
    var index = 0
    while index < count {
      let offset = index &* stride &* MemoryLayout<Element>.size
      unsafe destination[index] = function(source.loadUnaligned(fromByteOffset: offset, as: type))
      index &+= 1
    }
  }

  /// The first number of each packed element, as `NumberFormat.decode` reads it.
  @inline(__always)
  private static func widenPacked(
    _ format: NumberFormat, _ source: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ destination: UnsafeMutablePointer<Float>
  ) {
    guard let packed = format.packedFormat else { return }
    let step = NarrowFloatStep(packed.layout)
    let mask: UInt32 = packed.bitWidth == 4 ? 0xF : 0xFF
    if format.sizeBytes == 2 {
      unsafe each(UInt16.self, source, stride, count, destination) { step.widen(UInt32($0) & mask) }
    } else {
      unsafe each(UInt32.self, source, stride, count, destination) { step.widen($0 & mask) }
    }
  }

  /// The value of a scale byte: its bits are fp32's exponent, but for 0 and the NaN.
  @inline(__always)
  static func scaleValue(_ byte: UInt32) -> Float {
    let normal = byte == 0 ? 0x0040_0000 : byte &<< 23
    return Float(bitPattern: byte == 0xFF ? 0x7FC0_0000 : normal)
  }

  /// Keeps ten mantissa bits of an fp32 pattern, ties to even; any NaN becomes the quiet one.
  @inline(__always)
  static func roundToTensorFloat32(_ bits: UInt32) -> UInt32 {
    let rounded = (bits &+ 0x0FFF &+ ((bits &>> 13) & 1)) & 0xFFFF_E000
    return bits & 0x7FFF_FFFF > 0x7F80_0000 ? 0x7FC0_0000 : rounded
  }
}

/// The constants of one narrow format, laid out for a loop without branches.
struct NarrowFloatStep {
  private let mantissaShift: UInt32
  private let signShift: UInt32
  private let signMask: UInt32
  private let firstSpecial: UInt32
  private let infinityCode: UInt32
  private let overflowCode: UInt32
  private let quietNaN: UInt32
  private let minimumNormal: UInt32
  private let exponentOffset: UInt32
  private let roundingMagic: UInt32
  private let biasDifference: UInt32
  private let smallestNormalCode: UInt32

  init(_ layout: FloatLayout) {
    mantissaShift = 23 - layout.mantissaBits
    signShift = 32 - layout.width
    signMask = layout.signMask
    firstSpecial = layout.firstSpecialCode
    infinityCode = layout.specials == .infinityAndNaN ? layout.firstSpecialCode : UInt32.max
    overflowCode = layout.overflowCode
    quietNaN = layout.quietNaNCode
    minimumNormal = (128 - layout.bias) << 23
    exponentOffset = (127 - layout.bias) << layout.mantissaBits
    roundingMagic = (151 - layout.bias - layout.mantissaBits) << 23
    biasDifference = (127 - layout.bias) << 23
    smallestNormalCode = 1 << layout.mantissaBits
  }

  /// The fields move to where fp32 has them and the exponent is mended by an integer add. A
  /// subnormal is read as if it had a hidden bit, which is then subtracted: exact, and no host
  /// pays its penalty for fp32 subnormals.
  @inline(__always)
  func widen(_ code: UInt32) -> Float {
    let magnitude = code & (signMask &- 1)
    let normal = (magnitude &<< mantissaShift) &+ biasDifference
    let hidden = Float(bitPattern: normal &+ 0x0080_0000) - Float(bitPattern: minimumNormal)
    let finite = magnitude < smallestNormalCode ? hidden.bitPattern : normal
    let special: UInt32 = magnitude == infinityCode ? 0x7F80_0000 : 0x7FC0_0000
    let bits = magnitude >= firstSpecial ? special : finite
    return Float(bitPattern: bits | ((code & signMask) &<< signShift))
  }

  /// Normal results round by an integer add; subnormal ones by adding the power of two whose unit
  /// in the last place is the format's smallest number, which leaves the code in the low bits.
  @inline(__always)
  func narrow(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    let magnitude = bits & 0x7FFF_FFFF
    let half = (UInt32(1) &<< (mantissaShift &- 1)) &- 1
    let odd = (magnitude &>> mantissaShift) & 1
    let normal = ((magnitude &+ half &+ odd) &>> mantissaShift) &- exponentOffset
    let shifted = Float(bitPattern: magnitude) + Float(bitPattern: roundingMagic)
    let subnormal = shifted.bitPattern &- roundingMagic
    let rounded = magnitude < minimumNormal ? subnormal : normal
    let clamped = rounded > overflowCode ? overflowCode : rounded
    let signed = clamped | ((bits &>> signShift) & signMask)
    return magnitude > 0x7F80_0000 ? quietNaN : signed
  }
}

/// `NarrowFloatStep.narrow` for formats in which a finite value never leaves the finite numbers.
struct SaturatingStep {
  private let step: NarrowFloatStep
  private let largest: Float

  init(_ layout: FloatLayout) {
    step = NarrowFloatStep(layout)
    largest = layout.largestFinite
  }

  @inline(__always)
  func narrow(_ value: Float) -> UInt32 {
    let isFinite = value.magnitude < .infinity
    let below = value < -largest ? -largest : value
    let clamped = below > largest ? largest : below
    return step.narrow(isFinite ? clamped : value)
  }
}
