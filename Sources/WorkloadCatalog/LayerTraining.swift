import ModelGraph

extension GraphBuilder {
  /// Appends one layer's part of a training step: the gradient in its result `y` comes as the input
  /// `dy`, that in its input `x` is handed on, and its weights take the optimiser's step.
  mutating func trainLayer(_ optimizer: Optimizer) throws(GraphError) {
    guard let result = graph.tensor("y") else {
      throw .unknownTensor(node: "training", tensor: "y")
    }
    trainsWeights = false
    let weights = graph.tensors.filter { $0.role == .state }.map(\.name)
    try given("dy", result.shape, fill: .normal(standardDeviation: 0.1))
    var gradients = try differentiate("y", derivative: "dy", in: weights, inputs: ["x"])
    if let handedOn = gradients.removeValue(forKey: "x") { try mark(handedOn, as: .output) }
    try step(optimizer, gradients)
  }
}
