import Foundation
import Testing
import VectorKernels

/// The true functions in the C library's fp64, written independently of the module.
func trueValue(_ function: ActivationFunction, _ x: Double) -> Double {
  func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }
  func density(_ x: Double) -> Double { Foundation.exp(-x * x / 2) / (2 * Double.pi).squareRoot() }
  func normal(_ x: Double) -> Double { 0.5 * Foundation.erfc(-x / 2.0.squareRoot()) }
  switch function {
  case .identity: return x
  case .exp: return Foundation.exp(x)
  case .log: return Foundation.log(x)
  case .tanh: return Foundation.tanh(x)
  case .sigmoid: return sigmoid(x)
  case .silu: return x * sigmoid(x)
  case .siluDerivative: return sigmoid(x) + x * sigmoid(x) * sigmoid(-x)
  case .gelu: return x * normal(x)
  case .geluDerivative: return normal(x) + x * density(x)
  // 1 + tanh(y) cancels for negative y; 2 sigmoid(2 y) is the same number.
  case .geluTanh: return x * sigmoid(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
  case .geluSigmoid: return x * sigmoid(1.702 * x)
  case .geluSigmoidDerivative:
    return sigmoid(1.702 * x) + 1.702 * x * sigmoid(1.702 * x) * sigmoid(-1.702 * x)
  case .relu: return Swift.max(x, 0)
  case .prelu: return x < 0 ? 0.25 * x : x
  case .sqrt: return x.squareRoot()
  case .rsqrt: return 1 / x.squareRoot()
  case .reciprocal: return 1 / x
  case .square: return x * x
  case .abs: return x.magnitude
  case .sign: return x > 0 ? 1 : x < 0 ? -1 : 0
  case .sin: return Foundation.sin(x)
  case .arctan: return Foundation.atan(x)
  case .erf: return Foundation.erf(x)
  case .erfDerivative: return 2 / Double.pi.squareRoot() * Foundation.exp(-x * x)
  case .softplus: return Swift.max(x, 0) + Foundation.log1p(Foundation.exp(-x.magnitude))
  case .mish: return x * Foundation.tanh(Foundation.log1p(Foundation.exp(x)))
  }
}

/// Distance in units of the last place of the fp32 nearest to the true value.
func unitsInLastPlace(_ value: Float, _ truth: Double) -> Double {
  let nearest = Float(truth)
  if nearest.isInfinite || truth.isNaN { return value == nearest || truth.isNaN ? 0 : .infinity }
  return Swift.abs(Double(value) - truth) / Double(nearest.ulp)
}

@Suite struct ActivationTests {
  func apply(_ function: ActivationFunction, _ row: [Float], _ scale: Float, _ bias: Float)
    -> [Float]
  {
    unsafe floats(row.count, from: row) {
      unsafe Activation.apply(
        function, $0, into: $0, count: row.count, scale: scale, bias: bias, parameter: 0.25)
    }
  }

  @Test func everyFunctionEqualsItsReferenceBitForBit() {
    for function in ActivationFunction.allCases {
      for count in rowSizes {
        let row = sampleRow(count, seed: UInt64(count) + 31)
        for (scale, bias) in [(Float(1), Float(0)), (-0.75, 0.3)] {
          let expected = row.map {
            function.reference(bias.addingProduct($0, scale), parameter: 0.25)
          }
          #expect(isSame(apply(function, row, scale, bias), expected), "\(function) \(count)")
        }
      }
    }
  }

  @Test func everyFunctionEqualsItsReferenceOverTheFloatRange() {
    var row: [Float] = []
    for bits in stride(from: UInt32(0), to: 0xFFFF_0000, by: 65_521) {
      row.append(Float(bitPattern: bits))
    }
    for function in ActivationFunction.allCases {
      let result = apply(function, row, 1, 0)
      let differs = row.indices.first {
        !isSame(result[$0], function.reference(Float(0).addingProduct(row[$0], 1), parameter: 0.25))
      }
      #expect(differs == nil, "\(function) \(differs.map { row[$0] } ?? 0)")
    }
  }

  /// Derivatives cross zero, where a relative error means nothing; there 1e-11 absolute must do.
  @Test func everyFunctionIsWithinHalfAUnitAndALittle() {
    for function in ActivationFunction.allCases {
      var row: [Float] = []
      for bits in stride(from: UInt32(0), to: 0x7F80_0000, by: 10_007) {
        let value = Float(bitPattern: bits)
        if function != .sin || value <= Float.pi {
          row +=
            function == .log || function == .sqrt || function == .rsqrt ? [value] : [value, -value]
        }
      }
      var generator = Seeded(99)
      for _ in 0..<200_000 {
        let value = Float.random(in: -3.14...3.14, using: &generator)
        row.append(
          function == .log || function == .sqrt || function == .rsqrt ? value.magnitude : value)
        if function != .sin && function != .log && function != .sqrt && function != .rsqrt {
          row.append(value * 8)
        }
      }
      let result = apply(function, row, 1, 0)
      var (worst, place): (Double, Float) = (0, 0)
      for (x, y) in zip(row, result) {
        // Adding the bias of 0 has turned -0 into 0.
        let truth = trueValue(function, Double(x) + 0)
        let isNearZero =
          Swift.abs(Double(y) - truth) < 1e-11 && "\(function)".hasSuffix("Derivative")
        let error = isNearZero ? 0 : unitsInLastPlace(y, truth)
        if error > worst { (worst, place) = (error, x) }
      }
      #expect(worst <= 0.501, "\(function): \(worst) at \(place)")
    }
  }

  @Test func limitsAreThoseOfTheMathematics() {
    let cases: [(ActivationFunction, Float, Float)] = [
      (.exp, -.infinity, 0), (.exp, .infinity, .infinity), (.exp, 0, 1), (.exp, 89, .infinity),
      (.log, 0, -.infinity), (.log, 1, 0), (.log, .infinity, .infinity),
      (.tanh, .infinity, 1), (.tanh, -.infinity, -1), (.sigmoid, -.infinity, 0),
      (.sigmoid, .infinity, 1), (.silu, -.infinity, -0.0), (.silu, .infinity, .infinity),
      (.siluDerivative, .infinity, 1), (.siluDerivative, -.infinity, -0.0),
      (.gelu, -.infinity, -0.0), (.gelu, .infinity, .infinity), (.gelu, -1e30, -0.0),
      (.geluTanh, -.infinity, -0.0), (.geluSigmoid, -.infinity, -0.0),
      (.geluDerivative, .infinity, 1), (.sqrt, .infinity, .infinity), (.rsqrt, .infinity, 0),
      (.rsqrt, 0, .infinity), (.arctan, .infinity, Float.pi.nextUp / 2), (.erf, -.infinity, -1),
      (.softplus, -.infinity, 0), (.softplus, .infinity, .infinity), (.mish, -.infinity, -0.0),
      (.mish, .infinity, .infinity), (.sign, -3, -1),
    ]
    for (function, x, expected) in cases {
      let value = function.reference(x)
      let isRight = function == .arctan ? Swift.abs(value - expected) < 2e-7 : value == expected
      #expect(isRight, "\(function) \(x): \(value)")
    }
    for function in ActivationFunction.allCases {
      #expect(function.reference(.nan, parameter: 1).isNaN, "\(function)")
    }
    #expect(
      ActivationFunction.log.reference(-1).isNaN && ActivationFunction.sqrt.reference(-1).isNaN)
  }

  @Test func theSumIsTheTreeOverTheResults() {
    for count in rowSizes {
      let row = sampleRow(count, seed: 41, isTame: true)
      var sum: Float = -1
      let result = unsafe floats(count) {
        sum = unsafe Activation.applyAndSum(.exp, row, into: $0, count: count, scale: 0.5, bias: 1)
      }
      #expect(unsafe sum == Reduction.reduceReference(.add, result, count: count))
    }
  }

  @Test func powerIsWithinHalfAUnitAndKeepsTheSpecialCases() {
    var generator = Seeded(7)
    var worst = 0.0
    for _ in 0..<300_000 {
      let x = Foundation.exp(Double.random(in: -20...20, using: &generator))
      let (base, exponent) = (Float(x), Float.random(in: -4...4, using: &generator))
      let value = ArithmeticOperation.power.apply(base, exponent)
      worst = Swift.max(
        worst, unitsInLastPlace(value, Foundation.pow(Double(base), Double(exponent))))
    }
    #expect(worst <= 0.501)
    for base in awkward + [-3, 4, -0.5] {
      for exponent in awkward + [2, -3, 0.25, 3] {
        let value = ArithmeticOperation.power.apply(base, exponent)
        let truth = Float(Foundation.pow(Double(base), Double(exponent)))
        #expect(isSame(value, truth), "\(base) ^ \(exponent): \(value), \(truth)")
      }
    }
  }
}
