extension InterfaceOperation {
  private static let captures = "profiler captures"
  private static let reference = "NKI instruction reference"
  private static let guide = "NKI architecture guide"

  /// Operations of the tensor engine.
  static let tensorEngine: [InterfaceOperation] = [
    InterfaceOperation(
      "nc_matmul", [.loadWeights, .matmul],
      as: "LDWEIGHTS MATMUL; fp32: low pass, then high pass, or one with ones and zeros",
      operands:
        "dst PSUM [M,N], stationary SBUF [K,M], moving SBUF [K,N]; K, M up to 128, N to 512, on "
        + "NeuronCore-v4 4,096 (bf16 8,192); double rows [K,2,M], [K,2,N]; tile position and size",
      formats:
        "bf16, fp16, fp8, tf32, fp32, on NeuronCore-v4 e4m3fn; dst fp32, on NeuronCore-v4 bf16",
      cost:
        "max(64, N) cycles a pass, fp32 twice that in each of two passes; load M/4 cycles hidden",
      source: "\(guide); \(captures)"),
    InterfaceOperation(
      "nc_matmul_mx", [.loadWeights, .matmul],
      operands:
        "dst PSUM [M,N], stationary SBUF [P,M] x4, moving SBUF [P,N] x4 with scales; P 32 to 128 "
        + "in steps of 32, M even; row tiles; NeuronCore-v4",
      formats: "packed fp8 (e4m3fn, e5m2) and fp4 (e2m1fn), scales uint8; dst fp32, bf16",
      cost: "max(64, N) cycles, as bf16", source: "\(reference); \(guide)", since: 4),
    InterfaceOperation(
      "nc_transpose", [.loadWeights, .matmul],
      operands: "dst PSUM [F,P], data SBUF [P,F], identity SBUF [P,P]; up to 128 x 128",
      formats:
        "bf16, fp16, fp8, int8, tf32, fp32; bits unchanged, 8 bits with stride 2; NeuronCore-v2: "
        + "a product, dst fp32",
      cost: "max(64, P) cycles, fp32 twice (NeuronCore-v2: four times); NeuronCore-v4 half",
      source: "\(guide); \(captures)"),
  ]
}
