import Foundation
import WorkloadCatalog

/// A folder of workloads so small that a test runs each in a moment.
enum SmallCatalog {
  private static let workloads = [
    "kernel/rmsnorm-small":
      "operator: RMSNormalization\nepsilon: 1.0e-5\nshape: {rows: 128, columns: 256}",
    "kernel/softmax-small": "operator: Softmax\nshape: {rows: 128, columns: 256}",
    "kernel/gated-small":
      "operator: GatedMLP\nshape: {rows: 128, hidden: 256, feed_forward: 512}",
    "kernel/matmul-small": """
    operator: MatMul
    shape: {m: 256, k: 512, n: 256}
    layout: {lhs: transposed, rhs: plain}
    """,
    "llm/layer-small": "architecture: small\nphase: prefill\ntokens: 128\nbatch: 1",
  ]

  private static let architecture = """
    title: A small decoder
    source: made up for tests
    hidden: 256
    layers: 2
    heads: 2
    kv_heads: 1
    head_dim: 128
    feed_forward: 512
    vocabulary: 1024
    rope_base: 500000
    rope_scaling:
      factor: 8
      low_frequency_factor: 1
      high_frequency_factor: 4
      original_context: 8192
    epsilon: 1.0e-5

    """

  /// Writes the folder and reads it.
  static func make() throws -> WorkloadCatalog {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-workloads-\(UUID().uuidString)")
    for folder in ["kernel", "llm", "suites", "architectures"] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    try architecture.write(
      to: root.appendingPathComponent("architectures/small.yaml"), atomically: true,
      encoding: .utf8)
    for (name, body) in workloads {
      let kind = name.hasPrefix("llm/") ? "layer" : "kernel"
      let text = """
        name: \(name)
        title: A small one
        description: For tests.
        version: 1
        kind: \(kind)
        default_mode: functional
        default_device: trn2
        precision: bf16
        throughput: FLOP/s
        source: made up for tests

        """
      try (text + body + "\n").write(
        to: root.appendingPathComponent("\(name).yaml"), atomically: true, encoding: .utf8)
    }
    return try WorkloadCatalog(root: root.path)
  }
}
