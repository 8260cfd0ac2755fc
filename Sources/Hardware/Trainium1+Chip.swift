import Units

extension ChipGeometry {
  /// Trainium1.
  static let trainium1 = ChipGeometry(
    dies: .count(1, .documented, "aws-neuron-driver sources, v2 address map"),
    hostDMAEngines: .count(2, .documented, "aws-neuron-driver sources"),
    hardwareDescriptorGenerators: .count(
      0, .documented, "NKI architecture guide, trainium_inferentia2: none"),
    collectiveCores: .count(6, .documented, "NKI architecture guide, trainium_inferentia2"),
    collectiveStart: .time(
      1_000_000, .assumed, "as inf2, which has the same chip", (500_000, 4_000_000)),
    collectiveBytesPerMicrosecond: .number(
      53_770, .bytesPerMicrosecond, .assumed, "as inf2, which has the same chip", (52_500, 54_400)),
    collectiveMeshBytes: .bytes(
      1_048_576, .documented, "Neuron intra-node collectives guide: mesh below 1 MiB"),
    collectiveRingBytes: .bytes(
      58_720_256, .documented, "Neuron intra-node collectives guide: KangaRing above 56 MiB"),
    gpsimdDMABytesPerMicrosecond: .number(
      0, .bytesPerMicrosecond, .documented, "NKI architecture guide, trainium_inferentia2: none"),
    chipsPerInstance: .count(16, .documented, "Neuron hardware page, trn1"),
    neuronLinkBytesPerMicrosecond: .number(
      384_000, .bytesPerMicrosecond, .documented, "Neuron hardware page, trainium: 384 GB/s"),
    neuronLinkHop: .time(
      1_500_000, .derived, "Neuron collectives guide: 1 to 2 us per hop; middle",
      (1_000_000, 2_000_000)),
    networkBytesPerMicrosecond: .number(
      6_250, .bytesPerMicrosecond, .documented, "Neuron hardware page, trn1: 800 Gb/s over 16 chips"
    ),
    networkHop: .time(15_000_000, .documented, "Neuron collectives guide: 15 us"))
}

extension MemoryGeometry {
  /// Trainium1.
  static let trainium1 = MemoryGeometry(
    coresPerChip: .count(2, .documented, "NKI architecture guide, trainium_inferentia2"),
    coresPerStack: .count(1, .documented, "Neuron logical-core guide"),
    hbmStacks: .count(2, .documented, "NKI architecture guide, trainium_inferentia2"),
    hbmBytesPerChip: .bytes(
      34_359_738_368, .documented, "NKI architecture guide, trainium_inferentia2: 32 GiB"),
    hbmBytesPerSecondChip: .number(
      820_000_000_000, .bytesPerSecond, .documented,
      "NKI architecture guide, trainium_inferentia2: 820 GB/s"),
    partitions: .count(128, .documented, "NKI architecture guide, trainium_inferentia2"),
    sbufBytesPerPartition: .bytes(
      196_608, .documented, "NKI architecture guide, trainium_inferentia2: 24 MiB = 128 x 192 KiB"),
    sbufPartitionPitchBytes: .bytes(262_144, .assumed, "as trn2", (196_608, 262_144)),
    psumBytesPerPartition: .bytes(
      16_384, .documented, "NKI architecture guide, trainium_inferentia2"),
    psumBanks: .count(8, .documented, "NKI architecture guide, trainium_inferentia2"),
    psumBankBytes: .bytes(2_048, .documented, "NKI architecture guide, trainium_inferentia2"),
    maximumFreeElementsSBUF: .count(
      65_536, .documented, "NKI architecture guide, trainium_inferentia2"),
    maximumFreeElementsPSUM: .count(
      4_096, .documented, "NKI architecture guide, trainium_inferentia2"),
    startPartitionStep: .count(32, .documented, "NKI architecture guide, trainium_inferentia2"),
    strideSectorBytes: .bytes(16, .documented, "NKI architecture guide, trainium_inferentia2"),
    vectorExcludesGpSimd: .flag(true, .documented, "NKI architecture guide, trainium_inferentia2"),
    vectorExcludesScalarPSUM: .flag(
      true, .documented, "NKI architecture guide, trainium_inferentia2"),
    semaphores: .count(256, .documented, "aws-neuron-driver sources"),
    events: .count(256, .documented, "aws-neuron-driver sources"),
    registersPerSequencer: .count(64, .documented, "NKI instruction reference"))
}

extension ClockSet {
  /// Trainium1.
  static let trainium1 = ClockSet(
    tensor: .period(
      2500, over: 7, .documented, "NKI architecture guide, trainium_inferentia2: 2.8 GHz"),
    vector: .period(
      6250, over: 7, .documented, "NKI architecture guide, trainium_inferentia2: 1.12 GHz"),
    scalar: .period(
      5000, over: 7, .documented, "NKI architecture guide, trainium_inferentia2: 1.4 GHz"),
    gpsimd: .period(
      5000, over: 7, .documented, "NKI architecture guide, trainium_inferentia2: 1.4 GHz"),
    sequencer: .period(
      5000, over: 7, .documented, "Neuron profiler schema reference: base clock 1.4 GHz"),
    dma: .period(
      20000, over: 17, .derived, "27.2 GB/s per engine (NKI DMA overview) / 32 B per cycle",
      range: ConstantRange(
        low: Units.Clock(periodPicoseconds: 10000, over: 9),
        high: Units.Clock(periodPicoseconds: 1250, over: 1))))
}

extension PeakRates {
  /// Trainium1.
  static let trainium1 = PeakRates(
    bfloat16Core: .number(
      92_000, .gigaflops, .documented, "NKI architecture guide, trainium_inferentia2"),
    float8Core: .number(
      92_000, .gigaflops, .documented,
      "NKI architecture guide, trainium_inferentia2: cFP8 at the BF16 rate"),
    float32Core: .number(
      23_000, .gigaflops, .documented, "NKI architecture guide, trainium_inferentia2"),
    sparseCore: .number(
      0, .gigaflops, .documented, "NKI architecture guide, trainium_inferentia2: no sparsity"),
    mxCore: .number(
      0, .gigaflops, .documented, "NKI architecture guide, trainium_inferentia2: no such format"),
    vectorFloat32Core: .number(
      2_300, .gigaflops, .documented, "NKI architecture guide, trainium_inferentia2"),
    scalarFloat32Core: .number(
      2_900, .gigaflops, .documented, "NKI architecture guide, trainium_inferentia2"),
    bfloat16Chip: .number(190_000, .gigaflops, .documented, "Neuron hardware page, trainium"),
    float8Chip: .number(190_000, .gigaflops, .documented, "Neuron hardware page, trainium"),
    float32Chip: .number(47_500, .gigaflops, .documented, "Neuron hardware page, trainium"),
    sparseChip: .number(0, .gigaflops, .documented, "Neuron hardware page, trainium: no sparsity"),
    mxChip: .number(0, .gigaflops, .documented, "Neuron hardware page, trainium: no such format"))
}
