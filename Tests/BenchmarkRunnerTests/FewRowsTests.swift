import BenchmarkRunner
import Hardware
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Kernels for the few rows of decoding: what they take along, and that values are right.
@Suite struct FewRowsTests {
  private func check(
    _ graph: Graph, kernels: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let execution = try GraphExecution(graph)
    for report in execution.reports {
      #expect(report.passed, "\(report.summary)", sourceLocation: sourceLocation)
    }
    let names = execution.lowered.steps.map { String($0.kernel.prefix { $0 != " " }) }
    #expect(names == kernels, sourceLocation: sourceLocation)
  }

  @Test(arguments: [1, 3, 16, 64]) func aSumAndItsNormAreOneKernel(rows: Int) throws {
    var builder = GraphBuilder(name: "sum", format: .bfloat16)
    try builder.given("a", [rows, 1_024])
    try builder.given("b", [rows, 1_024])
    try builder.given("gamma", [1_024], role: .weight)
    try builder.apply(.add, to: ["a", "b"], name: "sum", role: .output)
    try builder.apply(
      .rmsNormalization(epsilon: 1e-5), to: ["sum", "gamma"], name: "y", role: .output)
    try check(try builder.finish(), kernels: ["add+rmsnorm"])
  }

  @Test func manyRowsKeepTwoKernels() throws {
    var builder = GraphBuilder(name: "sum", format: .bfloat16)
    try builder.given("a", [65, 1_024])
    try builder.given("b", [65, 1_024])
    try builder.given("gamma", [1_024], role: .weight)
    try builder.apply(.add, to: ["a", "b"], name: "sum", role: .output)
    try builder.apply(
      .rmsNormalization(epsilon: 1e-5), to: ["sum", "gamma"], name: "y", role: .output)
    try check(try builder.finish(), kernels: ["add", "rmsnorm"])
  }

  /// Three products of one input; the last in a format of its own stays alone.
  @Test(arguments: [1, 5, 16, 32], [NumberFormat.float8e4m3, .bfloat16])
  func projectionsAreOneKernel(rows: Int, weights: NumberFormat) throws {
    var builder = GraphBuilder(name: "projections", format: .bfloat16)
    try builder.given("x", [rows, 512])
    let hints = KernelHints(fusion: "projections")
    for (name, columns) in [("query", 1_024), ("key", 128), ("value", 128)] {
      try builder.weight("w_\(name)", rows: 512, columns: columns, format: weights)
      try builder.product("x", "w_\(name)", name: name, hints: hints)
      try builder.mark(name, as: .output)
    }
    try check(try builder.finish(), kernels: ["projections"])
  }

  /// A norm that only products read is part of their kernel, and so is the sum before it.
  @Test(arguments: [1, 3, 16], [true, false])
  func productsTakeTheirNormAlong(rows: Int, hasSum: Bool) throws {
    var builder = GraphBuilder(name: "normed", format: .bfloat16)
    try builder.given("a", [rows, 512])
    var x = "a"
    if hasSum {
      try builder.given("b", [rows, 512])
      x = try builder.apply(.add, to: ["a", "b"], name: "sum", role: .output)
    }
    try builder.given(
      "gamma", [512], role: .weight, fill: .uniform(low: 0.5, high: 1.5))
    try builder.apply(.rmsNormalization(epsilon: 1e-5), to: [x, "gamma"], name: "normal")
    let hints = KernelHints(fusion: "projections")
    for (name, columns) in [("query", 256), ("key", 128)] {
      try builder.weight("w_\(name)", rows: 512, columns: columns)
      try builder.product("normal", "w_\(name)", name: name, hints: hints)
      try builder.mark(name, as: .output)
    }
    try check(
      try builder.finish(), kernels: ["\(hasSum ? "add+" : "")rmsnorm+projections"])
  }

  /// The five nodes of a gated layer whose result is `y`.
  private func gatedLayer(
    of x: String, _ width: Int, _ hidden: Int, _ builder: inout GraphBuilder
  ) throws {
    let hints = KernelHints(fusion: "gated")
    for name in ["gate", "up"] {
      try builder.weight("w_\(name)", rows: width, columns: hidden)
      try builder.product(x, "w_\(name)", name: name, hints: hints)
    }
    try builder.apply(.silu, to: ["gate"], name: "activated", hints: hints)
    try builder.apply(.multiply, to: ["activated", "up"], name: "gated", hints: hints)
    try builder.weight("w_down", rows: hidden, columns: width)
    try builder.product("gated", "w_down", name: "y")
  }

  @Test(arguments: [1, 4]) func gatedLayersTakeTheirNormAlong(rows: Int) throws {
    func graph(isReadAgain: Bool, addsSum: Bool) throws -> Graph {
      var builder = GraphBuilder(name: "normed", format: .bfloat16)
      try builder.given("a", [rows, 1024])
      try builder.given("b", [rows, 1024])
      try builder.apply(.add, to: ["a", "b"], name: "sum", role: .output)
      try builder.given(
        "gamma", [1024], role: .weight, fill: .uniform(low: 0.5, high: 1.5))
      try builder.apply(
        .rmsNormalization(epsilon: 1e-5), to: ["sum", "gamma"], name: "normal")
      try gatedLayer(of: "normal", 1024, 256, &builder)
      if addsSum {
        try builder.apply(.add, to: ["y", "sum"], name: "z", role: .output)
      } else {
        try builder.mark("y", as: .output)
      }
      if isReadAgain { try builder.apply(.copy, to: ["normal"], name: "w", role: .output) }
      return try builder.finish()
    }
    try check(
      try graph(isReadAgain: false, addsSum: false), kernels: ["add+rmsnorm+swiglu"])
    // The residual is the sum that the kernel would store itself.
    try check(
      try graph(isReadAgain: false, addsSum: true), kernels: ["add+rmsnorm", "swiglu"])
    try check(
      try graph(isReadAgain: true, addsSum: false),
      kernels: ["add+rmsnorm", "swiglu", "cast"])
  }

  @Test func rowsThatDoNotFitStayProducts() throws {
    var builder = GraphBuilder(name: "projections", format: .bfloat16)
    try builder.given("x", [33, 256])
    let hints = KernelHints(fusion: "projections")
    for name in ["query", "key"] {
      try builder.weight("w_\(name)", rows: 256, columns: 128, format: .float8e4m3)
      try builder.product("x", "w_\(name)", name: name, hints: hints)
      try builder.mark(name, as: .output)
    }
    try check(try builder.finish(), kernels: ["matmul", "matmul"])
  }

  /// Sums that take two banks, and such that would not lie within one each.
  @Test(arguments: [12, 16]) func wideProductsOfManyRows(rows: Int) throws {
    var builder = GraphBuilder(name: "wide", format: .bfloat16)
    try builder.given("x", [rows, 256])
    try builder.weight("w", rows: 256, columns: 6_144, format: .float8e4m3)
    try builder.product("x", "w", name: "y", role: .output)
    try check(try builder.finish(), kernels: ["matmul"])
  }

  /// Narrow and wide weights of a gated layer, in one part or in several, with what is added at its
  /// end.
  @Test(arguments: [1, 4, 16, 32], [NumberFormat.float8e4m3, .bfloat16])
  func gatedLayersOfFewTokens(tokens: Int, weights: NumberFormat) throws {
    let (width, hidden) = (256, 4_480)
    var builder = GraphBuilder(name: "gated", format: .bfloat16)
    try builder.given("x", [tokens, width])
    try builder.given("before", [tokens, width])
    for (name, rows, columns) in [
      ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ] { try builder.weight("w_\(name)", rows: rows, columns: columns, format: weights) }
    let hints = KernelHints(fusion: "gated")
    try builder.product("x", "w_gate", name: "gate", hints: hints)
    try builder.product("x", "w_up", name: "up", hints: hints)
    try builder.apply(.silu, to: ["gate"], name: "activated", hints: hints)
    try builder.apply(.multiply, to: ["activated", "up"], name: "gated", hints: hints)
    try builder.product("gated", "w_down", name: "middle")
    try builder.apply(.add, to: ["before", "middle"], name: "y", role: .output)
    try check(try builder.finish(), kernels: ["swiglu"])
  }

  /// Queries and keys are turned by the same tables at once; many tokens one after the other.
  @Test(arguments: [(1, ["rotary"]), (200, ["rotary", "rotary"])])
  func queriesAndKeysAreTurnedTogether(tokens: Int, kernels: [String]) throws {
    let channels = 64
    var builder = GraphBuilder(name: "rotary", format: .bfloat16)
    let angles = RotaryAngles(base: 10_000, channels: channels, firstPosition: 7)
    try builder.given(
      "cosine", [tokens, channels / 2], role: .weight, format: .float32,
      fill: .rotaryCosine(angles))
    try builder.given(
      "sine", [tokens, channels / 2], role: .weight, format: .float32, fill: .rotarySine(angles))
    for (name, heads) in [("query", 8), ("key", 2)] {
      try builder.given(name, [tokens, heads * channels])
    }
    for (name, heads) in [("query", 8), ("key", 2)] {
      let lengths = HeadDimensions(batch: 1, heads: heads, tokens: tokens, channels: channels)
      try builder.apply(
        .rotaryEmbedding(RotaryEmbedding(lengths: lengths, angles: angles)),
        to: [name, "cosine", "sine"], name: "turned_\(name)", role: .output)
    }
    try check(try builder.finish(), kernels: kernels)
  }

  /// A token's keys and values go into their caches at once, each in its own layout.
  @Test func keysAndValuesAreWrittenTogether() throws {
    let cache = HeadDimensions(batch: 1, heads: 2, tokens: 32, channels: 64)
    var builder = GraphBuilder(name: "caches", format: .bfloat16)
    for (name, layout) in [("key", HeadLayout.headsTransposed), ("value", .tokensHeads)] {
      try builder.given(name, [1, cache.heads * cache.channels])
      try builder.given("\(name)_cache", layout.shape(cache), role: .state)
    }
    for (name, layout) in [("key", HeadLayout.headsTransposed), ("value", .tokensHeads)] {
      try builder.apply(
        .tensorScatter(TensorScatter(cache: cache, layout: layout, tokens: 1, position: 9)),
        to: ["\(name)_cache", name], name: "new_\(name)", role: .output,
        updates: "\(name)_cache")
    }
    try check(try builder.finish(), kernels: ["cache-update"])
  }
}
