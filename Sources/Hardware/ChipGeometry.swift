public import Units

/// What a chip has around its cores: dies, links, collective cores.
public struct ChipGeometry: Sendable {
  /// Dies in the package.
  public var dies: Constant<Int>
  /// DMA engines between host and device memory.
  public var hostDMAEngines: Constant<Int>
  /// Hardware descriptor generators of one core.
  public var hardwareDescriptorGenerators: Constant<Int>
  /// Processors that run collectives.
  public var collectiveCores: Constant<Int>
  /// A collective within the chip: its last rank's trigger to its first byte.
  public var collectiveStart: Constant<Picoseconds>
  /// What a rank of a collective within the chip moves. Bytes per microsecond.
  public var collectiveBytesPerMicrosecond: Constant<Int64>
  /// Collectives of fewer bytes take one step for each phase (mesh). Bytes.
  public var collectiveMeshBytes: Constant<Int>
  /// Collectives of more bytes go round a ring of pairs of ranks. Bytes.
  public var collectiveRingBytes: Constant<Int>
  /// The GpSimd processors' own DMA of one core, both directions together. Bytes per microsecond.
  public var gpsimdDMABytesPerMicrosecond: Constant<Int64>
  /// Chips in the largest instance.
  public var chipsPerInstance: Constant<Int>
  /// NeuronLink of one chip, both directions, within an instance. Bytes per microsecond.
  public var neuronLinkBytesPerMicrosecond: Constant<Int64>
  /// One hop of a ring collective.
  public var neuronLinkHop: Constant<Picoseconds>
  /// Network card of one chip, one direction. Bytes per microsecond.
  public var networkBytesPerMicrosecond: Constant<Int64>
  /// HBM to HBM between instances, smallest message.
  public var networkHop: Constant<Picoseconds>
}

extension ChipGeometry: ConstantGroup {
  static let entries: [ConstantEntry<ChipGeometry>] = [
    .init("dies", \.dies),
    .init("hostDMAEngines", \.hostDMAEngines),
    .init("hardwareDescriptorGenerators", \.hardwareDescriptorGenerators),
    .init("collectiveCores", \.collectiveCores),
    .init("collectiveStart", \.collectiveStart),
    .init("collectiveBytesPerMicrosecond", \.collectiveBytesPerMicrosecond),
    .init("collectiveMeshBytes", \.collectiveMeshBytes),
    .init("collectiveRingBytes", \.collectiveRingBytes),
    .init("gpsimdDMABytesPerMicrosecond", \.gpsimdDMABytesPerMicrosecond),
    .init("chipsPerInstance", \.chipsPerInstance),
    .init("neuronLinkBytesPerMicrosecond", \.neuronLinkBytesPerMicrosecond),
    .init("neuronLinkHop", \.neuronLinkHop),
    .init("networkBytesPerMicrosecond", \.networkBytesPerMicrosecond),
    .init("networkHop", \.networkHop),
  ]
}
