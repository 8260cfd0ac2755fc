import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Operators without a rule of their own: the derivative of what they are written as, against
/// finite differences of the operator itself.
extension GradientTests {
  @Test(arguments: writtenOut) func operatorsSaidInOthers(_ test: GradientCase) throws {
    try check(test)
  }

  static let writtenOut: [GradientCase] = imagesBySource + recurrent + attentionsOfOtherKinds

  private static let imagesBySource: [GradientCase] = {
    var cases = [
      GradientCase(name: "local response", parameters: ["x": [2, 5, 3]]) {
        try $0.apply(
          .localResponse(LocalResponse(size: 3, alpha: 0.5, beta: 0.7, bias: 1)), to: ["x"],
          name: "y")
      },
      GradientCase(name: "grid sample", parameters: ["x": [1, 2, 4, 5], "grid": [1, 2, 3, 2]]) {
        try $0.apply(
          .gridSample(GridSample(mode: .linear, padding: .border, alignsCorners: false)),
          to: ["x", "grid"], name: "y")
      },
      GradientCase(name: "stencil", parameters: ["x": [3, 4, 2]]) {
        try $0.apply(.stencil(Stencil(centre: 0.4, neighbour: 0.1)), to: ["x"], name: "y")
      },
      GradientCase(name: "Fourier transform", parameters: ["x": [2, 2, 6]]) {
        try $0.apply(.fourierTransform(FourierTransform()), to: ["x"], name: "y")
      },
      GradientCase(name: "norms of windows", parameters: ["x": [1, 2, 4, 4]]) {
        try $0.apply(
          .windowNorm(WindowNorm(SlidingWindow([2, 2], strides: [1, 2]))), to: ["x"], name: "y")
      },
      GradientCase(name: "resampled", parameters: ["x": [2, 5]]) {
        let axis = AxisResampling(
          axis: 1, sources: [[0, 1], [2, 3], [3, 4]],
          weights: [[0.3, 0.7], [0.5, 0.5], [1, -0.2]],
          isOutside: [false, false, true])
        return try $0.apply(
          .resample(Resample(axes: [axis], outerValue: 2)), to: ["x"], name: "y")
      },
    ]
    for mode in ResizeMode.allCases {
      cases.append(
        GradientCase(name: "resize, \(mode.rawValue)", parameters: ["x": [1, 2, 3, 4]]) {
          try $0.apply(
            .resize(Resize(sizes: [5, 6], scales: [5.0 / 3, 1.5], mode: mode)), to: ["x"],
            name: "y")
        })
    }
    cases[1].fill = .uniform(low: -0.8, high: 0.8)
    return cases
  }()

  private static let recurrent: [GradientCase] =
    [RecurrentCell.simple, .gated, .longShortTerm]
    .map { cell in
      let gates = cell.gates
      return GradientCase(
        name: cell.rawValue,
        parameters: [
          "x": [3, 2, 2], "w": [1, gates * 2, 2], "r": [1, gates * 2, 2], "b": [1, 2 * gates * 2],
        ]
      ) {
        try $0.apply(
          .recurrent(Recurrent(cell, hidden: 2)), to: ["x", "w", "r", "b"], name: "y")
      }
    } + [
      GradientCase(
        name: "causal convolution", parameters: ["x": [2, 3, 5], "w": [3, 1, 3], "b": [3]]
      ) {
        try $0.apply(
          .causalConvolution(CausalConvolution(appliesSilu: true)), to: ["x", "w", "b"], name: "y")
      },
      GradientCase(
        name: "the state behind a causal convolution", parameters: ["x": [2, 3, 5]],
        build: {
          try $0.apply(
            .causalConvolution(CausalConvolution()), to: ["x", "w"], name: "conv",
            results: ["y", "state"])
          return try $0.apply(.copy, to: ["state"], name: "z")
        },
        fixed: ["w": ([Double](repeating: 0.5, count: 9), [3, 1, 3], .float64)]),
    ]

  private static let attentionsOfOtherKinds: [GradientCase] = [
    GradientCase(
      name: "linear attention",
      parameters: [
        "q": [1, 3, 4], "k": [1, 3, 4], "v": [1, 3, 6], "d": [1, 3, 2], "e": [1, 3, 2],
      ]
    ) {
      try $0.apply(
        .linearAttention(LinearAttention(rule: .gatedDelta, queryHeads: 2, keyHeads: 2)),
        to: ["q", "k", "v", "", "d", "e"], name: "y")
    },
    GradientCase(
      name: "attention with a mask",
      parameters: ["q": [1, 2, 3, 4], "k": [1, 2, 5, 4], "v": [1, 2, 5, 4], "m": [3, 5]]
    ) {
      try $0.apply(
        .maskedAttention(
          MaskedAttention(isCausal: false, queryHeads: nil, keyHeads: nil, scale: 0.4, softcap: 3)),
        to: ["q", "k", "v", "m"], name: "y")
    },
    GradientCase(
      name: "pointwise attention", parameters: ["q": [6, 4], "k": [6, 4], "v": [6, 6]]
    ) {
      try $0.apply(
        .pointwiseAttention(
          PointwiseAttention(
            lengths: HeadDimensions(batch: 2, heads: 2, tokens: 3, channels: 2), isCausal: true,
            scale: 0.5)), to: ["q", "k", "v"], name: "y")
    },
    GradientCase(
      name: "neighbour attention", parameters: ["s": [5, 6], "t": [3, 3]],
      build: {
        try $0.apply(
          .neighbourAttention(NeighbourAttention(heads: 2, firstScore: 1)),
          to: ["s", "t", "places"], name: "y")
      },
      fixed: ["places": ([0, 4, 5, 2, 2, 1, 5, 9, 5], [3, 3], .int64)]),
    GradientCase(
      name: "experts",
      parameters: [
        "x": [3, 2], "l": [3, 4], "g": [4, 2, 3], "u": [4, 2, 3], "d": [4, 3, 2],
      ]
    ) {
      try $0.apply(
        .expertLayer(ExpertLayer(chosen: 2)), to: ["x", "l", "g", "u", "d"], name: "y")
    },
  ]
}
