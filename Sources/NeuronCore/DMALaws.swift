import Hardware
import InstructionSet
import Units

/// The laws of a transfer's time, as plain picoseconds.
///
/// Two regimes meet here. Bursts stretch as the profiler captures show (1.35 alone, 1.75 queued);
/// sustained streams pay a fixed extra per packet read and share the core's part of HBM. How they
/// join with queue depth is not published: the join is assumed. The captures reach to 512 KiB in
/// one load and twice that in two; the second half of a load alone follows the micro-benchmarks.
struct DMALaws {
  let ringsPerEngine: Int
  let ringHandOver: Int64
  let ringInterval: Int64
  /// When the increment of each engine follows that of the earliest, in time order.
  let skews: [Int64]
  private let times: DMATimes
  private let period: Int64
  private let periodDivisor: Int64
  private let shareBytesPerMicrosecond: Int64
  private let burstBytesPerEngine: Int64
  private let capturedBytesPerEngine: Int64

  /// - Parameter share: what the core may take of HBM, in bytes per microsecond; an equal share of
  ///   the chip's bandwidth where nobody says otherwise.
  init(device: Device, share: Int64?) {
    let law = device.dma
    times = DMATimes(law)
    ringsPerEngine = law.ringsPerEngine.value
    ringHandOver = law.sameRingFollow.value.value
    ringInterval = law.ringInterval.value.value
    let earliest = law.skew.value.min() ?? .zero
    skews = law.skew.value.map { $0.value - earliest.value }.sorted()
    period = device.clocks.dma.value.numerator
    periodDivisor = device.clocks.dma.value.denominator
    shareBytesPerMicrosecond = share ?? device.hbmBytesPerMicrosecondPerCore
    capturedBytesPerEngine = Int64(law.stretchMaximumBytes.value / law.enginesPerCore.value)
    // The captures show two queued loads of the largest burst, one after the other.
    burstBytesPerEngine = 2 * capturedBytesPerEngine
  }

  /// The shortest time from a trigger to the first descriptor of its transfer.
  var shortestDispatch: Int64 {
    min(
      times.firstDescriptorSBUF, times.softwareToPacketLoad,
      times.softwareToPacketStore)
  }

  /// What a transfer takes of its HBM stack while it has its engines to itself: bytes per
  /// microsecond, reads and writes together.
  func demand(_ shape: TransferShape, work: Int64) -> Int64 {
    let bytes = shape.hbmReadBytes + shape.hbmWriteBytes
    let (high, low) = bytes.multipliedFullWidth(by: 1_000_000)
    return max(1, work).dividingFullWidth((high, low)).quotient
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
        ? times.softwareToPacketLoad : times.softwareToPacketStore
    }
    return times.firstDescriptorSBUF + (shape.readsHBM ? times.dramExtra : 0)
  }

  /// Engine time of the busiest engine when it has the engine to itself.
  func work(_ shape: TransferShape, isQueued: Bool, streamedBytes: Int64) -> Int64 {
    let service = picoseconds(tenths: shape.serviceTenths)
    let bytes = max(1, bytesPerEngine(shape))
    let burst = min(bytes, max(0, burstBytesPerEngine - streamedBytes))
    let burstService = service * burst / bytes
    let sustained = bytes - burst
    let total =
      shape.readsHBM
      ? burstWork(
        shape, service: burstService, bytes: burst, isQueued: isQueued,
        streamedBytes: streamedBytes) : burstService
    guard sustained > 0 else { return max(1, total) }
    var steady = service - burstService
    if shape.readsHBM {
      steady +=
        packets(sustained, shape) * times.sustainedReadExtraPerPacket
        * Int64(shape.slowdownPermille) / 1000
    } else if shape.writesHBM {
      steady += packets(sustained, shape) * times.sustainedWriteExtraPerPacket
    }
    if shape.readsHBM || shape.writesHBM {
      let passes: Int64 = shape.readsHBM && shape.writesHBM ? 2 : 1
      let shared =
        sustained * Int64(shape.engines) * passes * 1_000_000 / shareBytesPerMicrosecond
        * Int64(shape.slowdownPermille) / 1000
      steady = max(steady, shared)
    }
    return max(1, total + steady)
  }

  /// Engine time of a burst that reads HBM: `bytes` of each engine that take `service` undisturbed.
  private func burstWork(
    _ shape: TransferShape, service: Int64, bytes: Int64, isQueued: Bool, streamedBytes: Int64
  ) -> Int64 {
    guard !shape.isSoftware else {
      return service * times.stretchSoftwareLoad / 1000 + times.softwareLoadStall
    }
    let stretch = stretch(shape, isQueued: isQueued)
    let seen = isQueued ? bytes : min(bytes, max(0, capturedBytesPerEngine - streamedBytes))
    guard seen < bytes else { return service * stretch / 1000 }
    let captured = service * seen / bytes
    return captured * stretch / 1000
      + max(
        (service - captured) * stretch / 1000,
        (bytes - seen) * 1_000_000 / times.loneLoadBytesPerMicrosecondPerEngine
          * Int64(shape.slowdownPermille) / 1000)
  }

  /// What reading HBM adds to the service of the slowest of a hardware load's engines. One engine
  /// by itself is documented, sixteen were captured; the excess is the engines' meeting in HBM, so
  /// it grows with their number: linearly, which is assumed.
  private func stretch(_ shape: TransferShape, isQueued: Bool) -> Int64 {
    let all = isQueued ? times.stretchLoadQueued : times.stretchLoadAlone
    let one = times.stretchLoadOneEngine
    let others = max(1, times.enginesPerCore - 1)
    return one + (all - one) * (Int64(shape.engines) - 1) / others
  }

  /// Packets that so many bytes of the transfer take.
  private func packets(_ bytes: Int64, _ shape: TransferShape) -> Int64 {
    let packet = min(Int64(shape.descriptorBytes), times.packetBytes)
    return (bytes + packet - 1) / packet
  }

  /// Engine time of one packet of the transfer.
  func turn(_ shape: TransferShape, work: Int64) -> Int64 {
    let packets = max(1, bytesPerEngine(shape) / times.packetBytes)
    return max(1, work / packets)
  }

  /// Last byte to visible increment.
  func completionLag(_ shape: TransferShape) -> Int64 {
    if shape.readsHBM && !shape.writesHBM { return times.notifyLoad }
    return shape.isSoftware
      ? times.notifySoftwareStore : times.notifyHardwareStore
  }
}
