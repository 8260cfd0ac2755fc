public import Units

/// Hand-offs: producer's completion to consumer's start = publish of the one + detect of the other.
public struct SemaphoreTiming: Sendable {
  /// Tensor engine.
  public var publishTensor: Constant<Picoseconds>
  /// Scalar engine.
  public var publishScalar: Constant<Picoseconds>
  /// Vector engine.
  public var publishVector: Constant<Picoseconds>
  /// GpSimd engine.
  public var publishGpSimd: Constant<Picoseconds>
  /// Sync engine.
  public var publishSync: Constant<Picoseconds>
  /// A DMA transfer: its semaphore write is the visible time.
  public var publishDMA: Constant<Picoseconds>
  /// Scalar engine, compute row or DMA trigger.
  public var detectScalar: Constant<Picoseconds>
  /// Vector engine.
  public var detectVector: Constant<Picoseconds>
  /// Vector engine, a control row that waits.
  public var detectVectorControl: Constant<Picoseconds>
  /// Tensor engine, LDWEIGHTS.
  public var detectTensorLoadWeights: Constant<Picoseconds>
  /// Tensor engine, EVENT_SEMAPHORE row.
  public var detectTensorControl: Constant<Picoseconds>
  /// Tensor engine, MATMUL that itself waits.
  public var detectTensorMatmul: Constant<Picoseconds>
  /// Sync engine, DMA trigger.
  public var detectSync: Constant<Picoseconds>
  /// GpSimd engine.
  public var detectGpSimd: Constant<Picoseconds>
}

extension SemaphoreTiming: ConstantGroup {
  static let entries: [ConstantEntry<SemaphoreTiming>] = [
    .init("publishTensor", \.publishTensor),
    .init("publishScalar", \.publishScalar),
    .init("publishVector", \.publishVector),
    .init("publishGpSimd", \.publishGpSimd),
    .init("publishSync", \.publishSync),
    .init("publishDMA", \.publishDMA),
    .init("detectScalar", \.detectScalar),
    .init("detectVector", \.detectVector),
    .init("detectVectorControl", \.detectVectorControl),
    .init("detectTensorLoadWeights", \.detectTensorLoadWeights),
    .init("detectTensorControl", \.detectTensorControl),
    .init("detectTensorMatmul", \.detectTensorMatmul),
    .init("detectSync", \.detectSync),
    .init("detectGpSimd", \.detectGpSimd),
  ]
}
