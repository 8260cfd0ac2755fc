import Foundation
import ModelGraph
import NumericFormats
import WorkloadCatalog

/// The repository's own folder of workloads.
let shippedRoot = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Workloads").path

/// A temporary folder of workloads with these files, handed to `body` and removed after it.
func withCatalog<Result>(
  _ files: [String: String], _ body: (String) throws -> Result
) throws -> Result {
  let root = FileManager.default.temporaryDirectory
    .appendingPathComponent("workloads-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: root) }
  var all = files
  if !files.keys.contains(where: { $0.hasPrefix("suites/") }) {
    try FileManager.default.createDirectory(
      at: root.appendingPathComponent("suites"), withIntermediateDirectories: true)
  }
  all["architectures/tiny.yaml"] = files["architectures/tiny.yaml"] ?? tinyArchitecture
  for (name, text) in all {
    let file = root.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }
  return try body(root.path)
}

/// An architecture small enough to evaluate in a test.
let tinyArchitecture = """
  title: Tiny
  source: made up
  hidden: 8
  layers: 2
  heads: 4
  kv_heads: 2
  head_dim: 4
  feed_forward: 12
  vocabulary: 11
  rope_base: 100
  epsilon: 1.0e-5
  """

/// A kernel workload that is right.
let goodKernel = """
  name: kernel/product
  title: A product
  description: For tests.
  version: 1
  kind: kernel
  default_mode: functional
  default_device: trn2
  precision: bf16
  throughput: FLOP/s
  source: made up
  operator: MatMul
  shape: {m: 4, k: 8, n: 16}
  layout: {lhs: transposed, rhs: plain}
  """

/// Seeded values for every given tensor of a graph.
func seededValues(_ graph: Graph, seed: UInt64 = 1) throws -> [String: TensorView] {
  var values: [String: TensorView] = [:]
  for tensor in graph.givenTensors {
    values[tensor.name] = try TensorView(
      SeededGenerator.values(of: tensor, seed: seed), shape: tensor.shape, format: tensor.format)
  }
  return values
}
