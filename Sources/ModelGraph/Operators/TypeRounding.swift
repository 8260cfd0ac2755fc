import Foundation
import NumericFormats

/// Rounds real numbers to a type that a tensor can have.
struct TypeRounding {
  private let type: ElementType
  private let saturates: Bool

  init(_ type: ElementType, saturates: Bool) {
    self.type = type
    self.saturates = saturates
  }

  /// The number of the type that stands for `value`; a fraction is cut off for whole numbers.
  func rounded(_ value: Double) -> Double {
    if type.isInteger { return value.isNaN ? 0 : value.rounded(.towardZero) }
    switch type {
    case .float64: return value
    case .format(.float32): return Double(Float(value))
    case .format(.float16): return Double(SmallFloat.float16.rounded(value))
    case .format(.bfloat16): return SmallFloat.bfloat16.rounded(value)
    case .format(.float8e4m3fn): return small(.float8e4m3fn, value)
    case .format(.float8e5m2): return small(.float8e5m2, value)
    case .float8e4m3fnuz: return small(.float8e4m3fnuz, value)
    case .float8e5m2fnuz: return small(.float8e5m2fnuz, value)
    case .float4e2m1: return small(.float4e2m1, value)
    case .format(.float8e8m0): return scale(value)
    case .format(let format):
      return Double(format.decode(format.encode(Float(value))))
    default: return value
    }
  }

  private func small(_ format: SmallFloat, _ value: Double) -> Double {
    let hasSaturation = saturates || format.specials == .none
    let rounded = format.rounded(value, clampsOverflow: hasSaturation)
    return rounded
  }

  /// A power of two: rounded up with saturation as ONNX does by default.
  private func scale(_ value: Double) -> Double {
    if value.isNaN { return .nan }
    let exponent = log2(max(abs(value), 0x1p-127)).rounded(.up)
    return exp2(min(max(exponent, -127), 127))
  }
}

/// A format of few bits, described by its fields.
struct SmallFloat: Equatable {
  enum Specials { case infinity, nan, none }

  /// Bits of the stored fraction.
  let fractionBits: Int
  /// The exponent of the smallest normal number.
  let smallestExponent: Int
  /// The largest finite number.
  let largest: Double
  /// What overflow becomes: infinity, NaN, or always the largest number.
  let specials: Specials

  static let float16 = SmallFloat(
    fractionBits: 10, smallestExponent: -14, largest: 65504, specials: .infinity)
  static let bfloat16 = SmallFloat(
    fractionBits: 7, smallestExponent: -126, largest: 0x1.FEp127, specials: .infinity)
  static let float8e4m3fn = SmallFloat(
    fractionBits: 3, smallestExponent: -6, largest: 448, specials: .nan)
  static let float8e4m3fnuz = SmallFloat(
    fractionBits: 3, smallestExponent: -7, largest: 240, specials: .nan)
  static let float8e5m2 = SmallFloat(
    fractionBits: 2, smallestExponent: -14, largest: 57344, specials: .infinity)
  static let float8e5m2fnuz = SmallFloat(
    fractionBits: 2, smallestExponent: -15, largest: 57344, specials: .nan)
  static let float4e2m1 = SmallFloat(
    fractionBits: 1, smallestExponent: 0, largest: 6, specials: .none)

  /// The nearest number, ties to even.
  func rounded(_ value: Double, clampsOverflow: Bool = false) -> Double {
    if value.isNaN { return specials == .none ? largest : .nan }
    if value == 0 { return specials == .nan && fractionBits < 4 ? 0 : value }
    if value.isInfinite {
      if clampsOverflow { return value < 0 ? -largest : largest }
      return specials == .infinity ? value : .nan
    }
    let exponent = max(Int(value.exponent), smallestExponent)
    let step = scalbn(1.0, exponent - fractionBits)
    let nearest = (value / step).rounded(.toNearestOrEven) * step
    guard abs(nearest) > largest else { return nearest }
    if clampsOverflow { return value < 0 ? -largest : largest }
    return specials == .infinity ? (value < 0 ? -.infinity : .infinity) : .nan
  }
}
