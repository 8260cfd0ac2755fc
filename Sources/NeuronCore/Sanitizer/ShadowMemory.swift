import CoreState
import NumericFormats

/// An access that is not ordered with the present one.
struct ShadowConflict {
  var agent: Int
  var counter: UInt32
  var isWrite: Bool
  var place: String
}

/// Who last wrote and read each word of SBUF or PSUM. A word is the bytes of the smallest element,
/// in a quadrant of 32 partitions: patterns of engines start at quadrants, so two of them that
/// share a quadrant share a partition. Transfers may start anywhere, and two queues often fill a
/// quadrant together, so that of writers it is known which of its partitions they wrote: of four at
/// once for each word. Readers count for the whole quadrant.
struct ShadowMemory {
  /// Engines and rings that are told apart.
  static let maximumAgents = 16
  /// Writers of different partitions of a word that are told apart.
  private static let writersPerWord = 4

  /// Who wrote some partitions of a word last.
  private struct Writer {
    var clock: UInt32 = 0
    var counter: UInt32 = 0
    /// A bit for each partition of the quadrant; none stands for nobody.
    var partitions: UInt32 = 0
    var agent: UInt8 = 0
  }

  private let wordBytes: Int
  private let wordsPerPartition: Int
  private let quadrantPartitions: Int
  private var writers: [Writer]
  private var readClock: [UInt32]
  private var readCounter: [UInt32]

  init(bytesPerPartition: Int, quadrantPartitions: Int, wordBytes: Int) {
    precondition(quadrantPartitions <= UInt32.bitWidth, "a bit stands for each partition")
    self.wordBytes = wordBytes
    wordsPerPartition = bytesPerPartition / wordBytes
    self.quadrantPartitions = quadrantPartitions
    let words = wordsPerPartition * 4
    writers = Array(repeating: Writer(), count: words * Self.writersPerWord)
    readClock = Array(repeating: 0, count: words * Self.maximumAgents)
    readCounter = Array(repeating: 0, count: words)
  }

  /// Remembers an access and returns the first one that it conflicts with.
  mutating func note(
    _ access: AccessPattern, runs: [Range<Int>], isWrite: Bool, agent: Int, clock: [UInt32],
    counter: Int
  ) -> ShadowConflict? {
    var conflict: ShadowConflict?
    let first = access.partitions.lowerBound / quadrantPartitions
    let last = (access.partitions.upperBound - 1) / quadrantPartitions
    for quadrant in first...last {
      let base = quadrant * wordsPerPartition
      let own = Writer(
        clock: clock[agent], counter: UInt32(truncatingIfNeeded: counter),
        partitions: bits(of: access.partitions, in: quadrant), agent: UInt8(agent))
      for run in runs {
        let (low, high) = (run.lowerBound, run.upperBound)
        for word in (base + low / wordBytes)...(base + (high - 1) / wordBytes) {
          if conflict == nil, let found = check(word, own, isWrite, clock) {
            conflict = found
            conflict?.place =
              "\(access.space.name) partition \(quadrant * quadrantPartitions) byte "
              + "\((word - base) * wordBytes)"
          }
          if isWrite { noteWrite(word, own, clock) } else { noteRead(word, own) }
        }
      }
    }
    return conflict
  }

  /// The partitions of a quadrant among others, as bits.
  private func bits(of partitions: Range<Int>, in quadrant: Int) -> UInt32 {
    let start = quadrant * quadrantPartitions
    let own = partitions.clamped(to: start..<start + quadrantPartitions)
    let above = own.upperBound - start
    let upTo = above == UInt32.bitWidth ? UInt32.max : (1 << UInt32(above)) - 1
    return upTo & ~((1 << UInt32(own.lowerBound - start)) - 1)
  }

  private func check(
    _ word: Int, _ own: Writer, _ isWrite: Bool, _ clock: [UInt32]
  ) -> ShadowConflict? {
    for slot in word * Self.writersPerWord..<(word + 1) * Self.writersPerWord {
      let writer = writers[slot]
      if writer.partitions & own.partitions != 0, writer.agent != own.agent,
        writer.clock > clock[Int(writer.agent)]
      {
        return ShadowConflict(
          agent: Int(writer.agent), counter: writer.counter, isWrite: true, place: "")
      }
    }
    guard isWrite else { return nil }
    let base = word * Self.maximumAgents
    for reader in 0..<Self.maximumAgents
    where reader != Int(own.agent) && readClock[base + reader] > clock[reader] {
      return ShadowConflict(
        agent: reader, counter: readCounter[word], isWrite: false, place: "")
    }
    return nil
  }

  /// Writes of one queue or engine count as one, as late as the last. Where others have all places,
  /// one who is ordered before this write counts as part of it: who waits for this one waits for
  /// both. Without such a one the first is taken, and a reader who waits for all but it is missed.
  private mutating func noteWrite(_ word: Int, _ own: Writer, _ clock: [UInt32]) {
    let slots = word * Self.writersPerWord..<(word + 1) * Self.writersPerWord
    var (free, same, earlier): (Int?, Int?, Int?)
    for slot in slots {
      writers[slot].partitions &= ~own.partitions
      let writer = writers[slot]
      if writer.partitions == 0 {
        free = free ?? slot
      } else if writer.agent == own.agent {
        same = slot
      } else if writer.clock <= clock[Int(writer.agent)] {
        earlier = earlier ?? slot
      }
    }
    let chosen = same ?? free ?? earlier ?? slots.lowerBound
    let others = writers[chosen].partitions
    writers[chosen] = own
    writers[chosen].partitions |= others
  }

  private mutating func noteRead(_ word: Int, _ own: Writer) {
    readClock[word * Self.maximumAgents + Int(own.agent)] = own.clock
    readCounter[word] = own.counter
  }
}
