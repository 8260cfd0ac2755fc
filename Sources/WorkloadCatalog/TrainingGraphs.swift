package import ModelGraph
package import NumericFormats

/// Graphs of a training: one step, and the forward pass that measures held-out examples.
///
/// A step is the forward graph, its derivatives and the optimiser's step. Weights are kept in fp32
/// unless said otherwise; products run on copies in the workload's format.
package enum TrainingGraphs {
  /// Forward, loss, backward and update in place.
  package static func step(
    _ parameters: TrainingParameters, named name: String, format: NumberFormat
  ) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    let batch = parameters.batch
    switch parameters.task {
    case .digits(let task):
      try task.forward(batch: batch, &builder)
      try builder.given(
        "labels", [batch], format: .int32, fill: .indices(count: task.classes))
      try builder.apply(
        .softmaxCrossEntropyLoss, to: ["logits", "labels"], name: "loss", format: .float32,
        role: .output)
    case .clicks(let task):
      try task.forward(batch: batch, &builder)
      try task.loss(batch: batch, &builder)
    case .text(let task):
      try task.forward(batch: batch, weights: parameters.weights, &builder)
      try task.loss(batch: batch, &builder)
    }
    let weights = builder.graph.tensors.filter { $0.role == .state }.map(\.name)
    let gradients = try builder.differentiate("loss", in: weights)
    try builder.step(parameters.optimizer, gradients)
    try builder.mark("logits", as: .output)
    return try builder.finish()
  }

  /// The logits of `batch` examples, from the same weights.
  package static func evaluation(
    _ parameters: TrainingParameters, batch: Int, named name: String, format: NumberFormat
  ) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    switch parameters.task {
    case .digits(let task): try task.forward(batch: batch, &builder)
    case .clicks(let task): try task.forward(batch: batch, &builder)
    case .text(let task):
      try task.forward(batch: batch, weights: parameters.weights, &builder)
    }
    try builder.mark("logits", as: .output)
    return try builder.finish()
  }
}

extension DigitsTask {
  /// Pixels of a side of a picture.
  var side: Int { (1...features).first { $0 * $0 >= features } ?? 1 }

  /// Appends the network over the input `x`, up to `logits`.
  func forward(batch: Int, _ builder: inout GraphBuilder) throws(GraphError) {
    switch network {
    case .perceptron(let hidden):
      try builder.given("x", [batch, features], fill: .uniform(low: 0, high: 1))
      try builder.dense("x", features, hidden, name: "1")
      try builder.apply(.relu, to: ["sum1"], name: "hidden")
      try builder.dense("hidden", hidden, classes, name: "2", result: "logits", format: .float32)
    case .convolutional(let channels):
      try convolutions(channels, batch: batch, &builder)
    }
  }

  private func convolutions(
    _ channels: [Int], batch: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    // One channel: examples behind each other are [channels, images, rows, columns] already.
    var x = try builder.given(
      "x", [1, batch, side, side], fill: .uniform(low: 0, high: 1))
    var (inputs, size) = (1, side)
    for (index, outputs) in channels.enumerated() {
      let stride = index == 0 ? 1 : 2
      let window = SlidingWindow([3, 3], strides: [stride, stride], before: [1, 1])
      let weights = try builder.trained(
        "w\(index + 1)", [inputs, 9, outputs], inputs: 9 * inputs)
      let bias = try builder.given(
        "b\(index + 1)", [outputs], role: .state, format: .float32, fill: .zeros)
      try builder.apply(
        .convolution(
          Convolution(
            window, inputLayout: .channelsFirst, outputLayout: .channelsFirst,
            weightLayout: .inputsFirst)), to: [x, weights, bias], name: "convolution\(index + 1)")
      x = try builder.apply(
        .relu, to: ["convolution\(index + 1)"], name: "channels\(index + 1)")
      size = window.places(0, size: size)
      inputs = outputs
    }
    let width = inputs * size * size
    try builder.apply(.transpose(permutation: [1, 0, 2, 3]), to: [x], name: "pictures")
    try builder.apply(.reshape(Reshape(to: [batch, width])), to: ["pictures"], name: "flat")
    try builder.dense(
      "flat", width, classes, name: "\(channels.count + 1)", result: "logits", format: .float32)
  }
}

extension GraphBuilder {
  /// Declares trained weights, drawn for ReLU behind `inputs` inputs, and their copy in the
  /// builder's format; returns the copy's name.
  fileprivate mutating func trained(_ name: String, _ shape: TensorShape, inputs: Int)
    throws(GraphError) -> String
  {
    try given(
      name, shape, role: .state, format: .float32,
      fill: .normal(standardDeviation: (2 / Double(inputs)).squareRoot()))
    return try apply(.copy, to: [name], name: "\(name)_narrow")
  }

  /// A dense layer with a bias.
  fileprivate mutating func dense(
    _ x: String, _ inputs: Int, _ outputs: Int, name: String, result: String? = nil,
    format: NumberFormat? = nil
  ) throws(GraphError) {
    let weights = try trained("w\(name)", [inputs, outputs], inputs: inputs)
    try given("b\(name)", [outputs], role: .state, format: .float32, fill: .zeros)
    try product(x, weights, name: "product\(name)", format: .float32)
    try apply(
      .add, to: ["product\(name)", "b\(name)"], name: result ?? "sum\(name)", format: format)
  }
}
