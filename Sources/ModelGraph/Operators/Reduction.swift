import Foundation

/// How a reduction joins the elements that it runs over; the raw value is ONNX's name.
package enum ReductionKind: String, Hashable, Sendable, CaseIterable {
  case l1 = "ReduceL1"
  case l2 = "ReduceL2"
  case logSum = "ReduceLogSum"
  case logSumExp = "ReduceLogSumExp"
  case maximum = "ReduceMax"
  case mean = "ReduceMean"
  case minimum = "ReduceMin"
  case product = "ReduceProd"
  case sum = "ReduceSum"
  case sumOfSquares = "ReduceSumSquare"
}

/// A reduction over some axes of its one input.
package struct Reduction: OperatorFamily {
  /// How elements are joined.
  package var kind: ReductionKind
  /// The axes that it runs over, counted from the front or, negative, from the back; none leaves
  /// every element by itself.
  package var axes: [Int]
  /// True when reduced axes stay with length 1.
  package var keepsDimensions: Bool

  /// A reduction over these axes.
  package init(_ kind: ReductionKind, axes: [Int], keepsDimensions: Bool) {
    self.kind = kind
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }

  package var name: String { kind.rawValue }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let input = inputs[0]
    let reduced = Set(try inputs.axes(axes, rank: input.shape.rank))
    let kept = (0..<input.shape.rank).compactMap { axis in
      reduced.contains(axis) ? (keepsDimensions ? 1 : nil) : input.shape[axis]
    }
    return [TensorType(TensorShape(kept), input.type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let perElement =
      switch kind {
      case .l1, .l2, .sumOfSquares: 2
      case .logSumExp: 5
      default: 1
      }
    return perElement * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let types = try Operands([TensorType(view.shape, view.type)], of: self, node: inputs.node)
    let result = try results(types)[0]
    let groups = try groups(inputs, view.shape)
    if view.type.isInteger {
      let values = view.integerValues
      let joined = groups.starts.map { start in
        view.type.wrapped(whole(groups.offsets.map { values[start + $0] }, view.type))
      }
      return [try TensorView(integers: joined, shape: result.shape, type: view.type)]
    }
    let joined = groups.starts.map { start in real(groups.offsets.map { view[start + $0] }) }
    return [try TensorView(joined, shape: result.shape, type: view.type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    let view = inputs[0]
    let groups = try groups(inputs, view.shape)
    return indices.map { index in
      real(groups.offsets.map { view[groups.starts[index] + $0] })
    }
  }

  /// Where the elements of each result start in the input, and how far from there they stand.
  private func groups<Operand>(_ inputs: Operands<Operand>, _ shape: TensorShape)
    throws(GraphError) -> (starts: [Int], offsets: [Int])
  {
    let reduced = Set(try inputs.axes(axes, rank: shape.rank))
    let strides = shape.strides
    func indices(_ isReduced: Bool) -> [Int] {
      let axes = (0..<shape.rank).filter { reduced.contains($0) == isReduced }
      return IndexMap.strided(
        TensorShape(axes.map { shape[$0] }), strides: axes.map { strides[$0] })
    }
    return (indices(false), indices(true))
  }

  private func real(_ values: [Double]) -> Double {
    switch kind {
    case .sum: return values.reduce(0, +)
    case .mean: return values.reduce(0, +) / Double(values.count)
    case .product: return values.reduce(1, *)
    case .maximum: return values.reduce(-.infinity, Elementwise.larger)
    case .minimum: return values.reduce(.infinity, Elementwise.smaller)
    case .l1: return values.reduce(0) { $0 + abs($1) }
    case .l2: return values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    case .sumOfSquares: return values.reduce(0) { $0 + $1 * $1 }
    case .logSum: return log(values.reduce(0, +))
    case .logSumExp:
      let largest = values.max() ?? -.infinity
      if largest.isInfinite { return largest }
      return log(values.reduce(0) { $0 + exp($1 - largest) }) + largest
    }
  }

  private func whole(_ values: [Int64], _ type: ElementType) -> Int64 {
    switch kind {
    case .sum: return values.reduce(0, &+)
    case .product: return values.reduce(1, &*)
    case .maximum: return values.max() ?? type.integerBounds?.lowerBound ?? .min
    case .minimum: return values.min() ?? type.integerBounds?.upperBound ?? .max
    case .l1: return values.reduce(0) { $0 &+ ($1 < 0 ? 0 &- $1 : $1) }
    case .sumOfSquares: return values.reduce(0) { $0 &+ $1 &* $1 }
    default: return TensorView.integer(real(values.map(Double.init)))
    }
  }

  /// A sum is a product with ones: 4 · u · √K · Σ|x|; what moves an element whole is exact.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let view = tolerance.inputs[0]
    let inputs = try Operands([TensorView?.some(view)], of: self, node: name)
    let groups = try groups(inputs, view.shape)
    let walk =
      Tolerance.factor * Tolerance.sum * Double(max(1, groups.offsets.count)).squareRoot()
    return zip(indices, reference).map { index, value in
      let values = groups.offsets.map { view[groups.starts[index] + $0] }
      let given = values.map { view.absoluteUncertainty($0) }
      let size = values.reduce(0) { $0 + abs($1) }
      switch kind {
      case .maximum, .minimum: return given.max() ?? 0
      case .sum, .l1: return walk * size + Tolerance.factor * norm(given)
      case .mean:
        let count = Double(max(1, values.count))
        return (walk * size + Tolerance.factor * norm(given)) / count
          + 2 * Tolerance.sum * abs(value)
      case .sumOfSquares:
        return walk * abs(value) + 2 * zip(values, given).reduce(0) { $0 + abs($1.0) * $1.1 }
      case .l2: return (walk + Tolerance.function) * abs(value) + norm(given)
      case .product:
        return Double(values.count) * 2 * Tolerance.sum * abs(value)
          + zip(values, given).reduce(0) { $0 + ($1.0 == 0 ? 0 : abs(value / $1.0)) * $1.1 }
      case .logSum, .logSumExp:
        let argument = 2 * Tolerance.sum * (values.map { abs($0) }.max() ?? 0)
        return walk + Tolerance.function * (1 + abs(value)) + argument + (given.max() ?? 0)
      }
    }
  }
}
