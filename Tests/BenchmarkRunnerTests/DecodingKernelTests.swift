import BenchmarkRunner
import Foundation
import Hardware
import Lowering
import ModelGraph
import NumericFormats
import Testing
import WorkloadCatalog

/// What a decoding step's kernels take along, and that values are right.
@Suite struct DecodingKernelTests {
  private func check(
    _ graph: Graph, kernels: [String], sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let execution = try GraphExecution(graph)
    for report in execution.reports {
      #expect(report.passed, "\(report.summary)", sourceLocation: sourceLocation)
    }
    #expect(!execution.reports.isEmpty)
    let names = execution.lowered.steps.map { String($0.kernel.prefix { $0 != " " }) }
    #expect(names == kernels, sourceLocation: sourceLocation)
  }

  /// A layer with biases, experts and widths that 128 does not divide.
  private func parameters(batch: Int) throws -> DecoderParameters {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let catalog = try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
    return DecoderParameters(
      architecture: try catalog.architecture("gpt-oss-small"), phase: .decode, batch: batch,
      tokens: 1, context: 128)
  }

  @Test(arguments: [1, 3]) func aLayerIsFiveKernels(batch: Int) throws {
    let graph = try DecoderGraphs(try parameters(batch: batch), format: .bfloat16)
      .layer(named: "layer")
    try check(
      graph,
      kernels: [
        "rmsnorm+projections+bias+rotary+cache", "attention", "matmul", "rmsnorm+router+experts",
        "add",
      ])
  }

  /// Experts in fp8 beside tokens in bf16 have no kernel, and none may take them for its own.
  @Test func expertsOfAnotherFormatAreRefused() throws {
    var parameters = try parameters(batch: 1)
    parameters.weights = .float8e4m3
    let graph = try DecoderGraphs(parameters, format: .bfloat16).layer(named: "layer")
    #expect(throws: LoweringError.self) {
      try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: false)
    }
  }

  /// Nothing says that these products belong together.
  @Test func productsOfFewRowsAreOneKernelInEveryModel() throws {
    var builder = GraphBuilder(name: "products", format: .bfloat16)
    try builder.given("x", [2, 512])
    for name in ["a", "b", "c"] {
      try builder.weight("w_\(name)", rows: 512, columns: 128)
      try builder.product("x", "w_\(name)", name: name, role: .output)
    }
    try check(try builder.finish(), kernels: ["projections"])
  }

  /// Biases in the format of everything else, as ONNX files have them.
  @Test(arguments: [1, 4]) func theyTakeTheirBiasesAlong(rows: Int) throws {
    var builder = GraphBuilder(name: "products", format: .bfloat16)
    try builder.given("x", [rows, 512])
    for name in ["a", "b"] {
      try builder.weight("w_\(name)", rows: 512, columns: 512)
      try builder.given("b_\(name)", [512], role: .weight)
      try builder.product("x", "w_\(name)", name: "p_\(name)")
      try builder.apply(.add, to: ["p_\(name)", "b_\(name)"], name: name, role: .output)
    }
    try check(try builder.finish(), kernels: ["projections+bias"])
  }

  /// A gated layer as exporters write it: the other product first, silu as a product with a
  /// sigmoid.
  private func writtenLayer(rows: Int, isRead: Bool, columns: Int = 256) throws -> Graph {
    var builder = GraphBuilder(name: "gated", format: .bfloat16)
    try builder.given("x", [1, rows, 256])
    for name in ["up", "gate"] {
      try builder.weight("w_\(name)", rows: 256, columns: 128)
      try builder.product("x", "w_\(name)", name: name)
    }
    try builder.apply(.elementwise(Elementwise(.sigmoid)), to: ["gate"], name: "share")
    let multiply = ModelGraph.Operator.elementwise(Elementwise(.multiply))
    try builder.apply(multiply, to: ["share", "gate"], name: "active")
    try builder.apply(multiply, to: ["up", "active"], name: "gated")
    try builder.weight("w_down", rows: 128, columns: columns)
    try builder.product("gated", "w_down", name: "y", role: .output)
    if isRead { try builder.apply(.copy, to: ["share"], name: "z", role: .output) }
    return try builder.finish()
  }

  @Test(arguments: [1, 40]) func gatedLayersAreFoundAsTheyAreWritten(rows: Int) throws {
    try check(try writtenLayer(rows: rows, isRead: false), kernels: ["swiglu"])
  }

  /// The kernel gives back as many columns as it takes.
  @Test(arguments: [1, 40], [1, 128, 384]) func layersToAnotherWidthStayProducts(
    rows: Int, columns: Int
  ) throws {
    let graph = try writtenLayer(rows: rows, isRead: false, columns: columns)
    let execution = try GraphExecution(graph)
    let failed = execution.reports.filter { !$0.passed }
    let fused = execution.lowered.steps.filter { $0.kernel.hasPrefix("swiglu") }
    #expect(failed.isEmpty && fused.isEmpty && !execution.reports.isEmpty)
  }

  /// A sigmoid that somebody else reads has to be computed.
  @Test func gatedLayersWithOtherReadersStay() throws {
    let execution = try GraphExecution(try writtenLayer(rows: 40, isRead: true))
    let failed = execution.reports.filter { !$0.passed }
    let fused = execution.lowered.steps.filter { $0.kernel.hasPrefix("swiglu") }
    #expect(failed.isEmpty && fused.isEmpty)
  }
}
