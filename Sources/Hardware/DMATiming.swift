public import Units

/// DMA: sixteen engines of a core, their rings, and the steps from trigger to semaphore.
///
/// A transfer is triggered, its first descriptor follows, each engine serves its share at
/// `bytesPerCycle` with `descriptorGapCycles` between descriptors, writes its semaphore, and the
/// increment is visible a notify time later. Stretches are what reading HBM adds.
public struct DMATiming: Sendable {
  /// DMA engines of one core.
  public var enginesPerCore: Constant<Int>
  /// Partitions that one engine serves.
  public var partitionsPerEngine: Constant<Int>
  /// Rings (queues) of one engine.
  public var ringsPerEngine: Constant<Int>
  /// Bytes that one engine moves per DMA cycle.
  public var bytesPerCycle: Constant<Int64>
  /// Cycles between two descriptors. Cycles.
  public var descriptorGapCycles: Constant<Int64>
  /// A descriptor's row lasts its bytes plus this, in a stream. Cycles.
  public var rowDurationExtraCycles: Constant<Int64>
  /// The same for the first descriptor. Cycles.
  public var firstExtraCycles: Constant<Int64>
  /// More cycles for each 2,048 bytes of a later hardware store. Cycles.
  public var storePairExtraCycles: Constant<Int64>
  /// Software stores from SBUF: cycles per element run beyond its bytes. Cycles.
  public var softwareElementCycles: Constant<Int64>
  /// One descriptor in a ring. Bytes.
  public var descriptorBytes: Constant<Int>
  /// The write that increments a semaphore. Bytes.
  public var completionWriteBytes: Constant<Int>
  /// Increments of a transfer: one per engine.
  public var semaphoreIncrements: Constant<Int>
  /// Packets in which rings of one engine take turns. Bytes.
  public var packetBytes: Constant<Int>
  /// The largest descriptor. Bytes.
  public var maxDescriptorBytes: Constant<Int>
  /// The most descriptors of a packet.
  public var maxDescriptorsPerPacket: Constant<Int>
  /// The most sources of a computing transfer.
  public var maxSources: Constant<Int>
  /// First descriptor of each engine after the earliest engine's.
  public var skew: Constant<[Picoseconds]>
  /// Trigger on the sync engine, the first of its queue.
  public var triggerSyncFirst: Constant<Picoseconds>
  /// Trigger on the sync engine within `triggerSoonWindow` of the previous.
  public var triggerSyncSoon: Constant<Picoseconds>
  /// Trigger on the sync engine otherwise.
  public var triggerSyncLater: Constant<Picoseconds>
  /// What counts as soon after the previous trigger.
  public var triggerSoonWindow: Constant<Picoseconds>
  /// Trigger on the scalar engine, the first of its queue.
  public var triggerScalarFirst: Constant<Picoseconds>
  /// Trigger on the scalar engine, later ones.
  public var triggerScalarLater: Constant<Picoseconds>
  /// End of a trigger to the next instruction of the scalar engine.
  public var afterTrigger: Constant<Picoseconds>
  /// End of a trigger to the next trigger on the sync engine.
  public var nextTriggerSync: Constant<Picoseconds>
  /// End of a trigger to the first descriptor, source in SBUF.
  public var firstDescriptorSBUF: Constant<Picoseconds>
  /// More of the same for a source in HBM.
  public var dramExtra: Constant<Picoseconds>
  /// More again for the later loads of a run.
  public var queuedLoadLaterExtra: Constant<Picoseconds>
  /// Least time between the first descriptors of two transfers of one ring.
  public var ringInterval: Constant<Picoseconds>
  /// End of a transfer to the start of the next on one ring.
  public var sameRingFollow: Constant<Picoseconds>
  /// Software descriptors: wait met to row.
  public var softwarePreparation: Constant<Picoseconds>
  /// Software descriptors: row to row in a burst.
  public var softwareBurstInterval: Constant<Picoseconds>
  /// Software descriptors: duration of the row, which only rings the doorbell.
  public var softwareRowDuration: Constant<Picoseconds>
  /// The same: more for each earlier row of its burst.
  public var softwareRowInBurst: Constant<Picoseconds>
  /// The same: the most earlier rows that count.
  public var softwareRowsInBurst: Constant<Int>
  /// Software descriptors: each row of a gather or scatter.
  public var softwareIndexRow: Constant<Picoseconds>
  /// Software row to first packet, source in SBUF.
  public var softwareToPacketStore: Constant<Picoseconds>
  /// Software row to first packet, source in HBM.
  public var softwareToPacketLoad: Constant<Picoseconds>
  /// Trigger of a ring that the host built: a register write.
  public var staticTrigger: Constant<Picoseconds>
  /// One exchange between the two cores of a logical core.
  public var coreExchange: Constant<Picoseconds>
  /// Service time of a hardware load alone, slowest engine. Thousandths.
  public var stretchLoadAlone: Constant<Int64>
  /// Service time of a hardware load by one engine alone. Thousandths.
  public var stretchLoadOneEngine: Constant<Int64>
  /// Service time of a hardware load queued behind a load. Thousandths.
  public var stretchLoadQueued: Constant<Int64>
  /// Service time of a software load. Thousandths.
  public var stretchSoftwareLoad: Constant<Int64>
  /// The stretches hold for transfers up to this size. Bytes.
  public var stretchMaximumBytes: Constant<Int>
  /// Beyond that size, a hardware load alone: one engine. Bytes per microsecond.
  public var loneLoadBytesPerMicrosecondPerEngine: Constant<Int64>
  /// Stall of each engine once per software load.
  public var softwareLoadStall: Constant<Picoseconds>
  /// Last semaphore write of a load to visible.
  public var notifyLoad: Constant<Picoseconds>
  /// The same for a hardware store.
  public var notifyHardwareStore: Constant<Picoseconds>
  /// The same for a software store.
  public var notifySoftwareStore: Constant<Picoseconds>
  /// Deep queues, descriptors of 4 KiB and more, one engine. Bytes per microsecond.
  public var sustainedBytesPerMicrosecondPerEngine: Constant<Int64>
  /// More per 4 KiB packet in a sustained read.
  public var sustainedReadExtraPerPacket: Constant<Picoseconds>
  /// More per 4 KiB packet in a sustained write.
  public var sustainedWriteExtraPerPacket: Constant<Picoseconds>
  /// Throughput of a transposing load, HBM to SBUF. Thousandths.
  public var transposeFromHBM: Constant<Int64>
  /// Throughput of a transpose within SBUF. Thousandths.
  public var transposeFromSBUF: Constant<Int64>
  /// Throughput of an accumulating transfer of two sources into SBUF in one format. Thousandths.
  public var computeThroughput: Constant<Int64>
  /// The same into HBM, or with formats that differ. Thousandths.
  public var computeThroughputOther: Constant<Int64>
}

extension DMATiming: ConstantGroup {
  static let entries: [ConstantEntry<DMATiming>] = [
    .init("enginesPerCore", \.enginesPerCore),
    .init("partitionsPerEngine", \.partitionsPerEngine),
    .init("ringsPerEngine", \.ringsPerEngine),
    .init("bytesPerCycle", \.bytesPerCycle),
    .init("descriptorGapCycles", \.descriptorGapCycles),
    .init("rowDurationExtraCycles", \.rowDurationExtraCycles),
    .init("firstExtraCycles", \.firstExtraCycles),
    .init("storePairExtraCycles", \.storePairExtraCycles),
    .init("softwareElementCycles", \.softwareElementCycles),
    .init("descriptorBytes", \.descriptorBytes),
    .init("completionWriteBytes", \.completionWriteBytes),
    .init("semaphoreIncrements", \.semaphoreIncrements),
    .init("packetBytes", \.packetBytes),
    .init("maxDescriptorBytes", \.maxDescriptorBytes),
    .init("maxDescriptorsPerPacket", \.maxDescriptorsPerPacket),
    .init("maxSources", \.maxSources),
    .init("skew", \.skew),
    .init("triggerSyncFirst", \.triggerSyncFirst),
    .init("triggerSyncSoon", \.triggerSyncSoon),
    .init("triggerSyncLater", \.triggerSyncLater),
    .init("triggerSoonWindow", \.triggerSoonWindow),
    .init("triggerScalarFirst", \.triggerScalarFirst),
    .init("triggerScalarLater", \.triggerScalarLater),
    .init("afterTrigger", \.afterTrigger),
    .init("nextTriggerSync", \.nextTriggerSync),
    .init("firstDescriptorSBUF", \.firstDescriptorSBUF),
    .init("dramExtra", \.dramExtra),
    .init("queuedLoadLaterExtra", \.queuedLoadLaterExtra),
    .init("ringInterval", \.ringInterval),
    .init("sameRingFollow", \.sameRingFollow),
    .init("softwarePreparation", \.softwarePreparation),
    .init("softwareBurstInterval", \.softwareBurstInterval),
    .init("softwareRowDuration", \.softwareRowDuration),
    .init("softwareRowInBurst", \.softwareRowInBurst),
    .init("softwareRowsInBurst", \.softwareRowsInBurst),
    .init("softwareIndexRow", \.softwareIndexRow),
    .init("softwareToPacketStore", \.softwareToPacketStore),
    .init("softwareToPacketLoad", \.softwareToPacketLoad),
    .init("staticTrigger", \.staticTrigger),
    .init("coreExchange", \.coreExchange),
    .init("stretchLoadAlone", \.stretchLoadAlone),
    .init("stretchLoadOneEngine", \.stretchLoadOneEngine),
    .init("stretchLoadQueued", \.stretchLoadQueued),
    .init("stretchSoftwareLoad", \.stretchSoftwareLoad),
    .init("stretchMaximumBytes", \.stretchMaximumBytes),
    .init(
      "loneLoadBytesPerMicrosecondPerEngine", \.loneLoadBytesPerMicrosecondPerEngine),
    .init("softwareLoadStall", \.softwareLoadStall),
    .init("notifyLoad", \.notifyLoad),
    .init("notifyHardwareStore", \.notifyHardwareStore),
    .init("notifySoftwareStore", \.notifySoftwareStore),
    .init("sustainedBytesPerMicrosecondPerEngine", \.sustainedBytesPerMicrosecondPerEngine),
    .init("sustainedReadExtraPerPacket", \.sustainedReadExtraPerPacket),
    .init("sustainedWriteExtraPerPacket", \.sustainedWriteExtraPerPacket),
    .init("transposeFromHBM", \.transposeFromHBM),
    .init("transposeFromSBUF", \.transposeFromSBUF),
    .init("computeThroughput", \.computeThroughput),
    .init("computeThroughputOther", \.computeThroughputOther),
  ]
}
