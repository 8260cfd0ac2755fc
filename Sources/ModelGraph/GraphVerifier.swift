import NumericFormats

extension Graph {
  /// Checks names, order, shapes and formats of the graph and of the functions it holds.
  ///
  /// Throws the first error found, in the order of declaration.
  package func verify() throws(GraphError) {
    for function in functions { try function.verify() }
    var produced = Set(givenTensors.map(\.name))
    var names = Set<String>()
    for node in nodes {
      guard names.insert(node.name).inserted else {
        throw .duplicateName(graph: name, kind: "node", name: node.name)
      }
      try verify(node, produced: produced)
      for output in node.outputs where !output.isEmpty {
        guard produced.insert(output).inserted else {
          throw .producedTwice(node: node.name, tensor: output)
        }
      }
    }
    for tensor in tensors {
      guard produced.contains(tensor.name) else {
        throw .neverProduced(graph: name, tensor: tensor.name)
      }
      try verifyUpdate(tensor)
    }
  }

  private func declared(_ tensor: String, by node: Node) throws(GraphError) -> TensorDeclaration {
    guard let declaration = self.tensor(tensor) else {
      throw .unknownTensor(node: node.name, tensor: tensor)
    }
    return declaration
  }

  private func verify(_ node: Node, produced: Set<String>) throws(GraphError) {
    var inputs: [TensorDeclaration] = []
    // A family's optional inputs and unused results have no name.
    let hasBlanks = node.operation.family != nil
    for input in node.inputs where !(hasBlanks && input.isEmpty) {
      inputs.append(try declared(input, by: node))
      guard produced.contains(input) else {
        throw .notYetProduced(node: node.name, tensor: input)
      }
    }
    var outputs: [TensorDeclaration] = []
    for output in node.outputs where !(hasBlanks && output.isEmpty) {
      outputs.append(try declared(output, by: node))
    }
    if hasBlanks { return try verifyFamily(node) }
    if case .call(let function) = node.operation {
      return try verifyCall(node, function: function, inputs: inputs, outputs: outputs)
    }
    guard outputs.count == 1 else {
      throw .wrongCount(node: node.name, what: "outputs", expected: "1", found: outputs.count)
    }
    let shape = try ShapeInference.result(
      of: node.operation, inputs: inputs.map(\.shape), node: node.name)
    guard shape == outputs[0].shape else {
      throw .shapes(
        node: node.name, operation: node.operation.name, shapes: inputs.map(\.shape),
        reason: "the result is \(shape), but '\(outputs[0].name)' is \(outputs[0].shape)")
    }
    try verifyFormats(node, inputs: inputs)
  }

  private func verifyFamily(_ node: Node) throws(GraphError) {
    let inputs = node.inputs.map { tensor($0).map { TensorType($0.shape, $0.type) } }
    let results = try ShapeInference.results(of: node.operation, inputs: inputs, node: node.name)
    guard node.outputs.count <= results.count, !node.outputs.isEmpty else {
      throw .wrongCount(
        node: node.name, what: "outputs", expected: "1 to \(results.count)",
        found: node.outputs.count)
    }
    for (output, result) in zip(node.outputs, results) {
      guard let declared = tensor(output) else { continue }
      guard declared.shape == result.shape else {
        throw .shapes(
          node: node.name, operation: node.operation.name,
          shapes: inputs.compactMap { $0?.shape },
          reason: "the result is \(result.shape), but '\(output)' is \(declared.shape)")
      }
      // Real numbers may be kept in any format; whole numbers are what the operator makes.
      let fits =
        result.type.isFloat ? declared.type.isFloat : declared.type.storage == result.type.storage
      guard fits else {
        throw .format(
          node: node.name, tensor: output, expected: result.type.name, found: declared.type.name)
      }
    }
  }

  private func verifyFormats(_ node: Node, inputs: [TensorDeclaration]) throws(GraphError) {
    for (position, input) in inputs.enumerated() {
      let wantsInteger: Bool
      switch node.operation {
      case .gather, .softmaxCrossEntropyLoss, .softmaxCrossEntropyGradient:
        wantsInteger = position == 1
      case .copy, .slice, .transpose: continue
      default: wantsInteger = false
      }
      guard input.format.isInteger == wantsInteger else {
        throw .format(
          node: node.name, tensor: input.name,
          expected: wantsInteger ? "an integer format" : "a floating-point format",
          found: input.format.name)
      }
    }
  }

  private func verifyCall(
    _ node: Node, function name: String, inputs: [TensorDeclaration], outputs: [TensorDeclaration]
  ) throws(GraphError) {
    guard let function = function(name) else {
      throw .unknownFunction(node: node.name, function: name)
    }
    try verifyBinding(node, "inputs", inputs, to: function.givenTensors)
    try verifyBinding(node, "outputs", outputs, to: function.outputTensors)
  }

  private func verifyBinding(
    _ node: Node, _ what: String, _ actual: [TensorDeclaration], to formal: [TensorDeclaration]
  ) throws(GraphError) {
    guard actual.count == formal.count else {
      throw .wrongCount(
        node: node.name, what: what, expected: "\(formal.count)", found: actual.count)
    }
    for (given, wanted) in zip(actual, formal) {
      guard given.shape == wanted.shape else {
        throw .shapes(
          node: node.name, operation: node.operation.name, shapes: [given.shape, wanted.shape],
          reason: "'\(given.name)' is bound to '\(wanted.name)'")
      }
      guard given.format == wanted.format else {
        throw .format(
          node: node.name, tensor: given.name, expected: wanted.format.name,
          found: given.format.name)
      }
    }
  }

  private func verifyUpdate(_ tensor: TensorDeclaration) throws(GraphError) {
    guard let name = tensor.updates else { return }
    guard let state = self.tensor(name), state.role == .state else {
      throw .badUpdate(tensor: tensor.name, state: name, reason: "it is no state tensor")
    }
    guard state.shape == tensor.shape, state.format == tensor.format else {
      throw .badUpdate(
        tensor: tensor.name, state: name,
        reason: "\(tensor.shape) \(tensor.format.name) is not \(state.shape) \(state.format.name)")
    }
  }
}
