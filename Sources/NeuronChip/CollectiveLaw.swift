import CoreState
import Hardware
import InstructionSet
import Units

/// How long a collective within a chip takes.
///
///     time = start + steps · hop + bytes of a rank / bandwidth of a rank
///
/// Every kind consists of phases in which a rank moves (n − 1) / n of the buffer: one to scatter or
/// gather, two to reduce everywhere. A phase takes one step in a mesh of all ranks (below 1 MiB),
/// log2 n steps of doubled distances (to 56 MiB), n / 2 steps round a ring of pairs beyond.
/// Source: Neuron intra-node collectives guide (algorithms and their sizes, 1 to 2 us per hop);
/// bandwidth and start in `ChipGeometry`. That the ranks of one chip take the hops that the guide
/// states for a node, and that collectives of one group follow each other, is assumed.
struct CollectiveLaw {
  private let start: Int64
  private let hop: Int64
  private let bytesPerMicrosecond: Int64
  private let meshBytes: Int64
  private let ringBytes: Int64

  private static let picosecondsPerMicrosecond: Int64 = 1_000_000

  init(device: Device) {
    let chip = device.chip
    start = chip.collectiveStart.value.value
    hop = chip.neuronLinkHop.value.value
    bytesPerMicrosecond = max(1, chip.collectiveBytesPerMicrosecond.value)
    meshBytes = Int64(chip.collectiveMeshBytes.value)
    ringBytes = Int64(chip.collectiveRingBytes.value)
  }

  /// What one rank of a collective does.
  struct Work: Hashable {
    /// Steps that follow each other.
    var steps: Int64
    /// Bytes that each rank moves.
    var bytes: Int64
  }

  /// Picoseconds from the last rank's trigger to the end.
  func duration(_ collective: Collective, ranks: Int) -> Int64 {
    duration(work(collective, ranks: ranks))
  }

  private func duration(_ work: Work) -> Int64 {
    let (high, low) = work.bytes.multipliedFullWidth(by: Self.picosecondsPerMicrosecond)
    return start + work.steps * hop
      + bytesPerMicrosecond.dividingFullWidth((high, low)).quotient
  }

  /// Steps and bytes by kind, size and number of ranks.
  func work(_ collective: Collective, ranks: Int) -> Work {
    guard ranks > 1 else { return Work(steps: 0, bytes: 0) }
    let count = Int64(ranks)
    let size = Int64(max(collective.source.byteCount, collective.destination.byteCount))
    let part = size * (count - 1) / count
    switch collective.kind {
    case .allReduce:
      let phases = Work(steps: 2 * steps(size, count), bytes: 2 * part)
      guard size < meshBytes else { return phases }
      // Tiny buffers: every rank takes all of everybody's and adds it up itself.
      let atOnce = Work(steps: 1, bytes: size * (count - 1))
      return duration(atOnce) < duration(phases) ? atOnce : phases
    case .allGather, .reduceScatter, .allGatherVariable:
      return Work(steps: steps(size, count), bytes: part)
    case .allToAll, .allToAllVariable: return Work(steps: 1, bytes: part)
    case .permute, .permuteImplicit, .permuteImplicitReduce: return Work(steps: 1, bytes: size)
    }
  }

  private func steps(_ size: Int64, _ ranks: Int64) -> Int64 {
    if size < meshBytes { return 1 }
    if size > ringBytes { return (ranks + 1) / 2 }
    return Int64(Int64.bitWidth - (ranks - 1).leadingZeroBitCount)
  }
}
