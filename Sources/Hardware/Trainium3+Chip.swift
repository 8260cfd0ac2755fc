import Units

extension ChipGeometry {
  /// Trainium3.
  static let trainium3 = ChipGeometry(
    dies: .count(2, .assumed, "press report on Trainium3: two chiplets", (2, 4)),
    hostDMAEngines: .count(4, .assumed, "as trn2", (2, 8)),
    hardwareDescriptorGenerators: .count(2, .assumed, "as trn2", (2, 4)),
    collectiveCores: .count(
      16, .documented, "Neuron hardware page, trainium3 (the NKI guide says 20)"),
    collectiveStart: .time(8_500_000, .assumed, "as trn2", (1_000_000, 13_000_000)),
    collectiveBytesPerMicrosecond: .number(
      114_000, .bytesPerMicrosecond, .assumed, "as trn2", (52_500, 528_000)),
    collectiveMeshBytes: .bytes(
      1_048_576, .documented, "Neuron intra-node collectives guide: mesh below 1 MiB"),
    collectiveRingBytes: .bytes(
      58_720_256, .documented, "Neuron intra-node collectives guide: KangaRing above 56 MiB"),
    gpsimdDMABytesPerMicrosecond: .number(
      307_000, .bytesPerMicrosecond, .assumed, "as trn2", (307_000, 614_000)),
    chipsPerInstance: .count(144, .documented, "Neuron hardware page, trn3: Gen2 UltraServer"),
    neuronLinkBytesPerMicrosecond: .number(
      2_048_000, .bytesPerMicrosecond, .assumed,
      "instance table says 2,048 GiB/s, chip page 2.56 TB/s, its link groups sum to 704 GB/s",
      (704_000, 2_560_000)),
    neuronLinkHop: .time(
      1_500_000, .derived, "Neuron collectives guide: 1 to 2 us per hop; middle",
      (1_000_000, 2_000_000)),
    networkBytesPerMicrosecond: .number(
      25_000, .bytesPerMicrosecond, .documented,
      "Neuron hardware page, trn3: 28,800 Gb/s over 144 chips"),
    networkHop: .time(15_000_000, .documented, "Neuron collectives guide: 15 us"))
}

extension MemoryGeometry {
  /// Trainium3.
  static let trainium3 = MemoryGeometry(
    coresPerChip: .count(8, .documented, "NKI architecture guide, trainium3"),
    coresPerStack: .count(2, .documented, "Neuron logical-core guide"),
    hbmStacks: .count(4, .documented, "NKI architecture guide, trainium3"),
    hbmBytesPerChip: .bytes(
      154_618_822_656, .documented, "NKI architecture guide, trainium3: 144 GiB"),
    hbmBytesPerSecondChip: .number(
      4_900_000_000_000, .bytesPerSecond, .documented,
      "Neuron hardware page, trainium3: 4.9 TB/s (the NKI guide says 4.7)",
      (4_700_000_000_000, 4_900_000_000_000)),
    partitions: .count(128, .documented, "NKI architecture guide, trainium3"),
    sbufBytesPerPartition: .bytes(
      262_144, .documented, "NKI architecture guide, trainium3: 32 MiB = 128 x 256 KiB"),
    sbufPartitionPitchBytes: .bytes(262_144, .assumed, "as trn2", (262_144, 524_288)),
    psumBytesPerPartition: .bytes(16_384, .documented, "NKI architecture guide, trainium3"),
    psumBanks: .count(8, .documented, "NKI architecture guide, trainium3"),
    psumBankBytes: .bytes(2_048, .documented, "NKI architecture guide, trainium3"),
    maximumFreeElementsSBUF: .count(65_536, .assumed, "as Trainium1's guide", (65_536, 131_072)),
    maximumFreeElementsPSUM: .count(
      8_192, .derived, "NKI instruction reference, nc_matmul: 8,192 BF16 columns", (4_096, 8_192)),
    startPartitionStep: .count(32, .documented, "NKI architecture guide, trainium3"),
    strideSectorBytes: .bytes(16, .assumed, "as trn2", (16, 32)),
    vectorExcludesGpSimd: .flag(false, .documented, "NKI architecture guide, trainium3"),
    vectorExcludesScalarPSUM: .flag(
      false, .documented, "NKI architecture guide, trainium3: parallel in different banks"),
    semaphores: .count(256, .assumed, "as trn2", (256, 512)),
    events: .count(256, .assumed, "as trn2", (256, 512)),
    registersPerSequencer: .count(64, .documented, "NKI instruction reference"))
}

extension ClockSet {
  /// Trainium3.
  static let trainium3 = ClockSet(
    tensor: .period(1250, over: 3, .documented, "NKI architecture guide, trainium3: 2.4 GHz"),
    vector: .period(2500, over: 3, .documented, "NKI architecture guide, trainium3: 1.2 GHz"),
    scalar: .period(2500, over: 3, .documented, "NKI architecture guide, trainium3: 1.2 GHz"),
    gpsimd: .period(2500, over: 3, .documented, "NKI architecture guide, trainium3: 1.2 GHz"),
    sequencer: .period(
      2500, over: 3, .assumed, "as trn2: base clock 1.2 GHz",
      range: ConstantRange(
        low: Units.Clock(periodPicoseconds: 5000, over: 7),
        high: Units.Clock(periodPicoseconds: 1000, over: 1))),
    dma: .period(
      2500, over: 3, .derived, "38.4 GB/s per engine (NKI DMA overview) / 32 B per cycle",
      range: ConstantRange(
        low: Units.Clock(periodPicoseconds: 625, over: 1),
        high: Units.Clock(periodPicoseconds: 1000, over: 1))))
}

extension PeakRates {
  /// Trainium3.
  static let trainium3 = PeakRates(
    bfloat16Core: .number(79_000, .gigaflops, .documented, "NKI architecture guide, trainium3"),
    float8Core: .number(158_000, .gigaflops, .derived, "double_row: twice BF16", (79_000, 158_000)),
    float32Core: .number(20_000, .gigaflops, .documented, "NKI architecture guide, trainium3"),
    sparseCore: .number(315_000, .gigaflops, .documented, "NKI architecture guide, trainium3"),
    mxCore: .number(315_000, .gigaflops, .documented, "NKI architecture guide, trainium3"),
    vectorFloat32Core: .number(1_200, .gigaflops, .documented, "NKI architecture guide, trainium3"),
    scalarFloat32Core: .number(1_200, .gigaflops, .documented, "NKI architecture guide, trainium3"),
    bfloat16Chip: .number(671_000, .gigaflops, .documented, "Neuron hardware page, trainium3"),
    float8Chip: .number(
      1_264_000, .gigaflops, .derived, "8 cores x 158; the page prints MXFP8 only",
      (1_258_000, 2_517_000)),
    float32Chip: .number(183_000, .gigaflops, .documented, "Neuron hardware page, trainium3"),
    sparseChip: .number(2_517_000, .gigaflops, .documented, "Neuron hardware page, trainium3"),
    mxChip: .number(2_517_000, .gigaflops, .documented, "Neuron hardware page, trainium3"))
}
