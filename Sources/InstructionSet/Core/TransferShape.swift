public import CoreState
public import Hardware
import NumericFormats

/// How a transfer is cut into descriptors and dealt over the DMA engines of a core: all that the
/// queue needs to time it. The queue itself adds trigger, dispatch, sharing and completion.
///
/// Source: profiler captures (descriptors are dealt evenly; contiguous software loads are packed
/// into packets of 4 KiB; software stores read element by element), NKI DMA overview (each engine
/// serves eight partitions; at most 64 KiB per descriptor).
public struct TransferShape: Hashable, Sendable, BitwiseCopyable {
  /// Bytes moved in all, the larger of both ends when formats differ.
  public var totalBytes: Int64
  /// Cycles, in tenths, that the busiest engine needs without any stall.
  public var serviceTenths: Int64
  /// Bytes of one descriptor.
  public var descriptorBytes: Int32
  /// Descriptors of the busiest engine.
  public var descriptorsPerEngine: Int32
  /// Engines that take part, from engine 0 on.
  public var engines: UInt8
  /// The ring of each engine that the trigger rings.
  public var queue: UInt8
  /// Some of the bytes come from HBM.
  public var readsHBM: Bool
  /// Some of the bytes go to HBM.
  public var writesHBM: Bool
  /// GpSimd builds the descriptors.
  public var isSoftware: Bool
  /// 1000 for a plain copy, more when the engines compute or transpose on the way. Thousandths.
  public var slowdownPermille: Int32 = 1000
  /// Index rows that software reads to build the descriptors.
  public var indexRows: Int32 = 0
  /// The host stored the descriptors: the trigger is one register write.
  public var isStored = false
  /// An address adds a register.
  public var isDynamic = false
  /// 0 goes first; NeuronCore-v4 serves lower numbers before higher ones.
  public var priority: UInt8 = 0
  /// Bytes read from HBM.
  public var hbmReadBytes: Int64 = 0
  /// Bytes written to HBM.
  public var hbmWriteBytes: Int64 = 0

  /// The shape of a transfer that moves nothing: what an instruction that was never checked has.
  init(queue: Int) {
    totalBytes = 0
    serviceTenths = 0
    descriptorBytes = 0
    descriptorsPerEngine = 0
    engines = 1
    self.queue = UInt8(truncatingIfNeeded: queue)
    readsHBM = false
    writesHBM = false
    isSoftware = true
  }

  /// The shape of a transfer whose runs are at most `runElements` long.
  ///
  /// - Parameter slowdownPermille: 1000 for a plain copy, more when the engines compute or
  ///   transpose on the way.
  public init(
    from source: DataLocation, to destination: DataLocation, queue: Int, isSoftware: Bool,
    device: Device, slowdownPermille: Int64 = 1000
  ) {
    let law = device.dma
    let elementBytes = max(source.format.sizeBytes, destination.format.sizeBytes)
    let run = min(source.contiguousRun, destination.contiguousRun)
    let total = source.count * elementBytes
    engines = UInt8(Self.engineCount(source, destination, device))
    var bytes = min(run * elementBytes, law.maxDescriptorBytes.value)
    let packet = law.packetBytes.value
    // A load that is contiguous in HBM is packed by the software into whole packets.
    if isSoftware, source.isHBM, source.contiguousRun == source.count {
      bytes = max(bytes, min(packet, total / max(1, Int(engines))))
    }
    let descriptors = (total + bytes - 1) / bytes
    let perEngine = (descriptors + Int(engines) - 1) / Int(engines)
    let softwareStore = isSoftware && !source.isHBM
    let gap = softwareStore ? law.softwareElementCycles.value : law.descriptorGapCycles.value
    let cyclesTenths =
      (Int64(bytes) * 10 + law.bytesPerCycle.value - 1) / law.bytesPerCycle.value + gap * 10
    // The first row of a share takes longer; a 4-byte write of the semaphore ends it.
    let ends =
      law.firstExtraCycles.value + 2 * law.rowDurationExtraCycles.value
      - law.descriptorGapCycles.value + 1
    serviceTenths =
      ((cyclesTenths * Int64(perEngine) + ends * 10) * slowdownPermille + 999) / 1000
    totalBytes = Int64(total)
    descriptorBytes = Int32(bytes)
    descriptorsPerEngine = Int32(clamping: perEngine)
    self.queue = UInt8(queue)
    readsHBM = source.isHBM
    writesHBM = destination.isHBM
    self.isSoftware = isSoftware
    self.slowdownPermille = Int32(clamping: slowdownPermille)
    hbmReadBytes = readsHBM ? totalBytes : 0
    hbmWriteBytes = writesHBM ? totalBytes : 0
  }

  /// How much slower than a copy the engines add `sources` streams to one, in thousandths. Two
  /// streams at the documented throughput; more take more passes.
  static func addingSlowdown(
    sources: Int, to destination: DataLocation, isOneFormat: Bool, _ device: Device
  ) -> Int64 {
    let law = device.dma
    // NeuronCore-v4's read-add-write serves sums of two in SBUF, in one of two formats.
    let formats: [NumberFormat] = [.bfloat16, .float32]
    let isFast =
      sources == 2 && isOneFormat && !destination.isHBM && formats.contains(destination.format)
    let throughput = (isFast ? law.computeThroughput : law.computeThroughputOther).value
    let halves = Int64(sources) * 500_000
    return max(1000, (halves + throughput - 1) / max(1, throughput))
  }

  /// Each engine serves a sixteenth of the partitions; copies within HBM use all engines.
  static func engineCount(
    _ source: DataLocation, _ destination: DataLocation, _ device: Device
  ) -> Int {
    var partitions = device.memory.partitions.value
    if case .onChip(let access) = source { partitions = Int(access.partitionCount) }
    if case .onChip(let access) = destination {
      partitions = min(partitions, Int(access.partitionCount))
    }
    let engines = device.dma.enginesPerCore.value
    let perEngine = device.dma.partitionsPerEngine.value
    return min(engines, (partitions + perEngine - 1) / perEngine)
  }
}
