import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Attention with everything around it, written as products and softmax.
@Suite struct ExpandedAttentionTests {
  private typealias Input = OperatorCase.Input

  private func attention(
    isCausal: Bool = false, heads: Int? = nil, keyHeads: Int? = nil, softcap: Double = 0,
    scoreMode: Int = 0, left: Int = -1, right: Int = -1
  ) -> ModelGraph.Operator {
    .maskedAttention(
      MaskedAttention(
        isCausal: isCausal, queryHeads: heads, keyHeads: keyHeads, scale: nil, softcap: softcap,
        scoreMode: scoreMode, leftWindow: left, rightWindow: right))
  }

  private let three: [Input?] = [
    .floats([2, 4, 5, 8]), .floats([2, 2, 7, 8]), .floats([2, 2, 7, 6]),
  ]

  @Test(arguments: [false, true]) func plain(isCausal: Bool) throws {
    try OperatorCase(attention(isCausal: isCausal), three).check()
    let merged: [Input?] = [.floats([2, 5, 32]), .floats([2, 7, 16]), .floats([2, 7, 16])]
    try OperatorCase(attention(isCausal: isCausal, heads: 4, keyHeads: 2), merged).check()
  }

  @Test(arguments: [0, 1, 2, 3]) func scores(mode: Int) throws {
    let masked = three + [.floats([5, 7])]
    try OperatorCase(
      attention(softcap: 2, scoreMode: mode), masked, results: 4
    ).check()
  }

  @Test func masks() throws {
    try OperatorCase(attention(), three + [.whole([5, 7], below: 2, .bool)]).check()
    try OperatorCase(attention(isCausal: true), three + [.floats([2, 4, 5, 7])]).check()
    // Fewer columns than keys hide the rest.
    try OperatorCase(attention(), three + [.floats([5, 4])]).check()
    try OperatorCase(attention(), three + [.floats([4, 5, 1])]).check()
  }

  @Test func queriesThatSeeNothingReadNothing() throws {
    let hidden = [Double](repeating: 0, count: 7) + [Double](repeating: 1, count: 28)
    try OperatorCase(attention(), three + [.values(hidden, [5, 7], .bool)]).check()
    let infinite = hidden.map { $0 == 0 ? -Double.infinity : 0 }
    try OperatorCase(attention(), three + [.values(infinite, [5, 7])]).check()
  }

  @Test func pastAndPadding() throws {
    let past: [Input?] = [nil, .floats([2, 2, 3, 8]), .floats([2, 2, 3, 6])]
    try OperatorCase(attention(isCausal: true), three + past, results: 3).check()
    let lengths = try Input.values([7, 5], [2], .int64)
    let padded: [Input?] = three + [nil, nil, nil, lengths]
    try OperatorCase(attention(), padded).check()
    try OperatorCase(attention(isCausal: true, left: 3, right: 1), padded).check()
  }

  @Test func windows() throws {
    try OperatorCase(attention(left: 2, right: 1), three).check()
    try OperatorCase(attention(isCausal: true, left: 2), three).check()
  }

  @Test func halfPrecision() throws {
    let inputs = three.map { input in
      var half = input
      half?.type = .bfloat16
      return half
    }
    // Probabilities meet V in its format.
    try OperatorCase(attention(isCausal: true), inputs, format: .bfloat16).check(agreeing: 0.02)
  }

  /// Without anything that the kernel of whole heads has no words for, that kernel runs.
  @Test func wholeHeads() throws {
    func half(_ shapes: TensorShape...) -> [Input?] { shapes.map { .floats($0, .bfloat16) } }
    func whole(_ operation: ModelGraph.Operator, _ inputs: [Input?], results: Int = 1) throws {
      let lowered = try OperatorCase(
        operation, inputs, results: results, format: .bfloat16
      ).check()
      #expect(lowered.steps.contains { $0.kernel.hasPrefix("attention") }, "\(operation)")
    }
    let wide = half([2, 4, 40, 16], [2, 2, 40, 16], [2, 2, 40, 16])
    try whole(attention(isCausal: true), wide)
    try whole(attention(isCausal: true, left: 7), wide)
    try whole(attention(), half([2, 4, 5, 16], [2, 2, 70, 16], [2, 2, 70, 16]))
    let merged = half([2, 40, 64], [2, 40, 32], [2, 40, 32])
    try whole(attention(isCausal: true, heads: 4, keyHeads: 2), merged)
    // The newest token over a past of 30, whose keys and values are results too.
    let past: [Input?] = [nil] + half([2, 2, 30, 16], [2, 2, 30, 16])
    try whole(
      attention(isCausal: true), half([2, 4, 1, 16], [2, 2, 1, 16], [2, 2, 1, 16]) + past,
      results: 3)
    try whole(
      attention(isCausal: true, heads: 4, keyHeads: 2),
      half([2, 3, 64], [2, 3, 32], [2, 3, 32]) + past, results: 3)
    // A mask that is known to be causal.
    let seen = (0..<1600).map { $0 % 40 <= $0 / 40 ? 0 : -Double.infinity }
    try whole(attention(), wide + [.values(seen, [1, 1, 40, 40], .bfloat16)])
  }

  /// As exporters write it: heads split and turned, keys turned twice, the scale before or after.
  @Test(arguments: [false, true]) func writtenOut(scalesBoth: Bool) throws {
    for (isMasked, keyHeads) in [(true, 4), (false, 2)] {
      let graph = try written(scalesBoth: scalesBoth, isMasked: isMasked, keyHeads: keyHeads)
      let lowered = try OperatorCase(graph).check(agreeing: 0.02)
      let kernels = lowered.steps.map(\.kernel)
      #expect(kernels.count == 1 && kernels[0].hasPrefix("attention"), "\(kernels)")
    }
  }

  private func written(scalesBoth: Bool, isMasked: Bool, keyHeads: Int) throws -> Graph {
    var builder = GraphBuilder(name: "written out", format: .bfloat16)
    func heads(_ name: String, _ count: Int, _ builder: inout GraphBuilder) throws -> String {
      try builder.given(name, [2, 40, 16 * count], fill: .normal(standardDeviation: 1))
      try builder.apply(
        .reshape(Reshape(to: [2, 40, count, 16])), to: [name], name: "\(name).split")
      var turned = try builder.apply(
        .transpose(permutation: [0, 2, 1, 3]), to: ["\(name).split"], name: "\(name).heads")
      if count < 4 {
        try builder.apply(
          .reshape(Reshape(to: [2, count, 1, 40, 16])), to: [turned], name: "\(name).apart")
        try builder.apply(
          .expand(Expand(to: [2, count, 4 / count, 40, 16])), to: ["\(name).apart"],
          name: "\(name).wide")
        turned = try builder.apply(
          .reshape(Reshape(to: [2, 4, 40, 16])), to: ["\(name).wide"], name: "\(name).all")
      }
      return turned
    }
    func times(_ name: String, _ value: Double, _ builder: inout GraphBuilder) throws -> String {
      try builder.given("\(name).factor", [1], role: .weight, fill: .constant(value))
      return try builder.apply(
        .elementwise(Elementwise(.multiply)), to: [name, "\(name).factor"], name: "\(name).scaled")
    }
    var query = try heads("q", 4, &builder)
    let key = try heads("k", keyHeads, &builder)
    let value = try heads("v", keyHeads, &builder)
    var turned = try builder.apply(
      .transpose(permutation: [0, 1, 3, 2]), to: [key], name: "k.turned")
    if scalesBoth {
      query = try times(query, 0.5, &builder)
      turned = try times(turned, 0.5, &builder)
    }
    var scores = try builder.apply(
      .batchMatMul(BatchMatMul()), to: [query, turned], name: "scores")
    if !scalesBoth { scores = try times(scores, 0.25, &builder) }
    if isMasked {
      let seen = (0..<1600).map { $0 % 40 <= $0 / 40 ? 0 : -Double.infinity }
      try builder.given(
        "mask", [40, 40], role: .weight,
        fill: .values(TensorConstant(try TensorView(seen, shape: [40, 40], type: .bfloat16))))
      scores = try builder.apply(
        .elementwise(Elementwise(.add)), to: [scores, "mask"], name: "masked")
    }
    try builder.apply(.softmax, to: [scores], name: "shares")
    try builder.apply(.batchMatMul(BatchMatMul()), to: ["shares", value], name: "read")
    try builder.apply(.transpose(permutation: [0, 2, 1, 3]), to: ["read"], name: "together")
    try builder.apply(
      .reshape(Reshape(to: [2, 40, 64])), to: ["together"], name: "y", role: .output)
    return try builder.finish()
  }

  @Test(arguments: LinearAttentionRule.allCases) func linear(rule: LinearAttentionRule) throws {
    let operation = LinearAttention(rule: rule, queryHeads: 4, keyHeads: 2)
    var inputs: [Input?] = [
      .floats([2, 3, 16]), .floats([2, 3, 8]), .floats([2, 3, 10]), .floats([2, 2, 4, 5]),
    ]
    let decays = rule == .gated || rule == .gatedDelta
    let corrects = rule == .delta || rule == .gatedDelta
    if decays || corrects { inputs.append(decays ? .spread([2, 3, 8], -1, 0) : nil) }
    if corrects { inputs.append(.spread([2, 3, 1], 0, 1)) }
    try OperatorCase(.linearAttention(operation), inputs, results: 2).check()
    if decays {
      inputs[4] = .spread([2, 3, 2], -1, 0)
      inputs[3] = nil
      try OperatorCase(.linearAttention(operation), inputs, results: 2).check()
    }
  }

  @Test(arguments: [false, true]) func rotary(isInterleaved: Bool) throws {
    for turned in [0, 4] {
      let half = turned == 0 ? 4 : 2
      let rotary = TableRotary(isInterleaved: isInterleaved, turnedChannels: turned)
      let wide: [Input?] = [.floats([2, 3, 5, 8])]
      try OperatorCase(
        .tableRotary(rotary), wide + [.floats([2, 5, half]), .floats([2, 5, half])]
      ).check()
      // One table for both sequences, and one of them alone with rows of its own.
      try OperatorCase(
        .tableRotary(rotary), wide + [.floats([1, 5, half]), .floats([1, 5, half])]
      ).check()
      try OperatorCase(
        .tableRotary(rotary),
        [
          .floats([1, 3, 5, 8]), .floats([9, half]), .floats([9, half]), .whole([1, 5], below: 9),
        ]
      ).check()
      let tables: [Input?] = [.floats([9, half]), .floats([9, half])]
      try OperatorCase(
        .tableRotary(rotary), wide + tables + [.whole([2, 5], below: 9)]
      ).check()
      var merged = rotary
      merged.heads = 3
      try OperatorCase(
        .tableRotary(merged), [.floats([2, 5, 24])] + tables + [.whole([2, 5], below: 9)]
      ).check()
    }
  }

  /// Rows that are wider than a kernel can hold are turned in pieces.
  @Test func rotaryOfWideRows() throws {
    var rotary = TableRotary()
    rotary.heads = 80
    let inputs: [Input?] = [
      .floats([1, 3, 80 * 128]), .floats([1, 3, 64]), .floats([1, 3, 64]),
    ]
    try OperatorCase(.tableRotary(rotary), inputs).check()
  }

  @Test func caches() throws {
    for isCircular in [false, true] {
      let positions = try Input.values(isCircular ? [4, 5] : [1, 3], [2], .int64)
      try OperatorCase(
        .cacheScatter(CacheScatter(isCircular: isCircular)),
        [.floats([2, 3, 6, 4]), .floats([2, 3, 2, 4]), positions]
      ).check()
    }
  }
}
