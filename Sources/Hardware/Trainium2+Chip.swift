import Units

extension ClockSet {
  /// Trainium2.
  static let trainium2 = ClockSet(
    tensor: .period(1250, over: 3, .documented, "NKI architecture guide, trainium2: 2.4 GHz"),
    vector: .period(3125, over: 3, .documented, "NKI architecture guide, trainium2: 0.96 GHz"),
    scalar: .period(2500, over: 3, .documented, "NKI architecture guide, trainium2: 1.2 GHz"),
    gpsimd: .period(2500, over: 3, .documented, "NKI architecture guide, trainium2: 1.2 GHz"),
    sequencer: .period(
      2500, over: 3, .documented, "Neuron profiler schema reference: base clock 1.2 GHz"),
    dma: .period(
      20000, over: 17, .derived,
      "27.2 GB/s per engine (NKI DMA overview) / 32 B per cycle; spacings in the captures fit",
      range: ConstantRange(
        low: Units.Clock(periodPicoseconds: 10000, over: 9),
        high: Units.Clock(periodPicoseconds: 1250, over: 1))))
}

extension ChipGeometry {
  /// Trainium2.
  static let trainium2 = ChipGeometry(
    dies: .count(2, .documented, "aws-neuron-driver sources, v3 address map"),
    hostDMAEngines: .count(4, .documented, "aws-neuron-driver sources"),
    hardwareDescriptorGenerators: .count(2, .documented, "NKI architecture guide, trainium2"),
    collectiveCores: .count(
      16, .documented, "Neuron hardware page, trainium2 (the NKI guide says 20)"),
    collectiveStart: .time(
      8_500_000, .derived,
      "nccom-test, all-gather of 1 KiB by 8 ranks (generation not stated): 10.0 us less one hop",
      (1_000_000, 13_000_000)),
    collectiveBytesPerMicrosecond: .number(
      114_000, .bytesPerMicrosecond, .derived,
      "nccom-test, all-gather of 64 and 512 KiB by 8 ranks (generation not stated)",
      (52_500, 368_000)),
    collectiveMeshBytes: .bytes(
      1_048_576, .documented, "Neuron intra-node collectives guide: mesh below 1 MiB"),
    collectiveRingBytes: .bytes(
      58_720_256, .documented, "Neuron intra-node collectives guide: KangaRing above 56 MiB"),
    gpsimdDMABytesPerMicrosecond: .number(
      307_000, .bytesPerMicrosecond, .documented,
      "NKI architecture guide, trainium2: 307 GB/s over 8 processors"),
    chipsPerInstance: .count(16, .documented, "Neuron hardware page, trn2"),
    neuronLinkBytesPerMicrosecond: .number(
      1_024_000, .bytesPerMicrosecond, .documented,
      "Neuron hardware page, trn2 (the chip page says 1.28 TB/s with the ring between instances)"),
    neuronLinkHop: .time(
      1_500_000, .derived, "Neuron collectives guide: 1 to 2 us per hop; middle",
      (1_000_000, 2_000_000)),
    networkBytesPerMicrosecond: .number(
      25_000, .bytesPerMicrosecond, .documented, "Neuron collectives guide: 200 Gb/s per chip"),
    networkHop: .time(15_000_000, .documented, "Neuron collectives guide: 15 us"))
}

extension MemoryGeometry {
  /// Trainium2.
  static let trainium2 = MemoryGeometry(
    coresPerChip: .count(8, .documented, "NKI architecture guide, trainium2"),
    coresPerStack: .count(2, .documented, "Neuron logical-core guide"),
    hbmStacks: .count(4, .documented, "NKI architecture guide, trainium2"),
    hbmBytesPerChip: .bytes(
      103_079_215_104, .documented, "NKI architecture guide, trainium2: 96 GiB"),
    hbmBytesPerSecondChip: .number(
      2_900_000_000_000, .bytesPerSecond, .documented,
      "Neuron hardware page, trainium2: 2.9 TB/s (the NKI guide rounds to 3)",
      (2_900_000_000_000, 3_000_000_000_000)),
    partitions: .count(128, .documented, "NKI architecture guide, trainium2"),
    sbufBytesPerPartition: .bytes(
      229_376, .documented, "NKI architecture guide, trainium2: 28 MiB = 128 x 224 KiB"),
    sbufPartitionPitchBytes: .bytes(
      262_144, .measured, "VOY compiled programs: stride 262144", (262_144, 262_144)),
    psumBytesPerPartition: .bytes(
      16_384, .documented, "NKI architecture guide, trainium2: 2 MiB = 128 x 16 KiB"),
    psumBanks: .count(8, .documented, "NKI architecture guide, trainium2"),
    psumBankBytes: .bytes(2_048, .documented, "NKI architecture guide, trainium2"),
    maximumFreeElementsSBUF: .count(
      65_536, .documented, "NKI architecture guide, trainium_inferentia2"),
    maximumFreeElementsPSUM: .count(
      4_096, .documented, "NKI architecture guide, trainium_inferentia2"),
    startPartitionStep: .count(32, .documented, "NKI architecture guide, trainium_inferentia2"),
    strideSectorBytes: .bytes(
      16, .documented,
      "NKI architecture guide, trainium_inferentia2; VOY confirms 16-byte sectors on trn2"),
    vectorExcludesGpSimd: .flag(false, .documented, "NKI architecture guide, trainium2"),
    vectorExcludesScalarPSUM: .flag(
      false, .documented, "NKI architecture guide, trainium2: parallel in different banks"),
    semaphores: .count(256, .documented, "aws-neuron-driver sources"),
    events: .count(256, .documented, "aws-neuron-driver sources"),
    registersPerSequencer: .count(64, .documented, "NKI instruction reference"))
}

extension PeakRates {
  /// Trainium2.
  static let trainium2 = PeakRates(
    bfloat16Core: .number(
      79_000, .gigaflops, .documented,
      "NKI architecture guide, trainium2; the profiler's te_peak is 78.6"),
    float8Core: .number(
      158_000, .gigaflops, .documented, "NKI architecture guide, trainium2, double_row"),
    float32Core: .number(20_000, .gigaflops, .documented, "NKI architecture guide, trainium2"),
    sparseCore: .number(316_000, .gigaflops, .documented, "NKI architecture guide, trainium2"),
    mxCore: .number(
      0, .gigaflops, .documented, "NKI architecture guide, trainium2: no such instruction"),
    vectorFloat32Core: .number(1_000, .gigaflops, .documented, "NKI architecture guide, trainium2"),
    scalarFloat32Core: .number(1_200, .gigaflops, .documented, "NKI architecture guide, trainium2"),
    bfloat16Chip: .number(
      667_000, .gigaflops, .documented,
      "Neuron hardware page, trainium2 (more than 8 cores' tensor engines)"),
    float8Chip: .number(1_299_000, .gigaflops, .documented, "Neuron hardware page, trainium2"),
    float32Chip: .number(181_000, .gigaflops, .documented, "Neuron hardware page, trainium2"),
    sparseChip: .number(2_563_000, .gigaflops, .documented, "Neuron hardware page, trainium2"),
    mxChip: .number(0, .gigaflops, .documented, "Neuron hardware page, trainium2: no such format"))
}
