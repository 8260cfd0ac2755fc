public import Units

/// Clock periods as exact ratios of picoseconds.
public struct ClockSet: Sendable {
  /// The tensor engine.
  public var tensor: Constant<Units.Clock>
  /// The vector engine.
  public var vector: Constant<Units.Clock>
  /// The scalar engine.
  public var scalar: Constant<Units.Clock>
  /// The GpSimd engine.
  public var gpsimd: Constant<Units.Clock>
  /// The base clock: sequencers, the sync engine and the limiter's windows.
  public var sequencer: Constant<Units.Clock>
  /// The DMA engines.
  public var dma: Constant<Units.Clock>
}

extension ClockSet: ConstantGroup {
  static let entries: [ConstantEntry<ClockSet>] = [
    .init("tensor", \.tensor),
    .init("vector", \.vector),
    .init("scalar", \.scalar),
    .init("gpsimd", \.gpsimd),
    .init("sequencer", \.sequencer),
    .init("dma", \.dma),
  ]
}
