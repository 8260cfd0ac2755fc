package import NumericFormats

/// How much a rounding to a number format can change a value.
package enum Roundoff {
  /// The largest relative change of a normal number rounded to nearest: 2^−(significand bits),
  /// the hidden bit counted. 0 for integers, which hold whole numbers exactly.
  package static func unit(of format: NumberFormat) -> Double {
    switch format {
    case .float32: 0x1p-24
    case .tensorFloat32, .float16: 0x1p-11
    case .bfloat16: 0x1p-8
    case .float8e4m3, .float8e4m3fn: 0x1p-4
    case .float8e5m2: 0x1p-3
    case .float8e3m4: 0x1p-5
    case .float8e8m0, .float8e4m3fnx4, .float8e5m2x4, .float4e2m1fnx4: format.unitRoundoff
    case .int8, .uint8, .int16, .uint16, .int32, .uint32: 0
    }
  }

  /// The largest change of a number near zero: half the distance between subnormal numbers.
  package static func floor(of format: NumberFormat) -> Double {
    switch format {
    case .float16: 0x1p-25
    case .float8e4m3, .float8e4m3fn: 0x1p-10
    case .float8e5m2: 0x1p-17
    case .float8e3m4: 0x1p-7
    case .float8e4m3fnx4: 0x1p-10
    case .float8e5m2x4: 0x1p-17
    case .float4e2m1fnx4: 0x1p-2
    default: 0x1p-126
    }
  }
}

/// The formats in which a kernel may round on the way to a result.
package struct Rounding: Hashable, Sendable {
  /// The format of the result.
  package var output: NumberFormat
  /// The format that values between the steps of one operator may be rounded to, such as the
  /// probabilities of attention before they meet V.
  package var intermediate: NumberFormat
  /// True where a value is stored as either of its neighbours at random: one rounding then moves
  /// it by up to the whole distance between two numbers, twice that of rounding to nearest.
  package var isStochastic = false

  /// The largest relative change of a rounding to the format of the result.
  package var outputUnit: Double { reach * Roundoff.unit(of: output) }
  /// The largest change of a result near zero.
  var outputFloor: Double { reach * Roundoff.floor(of: output) }
  /// The largest relative change of a rounding between two steps; 0 where values stay in fp32.
  var intermediateUnit: Double {
    intermediate == .float32 ? 0 : reach * Roundoff.unit(of: intermediate)
  }
  private var reach: Double { isStochastic ? 2 : 1 }

  /// These two formats; sums are always kept in fp32.
  package init(output: NumberFormat, intermediate: NumberFormat) {
    self.output = output
    self.intermediate = intermediate
  }

  /// What a kernel may do unless told otherwise: round attention's probabilities, their gradients,
  /// neighbours' weighted values and experts' hidden activations to the format of the queries or
  /// tokens (the tensor engine takes both operands in one width), keep all else in fp32.
  package static func usual(_ operation: Operator, inputs: [TensorView], output: NumberFormat)
    -> Rounding
  {
    switch operation {
    case .attention, .attentionGradient, .expertLayer, .neighbourAttention, .pagedAttention:
      if let first = inputs.first { return Rounding(output: output, intermediate: first.format) }
    default: break
    }
    return Rounding(output: output, intermediate: .float32)
  }
}
