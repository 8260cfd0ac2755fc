import Foundation
import ModelGraph
import NumericFormats
import Testing

/// Rules of operators that models from files bring along.
extension GradientTests {
  @Test(arguments: rareFunctions) func rareFunctionsOfOneElement(_ test: GradientCase) throws {
    try check(test)
  }
  @Test(arguments: several) func functionsOfSeveralInputs(_ test: GradientCase) throws {
    try check(test)
  }
  @Test(arguments: reductions) func reductionsOfAllKinds(_ test: GradientCase) throws {
    try check(test)
  }
  @Test(arguments: normalizations) func normalizationsOfAnyAxis(_ test: GradientCase) throws {
    try check(test)
  }
  @Test(arguments: indices) func elementsByIndex(_ test: GradientCase) throws { try check(test) }
  @Test(arguments: rearrangements) func rearrangementsAndRunningSums(_ test: GradientCase) throws {
    try check(test)
  }
  @Test(arguments: sums) func sumsOfProducts(_ test: GradientCase) throws { try check(test) }
  @Test(arguments: windows) func groupsAndWindows(_ test: GradientCase) throws { try check(test) }
  @Test(arguments: masks) func attentionThatSeesPart(_ test: GradientCase) throws {
    try check(test)
  }

  static let rareFunctions: [GradientCase] = {
    func unary(
      _ function: ElementwiseFunction, alpha: Double = 0, beta: Double = 0,
      in range: ClosedRange<Double> = -2...2
    ) -> GradientCase {
      var test = GradientCase(name: function.rawValue, parameters: ["x": [3, 4]]) {
        try $0.apply(
          .elementwise(Elementwise(function, alpha: alpha, beta: beta)), to: ["x"], name: "y")
      }
      test.fill = .uniform(low: range.lowerBound, high: range.upperBound)
      return test
    }
    return [
      unary(.tan, in: -1...1), unary(.asin, in: -0.8...0.8), unary(.acos, in: -0.8...0.8),
      unary(.atan), unary(.sinh), unary(.cosh), unary(.asinh), unary(.acosh, in: 1.2...3),
      unary(.atanh, in: -0.8...0.8), unary(.elu, alpha: 0.7), unary(.celu, alpha: 1.3),
      unary(.selu, alpha: 1.67, beta: 1.05), unary(.hardSigmoid, alpha: 0.4, beta: 0.5),
      unary(.hardSwish, in: -5...5), unary(.mish), unary(.softsign),
      unary(.shrink, alpha: 0.5, beta: 0.2), unary(.thresholdedRelu, alpha: 0.6),
    ]
  }()

  static let several: [GradientCase] =
    [
      binary(.power, [2, 3], [3]), binary(.prelu, [2, 3], [3]), binary(.modulo, [2, 3], [3]),
      binary(.remainder, [2, 3], [2, 1]),
    ]
    + [ElementwiseFunction.maximum, .minimum, .mean, .sum].map { function in
      GradientCase(
        name: "\(function.rawValue) of three", parameters: ["a": [2, 3], "b": [3], "c": [2, 1]]
      ) { try $0.apply(.elementwise(Elementwise(function)), to: ["a", "b", "c"], name: "y") }
    } + [
      GradientCase(name: "prelu of both signs", parameters: ["a": [3, 4], "b": [4]]) {
        try $0.apply(.elementwise(Elementwise(.prelu)), to: ["a", "b"], name: "y")
      },
      GradientCase(name: "gated swish", parameters: ["a": [2, 3], "b": [2, 3]]) {
        try $0.apply(.gatedSwish(GatedSwish(alpha: 1.3)), to: ["a", "b"], name: "y")
      },
      GradientCase(
        name: "select", parameters: ["a": [2, 3], "b": [2, 3]],
        build: {
          try $0.apply(.elementwise(Elementwise(.select)), to: ["c", "a", "b"], name: "y")
        },
        fixed: ["c": ([1, 0, 0, 1, 1, 0], [2, 3], .bool)]),
      GradientCase(name: "sum and copy", parameters: ["a": [2, 3]]) {
        try $0.apply(.elementwise(Elementwise(.sum)), to: ["a", "a", "a"], name: "s")
        return try $0.apply(.copy, to: ["s"], name: "y")
      },
    ]

  static let reductions: [GradientCase] = ReductionKind.allCases.map { kind in
    var test = GradientCase(name: kind.rawValue, parameters: ["x": [2, 3, 4]]) {
      try $0.apply(
        .reduce(Reduction(kind, axes: [0, -1], keepsDimensions: false)), to: ["x"], name: "y")
    }
    if kind == .logSum || kind == .product { test.fill = .uniform(low: 0.5, high: 2) }
    return test
  }

  static let normalizations: [GradientCase] = {
    var cases: [GradientCase] = []
    for kind in [SoftmaxKind.softmax, .logSoftmax] {
      for (axis, merges) in [(1, false), (-1, false), (1, true)] {
        cases.append(
          GradientCase(name: "\(kind.rawValue) \(axis) \(merges)", parameters: ["x": [2, 3, 2]]) {
            try $0.apply(
              .axisSoftmax(AxisSoftmax(kind, axis: axis, mergesAxes: merges)), to: ["x"],
              name: "y")
          })
      }
    }
    for centres in [true, false] {
      cases.append(
        GradientCase(
          name: "axisNormalization \(centres)",
          parameters: centres
            ? ["x": [2, 3, 4], "s": [3, 4], "b": [3, 4]] : ["x": [2, 3, 4], "s": [3, 4]]
        ) {
          try $0.apply(
            .axisNormalization(AxisNormalization(centres: centres, axis: 1, epsilon: 1e-2)),
            to: centres ? ["x", "s", "b"] : ["x", "s"], name: "y")
        })
    }
    for layout in [ImageLayout.imagesFirst, .channelsFirst] {
      let x: TensorShape = layout == .imagesFirst ? [2, 4, 3] : [4, 2, 3]
      cases.append(
        GradientCase(
          name: "groups of channels, \(layout)", parameters: ["x": x, "s": [4], "b": [4]]
        ) {
          try $0.apply(
            .channelNormalization(ChannelNormalization(.groups(2), epsilon: 1e-2, layout: layout)),
            to: ["x", "s", "b"], name: "y")
        })
      cases.append(channelsByMoments(x, layout))
    }
    for power in [1, 2] {
      cases.append(
        GradientCase(name: "lpNormalization \(power)", parameters: ["x": [2, 3, 2]]) {
          try $0.apply(
            .lpNormalization(LpNormalization(axis: 1, power: power)), to: ["x"], name: "y")
        })
    }
    return cases + [givenMoments]
  }()

  private static func channelsByMoments(_ x: TensorShape, _ layout: ImageLayout) -> GradientCase {
    var test = GradientCase(
      name: "channels by moments, \(layout)",
      parameters: ["x": x, "s": [4], "b": [4], "mean": [4], "variance": [4]]
    ) {
      try $0.apply(
        .channelNormalization(ChannelNormalization(.given, epsilon: 1e-2, layout: layout)),
        to: ["x", "s", "b", "mean", "variance"], name: "y")
    }
    test.fill = .uniform(low: 0.5, high: 2)
    return test
  }

  /// Frozen statistics: X moves nothing but itself.
  private static let givenMoments = GradientCase(
    name: "batch norm by given moments",
    parameters: ["x": [3, 2, 2, 2], "scale": [3], "bias": [3]],
    build: {
      try $0.apply(
        .batchNorm(BatchNorm(epsilon: 1e-2)), to: ["x", "scale", "bias", "moments"], name: "y")
    }, fixed: ["moments": ([0.3, -0.2, 0.1, 1.5, 0.7, 2], [2, 3, 1, 1, 1], .float32)])

  static let indices: [GradientCase] = [
    GradientCase(
      name: "slices of an axis, one from the back", parameters: ["x": [2, 4, 3]],
      build: { try $0.apply(.axisGather(AxisGather(axis: 1)), to: ["x", "i"], name: "y") },
      fixed: ["i": ([1, -1, 1, 0], [2, 2], .int32)]),
    GradientCase(
      name: "elements along an axis", parameters: ["x": [3, 4]],
      build: { try $0.apply(.elementGather(ElementGather(axis: 1)), to: ["x", "i"], name: "y") },
      fixed: ["i": ([1, 1, 3, 0, 2, 2], [3, 2], .int32)]),
    GradientCase(
      name: "slices by tuples", parameters: ["x": [3, 2, 2]],
      build: { try $0.apply(.tupleGather(TupleGather()), to: ["x", "i"], name: "y") },
      fixed: ["i": ([2, 0, 0, 1, 2, 0], [3, 2], .int32)]),
    GradientCase(name: "the largest", parameters: ["x": [3, 5]]) {
      try $0.apply(
        .topK(TopK(count: 2)), to: ["x"], name: "choice", results: ["y", "places"])
      return "y"
    },
    GradientCase(
      name: "elements written", parameters: ["x": [3, 4], "u": [3, 2]],
      build: { try $0.apply(.scatter(Scatter(axis: 1)), to: ["x", "i", "u"], name: "y") },
      fixed: ["i": ([1, 3, 0, 2, 2, 3], [3, 2], .int32)]),
    GradientCase(
      name: "slices added, one twice", parameters: ["x": [4, 2], "u": [3, 2]],
      build: {
        try $0.apply(
          .scatter(Scatter(axis: nil, reduction: .add)), to: ["x", "i", "u"], name: "y")
      }, fixed: ["i": ([1, 3, 1], [3, 1], .int32)]),
  ]

  static let rearrangements: [GradientCase] = {
    var cases = [
      GradientCase(name: "tile", parameters: ["x": [2, 3]]) {
        try $0.apply(.tile(Tile(repeats: [2, 3])), to: ["x"], name: "y")
      },
      GradientCase(name: "triangle", parameters: ["x": [2, 3, 3]]) {
        try $0.apply(.triangle(Triangle(keepsUpper: true, diagonal: 1)), to: ["x"], name: "y")
      },
      GradientCase(
        name: "reversed sequences", parameters: ["x": [2, 4]],
        build: {
          try $0.apply(
            .reverseSequence(ReverseSequence(batchAxis: 0, timeAxis: 1)), to: ["x", "n"],
            name: "y")
        }, fixed: ["n": ([3, 4], [2], .int32)]),
      GradientCase(name: "slice by steps", parameters: ["x": [7, 8]]) {
        try $0.apply(
          .stridedSlice(StridedSlice(starts: [1, 6], counts: [3, 3], steps: [2, -3])), to: ["x"],
          name: "y")
      },
    ]
    for toDepth in [true, false] {
      cases.append(
        GradientCase(
          name: "blocks \(toDepth)", parameters: ["x": toDepth ? [1, 2, 4, 4] : [1, 8, 2, 2]]
        ) {
          try $0.apply(
            .blockShuffle(BlockShuffle(size: 2, toDepth: toDepth)), to: ["x"], name: "y")
        })
    }
    for multiplies in [true, false] {
      for (isExclusive, isReversed) in [(false, false), (true, false), (false, true), (true, true)]
      {
        cases.append(
          GradientCase(
            name: "running \(multiplies) \(isExclusive) \(isReversed)", parameters: ["x": [2, 4]]
          ) {
            try $0.apply(
              .cumulative(
                Cumulative(
                  multiplies: multiplies, axis: 1, isExclusive: isExclusive,
                  isReversed: isReversed)), to: ["x"], name: "y")
          })
      }
    }
    return cases
  }()

  static let sums: [GradientCase] = {
    var cases = ["bij,bjk->bik", "ij,ik,i->jk", "bhqd,bhkd->bhqk"].map { equation in
      let lengths: [Character: Int] = [
        "b": 2, "h": 2, "i": 3, "j": 2, "k": 3, "q": 2, "d": 3,
      ]
      let terms = equation.prefix { $0 != "-" }.split(separator: ",")
      let names = ["a", "b", "c"].prefix(terms.count)
      let shapes = terms.map { TensorShape($0.map { lengths[$0] ?? 1 }) }
      return GradientCase(
        name: equation, parameters: Dictionary(uniqueKeysWithValues: zip(names, shapes))
      ) { try $0.apply(.einsum(Einsum(equation)), to: Array(names), name: "y") }
    }
    for (a, b) in [(false, false), (true, true)] {
      cases.append(
        GradientCase(
          name: "gemm \(a) \(b)",
          parameters: ["a": a ? [3, 2] : [2, 3], "b": b ? [4, 3] : [3, 4], "c": [4]]
        ) {
          try $0.apply(
            .gemm(Gemm(alpha: 0.7, beta: 1.3, transposeA: a, transposeB: b)),
            to: ["a", "b", "c"], name: "y")
        })
    }
    return cases
  }()

  static let windows: [GradientCase] = {
    var cases: [GradientCase] = []
    for groups in [2, 4] {
      cases.append(
        GradientCase(
          name: "\(groups) groups",
          parameters: ["x": [2, 4, 5, 4], "w": [8, 4 / groups, 3, 2], "b": [8]]
        ) {
          try $0.apply(
            .convolution(
              Convolution(
                SlidingWindow([3, 2], strides: [2, 1], before: [1, 0], after: [1, 1]),
                groups: groups)), to: ["x", "w", "b"], name: "y")
        })
    }
    for stride in [1, 2, 3] {
      cases.append(
        GradientCase(
          name: "transposed, \(stride)",
          parameters: ["x": [2, 3, 3, 2], "w": [3, 2, 2, 3], "b": [2]]
        ) {
          try $0.apply(
            .convTranspose(
              ConvTranspose(
                kernel: [2, 3], strides: [stride, 1], dilations: [1, 1], before: [0, 1],
                lengths: [2 * stride + 2, 3], groups: 1)), to: ["x", "w", "b"], name: "y")
        })
    }
    for countsPadding in [true, false] {
      cases.append(
        GradientCase(name: "means, \(countsPadding)", parameters: ["x": [2, 2, 6, 5]]) {
          try $0.apply(
            .pool(
              Pooling(
                SlidingWindow([3, 2], strides: [2, 1], before: [1, 1], after: [1, 0]),
                mode: .average(countsPadding: countsPadding))), to: ["x"], name: "y")
        })
    }
    return cases
  }()

  static let masks: [GradientCase] = {
    let query = HeadDimensions(batch: 1, heads: 2, tokens: 5, channels: 2)
    let key = HeadDimensions(batch: 1, heads: 1, tokens: 5, channels: 2)
    var window = Attention(query: query, key: key, isCausal: true)
    window.window = 2
    var late = Attention(
      query: HeadDimensions(batch: 1, heads: 2, tokens: 3, channels: 2), key: key,
      isCausal: true, queryOffset: 2)
    late.window = 3
    return [
      attention("a window of two keys", window), attention("a window, queries at the end", late),
      GradientCase(
        name: "ONNX's attention",
        parameters: ["q": [1, 2, 3, 2], "k": [1, 1, 3, 2], "v": [1, 1, 3, 2]]
      ) {
        try $0.apply(
          .maskedAttention(
            MaskedAttention(isCausal: true, queryHeads: nil, keyHeads: nil, scale: 0.6)),
          to: ["q", "k", "v"], name: "y", results: ["y", "", "", ""])
        return "y"
      },
    ]
  }()
}
