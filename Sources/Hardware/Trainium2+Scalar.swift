extension ScalarEngineTiming {
  /// Trainium2.
  static let trainium2 = ScalarEngineTiming(
    cyclesPerElement: .hundredthsPerElement(
      100, .measured, "profiler captures, attention s=512: 0.8333 ns exactly; VOY 0.829 to 0.88",
      (100, 104)),
    cyclesPerElement16: .hundredthsPerElement(
      100, .documented, "NKI architecture guide, trainium2"),
    siluPSUM: .hundredthsPerElement(
      159, .measured, "third-party micro-benchmarks (VOY): 1.327 ns", (150, 165)),
    startupCopyPSUM: .tenths(
      1_904, .measured, "profiler captures, attention s=512, n = 23", (1_895, 1_915)),
    startupCopyPSUMInt32: .tenths(
      2_052, .measured, "third-party micro-benchmarks (VOY): 171 ns", (1_904, 2_064)),
    startupCopyPSUMWarm: .tenths(
      1_904, .measured, "profiler captures, attention s=512: no shorter back to back",
      (1_895, 1_915)),
    startupCopySBUF: .tenths(
      2_268, .measured, "third-party micro-benchmarks (VOY): 187.7 to 190.3 ns; 16-bit 193.2",
      (2_252, 2_318)),
    startupActivatePSUM: .tenths(
      3_120, .measured, "profiler captures, attention s=512, n = 2", (3_112, 3_125)),
    startupActivatePSUMWarm: .tenths(
      3_040, .measured, "profiler captures, attention s=512, n = 6", (3_028, 3_268)),
    startupActivateSBUF: .tenths(
      3_530, .measured, "profiler captures, attention s=512, n = 2", (3_520, 3_535)),
    startupActivateSBUFWarm: .tenths(
      3_360, .measured, "profiler captures, attention s=512, n = 6", (3_340, 3_365)),
    startupActivateToPSUM: .tenths(
      2_122, .measured, "third-party micro-benchmarks (VOY): 176.8 ns, a copy", (2_110, 2_134)),
    dispatchGapActivatePSUM: .tenths(
      1_720, .measured, "profiler captures, attention s=512: 570 ns, n = 5", (1_710, 1_730)),
    completionGapActivatePSUM: .tenths(
      1_820, .measured, "profiler captures, attention s=512: 577..581 ns, n = 6", (1_804, 1_852)),
    coldDispatchExtraActivatePSUM: .time(
      15_500, .measured, "profiler captures, attention s=512, n = 2", (14_500, 16_500)),
    gapActivateSBUF: .tenths(
      2_230, .measured, "profiler captures, attention s=512: 612.5 ns, n = 4", (2_212, 2_260)),
    coldDispatchExtraActivateSBUF: .time(
      15_000, .measured, "profiler captures, attention s=512: 627.5 ns", (14_000, 16_000)),
    dispatchGapCopyPSUMCold: .tenths(
      580, .measured, "profiler captures, attention s=512: fit; 482 ns seen, n = 2", (510, 665)),
    dispatchGapCopyPSUMWarm: .tenths(
      520, .measured, "profiler captures, attention s=512: fit; 465..476 ns, n = 2", (450, 590)),
    completionGapCopyPSUM: .tenths(
      720, .measured, "profiler captures, attention s=512: 486..489 ns, n = 4", (712, 748)),
    gapCopySBUF: .tenths(
      1_100, .measured, "third-party micro-benchmarks (VOY): 199 ns for 128 columns", (1_060, 1_120)
    ),
    broadcastReadSBUF: .time(
      91_000, .measured, "third-party micro-benchmarks (VOY)", (78_500, 95_300)),
    broadcastReadSBUF16: .time(
      78_500, .measured, "third-party micro-benchmarks (VOY), BF16 copies", (75_000, 91_000)),
    broadcastReadPSUM: .time(
      95_300, .measured, "third-party micro-benchmarks (VOY)", (78_500, 100_000)),
    accumulateStartup: .time(
      294_500, .measured, "third-party micro-benchmarks (VOY)", (291_000, 298_000)),
    accumulateForward: .time(
      200_700, .measured, "third-party micro-benchmarks (VOY)", (195_000, 206_000)),
    readAccumulatorIssue: .time(
      185_000, .measured, "third-party micro-benchmarks (VOY)", (180_000, 190_000)),
    readAccumulatorReady: .time(
      279_000, .measured, "third-party micro-benchmarks (VOY)", (274_000, 284_000)),
    tableLoad: .time(
      1_283_000, .measured, "profiler captures, attention s=512, n = 4; VOY and DN agree",
      (1_278_000, 1_288_000)),
    controlOverlap: .time(6_000, .measured, "profiler captures, attention s=512", (5_000, 7_000)),
    maximumLead: .count(
      4, .assumed, "longest burst seen; then dispatch follows completion", (4, 16)),
    minimumInitiationInterval: .cycles(
      64, .documented, "NKI instruction reference, SDK 2.26, MIN_II"),
    strideFactor: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY); three times at a stride of 24 elements",
      (90, 200)))
}
