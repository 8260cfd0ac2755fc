/// Workload files of small kernels for tests that really run them.
enum SmallWorkloads {
  /// A product of 256 square matrices.
  static let product = kernel(
    "product",
    """
    operator: MatMul
    shape: {m: 256, k: 256, n: 256}
    layout: {lhs: transposed, rhs: plain}
    """)

  /// A product that takes long enough to be interrupted.
  static let long = kernel(
    "long",
    """
    operator: MatMul
    shape: {m: 4096, k: 4096, n: 4096}
    layout: {lhs: transposed, rhs: plain}
    """)

  /// A softmax of one tile.
  static let softmax = kernel("softmax", "operator: Softmax\nshape: {rows: 128, columns: 64}\n")

  /// A normalisation of one tile.
  static let normalisation = kernel(
    "rmsnorm",
    "operator: RMSNormalization\nepsilon: 1.0e-5\nshape: {rows: 128, columns: 128}\n")

  /// A product of one stationary tile and one moving tile.
  static let tile = kernel(
    "tile",
    """
    operator: MatMul
    shape: {m: 128, k: 128, n: 512}
    layout: {lhs: transposed, rhs: plain}
    """)

  /// One instruction of three engines.
  static let micro = """
    name: micro/small
    title: Three instructions
    description: One of each.
    version: 1
    kind: micro
    default_mode: functional
    default_device: trn2
    precision: fp32
    throughput: instructions/s
    source: made up for tests
    programs:
      - {instruction: nc_matmul, precision: bf16, columns: 128, repeat: 4, chain: stream}
      - {instruction: activation, function: exp, source: sbuf fp32, columns: 64, repeat: 4}
      - {instruction: tensor_copy, engine: vector, source: sbuf fp32, destination: sbuf bf16,
         columns: 64, repeat: 4}

    """

  private static func kernel(_ name: String, _ rest: String) -> String {
    """
    name: kernel/\(name)
    title: A small kernel
    description: For tests.
    version: 1
    kind: kernel
    default_mode: functional
    default_device: trn2
    precision: bf16
    allowed_precisions: [bf16]
    throughput: FLOP/s
    source: made up for tests
    \(rest)

    """
  }
}
