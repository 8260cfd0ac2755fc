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
/// share a quadrant share a partition. A transfer may start anywhere, and is taken to touch all of
/// its quadrants.
struct ShadowMemory {
  /// Engines and rings that are told apart.
  static let maximumAgents = 16

  private let wordBytes: Int
  private let wordsPerPartition: Int
  private let quadrantPartitions: Int
  private var writeClock: [UInt32]
  private var writeAgent: [UInt8]
  private var writeCounter: [UInt32]
  private var readClock: [UInt32]
  private var readCounter: [UInt32]

  init(bytesPerPartition: Int, quadrantPartitions: Int, wordBytes: Int) {
    self.wordBytes = wordBytes
    wordsPerPartition = bytesPerPartition / wordBytes
    self.quadrantPartitions = quadrantPartitions
    let words = wordsPerPartition * 4
    writeClock = Array(repeating: 0, count: words)
    writeAgent = Array(repeating: 0, count: words)
    writeCounter = Array(repeating: 0, count: words)
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
    for run in runs {
      let (low, high) = (run.lowerBound, run.upperBound)
      for quadrant in first...last {
        let base = quadrant * wordsPerPartition
        for word in (base + low / wordBytes)...(base + (high - 1) / wordBytes) {
          if conflict == nil, let found = check(word, isWrite, agent, clock) {
            conflict = found
            conflict?.place =
              "\(access.space.name) partition \(quadrant * quadrantPartitions) byte "
              + "\((word - base) * wordBytes)"
          }
          mark(word, isWrite, agent, clock[agent], UInt32(truncatingIfNeeded: counter))
        }
      }
    }
    return conflict
  }

  private func check(_ word: Int, _ isWrite: Bool, _ agent: Int, _ clock: [UInt32])
    -> ShadowConflict?
  {
    let writer = Int(writeAgent[word])
    if writer != agent, writeClock[word] > clock[writer] {
      return ShadowConflict(
        agent: writer, counter: writeCounter[word], isWrite: true, place: "")
    }
    guard isWrite else { return nil }
    let base = word * Self.maximumAgents
    for reader in 0..<Self.maximumAgents
    where reader != agent && readClock[base + reader] > clock[reader] {
      return ShadowConflict(
        agent: reader, counter: readCounter[word], isWrite: false, place: "")
    }
    return nil
  }

  private mutating func mark(
    _ word: Int, _ isWrite: Bool, _ agent: Int, _ clock: UInt32, _ counter: UInt32
  ) {
    if isWrite {
      writeClock[word] = clock
      writeAgent[word] = UInt8(agent)
      writeCounter[word] = counter
    } else {
      readClock[word * Self.maximumAgents + agent] = clock
      readCounter[word] = counter
    }
  }
}
