import Hardware
import InstructionSet
import Units

/// The laws of a transfer's time, as plain picoseconds.
///
/// Two regimes meet here. Bursts of up to `burstBytes` per engine stretch as the profiler captures
/// show (1.35 alone, 1.75 queued); sustained streams pay a fixed extra per packet read and share
/// the core's part of HBM. How they join with queue depth is not published: the join is assumed.
struct DMALaws {
  let ringsPerEngine: Int
  let ringHandOver: Int64
  let ringInterval: Int64
  /// When the increment of each engine follows that of the earliest, in time order.
  let skews: [Int64]
  private let law: DMATiming
  private let period: Int64
  private let periodDivisor: Int64
  private let shareBytesPerMicrosecond: Int64
  private let burstBytesPerEngine: Int64

  init(device: Device) {
    law = device.dma
    ringsPerEngine = law.ringsPerEngine.value
    ringHandOver = law.sameRingFollow.value.value
    ringInterval = law.ringInterval.value.value
    let earliest = law.skew.value.min() ?? .zero
    skews = law.skew.value.map { $0.value - earliest.value }.sorted()
    period = device.clocks.dma.value.numerator
    periodDivisor = device.clocks.dma.value.denominator
    shareBytesPerMicrosecond = device.hbmBytesPerMicrosecondPerCore
    // The captures show two queued loads of the largest burst, one after the other.
    burstBytesPerEngine = Int64(2 * law.stretchMaximumBytes.value / law.enginesPerCore.value)
  }

  private func picoseconds(tenths: Int64) -> Int64 {
    (2 * tenths * period + 10 * periodDivisor) / (20 * periodDivisor)
  }

  /// Bytes that the busiest engine moves.
  func bytesPerEngine(_ shape: TransferShape) -> Int64 {
    Int64(shape.descriptorBytes) * Int64(shape.descriptorsPerEngine)
  }

  /// End of the trigger (hardware) or the row (software) to the first descriptor.
  func firstDescriptor(_ shape: TransferShape) -> Int64 {
    if shape.isSoftware {
      return shape.readsHBM
        ? law.softwareToPacketLoad.value.value : law.softwareToPacketStore.value.value
    }
    return law.firstDescriptorSBUF.value.value + (shape.readsHBM ? law.dramExtra.value.value : 0)
  }

  /// Engine time of the busiest engine when it has the engine to itself.
  func work(_ shape: TransferShape, isQueued: Bool, streamedBytes: Int64) -> Int64 {
    let service = picoseconds(tenths: shape.serviceTenths)
    let bytes = max(1, bytesPerEngine(shape))
    let burst = min(bytes, max(0, burstBytesPerEngine - streamedBytes))
    let burstService = service * burst / bytes
    let sustained = bytes - burst
    var total = burstService
    if shape.readsHBM {
      if shape.isSoftware {
        total =
          burstService * law.stretchSoftwareLoad.value / 1000 + law.softwareLoadStall.value.value
      } else {
        let stretch = isQueued ? law.stretchLoadQueued.value : law.stretchLoadAlone.value
        total = burstService * stretch / 1000
      }
    }
    guard sustained > 0 else { return max(1, total) }
    var steady = service - burstService
    if shape.readsHBM {
      let packet = min(Int64(shape.descriptorBytes), Int64(law.packetBytes.value))
      steady += (sustained + packet - 1) / packet * law.sustainedReadExtraPerPacket.value.value
    }
    if shape.readsHBM || shape.writesHBM {
      let passes: Int64 = shape.readsHBM && shape.writesHBM ? 2 : 1
      let shared =
        sustained * Int64(shape.engines) * passes * 1_000_000 / shareBytesPerMicrosecond
      steady = max(steady, shared)
    }
    return max(1, total + steady)
  }

  /// Engine time of one packet of the transfer.
  func turn(_ shape: TransferShape, work: Int64) -> Int64 {
    let packets = max(1, bytesPerEngine(shape) / Int64(law.packetBytes.value))
    return max(1, work / packets)
  }

  /// Last byte to visible increment.
  func completionLag(_ shape: TransferShape) -> Int64 {
    if shape.readsHBM && !shape.writesHBM { return law.notifyLoad.value.value }
    return shape.isSoftware
      ? law.notifySoftwareStore.value.value : law.notifyHardwareStore.value.value
  }
}
