import ModelGraph

extension BatchNorm {
  /// X times a value per channel, plus another: chains of elements take the activation along.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let inputs = expansion.node.inputs
    let lengths = expansion.shape(inputs[0])
    let each = TensorShape([lengths[0]] + lengths.dimensions.dropFirst().map { _ in 1 })
    let parts = try [0, 1].map { (half) throws(GraphError) in
      try expansion.reshape(
        expansion.apply(.slice(start: half, count: 1), [inputs[3]]), each)
    }
    let deviation = try expansion.elements(
      .sqrt, expansion.elements(.add, parts[1], expansion.number(epsilon)))
    let factor = try expansion.elements(
      .divide, expansion.reshape(inputs[1], each), deviation)
    let shift = try expansion.reshape(inputs[2], each)
    // What is of one channel stands before, so that the rest is one chain.
    let centred = try expansion.elements(.subtract, inputs[0], parts[0])
    let scaled = try expansion.elements(.multiply, centred, factor)
    expansion.finish(.add, [scaled, shift])
  }
}
