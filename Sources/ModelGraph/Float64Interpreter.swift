import NumericFormats

/// What each operator means, in float64 and plain loops: slow, obvious, and independent of every
/// kernel.
///
/// Two ways of asking: all elements of a result, or only the elements at given flat indices, at the
/// cost of the rows and columns that those need.
package enum Float64Interpreter {
  /// Every element of an operator's result.
  ///
  /// Throws what shape inference finds, and `badValue` for an index outside its table.
  package static func evaluate(_ operation: Operator, inputs: [TensorView]) throws(GraphError)
    -> [Double]
  {
    if operation.family != nil { return try results(operation, inputs: inputs)[0].allValues }
    let shape = try result(of: operation, inputs)
    switch operation {
    case .matMul(let transposeA, let transposeB):
      return product(inputs[0], inputs[1], transposeA: transposeA, transposeB: transposeB)
    case .attention(let attention):
      return wholeAttention(attention, inputs)
    default:
      return try elements(operation, inputs, shape: shape, at: Array(0..<shape.elementCount))
    }
  }

  /// Every result of an operator, whole numbers exactly; nil stands for an input that is left out.
  ///
  /// Throws what shape inference finds, and `badValue` for an index outside its table.
  package static func results(
    _ operation: Operator, inputs: [TensorView?], node: String? = nil
  ) throws(GraphError) -> [TensorView] {
    let name = node ?? operation.name
    let types = inputs.map { $0.map { TensorType($0.shape, $0.type) } }
    let results = try ShapeInference.results(of: operation, inputs: types, node: name)
    if let family = operation.family {
      return try family.evaluate(Operands(inputs, of: family, node: name))
    }
    let present = inputs.compactMap { $0 }
    if case .transpose(let permutation) = operation {
      let map = IndexMap.transposed(present[0].shape, permutation)
      return [try present[0].picked(map, shape: results[0].shape)]
    }
    let values = try evaluate(operation, inputs: present)
    return [try TensorView(values, shape: results[0].shape, type: results[0].type)]
  }

  /// The elements of an operator's result at these flat indices, in their order.
  ///
  /// Throws what shape inference finds, and `badValue` for an index outside its table or result.
  package static func evaluate(
    _ operation: Operator, inputs: [TensorView], at indices: [Int]
  ) throws(GraphError) -> [Double] {
    let shape = try result(of: operation, inputs)
    for index in indices where !(0..<shape.elementCount).contains(index) {
      throw .badValue(tensor: operation.name, reason: "\(index) lies outside \(shape)")
    }
    if let family = operation.family {
      return try family.elements(
        Operands(inputs.map { TensorView?.some($0) }, of: family, node: operation.name),
        at: indices)
    }
    return try elements(operation, inputs, shape: shape, at: indices)
  }

  private static func result(of operation: Operator, _ inputs: [TensorView]) throws(GraphError)
    -> TensorShape
  {
    try ShapeInference.result(of: operation, inputs: inputs, node: operation.name)
  }

  private static func elements(
    _ operation: Operator, _ inputs: [TensorView], shape: TensorShape, at indices: [Int]
  ) throws(GraphError) -> [Double] {
    let first = inputs[0]
    switch operation {
    case .matMul(let transposeA, let transposeB):
      let product = ProductOperands(first, inputs[1], transposeA, transposeB)
      return product.elements(at: indices)
    case .softmax:
      return byRow(indices, columns: shape.columnCount) { softmax(first.row($0)) }
    case .rmsNormalization(let epsilon):
      return byRow(indices, columns: shape.columnCount) {
        rmsNormalization(first.row($0), scale: inputs[1], epsilon: epsilon)
      }
    case .layerNormalization(let epsilon):
      return byRow(indices, columns: shape.columnCount) {
        layerNormalization(
          first.row($0), scale: inputs[1], bias: inputs[2], epsilon: epsilon)
      }
    case .rotaryEmbedding(let rotary):
      return indices.map { RotaryPair(rotary, inputs, index: $0).turned }
    case .attention(let attention):
      return attentionElements(attention, inputs, at: indices)
    case .softmaxCrossEntropyLoss:
      let labels = try labels(inputs[1], classes: first.shape.columnCount)
      return indices.map { _ in crossEntropy(first, labels) }
    case .softmaxCrossEntropyGradient:
      let labels = try labels(inputs[1], classes: first.shape.columnCount)
      return byRow(indices, columns: shape.columnCount) {
        crossEntropyGradient(first, labels, row: $0)
      }
    case .gather:
      let rows = try labels(inputs[1], classes: first.shape[0])
      let columns = shape.columnCount
      return indices.map { first[rows[$0 / columns] * columns + $0 % columns] }
    default:
      return simpleElements(operation, inputs, shape: shape, at: indices)
    }
  }

  /// Indices into a table of `classes` rows. Throws `badValue` for one outside.
  static func labels(_ view: TensorView, classes: Int) throws(GraphError) -> [Int] {
    var labels: [Int] = []
    for value in view.allValues {
      guard value >= 0, value < Double(classes), value == value.rounded() else {
        throw .badValue(
          tensor: "indices", reason: "\(value) is no whole number from 0 to \(classes - 1)")
      }
      labels.append(Int(value))
    }
    return labels
  }

  /// Elements of a result whose rows are computed whole: each row needed is computed once.
  static func byRow(_ indices: [Int], columns: Int, _ row: (Int) -> [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: indices.count)
    let order = indices.indices.sorted { indices[$0] < indices[$1] }
    var current = -1
    var values: [Double] = []
    for position in order {
      let wanted = indices[position] / columns
      if wanted != current {
        values = row(wanted)
        current = wanted
      }
      result[position] = values[indices[position] % columns]
    }
    return result
  }
}
