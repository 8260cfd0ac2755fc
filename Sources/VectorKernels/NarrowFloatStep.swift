import NumericFormats

/// The constants of one narrow format, laid out for a loop without branches.
struct NarrowFloatStep {
  let mantissaShift: UInt32
  let signShift: UInt32
  let signMask: UInt32
  private let firstSpecial: UInt32
  private let infinityCode: UInt32
  let overflowCode: UInt32
  let quietNaN: UInt32
  let minimumNormal: UInt32
  let exponentOffset: UInt32
  /// What a subnormal result drops, plus fp32's exponent field.
  let subnormalShift: UInt32
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
    subnormalShift = mantissaShift + 128 - layout.bias
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
