/// Peak rates as the vendor prints them. Zero where the generation has no such format.
public struct PeakRates: Sendable {
  /// BF16, FP16 and TF32 of one core. GFLOPS.
  public var bfloat16Core: Constant<Int64>
  /// FP8 of one core. GFLOPS.
  public var float8Core: Constant<Int64>
  /// FP32 of one core. GFLOPS.
  public var float32Core: Constant<Int64>
  /// Structured sparsity of one core. GFLOPS.
  public var sparseCore: Constant<Int64>
  /// MXFP8 and MXFP4 of one core. GFLOPS.
  public var mxCore: Constant<Int64>
  /// Vector engine of one core, FP32. GFLOPS.
  public var vectorFloat32Core: Constant<Int64>
  /// Scalar engine of one core, FP32. GFLOPS.
  public var scalarFloat32Core: Constant<Int64>
  /// BF16, FP16 and TF32 of the chip. GFLOPS.
  public var bfloat16Chip: Constant<Int64>
  /// FP8 of the chip. GFLOPS.
  public var float8Chip: Constant<Int64>
  /// FP32 of the chip. GFLOPS.
  public var float32Chip: Constant<Int64>
  /// Structured sparsity of the chip. GFLOPS.
  public var sparseChip: Constant<Int64>
  /// MXFP8 and MXFP4 of the chip. GFLOPS.
  public var mxChip: Constant<Int64>
}

extension PeakRates: ConstantGroup {
  static let entries: [ConstantEntry<PeakRates>] = [
    .init("bfloat16Core", \.bfloat16Core),
    .init("float8Core", \.float8Core),
    .init("float32Core", \.float32Core),
    .init("sparseCore", \.sparseCore),
    .init("mxCore", \.mxCore),
    .init("vectorFloat32Core", \.vectorFloat32Core),
    .init("scalarFloat32Core", \.scalarFloat32Core),
    .init("bfloat16Chip", \.bfloat16Chip),
    .init("float8Chip", \.float8Chip),
    .init("float32Chip", \.float32Chip),
    .init("sparseChip", \.sparseChip),
    .init("mxChip", \.mxChip),
  ]
}
