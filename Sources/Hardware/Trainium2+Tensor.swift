extension TensorEngineTiming {
  /// Trainium2.
  static let trainium2 = TensorEngineTiming(
    rows: .count(128, .documented, "NKI architecture guide, trainium2"),
    columns: .count(128, .documented, "NKI architecture guide, trainium2"),
    minimumTile: .count(32, .documented, "NKI architecture guide, trainium2"),
    maximumMovingColumns: .count(512, .documented, "NKI instruction reference, nc_matmul"),
    maximumMovingColumns16: .count(512, .documented, "NKI instruction reference, nc_matmul"),
    minimumStreamCycles: .cycles(
      64, .documented, "NKI architecture guide, trainium_inferentia2, MM_INIT_LATENCY"),
    cyclesPerRow16: .cycles(1, .documented, "NKI architecture guide, trainium2"),
    cyclesPerRowFP32: .cycles(
      2, .measured,
      "profiler captures, attention s=512: 1,024 cycles of 512 columns; documented as 4 in all",
      (2, 2)),
    passes16: .count(1, .documented, "NKI architecture guide, trainium2"),
    passesFP32: .count(2, .documented, "Neuron profiler schema reference"),
    passesFP32OneZero: .count(1, .documented, "NKI instruction reference: about twice as fast"),
    passesTransposeFP32: .count(1, .measured, "profiler captures, attention s=512", (1, 2)),
    doubleRowRows: .count(2, .documented, "NKI architecture guide, trainium2, double_row"),
    quadRowRows: .count(0, .documented, "NKI architecture guide, trainium2"),
    transposeIsExact: .flag(true, .documented, "NKI architecture guide, trainium2"),
    backgroundTranspose: .flag(false, .documented, "NKI architecture guide, trainium2"),
    banksPerInstruction: .count(1, .documented, "NKI instruction reference, nc_matmul"),
    writesBFloat16: .flag(false, .documented, "NKI instruction reference, nc_matmul"),
    bubbleCycles: .cycles(
      6, .measured, "profiler captures, attention s=512; AKS-001 and AKS-003 agree for 16-bit",
      (5, 7)),
    loadWeightsCycles16: .cycles(
      32, .documented, "NKI architecture guide, trainium_inferentia2: a quarter of the columns"),
    loadWeightsTranspose32: .cycles(
      128, .measured, "profiler captures, attention s=512", (124, 132)),
    loadWeightsFP32: .cycles(256, .measured, "profiler captures, attention s=512", (252, 260)),
    loadWeightsFP32Extra: .cycles(
      12, .measured, "profiler captures, attention s=512: 268 cycles between passes, n = 92",
      (6, 16)),
    completionLatency: .time(
      97_000, .measured,
      "profiler captures, attention s=512; only the sum with coldStart is certain",
      (92_000, 102_000)),
    coldStart: .time(
      63_000, .measured,
      "profiler captures, attention s=512; only the sum with completionLatency is certain",
      (58_000, 68_000)),
    coldStartFullRateExtra: .time(
      9_000, .measured, "profiler captures, attention s=512", (0, 12_000)),
    rowLeadFixed: .time(
      30_000, .measured,
      "profiler captures, attention s=512: 107..110 ns half rate, 68..71 full rate",
      (28_000, 32_000)),
    rowLeadCycles: .cycles(96, .measured, "profiler captures, attention s=512", (90, 100)),
    rowGapAfterControl: .time(
      30_000, .measured, "profiler captures, attention s=512", (28_000, 32_000)),
    loadWeightsDurationFixed: .time(
      53_000, .measured, "profiler captures, attention s=512, n = 91 and 121", (50_000, 58_000)),
    loadWeightsDurationCycles: .cycles(
      80, .measured, "profiler captures, attention s=512", (76, 84)),
    loadWeightsColdDurationFixed: .time(
      75_000, .derived,
      "profiler captures, attention s=512: 101..105, 180..184, 285..289 ns less the load",
      (72_000, 78_000)),
    sequencerStep: .time(2_000, .measured, "profiler captures, attention s=512", (1_000, 3_000)),
    runAhead: .count(33, .measured, "profiler captures, attention s=512, n = 3", (32, 34)),
    stridedMovingFP32: .hundredthsPerElement(
      491, .measured, "third-party micro-benchmarks (VOY): 2.045 ns at 2.4 GHz", (450, 530)))
}

extension ActivityLimiterTiming {
  /// Trainium2.
  static let trainium2 = ActivityLimiterTiming(
    windowCycles: .cycles(
      4_096, .measured,
      "profiler captures, attention s=512: 34,133 ns = 10 windows; documented as about 3 us",
      (4_092, 4_100)),
    fullCycles: .cycles(8_192, .derived, "windowCycles x 2.4 GHz / 1.2 GHz", (8_184, 8_200)),
    thresholdNumerator: .number(
      375, .count, .measured,
      "profiler captures, attention s=512: 3/8 lies in the bracket; documented 50 % does not",
      (358, 427)),
    thresholdDenominator: .number(
      1_000, .count, .measured, "profiler captures, attention s=512: a choice of scale",
      (1_000, 1_000)),
    limitedRate: .number(500, .permille, .documented, "Neuron explorer glossary: about 50 %"),
    lag: .time(31_000, .measured, "profiler captures, attention s=512", (27_000, 37_000)),
    phase: .time(0, .assumed, "the captures show any phase; one window", (0, 3_413_333)),
    startsHalf: .flag(true, .documented, "Neuron explorer glossary"),
    countsRows: .flag(
      true, .measured,
      "third-party micro-benchmarks (VOY): a stream of K=64 stays at half rate, 1,707 ns; KDA's not"
    ))
}
