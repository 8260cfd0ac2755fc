import Units

private let captures = "three small matmul captures on inf2"
private let overview = "NKI DMA overview"

extension SequencerTiming {
  /// NeuronCore-v2: Trainium2's control rows at the faster base clock.
  static let neuronCore2: SequencerTiming = {
    var timing = trainium2.carried(times: 6, over: 7, note: scaledToNeuronCore2)
    timing.eventSemaphoreDuration.tensor = .time(17_000, .measured, captures, (16_000, 18_000))
    return timing
  }()
}

extension SemaphoreTiming {
  /// NeuronCore-v2: the one pair seen is as slow as on Trainium2, so nothing is scaled.
  static let neuronCore2: SemaphoreTiming = {
    var timing = trainium2.carried(note: keptForNeuronCore2)
    timing.detectScalar = .time(
      24_800, .measured, "\(captures): tensor to scalar 38..41 ns, n = 7", (23_300, 26_300))
    return timing
  }()
}

extension DMATiming {
  /// NeuronCore-v2: the same engines, slower on large packets, and no hardware descriptors.
  static let neuronCore2: DMATiming = {
    var timing = trainium2.carried(note: keptForNeuronCore2)
    timing.enginesPerCore = .count(16, .documented, overview)
    timing.ringsPerEngine = .count(16, .documented, overview)
    timing.partitionsPerEngine = .count(8, .documented, overview)
    timing.completionWriteBytes = .bytes(4, .documented, overview)
    timing.semaphoreIncrements = .count(16, .documented, overview)
    timing.descriptorBytes = .bytes(16, .documented, "aws-neuron-driver sources")
    timing.maxDescriptorBytes = .bytes(65_536, .documented, "aws-neuron-driver sources")
    timing.maxDescriptorsPerPacket = .count(64, .documented, "aws-neuron-driver sources")
    timing.bytesPerCycle = .number(
      32, .bytesPerCycle, .derived, "27.2 GB/s (NKI DMA overview) at 0.85 GHz, as on trn2", (32, 32)
    )
    timing.softwareBurstInterval = .time(
      649_000, .measured, "\(captures), n = 3", (645_000, 653_000))
    timing.sustainedBytesPerMicrosecondPerEngine = .number(
      17_000, .bytesPerMicrosecond, .documented, "NKI DMA bandwidth guide: 17 B/ns")
    timing.sustainedReadExtraPerPacket = .time(
      85_647, .derived, "4096 B / 17 B/ns - (4096/32 + 4) cycles at 0.85 GHz", (75_000, 95_000))
    timing.sustainedWriteExtraPerPacket = .time(
      83_200, .measured,
      "published bandwidth probe: writes of 274.8 GB/s by one core; 4096 B / 17.175 B/ns less "
        + "132 cycles", (75_000, 95_000))
    timing.hostBuiltRings()
    timing.transposeFromHBM = .number(
      900, .permille, .documented, "NKI instruction reference, dma_transpose: at most 90 %")
    timing.transposeFromSBUF = .number(
      500, .permille, .documented, "NKI instruction reference, dma_transpose: at most 50 %")
    timing.computeThroughput = .number(
      500, .permille, .documented, "Neuron NEFF guide: half")
    timing.computeThroughputOther = .number(
      500, .permille, .documented, "Neuron NEFF guide: half")
    return timing
  }()
}

extension DMATiming {
  /// Without hardware descriptor generators a trigger of the sync or scalar engine only moves the
  /// tail of a ring that the host built.
  fileprivate mutating func hostBuiltRings() {
    let write = "no hardware descriptors: a ring that the host built, as a register move"
    let triggers: [WritableKeyPath<DMATiming, Constant<Picoseconds>>] = [
      \.triggerSyncFirst, \.triggerSyncSoon, \.triggerSyncLater, \.triggerScalarFirst,
      \.triggerScalarLater,
    ]
    for trigger in triggers {
      self[keyPath: trigger] = .time(68_000, .assumed, write, (20_000, 572_000))
    }
    ringInterval = .time(
      3_000, .assumed, "as sameRingFollow: trn2's 930 ns are its descriptor generators'",
      (2_000, 930_000))
  }
}

extension KernelEnvelope {
  /// NeuronCore-v2: Trainium2's.
  static let neuronCore2 = trainium2.carried(note: keptForNeuronCore2)
}
