extension SequencerTiming {
  /// Trainium2.
  static let trainium2 = SequencerTiming(
    eventSemaphoreDuration: EngineTimes(
      tensor: .time(
        52_000, .measured, "profiler captures, attention s=512, n = 10", (51_000, 53_000)),
      vector: .time(
        23_000, .measured, "profiler captures, attention s=512, n = 2", (22_000, 24_000)),
      scalar: .time(
        40_000, .measured, "profiler captures, attention s=512, n = 4", (39_000, 41_000)),
      gpsimd: .time(
        19_000, .measured, "profiler captures, attention s=512, n = 2", (18_000, 20_000)),
      sync: .time(19_000, .assumed, "as GpSimd", (8_000, 40_000))),
    eventSemaphoreNext: EngineTimes(
      tensor: .time(
        77_000, .measured, "profiler captures, attention s=512, n = 10", (76_000, 78_000)),
      vector: .time(
        103_000, .measured, "profiler captures, attention s=512, n = 1", (101_000, 105_000)),
      scalar: .time(
        92_500, .measured, "profiler captures, attention s=512, n = 4", (90_000, 95_000)),
      gpsimd: .time(77_000, .assumed, "as an idle DRAIN", (19_000, 103_000)),
      sync: .time(68_000, .assumed, "as an idle DRAIN", (19_000, 103_000))),
    nopDuration: EngineTimes(
      tensor: .time(17_000, .assumed, "as GpSimd", (7_000, 52_000)),
      vector: .time(17_000, .assumed, "as GpSimd", (7_000, 52_000)),
      scalar: .time(17_000, .assumed, "as GpSimd", (7_000, 52_000)),
      gpsimd: .time(
        17_000, .measured, "profiler captures, attention s=512, n = 4", (16_000, 18_000)),
      sync: .time(17_000, .assumed, "as GpSimd", (7_000, 52_000))),
    nopNext: EngineTimes(
      tensor: .time(
        97_000, .measured, "profiler captures, attention s=512, n = 12", (92_000, 101_000)),
      vector: .time(
        70_000, .assumed, "as a notification row", (17_000, 101_000)),
      scalar: .time(
        64_500, .assumed, "as a notification row", (17_000, 101_000)),
      gpsimd: .time(
        59_000, .measured, "profiler captures, attention s=512, n = 4", (58_000, 60_000)),
      sync: .time(
        63_000, .assumed, "as a notification row", (17_000, 101_000))),
    drainDuration: EngineTimes(
      tensor: .time(12_000, .measured, "profiler captures, attention s=512", (11_000, 13_000)),
      vector: .time(13_000, .measured, "profiler captures, attention s=512", (12_000, 14_000)),
      scalar: .time(7_000, .measured, "profiler captures, attention s=512", (6_000, 8_000)),
      gpsimd: .time(29_000, .measured, "profiler captures, attention s=512", (28_000, 30_000)),
      sync: .time(8_000, .measured, "profiler captures, attention s=512", (7_000, 9_000))),
    drainNext: EngineTimes(
      tensor: .time(
        95_500, .measured, "profiler captures, attention s=512: 92..99 ns", (92_000, 99_000)),
      vector: .time(
        73_000, .measured, "profiler captures, attention s=512: 70..76 ns", (70_000, 76_000)),
      scalar: .time(76_000, .measured, "profiler captures, attention s=512", (75_000, 77_000)),
      gpsimd: .time(77_000, .measured, "profiler captures, attention s=512", (76_000, 78_000)),
      sync: .time(
        68_000, .measured, "profiler captures, attention s=512: 64..72 ns", (64_000, 72_000))),
    drainAfterCompletion: EngineTimes(
      tensor: .time(42_500, .assumed, "between vector and scalar", (12_000, 60_000)),
      vector: .time(
        49_500, .measured, "profiler captures, attention s=512, n = 4", (48_000, 51_000)),
      scalar: .time(
        36_000, .measured, "profiler captures, attention s=512, n = 4", (35_000, 37_000)),
      gpsimd: .time(42_500, .assumed, "between vector and scalar", (29_000, 60_000)),
      sync: .time(8_000, .assumed, "as an idle DRAIN", (7_000, 60_000))),
    notifyDuration: EngineTimes(
      tensor: .time(13_000, .assumed, "as vector", (4_000, 20_000)),
      vector: .time(
        13_000, .measured, "profiler captures, attention s=512, n = 8", (12_000, 14_000)),
      scalar: .time(6_500, .measured, "profiler captures, attention s=512, n = 8", (4_000, 9_000)),
      gpsimd: .time(
        15_000, .measured, "profiler captures, attention s=512, n = 8", (10_000, 20_000)),
      sync: .time(10_000, .measured, "profiler captures, attention s=512, n = 8", (9_000, 11_000))),
    notifyNext: EngineTimes(
      tensor: .time(
        81_000, .measured, "profiler captures, attention s=512, n = 8: 74 and 88 ns",
        (74_000, 88_000)),
      vector: .time(
        67_000, .measured, "profiler captures, attention s=512, n = 15: 62 and 72 ns",
        (62_000, 72_000)),
      scalar: .time(
        64_500, .measured, "profiler captures, attention s=512, n = 12: 55..74 ns", (55_000, 74_000)
      ),
      gpsimd: .time(
        59_000, .measured, "profiler captures, attention s=512, n = 16: 50..68 ns", (50_000, 68_000)
      ),
      sync: .time(
        63_000, .measured, "profiler captures, attention s=512, n = 16: 46..80 ns", (46_000, 80_000)
      )),
    setOrderingMode: EngineTimes(
      tensor: .time(44_000, .measured, "profiler captures, attention s=512", (43_000, 45_000)),
      vector: .time(56_000, .measured, "profiler captures, attention s=512", (55_000, 57_000)),
      scalar: .time(41_000, .measured, "profiler captures, attention s=512", (40_000, 42_000)),
      gpsimd: .time(41_000, .measured, "profiler captures, attention s=512", (40_000, 42_000)),
      sync: .time(24_000, .measured, "profiler captures, attention s=512", (23_000, 25_000))),
    setOrderingModeNext: EngineTimes(
      tensor: .time(
        118_000, .measured,
        "profiler captures, attention s=512, n = 16: 97, 139 before its like", (97_000, 140_000)),
      vector: .time(
        96_000, .measured,
        "profiler captures, attention s=512, n = 4: 119 before its like; else assumed",
        (73_000, 119_000)),
      scalar: .time(
        89_000, .measured, "profiler captures, attention s=512, n = 8: 50, 128 before its like",
        (47_000, 128_000)),
      gpsimd: .time(
        90_500, .measured, "profiler captures, attention s=512, n = 8: 85, 96 before its like",
        (85_000, 96_000)),
      sync: .time(
        92_000, .measured, "profiler captures, attention s=512, n = 12: 77, 107 before its like",
        (74_000, 107_000))),
    rangeClear: EngineTimes(
      tensor: .time(375_000, .measured, "profiler captures, attention s=512", (373_000, 377_000)),
      vector: .time(312_000, .measured, "profiler captures, attention s=512", (310_000, 314_000)),
      scalar: .time(277_000, .measured, "profiler captures, attention s=512", (275_000, 279_000)),
      gpsimd: .time(287_000, .measured, "profiler captures, attention s=512", (285_000, 289_000)),
      sync: .time(99_000, .measured, "profiler captures, attention s=512", (97_000, 101_000))),
    rangeClearNext: EngineTimes(
      tensor: .time(
        498_000, .measured, "profiler captures, attention s=512, n = 8", (496_000, 500_000)),
      vector: .time(
        356_000, .measured, "profiler captures, attention s=512, n = 8", (353_000, 366_000)),
      scalar: .time(
        313_000, .measured, "profiler captures, attention s=512, n = 8", (311_000, 401_000)),
      gpsimd: .time(
        320_000, .measured, "profiler captures, attention s=512, n = 8", (319_000, 333_000)),
      sync: .time(
        133_000, .measured, "profiler captures, attention s=512, n = 8", (132_000, 134_000))),
    branchConditional: .time(
      181_500, .measured, "profiler captures, attention s=512, n = 28; middle", (123_000, 240_000)),
    branchUnconditional: .time(
      62_500, .measured, "profiler captures, attention s=512, n = 28; middle", (55_000, 70_000)),
    tensorLoadOneWord: .time(
      574_500, .measured, "profiler captures, attention s=512, n = 36; middle", (472_000, 677_000)),
    tensorLoadTwoWords: .time(
      1_173_500, .measured, "profiler captures, attention s=512; middle", (970_000, 1_377_000)),
    tensorStoreOneWord: .time(
      574_500, .assumed, "as a register load of one word; not published", (68_000, 1_173_500)),
    registerWrite: .time(68_000, .assumed, "as a register move", (20_000, 572_000)),
    modifyPoolConfig: .time(41_000, .assumed, "as an ordering mode on GpSimd", (17_000, 287_000)),
    loadMaskSelect: .time(
      66_667, .assumed, "64 cycles, the least interval of the vector engine", (13_000, 143_000)),
    coreBarrier: .time(
      1_000_000, .assumed, "half an exchange of about 2 us (DN): a remote write and a wait",
      (100_000, 2_000_000)),
    collectiveTrigger: .time(68_000, .assumed, "as a register move", (20_000, 572_000)),
    registerMove: .time(
      68_000, .measured, "third-party micro-benchmarks (VOY), immediate MOVE on GpSimd",
      (60_000, 76_000)),
    bodyStartScalar: .time(
      156_000, .measured, "profiler captures, attention s=512, n = 4", (156_000, 157_000)),
    bodyStartGpSimd: .time(
      1_290_000, .measured, "profiler captures, attention s=512, n = 4", (1_287_000, 1_293_000)))
}
