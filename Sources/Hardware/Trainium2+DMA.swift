extension DMATiming {
  /// Trainium2.
  static let trainium2 = DMATiming(
    enginesPerCore: .count(16, .documented, "NKI DMA overview"),
    partitionsPerEngine: .count(8, .documented, "NKI DMA overview"),
    ringsPerEngine: .count(16, .documented, "NKI DMA overview"),
    bytesPerCycle: .number(
      32, .bytesPerCycle, .derived,
      "27.2 GB/s (NKI DMA overview) at 0.85 GHz; exact in the captures", (32, 32)),
    descriptorGapCycles: .cycles(
      4, .measured, "profiler captures, attention s=512, n in the hundreds", (4, 4)),
    rowDurationExtraCycles: .cycles(7, .measured, "profiler captures, attention s=512", (7, 7)),
    firstExtraCycles: .cycles(5, .measured, "profiler captures, attention s=512", (5, 5)),
    storePairExtraCycles: .cycles(
      2, .measured,
      "profiler captures, attention s=512: 72 against 68 cycles, cause unknown; middle", (0, 4)),
    softwareElementCycles: .cycles(
      7, .measured, "profiler captures, attention s=512, n = 4", (7, 7)),
    descriptorBytes: .bytes(16, .documented, "aws-neuron-driver sources"),
    completionWriteBytes: .bytes(4, .documented, "NKI DMA overview"),
    semaphoreIncrements: .count(16, .documented, "NKI DMA overview"),
    packetBytes: .bytes(4_096, .documented, "Neuron runtime guide, packetisation of static rings"),
    maxDescriptorBytes: .bytes(65_536, .documented, "aws-neuron-driver sources"),
    maxDescriptorsPerPacket: .count(64, .documented, "aws-neuron-driver sources"),
    maxSources: .count(16, .documented, "Neuron NEFF guide"),
    skew: .times(
      [
        0, 12_000, 28_000, 64_000, 9_000, 22_000, 12_000, 15_000, 55_000, 68_000, 86_000, 108_000,
        82_000, 98_000, 124_000, 152_000,
      ], .measured, "profiler captures, attention s=512, the same in every transfer", give: 8_000),
    triggerSyncFirst: .time(
      550_000, .measured, "profiler captures, attention s=512, fit", (541_000, 559_000)),
    triggerSyncSoon: .time(
      600_000, .measured, "profiler captures, attention s=512, fit", (564_000, 605_000)),
    triggerSyncLater: .time(
      572_000, .measured, "profiler captures, attention s=512, fit", (564_000, 605_000)),
    triggerSoonWindow: .time(
      700_000, .measured, "profiler captures, attention s=512, fit", (600_000, 1_200_000)),
    triggerScalarFirst: .time(
      612_000, .measured, "profiler captures, attention s=512", (610_000, 613_000)),
    triggerScalarLater: .time(
      572_000, .measured, "profiler captures, attention s=512, n = 8", (571_000, 572_000)),
    afterTrigger: .time(
      14_000, .measured, "profiler captures, attention s=512, n = 1", (10_000, 18_000)),
    nextTriggerSync: .time(
      47_000, .measured, "profiler captures, attention s=512", (45_000, 49_000)),
    firstDescriptorSBUF: .time(
      665_000, .measured, "profiler captures, attention s=512, n = 5", (662_000, 668_000)),
    dramExtra: .time(
      125_000, .measured, "profiler captures, attention s=512: 786..791 ns in all, n = 4",
      (121_000, 126_000)),
    queuedLoadLaterExtra: .time(
      0, .assumed,
      "profiler captures, attention s=512: 801..1,047 ns in all, n = 4; ringInterval covers most",
      (0, 257_000)),
    ringInterval: .time(
      930_000, .measured, "profiler captures, attention s=512, n = 2", (886_000, 1_030_000)),
    sameRingFollow: .time(3_000, .measured, "profiler captures, attention s=512", (2_000, 4_000)),
    softwarePreparation: .time(
      1_172_000, .measured, "profiler captures, attention s=512, n = 8", (1_160_000, 1_172_000)),
    softwareBurstInterval: .time(
      583_000, .measured, "profiler captures, attention s=512, n = 8", (581_000, 586_000)),
    softwareRowDuration: .time(
      34_000, .measured, "profiler captures, attention s=512: 31 loads, 37 stores, n = 8",
      (31_000, 37_000)),
    softwareRowInBurst: .time(
      18_000, .measured, "profiler captures, attention s=512: 31, 50, 75 ns of three, n = 12",
      (18_000, 25_000)),
    softwareRowsInBurst: .count(
      3, .measured, "profiler captures, attention s=512: 91 ns at most, n = 42", (2, 3)),
    softwareIndexRow: .time(30_000, .assumed, "guess; nothing published", (10_000, 100_000)),
    softwareToPacketStore: .time(
      632_000, .measured, "profiler captures, attention s=512, n = 4", (625_000, 643_000)),
    softwareToPacketLoad: .time(
      765_000, .measured, "profiler captures, attention s=512, n = 8", (758_000, 893_000)),
    staticTrigger: .time(68_000, .assumed, "as a register move", (20_000, 572_000)),
    coreExchange: .time(
      2_000_000, .measured, "DN: a sendrecv seam of about 2 us", (1_500_000, 2_500_000)),
    stretchLoadAlone: .number(
      1_350, .permille, .measured, "profiler captures, attention s=512, fit", (1_250, 1_350)),
    stretchLoadOneEngine: .number(
      1_140, .permille, .derived,
      "NKI DMA bandwidth guide: 1,416 ns for 4 x 8 KiB, over 1,056 cycles of service",
      (1_100, 1_250)),
    stretchLoadQueued: .number(
      1_750, .permille, .measured, "profiler captures, attention s=512, fit", (1_550, 2_050)),
    stretchSoftwareLoad: .number(
      1_200, .permille, .measured, "profiler captures, attention s=512, fit", (1_100, 1_300)),
    stretchMaximumBytes: .bytes(
      524_288, .measured, "profiler captures, attention s=512; larger ones were not seen",
      (524_288, 1_048_576)),
    loneLoadBytesPerMicrosecondPerEngine: .number(
      17_630, .bytesPerMicrosecond, .measured,
      "third-party micro-benchmarks (VOY): 1.3046 of the time at 23 B/ns", (17_000, 20_100)),
    softwareLoadStall: .time(
      280_000, .measured, "profiler captures, attention s=512, fit; decides the limiter's window",
      (200_000, 400_000)),
    notifyLoad: .time(
      345_000, .measured, "profiler captures, attention s=512, n = 38 x 16", (274_000, 487_000)),
    notifyHardwareStore: .time(
      415_000, .measured, "profiler captures, attention s=512", (326_000, 455_000)),
    notifySoftwareStore: .time(
      355_000, .measured, "profiler captures, attention s=512", (324_000, 385_000)),
    sustainedBytesPerMicrosecondPerEngine: .number(
      23_000, .bytesPerMicrosecond, .documented,
      "NKI DMA bandwidth guide: 23 B/ns; 345..370 GB/s per core measured", (21_500, 23_200)),
    sustainedReadExtraPerPacket: .time(
      22_793, .derived, "4096 B / 23 B/ns - (4096/32 + 4) cycles at 0.85 GHz", (21_000, 35_000)),
    sustainedWriteExtraPerPacket: .time(
      0, .assumed, "profiler captures, attention s=512 show stores without stall; none longer seen",
      (0, 22_793)),
    transposeFromHBM: .number(
      900, .permille, .documented, "NKI instruction reference, dma_transpose: at most 90 %"),
    transposeFromSBUF: .number(
      500, .permille, .documented, "NKI instruction reference, dma_transpose: at most 50 %"),
    computeThroughput: .number(500, .permille, .documented, "Neuron NEFF guide: half"),
    computeThroughputOther: .number(500, .permille, .documented, "Neuron NEFF guide: half"))
}
