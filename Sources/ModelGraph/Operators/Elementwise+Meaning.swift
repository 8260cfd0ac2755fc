import Foundation

extension Elementwise {
  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let types = try Operands(
      inputs.values.map { $0.map { TensorType($0.shape, $0.type) } }, of: self, node: inputs.node)
    let result = try results(types)[0]
    if movesOnly { return [try moved(inputs, result)] }
    // Comparisons and Pow look at the first input's type, not at the result's.
    if inputs.present.allSatisfy(\.type.isInteger) {
      let columns = inputs.values.map { $0.map { integers($0, result.shape) } }
      let values = (0..<result.shape.elementCount).map { index in
        result.type.wrapped(whole(columns.map { $0?[index] }, inputs[0].type))
      }
      return [try TensorView(integers: values, shape: result.shape, type: result.type)]
    }
    let columns = inputs.values.map { $0.map { reals($0, result.shape) } }
    let values = realElements(columns, count: result.shape.elementCount)
    return [try TensorView(values, shape: result.shape, type: result.type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    let shape = inputs.present.reduce(inputs[0].shape) { $0.broadcast(with: $1.shape) ?? $0 }
    if movesOnly || inputs.present.allSatisfy(\.type.isInteger) {
      let all = try evaluate(inputs)[0]
      return indices.map { all[$0] }
    }
    let columns = inputs.values.map { input in
      input.map { view in indices.map { view[view.shape.sourceIndex(of: $0, in: shape)] } }
    }
    return realElements(columns, count: indices.count)
  }

  private func moved(_ inputs: Operands<TensorView>, _ result: TensorType) throws(GraphError)
    -> TensorView
  {
    if function == .identity { return inputs[0] }
    let condition = integers(inputs[0], result.shape)
    let (yes, no) = (inputs[1], inputs[2])
    let places = (
      IndexMap.broadcast(yes.shape, to: result.shape),
      IndexMap.broadcast(no.shape, to: result.shape)
    )
    let sources = condition.indices.map {
      condition[$0] != 0 ? places.0[$0] : yes.count + places.1[$0]
    }
    return try TensorView.joined([yes, no], shape: [yes.count + no.count], type: result.type)
      .picked(sources, shape: result.shape)
  }

  private func reals(_ view: TensorView, _ shape: TensorShape) -> [Double] {
    if view.shape == shape { return view.allValues }
    return IndexMap.broadcast(view.shape, to: shape).map { view[$0] }
  }

  private func integers(_ view: TensorView, _ shape: TensorShape) -> [Int64] {
    let values = view.integerValues
    if view.shape == shape { return values }
    return IndexMap.broadcast(view.shape, to: shape).map { values[$0] }
  }

  func realElements(_ columns: [[Double]?], count: Int) -> [Double] {
    let first = columns[0] ?? []
    switch function.inputCount {
    case 1...1: return first.map(unary)
    case 2...2:
      let second = columns[1] ?? []
      return (0..<count).map { binary(first[$0], second[$0]) }
    default:
      return (0..<count).map { index in many(columns.map { $0?[index] }) }
    }
  }

  /// Clip, or a fold over any number of inputs.
  private func many(_ values: [Double?]) -> Double {
    if function == .clip {
      var value = values[0] ?? 0
      if values.count > 1, let low = values[1] { value = Self.larger(value, low) }
      if values.count > 2, let high = values[2] { value = Self.smaller(value, high) }
      return value
    }
    let present = values.compactMap { $0 }
    let rest = present.dropFirst()
    switch function {
    case .maximum: return rest.reduce(present[0], Self.larger)
    case .minimum: return rest.reduce(present[0], Self.smaller)
    case .mean: return rest.reduce(present[0], +) / Double(present.count)
    default: return rest.reduce(present[0], +)
    }
  }

  /// The larger one; NaN if either is.
  static func larger(_ a: Double, _ b: Double) -> Double {
    a.isNaN || b.isNaN ? .nan : max(a, b)
  }

  /// The smaller one; NaN if either is.
  static func smaller(_ a: Double, _ b: Double) -> Double {
    a.isNaN || b.isNaN ? .nan : min(a, b)
  }

  /// The remainder with the divisor's sign, exactly; a finite number is its own remainder by an
  /// infinite one of its sign.
  private static func floored(_ a: Double, _ b: Double) -> Double {
    let rest = fmod(a, b)
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  private func binary(_ a: Double, _ b: Double) -> Double {
    switch function {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .power: pow(a, b)
    case .prelu: a < 0 ? a * b : a
    case .modulo: Self.floored(a, b)
    case .remainder: fmod(a, b)
    case .equal: a == b ? 1 : 0
    case .greater: a > b ? 1 : 0
    case .greaterOrEqual: a >= b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    default: .nan
    }
  }

  private func unary(_ x: Double) -> Double {
    switch function {
    case .abs: Swift.abs(x)
    case .ceil: x.rounded(.up)
    case .floor: x.rounded(.down)
    case .round: x.rounded(.toNearestOrEven)
    case .negate: -x
    case .sign: x.isNaN ? .nan : x > 0 ? 1 : x < 0 ? -1 : 0
    case .reciprocal: 1 / x
    case .sqrt: x.squareRoot()
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .erf: Foundation.erf(x)
    case .isNaN: x.isNaN ? 1 : 0
    case .isInfinite: (x == .infinity && beta != 0) || (x == -.infinity && alpha != 0) ? 1 : 0
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .tan: Foundation.tan(x)
    case .asin: Foundation.asin(x)
    case .acos: Foundation.acos(x)
    case .atan: Foundation.atan(x)
    case .sinh: Foundation.sinh(x)
    case .cosh: Foundation.cosh(x)
    case .tanh: Foundation.tanh(x)
    case .asinh: Foundation.asinh(x)
    case .acosh: Foundation.acosh(x)
    case .atanh: Foundation.atanh(x)
    default: activation(x)
    }
  }

  private func activation(_ x: Double) -> Double {
    switch function {
    case .relu: x.isNaN ? .nan : max(x, 0)
    case .sigmoid: Self.sigmoid(x)
    case .leakyRelu: x < 0 ? alpha * x : x
    case .elu: x < 0 ? alpha * expm1(x) : x
    case .celu: max(0, x) + min(0, alpha * expm1(x / alpha))
    case .selu: beta * (x <= 0 ? alpha * expm1(x) : x)
    // Forms that keep their digits where the factor beside x goes to 0.
    case .gelu: 0.5 * x * Foundation.erfc(-x * 0.5.squareRoot())
    case .geluTanh:
      x * Self.sigmoid(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
    case .hardSigmoid: max(0, min(1, alpha * x + beta))
    case .hardSwish: x * max(0, min(1, x / 6 + 0.5))
    case .mish: x * Foundation.tanh(Self.softplus(x))
    case .shrink: x < -alpha ? x + beta : x > alpha ? x - beta : 0
    case .softplus: Self.softplus(x)
    case .softsign: x / (1 + Swift.abs(x))
    case .swish: x * Self.sigmoid(alpha * x)
    case .thresholdedRelu: x > alpha ? x : 0
    default: .nan
    }
  }

  static func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }

  static func softplus(_ x: Double) -> Double {
    max(x, 0) + log1p(Foundation.exp(-Swift.abs(x)))
  }
}
