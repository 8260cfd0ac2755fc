extension GpSimdTiming {
  /// Trainium2.
  static let trainium2 = GpSimdTiming(
    processors: .count(8, .documented, "NKI architecture guide, trainium2"),
    partitionsPerProcessor: .count(16, .documented, "NKI architecture guide, trainium2"),
    localMemoryBytes: .bytes(65_536, .documented, "NKI architecture guide, trainium2"),
    bytesPerPartitionPerCycle: .bytes(4, .documented, "NKI architecture guide, trainium2"),
    startup: .tenths(
      1_500, .documented, "NKI instruction reference, SDK 2.26, GPSIMD_START is about 150 cycles",
      (1_400, 2_200)),
    gap: .tenths(1_500, .assumed, "nothing overlaps until measured", (600, 2_200)),
    cyclesPerElement: .hundredthsPerElement(
      100, .derived, "512 bits per cycle and processor = one FP32 per partition", (100, 400)),
    affineSelectStartup: .tenths(
      2_123, .measured, "third-party micro-benchmarks (VOY): 176.9 ns; documented 150 cycles",
      (2_063, 2_183)),
    affineSelectCyclesPerElement: .hundredthsPerElement(
      102, .measured, "third-party micro-benchmarks (VOY): 0.846 ns", (100, 104)),
    iotaCyclesPerElement: .hundredthsPerElement(
      100, .documented, "NKI instruction reference, SDK 2.26"),
    rsqrtCyclesPerElement: .hundredthsPerElement(
      400, .documented, "NKI instruction reference: a quarter of the scalar engine's rate"),
    powerCyclesPerElement: .hundredthsPerElement(
      800, .assumed, "software; twice the reciprocal square root", (400, 3_200)),
    integerCyclesPerElement: .hundredthsPerElement(100, .assumed, "native lanes", (100, 400)),
    partitionReduceCyclesPerElement: .hundredthsPerElement(
      12_800, .assumed, "one cycle per partition; DN calls it catastrophic", (3_200, 51_200)),
    gatherCyclesPerElement: .hundredthsPerElement(
      400, .assumed, "one address and one access at a time per lane", (100, 1_600)),
    localGatherOverhead: .cycles(28, .documented, "NKI instruction reference, SDK 2.26"),
    localGatherPerElement: .cycles(4, .documented, "NKI instruction reference, SDK 2.26"),
    localGatherIndices: .count(
      4_096, .documented, "NKI instruction reference, local_gather: indices per processor"),
    gatherGroupElements: .count(
      512, .documented, "NKI instruction reference, nc_n_gather: groups of 512 elements"),
    exchangeElements: .count(
      256, .documented, "NKI instruction reference, sendrecv: 1,024 bytes of four-byte elements"),
    topKElements: .count(65_535, .documented, "NKI instruction reference, topk: n below 65,536"),
    topKResults: .count(32_767, .documented, "NKI instruction reference, topk: K below 32,768"),
    topKCyclesPerElement: .hundredthsPerElement(
      400, .documented, "NKI instruction reference: 4n + K"),
    nonzeroCyclesPerElement: .hundredthsPerElement(400, .assumed, "as top-k", (100, 1_600)),
    sequenceBoundsCyclesPerElement: .hundredthsPerElement(400, .assumed, "as top-k", (100, 1_600)),
    randomCyclesPerElement: .hundredthsPerElement(400, .assumed, "not published", (100, 1_600)),
    memsetCyclesPerElement: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY): 0.8333 ns", (50, 104)),
    memsetStartup: .time(
      58_000, .measured,
      "third-party micro-benchmarks (VOY): 57.3 to 59.0 ns on the row named vector",
      (57_300, 125_000)))
}
