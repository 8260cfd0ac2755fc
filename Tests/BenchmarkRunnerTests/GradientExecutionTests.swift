import BenchmarkRunner
import Hardware
import InstructionSet
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// A function whose gradient the device computes.
struct DerivedGraph: Sendable, CustomTestStringConvertible {
  let name: String
  let parameters: [String: TensorShape]
  /// Formats that the kernels take.
  var formats: [NumberFormat] = [.float32, .bfloat16]
  /// Row numbers below that count.
  var indices: (shape: TensorShape, below: Int)?
  /// Appends the function and returns its result.
  let build: @Sendable (inout GraphBuilder) throws -> String

  var testDescription: String { name }

  /// The function, the sum of its squares as the loss, and the loss's derivatives.
  func graph(_ format: NumberFormat) throws -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    for (name, shape) in parameters.sorted(by: { $0.key < $1.key }) {
      try builder.given(name, shape, format: name == "fp32" ? .float32 : format)
    }
    if let indices {
      try builder.given(
        "i", indices.shape, format: .int32, fill: .indices(count: indices.below))
    }
    let y = try build(&builder)
    let axes = Array(0..<(builder.graph.tensor(y)?.shape.rank ?? 0))
    try builder.apply(
      .reduce(Reduction(.sumOfSquares, axes: axes, keepsDimensions: true)), to: [y],
      name: "loss", format: .float32, role: .output)
    let found = try builder.differentiate(
      "loss", in: parameters.keys.sorted(), format: .float32)
    for name in Set(found.values).sorted() { try builder.mark(name, as: .output) }
    return try builder.finish()
  }
}

/// Gradient graphs from reverse mode to checked values on the model, hazards watched.
@Suite struct GradientExecutionTests {
  @Test(arguments: cases) func derivativesOnTheDevice(_ test: DerivedGraph) throws {
    for format in test.formats {
      let execution = try GraphExecution(try test.graph(format))
      #expect(execution.reports.count >= test.parameters.count)
      for report in execution.reports {
        #expect(report.passed, "\(format.name): \(report.summary)")
      }
    }
  }

  /// Every optimiser's new values are where the old ones were, or are copied there.
  @Test(arguments: [
    Optimizer.descent(rate: 0.1), .momentum(rate: 0.1, momentum: 0.9),
    .adamW(rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decay: 0.01),
    .adagrad(rate: 0.1, epsilon: 1e-6),
    .lars(rate: 0.1, momentum: 0.9, decay: 0.01, coefficient: 0.02),
    .lamb(rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decay: 0.01),
    .clipped(.adamW(rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decay: 0.01), norm: 0.1),
  ])
  func stateIsReplaced(_ optimizer: Optimizer) throws {
    var builder = GraphBuilder(name: "step", format: .float32)
    try builder.given("w", [128, 64], role: .state)
    try builder.given("g", [128, 64])
    try builder.step(optimizer, ["w": "g"])
    let graph = try builder.finish()
    for report in try GraphExecution(graph).reports {
      #expect(report.passed, "\(report.summary)")
    }
    let lowered = try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: false)
    let stores = lowered.steps.indices.filter { lowered.steps[$0].kernel.hasPrefix("store") }
    for tensor in graph.tensors {
      guard let state = tensor.updates else { continue }
      let new = lowered.program.tensors[try #require(lowered.allocations[tensor.name])]
      let old = try #require(lowered.allocations[state])
      let isCopied = stores.contains { lowered.program.invocations[$0].tensors.contains(old) }
      #expect(new.address == lowered.program.tensors[old].address || isCopied, "\(tensor.name)")
    }
  }

  static let cases: [DerivedGraph] = [
    DerivedGraph(
      name: "strided convolution", parameters: ["x": [6, 4, 8, 8], "w": [6, 9, 10], "fp32": [10]]
    ) {
      let window = SlidingWindow([3, 3], strides: [2, 2], before: [1, 1])
      return try $0.apply(
        .convolution(
          Convolution(
            window, inputLayout: .channelsFirst, outputLayout: .channelsFirst,
            weightLayout: .inputsFirst)), to: ["x", "w", "fp32"], name: "y")
    },
    DerivedGraph(
      name: "convolution as ONNX stores it", parameters: ["x": [3, 5, 6, 7], "w": [4, 5, 3, 3]]
    ) {
      let window = SlidingWindow([3, 3], before: [1, 1])
      return try $0.apply(
        .convolution(Convolution(window)), to: ["x", "w"], name: "y")
    },
    convolution(
      "taps beyond every edge", SlidingWindow([3, 3], before: [1, 1]), x: [20, 3, 9, 11],
      outputs: 24),
    convolution(
      "a window of 7 with a stride, several images at once",
      SlidingWindow([7, 7], strides: [2, 2], before: [3, 3]), x: [3, 5, 14, 14], outputs: 140),
    convolution(
      "one tap, more channels than partitions", SlidingWindow([1, 1]), x: [260, 2, 7, 7],
      outputs: 520),
    convolution(
      "one tap with a stride", SlidingWindow([1, 1], strides: [2, 2]), x: [20, 2, 10, 12],
      outputs: 30),
    convolution(
      "bands of a large image", SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]),
      x: [4, 2, 160, 200], outputs: 6),
    DerivedGraph(
      name: "images first", parameters: ["x": [3, 4, 12, 10], "w": [4, 9, 6]],
      formats: [.bfloat16]
    ) {
      let window = SlidingWindow([3, 3], strides: [2, 1], before: [1, 1])
      return try $0.apply(
        .convolution(
          Convolution(
            window, inputLayout: .imagesFirst, outputLayout: .channelsFirst,
            weightLayout: .inputsFirst)), to: ["x", "w"], name: "y")
    },
    DerivedGraph(name: "maxima of windows that overlap", parameters: ["x": [5, 4, 9, 12]]) {
      try $0.apply(
        .pool(Pooling(SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]), mode: .max)),
        to: ["x"], name: "y")
    },
    DerivedGraph(
      name: "maxima in bands of rows", parameters: ["x": [1, 2, 130, 100]], formats: [.bfloat16]
    ) {
      try $0.apply(
        .pool(Pooling(SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]), mode: .max)),
        to: ["x"], name: "y")
    },
    DerivedGraph(
      name: "batch norm", parameters: ["x": [140, 3, 6, 5], "scale": [140], "bias": [140]]
    ) {
      try $0.apply(
        .batchMoments(BatchMoments()), to: ["x"], name: "moments", format: .float32)
      return try $0.apply(
        .batchNorm(BatchNorm(epsilon: 1e-3)), to: ["x", "scale", "bias", "moments"], name: "y")
    },
    DerivedGraph(name: "largest of windows", parameters: ["x": [5, 4, 8, 6]]) {
      try $0.apply(
        .pool(Pooling(SlidingWindow([2, 3], strides: [2, 3]), mode: .max)), to: ["x"], name: "y")
    },
    DerivedGraph(name: "mean of windows", parameters: ["x": [5, 4, 8, 6]]) {
      try $0.apply(
        .pool(
          Pooling(SlidingWindow([4, 2], strides: [4, 2]), mode: .average(countsPadding: false))),
        to: ["x"], name: "y")
    },
    DerivedGraph(name: "layer norm", parameters: ["x": [40, 64], "s": [64], "b": [64]]) {
      try $0.apply(.layerNormalization(epsilon: 1e-3), to: ["x", "s", "b"], name: "y")
    },
    DerivedGraph(name: "rms norm", parameters: ["x": [40, 64], "s": [64]]) {
      try $0.apply(.rmsNormalization(epsilon: 1e-3), to: ["x", "s"], name: "y")
    },
    DerivedGraph(name: "softmax", parameters: ["x": [40, 64]]) {
      try $0.apply(.softmax, to: ["x"], name: "y")
    },
    DerivedGraph(name: "gelu", parameters: ["x": [40, 64]]) {
      try $0.apply(.elementwise(Elementwise(.gelu)), to: ["x"], name: "y")
    },
    DerivedGraph(name: "silu", parameters: ["x": [40, 64]]) {
      try $0.apply(.silu, to: ["x"], name: "y")
    },
    DerivedGraph(
      name: "look-up, rows named twice", parameters: ["t": [30, 16]], indices: ([12, 5], 30)
    ) { try $0.apply(.gather, to: ["t", "i"], name: "y") },
    DerivedGraph(
      name: "causal attention",
      parameters: [
        "q": HeadLayout.tokensHeads.shape(heads), "k": HeadLayout.tokensHeads.shape(heads),
        "v": HeadLayout.tokensHeads.shape(heads),
      ]
    ) {
      try $0.apply(
        .attention(Attention(query: heads, key: heads, isCausal: true)), to: ["q", "k", "v"],
        name: "y")
    },
    attention("attention over several blocks", (700, 700), heads: (1, 1, 32)),
    attention("shared keys", (130, 130), heads: (4, 2, 64)),
    attention("the last queries", (100, 200), heads: (2, 1, 128)),
    attention("every key", (40, 150), heads: (2, 2, 16), isCausal: false, batch: 2),
  ]

  private static func convolution(
    _ name: String, _ window: SlidingWindow, x: TensorShape, outputs: Int
  ) -> DerivedGraph {
    DerivedGraph(
      name: name, parameters: ["x": x, "w": [x[0], window.taps, outputs]], formats: [.bfloat16]
    ) {
      try $0.apply(
        .convolution(
          Convolution(
            window, inputLayout: .channelsFirst, outputLayout: .channelsFirst,
            weightLayout: .inputsFirst)), to: ["x", "w"], name: "y")
    }
  }

  private static func attention(
    _ name: String, _ tokens: (queries: Int, keys: Int),
    heads: (queries: Int, keys: Int, channels: Int), isCausal: Bool = true, batch: Int = 1
  ) -> DerivedGraph {
    let query = HeadDimensions(
      batch: batch, heads: heads.queries, tokens: tokens.queries, channels: heads.channels)
    var key = query
    (key.heads, key.tokens) = (heads.keys, tokens.keys)
    let attention = Attention(
      query: query, key: key, isCausal: isCausal, queryOffset: tokens.keys - tokens.queries)
    let shapes = [query, key, key].map { HeadLayout.tokensHeads.shape($0) }
    return DerivedGraph(
      name: name, parameters: ["q": shapes[0], "k": shapes[1], "v": shapes[2]],
      formats: [.bfloat16]
    ) { try $0.apply(.attention(attention), to: ["q", "k", "v"], name: "y") }
  }

  private static let heads = HeadDimensions(batch: 1, heads: 2, tokens: 32, channels: 16)
}
