extension Graph {
  /// Floating-point operations of one node as a comparator counts them: two per multiply-add of
  /// products and attention (only visible keys), and the usual few per element elsewhere.
  package func operationCount(of node: Node) -> Int { count(node, creditsOneHot: true) }

  /// What evaluating a node takes: as `operationCount`, but products with matrices of ones and
  /// zeros in full.
  package func evaluationCount(of node: Node) -> Int { count(node, creditsOneHot: false) }

  private func count(_ node: Node, creditsOneHot: Bool) -> Int {
    if case .call(let name) = node.operation {
      guard let called = function(name) else { return 0 }
      return called.nodes.reduce(0) { $0 + called.count($1, creditsOneHot: creditsOneHot) }
    }
    let elements = node.outputs.first.flatMap { tensor($0) }?.shape.elementCount ?? 0
    let first = node.inputs.first.flatMap { tensor($0) }?.shape ?? []
    if let family = node.operation.family {
      let inputs = node.inputs.map { tensor($0).map { TensorType($0.shape, $0.type) } }
      guard let operands = try? Operands(inputs, of: family, node: node.name),
        let results = try? family.results(operands)
      else { return 0 }
      return family.operationCount(operands, results)
    }
    switch node.operation {
    case .matMul(let transposeA, _):
      let depth = transposeA ? first.dimensions[0] : first.columnCount
      // Rows that a matrix of ones and zeros picks or gathers are moved, or added once each.
      if creditsOneHot, node.inputs.first.map(isOneHot) == true {
        return transposeA ? depth * (elements / max(1, first.columnCount)) : 0
      }
      return 2 * elements * depth
    case .attention(let attention): return attention.operationCount
    case .softmaxCrossEntropyLoss, .softmaxCrossEntropyGradient: return 5 * first.elementCount
    case .reduceSum: return first.elementCount
    case .copy, .transpose, .gather, .slice, .tensorScatter, .call: return 0
    default: return elements * node.operation.operationsPerElement
    }
  }

  /// True for ones where two tensors are equal and zeros elsewhere: what `ReverseMode` makes of the
  /// indices of a gather, a one for each.
  private func isOneHot(_ name: String) -> Bool {
    guard let choice = nodes.last(where: { $0.outputs.first == name }),
      case .elementwise(let select) = choice.operation, select.function == .select,
      let test = nodes.last(where: { $0.outputs.first == choice.inputs.first }),
      case .elementwise(let equal) = test.operation, equal.function == .equal
    else { return false }
    return choice.inputs.dropFirst().map { constant(tensor($0)) } == [1, 0]
  }

  private func constant(_ tensor: TensorDeclaration?) -> Double? {
    guard case .constant(let value) = tensor?.fill, tensor?.shape.elementCount == 1 else {
      return nil
    }
    return value
  }

  /// Floating-point operations of one evaluation.
  package var operationCount: Int { nodes.reduce(0) { $0 + operationCount(of: $1) } }

  /// Bytes of all weights and states: what an evaluation reads at least once from memory.
  package var parameterBytes: Int {
    tensors.filter { $0.role == .weight || $0.role == .state }.reduce(0) { $0 + $1.sizeBytes }
  }

  /// The number of weight elements.
  package var parameterCount: Int {
    tensors.filter { $0.role == .weight }.reduce(0) { $0 + $1.shape.elementCount }
  }
}

extension Attention {
  /// Two products of two operations per visible query-key pair and channel.
  package var operationCount: Int {
    let pairs = (0..<query.tokens).reduce(0) {
      $0 + visibleKeys(queryToken: $1) - firstVisibleKey(queryToken: $1)
    }
    return 4 * query.batch * query.heads * query.channels * pairs
  }
}

extension Operator {
  /// Operations per element of the result, for operators that go element by element.
  fileprivate var operationsPerElement: Int {
    switch self {
    case .add, .multiply, .relu, .reluGradient: 1
    case .gradientDescent: 2
    case .rotaryEmbedding: 3
    case .sigmoid, .rmsNormalization: 4
    case .softmax, .silu: 5
    case .layerNormalization: 8
    default: 0
    }
  }
}
