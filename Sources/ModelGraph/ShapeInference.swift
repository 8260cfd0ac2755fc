/// The shape of an operator's result, from the shapes of its inputs.
package enum ShapeInference {
  /// What an operator makes of inputs of these types; nil stands for an input that is left out.
  /// Throws `shapes` or `wrongCount`.
  package static func results(of operation: Operator, inputs: [TensorType?], node: String)
    throws(GraphError) -> [TensorType]
  {
    if let family = operation.family {
      return try family.results(Operands(inputs, of: family, node: node))
    }
    let present = inputs.compactMap { $0 }
    let shape = try result(of: operation, inputs: present.map(\.shape), node: node)
    return [TensorType(shape, present.first?.type ?? .float32)]
  }

  /// The shape of the first result of an operator that is applied to these values.
  /// Throws `shapes` or `wrongCount`.
  package static func result(of operation: Operator, inputs: [TensorView], node: String)
    throws(GraphError) -> TensorShape
  {
    let types = inputs.map { TensorType?.some(TensorType($0.shape, $0.type)) }
    return try results(of: operation, inputs: types, node: node)[0].shape
  }

  /// The result's shape; families take the inputs for real numbers. `node` names the node in
  /// errors. A call has no rule here: its function declares the shapes. Throws `shapes` or
  /// `wrongCount`.
  package static func result(of operation: Operator, inputs: [TensorShape], node: String)
    throws(GraphError) -> TensorShape
  {
    if operation.family != nil {
      let types = inputs.map { TensorType?.some(TensorType($0, .float32)) }
      return try results(of: operation, inputs: types, node: node)[0].shape
    }
    if let count = operation.inputCount, !count.contains(inputs.count) {
      let expected =
        count.count == 1 ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
      throw .wrongCount(node: node, what: "inputs", expected: expected, found: inputs.count)
    }
    let rule = Rule(node: node, operation: operation, inputs: inputs)
    switch operation {
    case .matMul(let transposeA, let transposeB): return try rule.matMul(transposeA, transposeB)
    case .add, .multiply: return try rule.broadcast()
    case .softmax, .silu, .sigmoid, .relu, .copy: return inputs[0]
    case .reluGradient, .gradientDescent: return try rule.equal()
    case .rmsNormalization, .layerNormalization: return try rule.normalization()
    case .rotaryEmbedding(let rotary): return try rule.rotary(rotary)
    case .attention(let attention): return try rule.attention(attention)
    case .gather: return try rule.gather()
    case .slice(let start, let count): return try rule.slice(start, count)
    case .softmaxCrossEntropyLoss: return try rule.crossEntropy(result: [1])
    case .softmaxCrossEntropyGradient: return try rule.crossEntropy(result: inputs[0])
    case .reduceSum: return try rule.reduceSum()
    case .transpose(let permutation): return try rule.transpose(permutation)
    case .tensorScatter(let scatter): return try rule.scatter(scatter)
    default: throw rule.failure("a call takes its shapes from its function")
    }
  }
}

/// The inputs of one application, with a rule per operator.
private struct Rule {
  let node: String
  let operation: Operator
  let inputs: [TensorShape]

  func failure(_ reason: String) -> GraphError {
    .shapes(node: node, operation: operation.name, shapes: inputs, reason: reason)
  }

  func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(GraphError) {
    guard condition else { throw failure(reason()) }
  }

  func matMul(_ transposeA: Bool, _ transposeB: Bool) throws(GraphError) -> TensorShape {
    let (a, b) = (inputs[0], inputs[1])
    try require(a.rank >= 2 && b.rank == 2, "A needs at least two axes and B exactly two")
    try require(!transposeA || a.rank == 2, "a transposed A has two axes")
    let depth = transposeA ? a[0] : a.columnCount
    let otherDepth = transposeB ? b[1] : b[0]
    try require(depth == otherDepth, "the inner lengths are \(depth) and \(otherDepth)")
    let columns = transposeB ? b[0] : b[1]
    let rows = transposeA ? [a[1]] : Array(a.dimensions.dropLast())
    return TensorShape(rows + [columns])
  }

  func broadcast() throws(GraphError) -> TensorShape {
    guard let result = inputs[0].broadcast(with: inputs[1]) else {
      throw failure("the shapes do not broadcast")
    }
    return result
  }

  func equal() throws(GraphError) -> TensorShape {
    try require(inputs[0] == inputs[1], "both inputs have one shape")
    return inputs[0]
  }

  func normalization() throws(GraphError) -> TensorShape {
    for parameter in inputs.dropFirst() {
      try require(
        parameter.elementCount == inputs[0].columnCount && parameter.columnCount > 0,
        "scale and bias have one element per column, \(inputs[0].columnCount)")
    }
    return inputs[0]
  }

  func rotary(_ rotary: RotaryEmbedding) throws(GraphError) -> TensorShape {
    let expected = HeadLayout.tokensHeads.shape(rotary.lengths)
    try require(inputs[0] == expected, "the attributes say \(expected)")
    try require(
      rotary.turned % 2 == 0 && 0...rotary.lengths.channels ~= rotary.turned,
      "an even number of a head's elements is turned")
    try require(
      inputs.count == 3 || (inputs.count == 1 && rotary.angles != nil),
      "cosine and sine tables come together, and are needed when no angles are given")
    let table: TensorShape = [rotary.lengths.tokens, rotary.turned / 2]
    for given in inputs.dropFirst() {
      try require(given == table, "the tables are \(table)")
    }
    return inputs[0]
  }

  func attention(_ attention: Attention) throws(GraphError) -> TensorShape {
    let (query, key) = (attention.query, attention.key)
    try require(
      key.heads > 0 && query.heads % key.heads == 0,
      "\(query.heads) query heads are no multiple of \(key.heads) key heads")
    try require(
      query.batch == key.batch && query.channels == key.channels,
      "queries and keys agree in batch and head size")
    let expected = [
      attention.queryLayout.shape(query), attention.keyLayout.shape(key),
      attention.valueLayout.shape(key),
    ]
    try require(
      inputs == expected,
      "the attributes say " + expected.map(\.description).joined(separator: ", "))
    try require(
      attention.visibleKeys(queryToken: 0) > 0, "the first query sees no key")
    return attention.outputLayout.shape(query)
  }

  func gather() throws(GraphError) -> TensorShape {
    try require(inputs[0].rank == 2, "the table has two axes")
    return TensorShape(inputs[1].dimensions + [inputs[0][1]])
  }

  func slice(_ start: Int, _ count: Int) throws(GraphError) -> TensorShape {
    try require(inputs[0].rank >= 1, "a scalar has no axis to slice")
    try require(
      start >= 0 && count > 0 && start + count <= inputs[0][0],
      "\(start) ..< \(start + count) lies outside the first axis")
    return TensorShape([count] + inputs[0].dimensions.dropFirst())
  }

  func crossEntropy(result: TensorShape) throws(GraphError) -> TensorShape {
    try require(
      inputs[0].rank == 2 && inputs[1].elementCount == inputs[0][0],
      "logits are [N, C] with one label per row")
    return result
  }

  func reduceSum() throws(GraphError) -> TensorShape {
    try require(inputs[0].rank == 2, "the input has two axes")
    return [inputs[0][1]]
  }

  func transpose(_ permutation: [Int]) throws(GraphError) -> TensorShape {
    try require(
      permutation.sorted() == Array(0..<inputs[0].rank),
      "\(permutation) is no order of \(inputs[0].rank) axes")
    return TensorShape(permutation.map { inputs[0][$0] })
  }

  func scatter(_ scatter: TensorScatter) throws(GraphError) -> TensorShape {
    let cache = scatter.layout.shape(scatter.cache)
    let update = HeadLayout.tokensHeads.shape(scatter.update)
    try require(inputs == [cache, update], "the attributes say \(cache) and \(update)")
    try require(
      scatter.position >= 0 && scatter.position + scatter.tokens <= scatter.cache.tokens,
      "tokens \(scatter.position) ..< \(scatter.position + scatter.tokens) do not fit the cache")
    return cache
  }
}
