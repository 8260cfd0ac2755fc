import InstructionSet

/// Functions of one element that engines lack, built from steps that they have. The error named
/// with each is that of fp32 arithmetic beside the exact function of the fp32 argument.
extension ElementChain {
  private enum Number {
    /// Every fp32 number from here on is whole.
    static let wholeFrom = Float(0x1p23)
    /// 2π in three parts; products of the first two with whole numbers below 2^13 are exact.
    static let turns: [Float] = [6.28125, 2029 * 0x1p-20, 3.019_915_982_2e-7]
    /// The largest argument of the scalar engine's sine.
    static let sineLimit: Float = 3.141_592_5
    static let logarithmOf2: Float = 0.693_147_180_559_945
  }

  /// −x. Exact.
  package mutating func negated(_ x: Value) -> Value { arithmetic(.multiply, x, .constant(-1)) }

  /// The value within bounds; a bound that is missing does not hold. Exact.
  package mutating func clipped(_ x: Value, low: Value?, high: Value?) -> Value {
    var result = x
    if let low { result = arithmetic(.max, result, low) }
    if let high { result = arithmetic(.min, result, high) }
    return result
  }

  /// The second value where the first is not zero, else the third. Exact.
  package mutating func select(_ condition: Value, _ yes: Value, _ no: Value) -> Value {
    append(.select(condition, yes, no))
  }

  /// The nearest whole number, ties to even. Exact.
  package mutating func rounded(_ x: Value) -> Value {
    guardedWhole(x, append(.wholeNumber(x)))
  }

  /// The largest whole number not above x. Exact.
  package mutating func floor(_ x: Value) -> Value {
    let near = append(.wholeNumber(x))
    let above = arithmetic(.greaterThan, near, x)
    return guardedWhole(x, arithmetic(.subtract, near, above))
  }

  /// The smallest whole number not below x. Exact.
  package mutating func ceiling(_ x: Value) -> Value {
    let near = append(.wholeNumber(x))
    let below = arithmetic(.lessThan, near, x)
    return guardedWhole(x, arithmetic(.add, near, below))
  }

  /// The whole part, towards zero. Exact.
  package mutating func truncated(_ x: Value) -> Value {
    let whole = floor(function(.abs, x))
    return arithmetic(.multiply, whole, function(.sign, x))
  }

  /// x itself where it is too large to have a fraction, infinite or not a number.
  private mutating func guardedWhole(_ x: Value, _ whole: Value) -> Value {
    let size = function(.abs, x)
    let isSmall = arithmetic(.lessThan, size, .constant(Number.wholeFrom))
    return select(isSmall, whole, x)
  }

  /// Sine; absolute error below 4e-7 for |x| < 5e4, growing with |x| beyond.
  package mutating func sine(_ x: Value) -> Value { function(.sin, reduced(x, quarterTurns: 0)) }

  /// Cosine; absolute error as for `sine`.
  package mutating func cosine(_ x: Value) -> Value { function(.sin, reduced(x, quarterTurns: 1)) }

  /// Tangent: sine over cosine.
  package mutating func tangent(_ x: Value) -> Value {
    let sine = sine(x)
    return arithmetic(.divide, sine, cosine(x))
  }

  /// x plus quarter turns, less whole turns: in [−π, π].
  private mutating func reduced(_ x: Value, quarterTurns: Int) -> Value {
    let scaled = arithmetic(.multiply, x, .constant(1 / (2 * .pi)))
    let turns = arithmetic(.add, scaled, .constant(Float(quarterTurns) / 4))
    let whole = append(.wholeNumber(turns))
    var rest = x
    for part in Number.turns {
      let step = arithmetic(.multiply, whole, .constant(-part))
      rest = arithmetic(.add, step, rest)
    }
    if quarterTurns != 0 {
      rest = arithmetic(.add, rest, .constant(Float(quarterTurns) * .pi / 2))
    }
    return clipped(
      rest, low: .constant(-Number.sineLimit), high: .constant(Number.sineLimit))
  }

  /// ln(1 + t) for t ≥ 0 as softplus(ln t); relative error below (2 + |ln t|) · 2^-23.
  package mutating func logarithmOfOnePlus(_ t: Value) -> Value {
    function(.softplus, function(.log, t))
  }

  /// e^x − 1 for x ≤ 0, as 2 t / (1 − t) of t = tanh(x / 2); relative error below 4e-7.
  package mutating func exponentialMinusOne(_ x: Value) -> Value {
    let t = function(.tanh, x, scale: 0.5)
    let rest = arithmetic(.subtract, .constant(1), t)
    let double = arithmetic(.multiply, t, .constant(2))
    return arithmetic(.divide, double, rest)
  }

  /// (e^x + e^−x) / 2; relative error below 1e-6 · (1 + |x| / 8).
  package mutating func hyperbolicCosine(_ x: Value) -> Value {
    let grows = arithmetic(.subtract, x, .constant(Number.logarithmOf2))
    let negative = negated(x)
    let falls = arithmetic(.subtract, negative, .constant(Number.logarithmOf2))
    return arithmetic(.add, function(.exp, grows), function(.exp, falls))
  }

  /// tanh(x) cosh(x): no cancellation near 0.
  package mutating func hyperbolicSine(_ x: Value) -> Value {
    let slope = function(.tanh, x)
    return arithmetic(.multiply, slope, hyperbolicCosine(x))
  }

  /// arctan(x / √((1 − x)(1 + x))); absolute error below 4e-7.
  package mutating func arcSine(_ x: Value) -> Value {
    let product = arithmetic(.multiply, oneMinus(x), onePlus(x))
    return function(.arctan, arithmetic(.divide, x, function(.sqrt, product)))
  }

  /// 2 arctan(√((1 − x) / (1 + x))); absolute error below 6e-7.
  package mutating func arcCosine(_ x: Value) -> Value {
    let ratio = arithmetic(.divide, oneMinus(x), onePlus(x))
    let half = function(.arctan, function(.sqrt, ratio))
    return arithmetic(.multiply, half, .constant(2))
  }

  /// sign(x) ln(1 + |x| + x² / (1 + √(x² + 1))).
  package mutating func areaSine(_ x: Value) -> Value {
    let square = arithmetic(.multiply, x, x)
    let root = function(.sqrt, onePlus(square))
    let part = arithmetic(.divide, square, onePlus(root))
    let sum = arithmetic(.add, part, function(.abs, x))
    return arithmetic(.multiply, logarithmOfOnePlus(sum), function(.sign, x))
  }

  /// ln(1 + t + √(t (t + 2))) of t = x − 1.
  package mutating func areaCosine(_ x: Value) -> Value {
    let t = arithmetic(.subtract, x, .constant(1))
    let more = arithmetic(.add, t, .constant(2))
    let root = function(.sqrt, arithmetic(.multiply, t, more))
    return logarithmOfOnePlus(arithmetic(.add, t, root))
  }

  /// sign(x) / 2 · ln(1 + 2 |x| / (1 − |x|)).
  package mutating func areaTangent(_ x: Value) -> Value {
    let size = function(.abs, x)
    let double = arithmetic(.multiply, size, .constant(2))
    let ratio = arithmetic(.divide, double, oneMinus(size))
    let half = arithmetic(.multiply, logarithmOfOnePlus(ratio), .constant(0.5))
    return arithmetic(.multiply, half, function(.sign, x))
  }

  /// a − b · ⌊a / b⌋, or towards zero: the remainder with the divisor's or the dividend's sign.
  /// Exact while the quotient is below 2^22 and b · ⌊a / b⌋ is exact in fp32.
  package mutating func remainder(_ a: Value, _ b: Value, towardsZero: Bool) -> Value {
    let quotient = arithmetic(.divide, a, b)
    let whole = towardsZero ? truncated(quotient) : floor(quotient)
    let product = arithmetic(.multiply, whole, b)
    return arithmetic(.subtract, a, product)
  }

  /// The remainder where the divisor may be infinite: the dividend itself, or the divisor where the
  /// remainder has its sign and the dividend another.
  package mutating func realRemainder(_ a: Value, _ b: Value, towardsZero: Bool) -> Value {
    let plain = remainder(a, b, towardsZero: towardsZero)
    if case .constant(let divisor) = b, divisor.isFinite { return plain }
    var rest = a
    if !towardsZero {
      let signs = arithmetic(.multiply, function(.sign, a), function(.sign, b))
      rest = select(arithmetic(.lessThan, signs, .constant(0)), b, a)
    }
    // An infinite dividend leaves no number.
    let kept = arithmetic(.add, rest, arithmetic(.subtract, a, a))
    let isInfinite = arithmetic(.isEqual, function(.abs, b), .constant(.infinity))
    return select(isInfinite, kept, plain)
  }

  /// A whole number's low bits: its distance from `low` modulo `count`. Exact below 2^24.
  package mutating func wrapped(_ x: Value, low: Float, count: Float) -> Value {
    let moved = arithmetic(.subtract, x, .constant(low))
    let turns = floor(arithmetic(.multiply, moved, .constant(1 / count)))
    let whole = arithmetic(.multiply, turns, .constant(-count))
    return arithmetic(.add, whole, x)
  }

  private mutating func onePlus(_ x: Value) -> Value { arithmetic(.add, x, .constant(1)) }

  private mutating func oneMinus(_ x: Value) -> Value { arithmetic(.subtract, .constant(1), x) }
}
