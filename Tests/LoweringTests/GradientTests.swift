import Foundation
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// A graph under test whose loss is a weighted sum of one tensor, so that every element counts.
struct GradientCase: Sendable, CustomTestStringConvertible {
  let name: String
  let parameters: [String: TensorShape]
  /// Appends the operator and returns what the loss is made of.
  let build: @Sendable (inout GraphBuilder) throws -> String
  /// Inputs nobody derives in, such as indices, with their values.
  var fixed: [String: (values: [Double], shape: TensorShape, type: ElementType)] = [:]
  /// Where inputs are drawn from.
  var fill = TensorFill.normal(standardDeviation: 0.7)

  var testDescription: String { name }
}

@Suite("Gradients against finite differences in float64")
struct GradientTests {
  /// The graph, its loss's name, and the derivative of each parameter.
  private func derived(_ test: GradientCase) throws -> (Graph, [String: String]) {
    var builder = GraphBuilder(name: test.name, format: .float32)
    for (name, shape) in test.parameters.sorted(by: { $0.key < $1.key }) {
      try builder.given(name, shape, fill: test.fill)
    }
    for (name, fixed) in test.fixed.sorted(by: { $0.key < $1.key }) {
      try builder.given(name, fixed.shape, format: fixed.type.storage, type: fixed.type)
    }
    let result = try test.build(&builder)
    let shape = try #require(builder.graph.tensor(result)).shape
    try builder.given("weights", shape)
    try builder.apply(
      .elementwise(Elementwise(.multiply)), to: [result, "weights"], name: "weighted")
    try builder.apply(
      .reduce(Reduction(.sum, axes: Array(0..<shape.rank), keepsDimensions: false)),
      to: ["weighted"], name: "loss")
    let names = try builder.differentiate(
      "loss", in: test.parameters.keys.sorted(), writingOut: WrittenOut.nodes)
    return (try builder.finish(), names)
  }

  private func inputs(_ graph: Graph, _ test: GradientCase) throws -> [String: TensorView] {
    var given: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      if let fixed = test.fixed[tensor.name] {
        given[tensor.name] = try TensorView(fixed.values, shape: fixed.shape, type: fixed.type)
      } else if case .values(let constant) = tensor.fill {
        let view = constant.view
        // Real numbers are of one type throughout, as those that are drawn.
        given[tensor.name] =
          view.type.isInteger || view.type == .bool
          ? view : try TensorView(view.allValues, shape: view.shape, type: .float64)
      } else {
        let values = SeededGenerator.values(of: tensor, seed: 5).map(Double.init)
        given[tensor.name] = try TensorView(values, shape: tensor.shape, type: .float64)
      }
    }
    return given
  }

  func check(_ test: GradientCase) throws {
    let (graph, names) = try derived(test)
    let given = try inputs(graph, test)
    let values = try Float64Interpreter.evaluate(graph, given: given)
    // The loss alone, for the differences.
    for (parameter, shape) in test.parameters {
      let name = try #require(names[parameter])
      let found = try #require(values[name])
      #expect(found.shape == shape)
      let at = try #require(given[parameter]).allValues
      for element in 0..<shape.elementCount {
        var losses: [Double] = []
        for step in [-1e-5, 1e-5] {
          var moved = at
          moved[element] += step
          var inputs = given
          inputs[parameter] = try TensorView(moved, shape: shape, type: .float64)
          let loss = try Float64Interpreter.evaluate(graph, given: inputs)["loss"]
          losses.append(try #require(loss)[0])
        }
        let expected = (losses[1] - losses[0]) / 2e-5
        let error = abs(found[element] - expected)
        #expect(
          error < 2e-6 * max(1, abs(expected)),
          "d \(parameter)[\(element)]: \(found[element]), by differences \(expected)")
      }
    }
  }

  @Test(arguments: products) func productsOfMatrices(_ test: GradientCase) throws {
    try check(test)
  }
  @Test(arguments: functions) func elementByElement(_ test: GradientCase) throws { try check(test) }
  @Test(arguments: rows) func rowsAndReductions(_ test: GradientCase) throws { try check(test) }
  @Test(arguments: moves) func movements(_ test: GradientCase) throws { try check(test) }
  @Test(arguments: attentions) func heads(_ test: GradientCase) throws { try check(test) }

  @Test(arguments: images) func imagesAndWindows(_ test: GradientCase) throws { try check(test) }

  @Test func aTensorUsedTwiceCollectsBothParts() throws {
    try check(
      GradientCase(name: "x·x + x", parameters: ["x": [3]]) { builder in
        try builder.apply(.multiply, to: ["x", "x"], name: "square")
        return try builder.apply(.add, to: ["square", "x"], name: "y")
      })
  }

  @Test func whatHasNoRuleIsNamed() throws {
    var builder = GraphBuilder(name: "g", format: .float32)
    try builder.given("x", [1, 4, 1])
    try builder.apply(
      .localResponse(LocalResponse(size: 3, alpha: 1, beta: 1, bias: 1)), to: ["x"], name: "y")
    try builder.apply(
      .reduce(Reduction(.sum, axes: [0, 1, 2], keepsDimensions: true)), to: ["y"], name: "loss")
    let error = #expect(throws: GraphError.self) {
      try builder.differentiate("loss", in: ["x"])
    }
    #expect(error?.description == "node 'y': LRN cannot be differentiated: there is no rule for it")
  }

  @Test func aTensorThatTheLossDoesNotSeeIsAnError() throws {
    var builder = GraphBuilder(name: "g", format: .float32)
    try builder.given("x", [1])
    try builder.given("z", [1])
    try builder.apply(.multiply, to: ["x", "x"], name: "loss")
    #expect(throws: GraphError.self) { try builder.differentiate("loss", in: ["z"]) }
  }
}

extension GradientTests {
  static let products: [GradientCase] = {
    var cases: [GradientCase] = []
    for a in [false, true] {
      for b in [false, true] {
        cases.append(
          GradientCase(
            name: "matMul \(a) \(b)",
            parameters: ["a": a ? [3, 2] : [2, 3], "b": b ? [4, 3] : [3, 4]]
          ) { try $0.product("a", "b", name: "y", transposeA: a, transposeB: b) })
        cases.append(
          GradientCase(
            name: "batchMatMul \(a) \(b)",
            parameters: ["a": a ? [2, 1, 3, 2] : [2, 1, 2, 3], "b": b ? [2, 4, 3] : [2, 3, 4]]
          ) {
            try $0.apply(
              .batchMatMul(BatchMatMul(transposeA: a, transposeB: b)), to: ["a", "b"], name: "y")
          })
      }
    }
    cases.append(
      GradientCase(name: "leading axes are rows", parameters: ["a": [2, 2, 3], "b": [3, 2]]) {
        try $0.product("a", "b", name: "y")
      })
    return cases
  }()

  static func unary(
    _ function: ElementwiseFunction, alpha: Double = 0, positive: Bool = false
  )
    -> GradientCase
  {
    var test = GradientCase(name: function.rawValue, parameters: ["x": [2, 3]]) {
      try $0.apply(
        .elementwise(Elementwise(function, alpha: alpha)), to: ["x"], name: "y")
    }
    if positive { test.fill = .uniform(low: 0.5, high: 2) }
    return test
  }

  static func binary(_ function: ElementwiseFunction, _ a: TensorShape, _ b: TensorShape)
    -> GradientCase
  {
    var test = GradientCase(name: "\(function.rawValue) \(a) \(b)", parameters: ["a": a, "b": b]) {
      try $0.apply(.elementwise(Elementwise(function)), to: ["a", "b"], name: "y")
    }
    test.fill = .uniform(low: 0.5, high: 2)
    return test
  }

  static let functions: [GradientCase] =
    [
      unary(.exp), unary(.log, positive: true), unary(.sqrt, positive: true),
      unary(.reciprocal, positive: true), unary(.negate), unary(.abs), unary(.sigmoid),
      unary(.tanh), unary(.sin), unary(.cos), unary(.softplus), unary(.erf), unary(.gelu),
      unary(.geluTanh), unary(.swish, alpha: 1), unary(.swish, alpha: 1.7), unary(.relu),
      unary(.leakyRelu, alpha: 0.1), unary(.identity),
    ] + [
      binary(.add, [2, 3], [3]), binary(.subtract, [2, 3], [2, 1]),
      binary(.multiply, [2, 1, 3], [2, 1]), binary(.divide, [2, 3], [3]),
      binary(.maximum, [2, 3], [2, 3]), binary(.minimum, [2, 3], [1]),
    ] + [
      GradientCase(name: "silu", parameters: ["x": [5]]) {
        try $0.apply(.silu, to: ["x"], name: "y")
      },
      GradientCase(name: "sigmoid", parameters: ["x": [5]]) {
        try $0.apply(.sigmoid, to: ["x"], name: "y")
      },
      GradientCase(name: "relu", parameters: ["x": [5]]) {
        try $0.apply(.relu, to: ["x"], name: "y")
      },
      GradientCase(
        name: "power", parameters: ["x": [4]],
        build: { try $0.apply(.elementwise(Elementwise(.power)), to: ["x", "p"], name: "y") },
        fixed: ["p": ([3], [1], .float32)]),
      GradientCase(
        name: "clip", parameters: ["x": [6]],
        build: {
          try $0.apply(.elementwise(Elementwise(.clip)), to: ["x", "low", "high"], name: "y")
        }, fixed: ["low": ([-0.3], [], .float32), "high": ([0.4], [], .float32)]),
    ]

  static let rows: [GradientCase] = [
    GradientCase(name: "softmax", parameters: ["x": [2, 4]]) {
      try $0.apply(.softmax, to: ["x"], name: "y")
    },
    GradientCase(name: "rmsNormalization", parameters: ["x": [3, 4], "s": [4]]) {
      try $0.apply(.rmsNormalization(epsilon: 1e-2), to: ["x", "s"], name: "y")
    },
    GradientCase(name: "layerNormalization", parameters: ["x": [3, 4], "s": [4], "b": [4]]) {
      try $0.apply(.layerNormalization(epsilon: 1e-2), to: ["x", "s", "b"], name: "y")
    },
    GradientCase(
      name: "softmaxCrossEntropyLoss", parameters: ["x": [3, 4]],
      build: { try $0.apply(.softmaxCrossEntropyLoss, to: ["x", "labels"], name: "y") },
      fixed: ["labels": ([2, 0, 3], [3], .int32)]),
    GradientCase(name: "reduceSum", parameters: ["x": [3, 4]]) {
      try $0.apply(.reduceSum, to: ["x"], name: "y")
    },
    GradientCase(name: "sum over the middle", parameters: ["x": [2, 3, 2]]) {
      try $0.apply(
        .reduce(Reduction(.sum, axes: [1], keepsDimensions: false)), to: ["x"], name: "y")
    },
    GradientCase(name: "mean, dimensions kept", parameters: ["x": [2, 3, 2]]) {
      try $0.apply(
        .reduce(Reduction(.mean, axes: [0, -1], keepsDimensions: true)), to: ["x"], name: "y")
    },
    GradientCase(name: "sum of squares", parameters: ["x": [2, 3]]) {
      try $0.apply(
        .reduce(Reduction(.sumOfSquares, axes: [1], keepsDimensions: false)), to: ["x"], name: "y")
    },
  ]

  static let moves: [GradientCase] = [
    GradientCase(name: "transpose", parameters: ["x": [2, 3, 4]]) {
      try $0.apply(.transpose(permutation: [2, 0, 1]), to: ["x"], name: "y")
    },
    GradientCase(name: "reshape", parameters: ["x": [2, 6]]) {
      try $0.apply(.reshape(Reshape(to: [3, 4])), to: ["x"], name: "y")
    },
    GradientCase(name: "expand", parameters: ["x": [2, 1, 3]]) {
      try $0.apply(.expand(Expand(to: [2, 2, 4, 3])), to: ["x"], name: "y")
    },
    GradientCase(name: "slice", parameters: ["x": [5, 2]]) {
      try $0.apply(.slice(start: 1, count: 3), to: ["x"], name: "y")
    },
    GradientCase(name: "stridedSlice", parameters: ["x": [4, 5]]) {
      try $0.apply(
        .stridedSlice(StridedSlice(starts: [1, 2], counts: [2, 3], steps: [1, 1])), to: ["x"],
        name: "y")
    },
    GradientCase(name: "pad", parameters: ["x": [2, 3]]) {
      try $0.apply(.pad(Pad(before: [1, 0], after: [0, 2], value: 3)), to: ["x"], name: "y")
    },
    GradientCase(name: "concatenate", parameters: ["a": [2, 2], "b": [2, 3]]) {
      try $0.apply(.concatenate(Concatenation(axis: -1)), to: ["a", "b"], name: "y")
    },
    GradientCase(name: "split, one piece unused", parameters: ["x": [2, 6]]) {
      try $0.apply(
        .split(Split(axis: 1, lengths: [1, 3, 2])), to: ["x"], name: "cut",
        results: ["first", "second", "third"])
      return try $0.apply(
        .concatenate(Concatenation(axis: 1)), to: ["third", "first"], name: "y")
    },
    GradientCase(
      name: "gather, a row twice", parameters: ["t": [5, 3]],
      build: { try $0.apply(.gather, to: ["t", "i"], name: "y") },
      fixed: ["i": ([4, 1, 4, 0], [4], .int32)]),
    GradientCase(
      name: "bags of two tables, rows twice in a bag and in several",
      parameters: ["first": [4, 2], "second": [3, 2], "front": [3, 2]],
      build: {
        try $0.apply(
          .embeddingBag(EmbeddingBag(lengths: [3, 1], hasLeading: true)),
          to: ["i", "first", "second", "front"], name: "y")
      },
      fixed: ["i": ([1, 1, 3, 0, 2, 1, 0, 0, 1, 1, 1, 2], [3, 4], .int32)]),
  ]

  static let images: [GradientCase] = {
    var cases: [GradientCase] = []
    let windows: [(String, SlidingWindow)] = [
      ("padded", SlidingWindow([3, 2], before: [1, 0], after: [1, 1])),
      ("strided, a rest unseen", SlidingWindow([2, 3], strides: [2, 2], before: [0, 1])),
      ("dilated", SlidingWindow([2, 2], dilations: [2, 1], before: [1, 0])),
      ("one axis", SlidingWindow([3], strides: [2], before: [1])),
      ("one tap, strided", SlidingWindow([1, 1], strides: [2, 3])),
      ("one tap, padded behind", SlidingWindow([1, 1], strides: [3, 1], after: [2, 1])),
    ]
    for (name, window) in windows {
      for isImagesFirst in [true, false] {
        let layout: ImageLayout = isImagesFirst ? .imagesFirst : .channelsFirst
        let places = [5, 6].prefix(window.rank)
        cases.append(
          GradientCase(
            name: "convolution, \(name), \(layout)",
            parameters: [
              "x": TensorShape((isImagesFirst ? [2, 3] : [3, 2]) + places),
              "w": isImagesFirst
                ? TensorShape([4, 3] + window.kernel) : [3, window.taps, 4], "b": [4],
            ]
          ) {
            try $0.apply(
              .convolution(
                Convolution(
                  window, inputLayout: layout, outputLayout: layout,
                  weightLayout: isImagesFirst ? .outputsFirst : .inputsFirst)),
              to: ["x", "w", "b"], name: "y")
          })
      }
    }
    for mode in [Pooling.Mode.max, .average(countsPadding: false)] {
      cases.append(
        GradientCase(name: "pooling \(mode)", parameters: ["x": [2, 2, 4, 6]]) {
          try $0.apply(
            .pool(Pooling(SlidingWindow([2, 3], strides: [2, 3]), mode: mode)), to: ["x"],
            name: "y")
        })
    }
    cases.append(
      GradientCase(name: "maxima of windows that overlap", parameters: ["x": [2, 2, 5, 7]]) {
        try $0.apply(
          .pool(Pooling(SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]), mode: .max)),
          to: ["x"], name: "y")
      })
    cases.append(
      GradientCase(name: "the mean of a plane", parameters: ["x": [2, 2, 3, 4]]) {
        try $0.apply(
          .pool(Pooling(SlidingWindow([3, 4]), mode: .average(countsPadding: false))), to: ["x"],
          name: "y")
      })
    cases.append(
      GradientCase(
        name: "batch norm", parameters: ["x": [3, 2, 2, 2], "scale": [3], "bias": [3]]
      ) {
        try $0.apply(.batchMoments(BatchMoments()), to: ["x"], name: "moments")
        return try $0.apply(
          .batchNorm(BatchNorm(epsilon: 1e-2)), to: ["x", "scale", "bias", "moments"], name: "y")
      })
    return cases
  }()

  static func attention(_ name: String, _ attention: Attention) -> GradientCase {
    GradientCase(
      name: name,
      parameters: [
        "q": attention.queryLayout.shape(attention.query),
        "k": attention.keyLayout.shape(attention.key),
        "v": attention.valueLayout.shape(attention.key),
      ]
    ) { try $0.apply(.attention(attention), to: ["q", "k", "v"], name: "y") }
  }

  static let attentions: [GradientCase] = {
    let query = HeadDimensions(batch: 2, heads: 4, tokens: 3, channels: 2)
    let key = HeadDimensions(batch: 2, heads: 2, tokens: 3, channels: 2)
    let rotary = RotaryEmbedding(
      lengths: HeadDimensions(batch: 1, heads: 2, tokens: 3, channels: 4), angles: nil)
    return [
      attention("causal, two heads share a key", Attention(query: query, key: key, isCausal: true)),
      attention("whole", Attention(query: query, key: query, isCausal: false)),
      attention(
        "other layouts",
        Attention(
          query: query, key: key, isCausal: true, queryLayout: .headsTokens,
          keyLayout: .headsTransposed, valueLayout: .headsTokens, outputLayout: .headsTokens)),
      GradientCase(
        name: "rotary", parameters: ["x": [3, 8]],
        build: { try $0.apply(.rotaryEmbedding(rotary), to: ["x", "cos", "sin"], name: "y") },
        fixed: [
          "cos": ((0..<6).map { cos(0.4 * Double($0)) }, [3, 2], .float32),
          "sin": ((0..<6).map { sin(0.4 * Double($0)) }, [3, 2], .float32),
        ]),
    ]
  }()
}
