extension VectorRates {
  /// Trainium2.
  static let trainium2 = VectorRates(
    copyFloat32: .hundredthsPerElement(
      50, .measured, "third-party micro-benchmarks (VOY): 0.521 to 0.534 ns; documented (v2) 100",
      (50, 52)),
    copyFloat32To16: .hundredthsPerElement(
      50, .measured, "third-party micro-benchmarks (VOY): 0.5219 ns", (50, 51)),
    copy16: .hundredthsPerElement(
      25, .documented, "NKI architecture guide, trainium2: 4x; VOY 0.2691 ns = 26", (25, 26)),
    copy16Strided: .hundredthsPerElement(50, .documented, "NKI architecture guide, trainium2: 2x"),
    copy16PSUM: .hundredthsPerElement(50, .documented, "NKI architecture guide, trainium2: 2x"),
    copy16ToFloat32: .hundredthsPerElement(
      77, .measured, "third-party micro-benchmarks (VOY): 0.8033 ns", (75, 80)),
    copyFloat32ToInt32: .hundredthsPerElement(
      51, .measured, "third-party micro-benchmarks (VOY): 0.536 ns", (50, 52)),
    copyFloat32To8: .hundredthsPerElement(
      55, .measured, "third-party micro-benchmarks (VOY): 0.575 ns to UINT8", (50, 58)),
    copyInt32: .hundredthsPerElement(
      64, .measured, "third-party micro-benchmarks (VOY): 0.667 ns, 2 samples", (50, 100)),
    copy8: .hundredthsPerElement(
      50, .documented, "NKI architecture guide, trainium2: 256 elements per cycle for other formats"
    ),
    copyOther: .hundredthsPerElement(
      50, .derived, "NKI architecture guide, trainium2: 256 elements per cycle for other formats",
      (50, 100)),
    copyPSUM: .hundredthsPerElement(
      100, .measured, "profiler captures, attention s=512; VOY 1.045 ns", (99, 101)),
    scalarFloat32: .hundredthsPerElement(
      50, .measured, "profiler captures, attention s=512; VOY 0.521 ns; documented (v2) 100",
      (50, 51)),
    scalar16: .hundredthsPerElement(25, .documented, "NKI architecture guide, trainium2: 4x"),
    scalar16Strided: .hundredthsPerElement(
      50, .documented, "NKI architecture guide, trainium2: 2x"),
    scalar16PSUM: .hundredthsPerElement(50, .documented, "NKI architecture guide, trainium2: 2x"),
    scalarPSUM: .hundredthsPerElement(
      100, .measured, "profiler captures, attention s=512, n = 8", (99, 101)),
    tensorFloat32: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY): 1.042 ns; documented 200", (99, 101)),
    tensor16: .hundredthsPerElement(
      50, .documented, "NKI architecture guide, trainium2: 2x; VOY 0.5166 ns", (49, 51)),
    tensorPSUM: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY): 1.041 to 1.045 ns", (99, 101)),
    scalarTensor: .hundredthsPerElement(
      100, .derived, "as TENSOR_TENSOR (documented as about the same)", (100, 200)),
    reduce: .hundredthsPerElement(
      100, .measured, "profiler captures, attention s=512; VOY 1.0417 ns", (99, 101)),
    reduce16: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY): 1.044 ns; documented 50", (99, 101)),
    scalarReduce: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    scalarCumulative: .hundredthsPerElement(
      100, .assumed, "not published; one element per cycle, two like a scan", (100, 200)),
    select: .hundredthsPerElement(100, .assumed, "not published; as TENSOR_TENSOR", (100, 200)),
    rangeSelect: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    dropout: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    copyPredicated: .hundredthsPerElement(
      106, .measured,
      "third-party micro-benchmarks (VOY): 1.109 ns; documented 200 for two SBUF operands",
      (100, 200)),
    streamShuffle: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY): 1.046 ns", (99, 101)),
    streamTranspose: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    memset: .hundredthsPerElement(
      80, .measured, "third-party micro-benchmarks (VOY): 0.8333 ns, a 1.2 GHz rate", (80, 100)),
    max8: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    findIndex8: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    matchReplace8: .hundredthsPerElement(100, .documented, "NKI instruction reference, SDK 2.26"),
    batchNormStatistics: .hundredthsPerElement(
      100, .documented, "NKI instruction reference, SDK 2.26"),
    batchNormAggregateNumerator: .cycles(
      13, .documented, "NKI instruction reference, SDK 2.26: 13/3 per element"),
    batchNormAggregateDenominator: .cycles(3, .documented, "NKI instruction reference, SDK 2.26"),
    random: .hundredthsPerElement(100, .assumed, "not published; one element per cycle", (25, 400)),
    iota: .hundredthsPerElement(
      100, .assumed, "not published for this engine; one element per cycle", (50, 200)),
    exponential: .hundredthsPerElement(0, .documented, "NKI architecture guide, trainium2"),
    quantizeMX: .hundredthsPerElement(0, .documented, "NKI architecture guide, trainium2"),
    strideFactor: .hundredthsPerElement(
      100, .measured, "third-party micro-benchmarks (VOY); documented (v2) half rate from 16 B on",
      (90, 110)))
}

extension VectorEngineTiming {
  /// Trainium2.
  static let trainium2 = VectorEngineTiming(
    startupSBUF: .tenths(
      1_463, .measured, "profiler captures, attention s=512, n = 14; VOY 152.5 ns", (1_460, 1_470)),
    startupPSUM: .tenths(
      1_510, .measured, "profiler captures, attention s=512, n = 5", (1_505, 1_520)),
    gapSBUF: .tenths(570, .measured, "profiler captures, attention s=512, n = 4", (565, 575)),
    gapPSUM: .tenths(620, .measured, "profiler captures, attention s=512, n = 2", (615, 625)),
    warmReduction: .tenths(100, .measured, "profiler captures, attention s=512, n = 15", (80, 140)),
    warmReductionPointer: .tenths(
      60, .measured, "profiler captures, attention s=512, n = 6", (40, 65)),
    pointerStartup: .tenths(
      646, .measured, "profiler captures, attention s=512, n = 2", (640, 655)),
    pointerStartupPSUM: .tenths(
      560, .measured, "profiler captures, attention s=512, n = 8", (535, 570)),
    pointerGap: .tenths(670, .measured, "profiler captures, attention s=512, n = 4", (660, 680)),
    startupCopySBUF: .tenths(
      1_493, .measured, "third-party micro-benchmarks (VOY): 150.2 to 160.5 ns, usual 155.5",
      (1_442, 1_541)),
    startupCopyInt32: .tenths(
      1_306, .measured, "third-party micro-benchmarks (VOY): 136 ns, 2 samples of 4 partitions",
      (1_300, 1_500)),
    startupReduce16: .tenths(
      1_370, .measured, "third-party micro-benchmarks (VOY): 142.7 ns", (1_360, 1_470)),
    startupTensorScalarSBUF: .tenths(
      1_539, .measured, "third-party micro-benchmarks (VOY): 160.3 ns", (1_463, 1_549)),
    startupTensorTensorSBUF: .tenths(
      1_537, .measured, "third-party micro-benchmarks (VOY): 158.7 to 161.5 ns", (1_524, 1_550)),
    startupTensorTensorPSUM: .tenths(
      1_430, .measured, "third-party micro-benchmarks (VOY): 143.9 and 153.9 ns", (1_381, 1_477)),
    startupScan: .tenths(
      1_514, .measured, "third-party micro-benchmarks (VOY): 157.7 ns", (1_504, 1_524)),
    scanTensorSeedExtra: .time(
      60_000, .measured, "third-party micro-benchmarks (VOY): 751 against 691 ns at 256",
      (55_000, 65_000)),
    startupShuffle: .tenths(
      1_370, .measured, "third-party micro-benchmarks (VOY): 142.6 and 143.1 ns", (1_360, 1_380)),
    startupCopyPredicated: .tenths(
      1_493, .measured, "third-party micro-benchmarks (VOY): 155.5 ns", (1_483, 1_503)),
    memsetStartup: .time(
      58_000, .measured, "third-party micro-benchmarks (VOY): 57.3 to 59.0 ns", (57_300, 59_000)),
    streamTransposeIssue: .time(
      93_000, .measured, "third-party micro-benchmarks (VOY)", (90_000, 96_000)),
    streamTransposeQuadrantChange: .time(
      234_000, .measured, "third-party micro-benchmarks (VOY)", (228_000, 240_000)),
    streamTransposeReady: .time(
      233_000, .measured, "third-party micro-benchmarks (VOY)", (227_000, 239_000)),
    topEightStartup: .tenths(1_440, .documented, "nki-library top-k cost model: 144 cycles"),
    reduceReadExtra: .cycles(64, .documented, "NKI instruction reference, SDK 2.26, MIN_II"),
    reciprocalCyclesPerElement: .tenthsPerElement(
      60, .measured, "profiler captures, attention s=512, n = 4; VOY 6.247 ns; documented 80",
      (60, 61)),
    scanCyclesPerElement: .tenthsPerElement(
      20, .measured, "third-party micro-benchmarks (VOY): 2.083 ns; documented 20", (20, 20)),
    minimumInitiationInterval: .cycles(
      64, .documented, "NKI instruction reference, SDK 2.26, MIN_II"),
    dynamicMinimumInterval: .cycles(
      600, .documented, "NKI instruction reference, SDK 2.26, MIN_II_DYNAMIC"),
    findElementsMaximum: .count(16_384, .documented, "NKI instruction reference"),
    randomGeneratorsPerLane: .count(0, .documented, "NKI instruction reference, rng: a register"),
    batchNormElementsMaximum: .count(512, .documented, "NKI instruction reference"),
    rates: .trainium2)
}
