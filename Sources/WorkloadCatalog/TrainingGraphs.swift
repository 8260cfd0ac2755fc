package import ModelGraph
package import NumericFormats

/// Graphs of a small classifier: one training step, and the forward pass that measures accuracy.
///
/// Weights are kept in fp32; products run on copies in the workload's format, their sums in fp32.
package enum TrainingGraphs {
  /// Forward, mean cross-entropy, backward, and gradient descent in place.
  package static func step(
    _ parameters: TrainingParameters, named name: String, format: NumberFormat
  ) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try forward(parameters, batch: parameters.batch, &builder)
    try builder.given(
      "labels", [parameters.batch], format: .int32, fill: .indices(count: parameters.classes))
    try builder.apply(
      .softmaxCrossEntropyLoss, to: ["logits", "labels"], name: "loss", format: .float32,
      role: .output)
    try builder.apply(
      .softmaxCrossEntropyGradient, to: ["logits", "labels"], name: "d_logits")
    try builder.product("d_logits", "w2_narrow", name: "d_hidden", transposeB: true)
    try builder.apply(.reluGradient, to: ["d_hidden", "before_relu"], name: "d_before_relu")
    try gradients("x", "d_before_relu", number: 1, parameters, &builder)
    try gradients("hidden", "d_logits", number: 2, parameters, &builder)
    try builder.mark("logits", as: .output)
    return try builder.finish()
  }

  /// The logits of `batch` examples, from the same weights.
  package static func evaluation(
    _ parameters: TrainingParameters, batch: Int, named name: String, format: NumberFormat
  ) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try forward(parameters, batch: batch, &builder)
    try builder.mark("logits", as: .output)
    return try builder.finish()
  }

  private static func forward(
    _ parameters: TrainingParameters, batch: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.given("x", [batch, parameters.features], fill: .uniform(low: 0, high: 1))
    try dense("x", parameters.features, parameters.hidden, number: 1, &builder)
    try builder.apply(.add, to: ["product1", "b1"], name: "before_relu")
    try builder.apply(.relu, to: ["before_relu"], name: "hidden")
    try dense("hidden", parameters.hidden, parameters.classes, number: 2, &builder)
    try builder.apply(.add, to: ["product2", "b2"], name: "logits", format: .float32)
  }

  /// Declares a layer's weights and multiplies with their narrow copy.
  private static func dense(
    _ x: String, _ inputs: Int, _ outputs: Int, number: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.given(
      "w\(number)", [inputs, outputs], role: .state, format: .float32,
      fill: .normal(standardDeviation: (2 / Double(inputs)).squareRoot()))
    try builder.given("b\(number)", [outputs], role: .state, format: .float32, fill: .zeros)
    try builder.apply(.copy, to: ["w\(number)"], name: "w\(number)_narrow")
    try builder.product(x, "w\(number)_narrow", name: "product\(number)", format: .float32)
  }

  /// A layer's gradients and its step.
  private static func gradients(
    _ x: String, _ slope: String, number: Int, _ parameters: TrainingParameters,
    _ builder: inout GraphBuilder
  ) throws(GraphError) {
    let descent = Operator.gradientDescent(learningRate: parameters.learningRate)
    try builder.product(x, slope, name: "d_w\(number)", transposeA: true, format: .float32)
    try builder.apply(.reduceSum, to: [slope], name: "d_b\(number)", format: .float32)
    for tensor in ["w\(number)", "b\(number)"] {
      try builder.apply(
        descent, to: [tensor, "d_\(tensor)"], name: "new_\(tensor)", format: .float32,
        role: .output, updates: tensor)
    }
  }
}
