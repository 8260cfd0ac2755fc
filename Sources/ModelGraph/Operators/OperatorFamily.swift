/// Operators of one kind in a file of their own: attributes, shape rule, meaning, operation count
/// and, where a device carries them out, how far a correct result may be off.
///
/// A new family is one struct in `Sources/ModelGraph/Operators`, one case of `Operator`, and one
/// line of `Operator.family`.
package protocol OperatorFamily: Hashable, Sendable {
  /// ONNX's name for the operator, or the nearest plain name where ONNX has none.
  var name: String { get }

  /// How many inputs it takes. The first `lowerBound` of them are always there; others may be left
  /// out, in the middle too.
  var inputCount: ClosedRange<Int> { get }

  /// What it makes of inputs of these types. Throws `shapes` for inputs that do not fit.
  func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType]

  /// Every result in float64, whole numbers exactly; the inputs passed `results`.
  func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView]

  /// The elements of the first result at these flat indices; all are computed unless a family knows
  /// better.
  func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError) -> [Double]

  /// Floating-point operations, two per multiply-add; 0 for what only moves values.
  func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int

  /// True where each element of a result is an element of an input: no error is allowed.
  var movesOnly: Bool { get }

  /// How far a device's elements may be from `reference` before they are rounded to their format.
  /// Without a rule of its own a family grants the uncertainty of no input and two roundings of
  /// fp32.
  func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double]) throws(GraphError)
    -> [Double]
}

extension OperatorFamily {
  /// All elements are computed.
  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    let first = try evaluate(inputs)[0]
    return indices.map { first[$0] }
  }

  /// Most families compute something.
  package var movesOnly: Bool { false }

  /// Moving values costs no operation; anything else one per element unless a family says more.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    movesOnly ? 0 : results.first?.shape.elementCount ?? 0
  }

  /// Two roundings of fp32.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    movesOnly
      ? reference.map { _ in 0 } : reference.map { 2 * Tolerance.sum * abs($0) }
  }
}

/// What has a shape and a type: a tensor that is declared, or one with values.
package protocol ShapedOperand: Sendable {
  /// Axis lengths.
  var shape: TensorShape { get }
  /// What kind of numbers.
  var type: ElementType { get }
}

extension TensorType: ShapedOperand {}
extension TensorView: ShapedOperand {}

/// The inputs of one application of an operator; some may be left out.
package struct Operands<Operand: ShapedOperand>: Sendable {
  /// The node's name in errors.
  package let node: String
  /// The operator's name in errors.
  package let operation: String
  /// The inputs in order; nil for one that is left out.
  package let values: [Operand?]

  /// The inputs of a node. Throws `wrongCount` when too few or too many are given.
  package init(_ values: [Operand?], of family: any OperatorFamily, node: String)
    throws(GraphError)
  {
    self.node = node
    self.operation = family.name
    self.values = values
    let range = family.inputCount
    let needed = values.prefix(range.lowerBound).count { $0 != nil }
    guard needed == range.lowerBound, values.count <= range.upperBound else {
      let expected =
        range.count == 1
        ? "\(range.lowerBound)"
        : range.upperBound == Int.max
          ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw .wrongCount(
        node: node, what: "inputs", expected: expected, found: values.count { $0 != nil })
    }
  }

  /// An input that is always there.
  package subscript(index: Int) -> Operand {
    guard let value = values[index] else {
      preconditionFailure("\(operation) of \(node) asks for input \(index), which may be left out")
    }
    return value
  }

  /// An input that may be left out.
  package func optional(_ index: Int) -> Operand? {
    index < values.count ? values[index] : nil
  }

  /// The number of places for inputs.
  package var count: Int { values.count }

  /// The inputs that are there.
  package var present: [Operand] { values.compactMap { $0 } }

  /// Inputs that do not fit, and why.
  package func failure(_ reason: String) -> GraphError {
    .shapes(node: node, operation: operation, shapes: present.map(\.shape), reason: reason)
  }

  /// Throws `shapes` unless the condition holds.
  package func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(GraphError) {
    guard condition else { throw failure(reason()) }
  }

  /// An axis counted from the front; negative ones count from the back. Throws `shapes` for one
  /// that the rank does not have.
  package func axis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
    let counted = axis < 0 ? axis + rank : axis
    try require(counted >= 0 && counted < rank, "there is no axis \(axis) of \(rank)")
    return counted
  }

  /// Axes counted from the front, each once. Throws `shapes`.
  package func axes(_ axes: [Int], rank: Int) throws(GraphError) -> [Int] {
    var result: [Int] = []
    for axis in axes { result.append(try self.axis(axis, rank: rank)) }
    try require(Set(result).count == result.count, "axes \(axes) name one twice")
    return result
  }
}
