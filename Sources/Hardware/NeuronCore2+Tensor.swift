/// Opens the source of every engine constant that NeuronCore-v2 takes from Trainium2.
let scaledToNeuronCore2 = "trn2's cycles; times x 6/7 = clock 1.2 GHz / 1.4 GHz"
/// Opens the source of constants whose times do not follow the engines' clocks.
let keptForNeuronCore2 = "trn2's value unchanged"

private let guide = "NKI architecture guide, trainium_inferentia2"
private let captures = "three small matmul captures on inf2"
private let sweep = "published matmul sweep on inf2"

extension TensorEngineTiming {
  /// NeuronCore-v2: the structure is documented, the latencies are Trainium2's.
  static let neuronCore2: TensorEngineTiming = {
    var timing = trainium2.carried(times: 6, over: 7, note: scaledToNeuronCore2)
    timing.rows = .count(128, .documented, guide)
    timing.columns = .count(128, .documented, guide)
    timing.minimumTile = .count(64, .documented, guide)
    timing.maximumMovingColumns = .count(512, .documented, guide)
    timing.maximumMovingColumns16 = .count(512, .documented, guide)
    timing.banksPerInstruction = .count(1, .documented, guide)
    timing.writesBFloat16 = .flag(false, .documented, guide)
    timing.minimumStreamCycles = .cycles(64, .documented, "\(guide), MM_INIT_LATENCY")
    timing.cyclesPerRow16 = .cycles(1, .documented, guide)
    timing.passes16 = .count(1, .documented, guide)
    timing.passesFP32 = .count(2, .documented, "Neuron profiler schema reference")
    timing.passesTransposeFP32 = .count(
      2, .documented, "\(guide): a transpose is an ordinary product with an identity")
    timing.doubleRowRows = .count(0, .documented, guide)
    timing.quadRowRows = .count(0, .documented, guide)
    timing.transposeIsExact = .flag(false, .documented, guide)
    timing.backgroundTranspose = .flag(false, .documented, guide)
    timing.loadWeightsCycles16 = .cycles(32, .documented, "\(guide): a quarter of the columns")
    timing.bubbleCycles = .cycles(
      0, .documented, "\(guide): a product takes max(N, 64) cycles", (0, 6))
    timing.rowLeadFixed = .time(
      16_000, .measured,
      "\(sweep): MATMUL lasts 147 ns + N cycles, 96 cycles and completionLatency taken off",
      (11_000, 30_000))
    timing.loadWeightsColdDurationFixed = .time(
      71_600, .measured, "\(sweep): 82..84 ns less 32 cycles, n = 234", (70_600, 72_600))
    timing.completionLatency = .time(
      97_000, .measured, "\(captures): 160 ns with coldStart, as on trn2", (92_000, 102_000))
    timing.coldStart = .time(
      63_000, .measured, "\(captures): 160 ns with completionLatency", (58_000, 68_000))
    timing.loadWeightsDurationFixed = .time(
      43_000, .measured, "\(captures): 82..84 ns less 112 cycles", (42_000, 44_000))
    return timing
  }()
}

extension ActivityLimiterTiming {
  /// NeuronCore-v2: only short spells at seven eighths were seen.
  static let neuronCore2: ActivityLimiterTiming = {
    var timing = trainium2.carried(times: 6, over: 7, note: scaledToNeuronCore2)
    timing.limitedRate = .number(
      875, .permille, .measured, "\(captures): 7 of 8 for 22..160 ns", (500, 1_000))
    timing.startsHalf = .flag(false, .assumed, "\(captures) show no slow start")
    timing.thresholdNumerator = .number(
      0, .count, .assumed,
      "\(captures) and the sweep show no window at half rate; spells at 7/8 are not modelled",
      (0, 427))
    return timing
  }()
}
