public import NumericFormats

extension Conversion {
  /// Narrows `count` fp32 values into a format with a choice of rounding.
  ///
  /// Operands as in `narrow` without a mode. Under stochastic rounding, element i takes the bits of
  /// index `firstIndex` + i in this pass, so that a row may be cut anywhere; scalar reference:
  /// `NumberFormat.encode(_:stochasticBits:)`.
  public static func narrow(
    _ format: NumberFormat, from source: UnsafePointer<Float>,
    into destination: UnsafeMutableRawPointer, stride: Int, count: Int, rounding: RoundingMode,
    pass: UInt64 = 0, firstIndex: UInt32 = 0
  ) {
    guard case .stochastic(let seed) = rounding, format.isRoundedStochastically else {
      unsafe narrow(format, from: source, into: destination, stride: stride, count: count)
      return
    }
    let bits = StochasticBits(seed: seed, pass: pass)
    if stride == 1 {
      unsafe stochasticSteps(format, source, destination, 1, count, bits, firstIndex)
    } else {
      unsafe stochasticSteps(format, source, destination, stride, count, bits, firstIndex)
    }
  }

  @inline(__always)
  private static func stochasticSteps(
    _ format: NumberFormat, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int, _ bits: StochasticBits,
    _ first: UInt32
  ) {
    guard let layout = format.layout else {
      unsafe each(UInt32.self, source, destination, stride, count, bits, first) {
        // Ten of the 23 mantissa bits stay.
        let rounded = ($0.bitPattern &+ ($1 &>> 19)) & 0xFFFF_E000
        return $0 == $0 ? rounded : 0x7FC0_0000
      }
      return
    }
    let step = NarrowFloatStep(layout)
    switch format {
    case .bfloat16:
      // Every bf16 number is the upper half of an fp32 number, subnormal ones among them.
      unsafe each(UInt16.self, source, destination, stride, count, bits, first) {
        let rounded = ($0.bitPattern &+ ($1 &>> 16)) &>> 16
        return UInt16(truncatingIfNeeded: $0 == $0 ? rounded : 0x7FC0)
      }
    case .float16:
      unsafe each(UInt16.self, source, destination, stride, count, bits, first) {
        UInt16(truncatingIfNeeded: step.narrow($0, $1))
      }
    default:
      unsafe each(UInt8.self, source, destination, stride, count, bits, first) {
        UInt8(truncatingIfNeeded: step.narrow($0, $1))
      }
    }
  }

  @inline(__always)
  private static func each<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafePointer<Float>,
    _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int, _ bits: StochasticBits,
    _ first: UInt32, _ function: (Float, UInt32) -> Element
  ) {
    var index = 0
    while index < count {
      let offset = index &* stride &* MemoryLayout<Element>.size
      let word = bits.word(at: first &+ UInt32(truncatingIfNeeded: index))
      unsafe destination.storeBytes(
        of: function(source[index], word), toByteOffset: offset, as: type)
      index &+= 1
    }
  }
}

extension NumberFormat {
  /// True for the formats that stochastic rounding changes: floating-point ones narrower than fp32.
  var isRoundedStochastically: Bool { self == .tensorFloat32 || layout != nil }
}

extension NarrowFloatStep {
  /// `narrow`, up or down by random bits: `FloatLayout.encode(_:stochasticBits:)` without branches.
  @inline(__always)
  func narrow(_ value: Float, _ random: UInt32) -> UInt32 {
    let bits = value.bitPattern
    let magnitude = bits & 0x7FFF_FFFF
    let normal =
      ((magnitude &+ (random &>> (32 &- mantissaShift))) &>> mantissaShift) &- exponentOffset
    let rounded = magnitude < minimumNormal ? subnormalCode(magnitude, random) : normal
    let clamped = rounded > overflowCode ? overflowCode : rounded
    let signed = clamped | ((bits &>> signShift) & signMask)
    return magnitude > 0x7F80_0000 ? quietNaN : signed
  }

  /// Shifts by more than 31 give zero here: one of the two halves of the fraction always does.
  @inline(__always)
  private func subnormalCode(_ magnitude: UInt32, _ random: UInt32) -> UInt32 {
    let field = magnitude &>> 23
    let mantissa = magnitude & 0x007F_FFFF
    let significand = field == 0 ? mantissa : mantissa | 0x0080_0000
    let dropped = subnormalShift &- (field == 0 ? 1 : field)
    let fraction = (significand << (32 &- dropped)) | (significand >> (dropped &- 32))
    let carries = fraction &+ random < fraction
    return (significand >> dropped) &+ (carries ? 1 : 0)
  }
}
