import Hardware
import InstructionSet
import ProfileImport
import TraceFile

/// What each transfer of the kernel did on each DMA engine, from the capture's descriptor rows.
///
/// A DMA engine carries out a ring's descriptors in order, and ends its part of a transfer with a
/// descriptor of four bytes that adds to the semaphore. So the parts of a ring on an engine, cut
/// after those, are the transfers that were triggered on the ring, in order. Bytes tell a
/// semaphore's descriptor from data of four bytes: it comes once the engine's share has.
struct MeasuredTransfers {
  /// One engine's part of a transfer. Times in picoseconds on the capture's clock.
  struct Part: Equatable {
    /// The DMA engine, 0 to 15.
    var engine: Int
    /// When its first descriptor began.
    var start: Int64
    /// When the last one ended, that of the semaphore.
    var end: Int64
  }

  /// The parts of the transfers by program counter of their triggers; absent where the capture's
  /// descriptors do not show them.
  private(set) var parts: [UInt32: [Part]] = [:]
  /// Transfers that were triggered and have no parts.
  private(set) var missing = 0

  private static let semaphoreBytes: Int64 = 4

  init(_ replay: Replay) {
    let instructions = replay.rebuilt.program.segments[0].instructions
    let triggers = replay.rows.indices.filter {
      replay.rows[$0].isKernel && instructions[$0].operation.opcode.isDMA
    }
    let rings = Self.rings(replay)
    for engine in Engine.allCases {
      let own = triggers.filter { replay.rows[$0].engine == engine }.sorted {
        (replay.rows[$0].measuredStart, $0) < (replay.rows[$1].measuredStart, $1)
      }
      // An engine with several rings does not say which one a trigger rings.
      let ring = rings[TrackID(rawValue: engine.rawValue) ?? .sync] ?? []
      guard !own.isEmpty, ring.count == 1, let rows = ring.first,
        let found = Self.parts(rows, shares: own.map { Self.share(replay.rows[$0].measured) })
      else {
        missing += own.count
        continue
      }
      for (counter, parts) in zip(own, found) { self.parts[UInt32(counter)] = parts }
    }
  }

  /// The descriptors of each ring that instructions ring, by the engine whose ring it is.
  private static func rings(_ replay: Replay) -> [TrackID: [[ProfileDescriptor]]] {
    var queues: [Int: [ProfileDescriptor]] = [:]
    for row in replay.report.descriptors
    where row.core == replay.core && row.kind.hasSuffix("_dynamic") {
      queues[row.queue, default: []].append(row)
    }
    var rings: [TrackID: [[ProfileDescriptor]]] = [:]
    for (queue, rows) in queues.sorted(by: { $0.key < $1.key }) {
      let name = replay.report.queueNames[replay.core]?[queue] ?? ""
      rings[ProfileTrace.owner(of: name), default: []].append(rows)
    }
    return rings
  }

  /// Bytes that each engine moves at least of a transfer: of its ends the one with fewer.
  private static func share(_ row: ProfileInstruction) -> Int64 {
    let ends = [
      row.bytes.hbmRead, row.bytes.hbmWrite, row.bytes.sbufRead, row.bytes.sbufWrite,
      row.bytes.psumRead, row.bytes.psumWrite,
    ].filter { $0 > 0 }
    let engines = Int64(TrackID.dmaEngines.count)
    return max(1, ((ends.min() ?? 0) + engines - 1) / engines)
  }

  /// The parts of each transfer on a ring; nil where an engine has more or fewer of them.
  private static func parts(_ rows: [ProfileDescriptor], shares: [Int64]) -> [[Part]]? {
    var found = shares.map { _ in [Part]() }
    for engine in TrackID.dmaEngines.indices {
      let own = rows.filter { $0.engine == engine }.enumerated().sorted {
        ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
      }.map(\.element)
      guard !own.isEmpty else { continue }
      var place = 0
      var moved: Int64 = 0
      var start: Int64?
      for row in own {
        guard place < shares.count else { return nil }
        start = start ?? row.start
        guard row.bytes <= semaphoreBytes, moved >= shares[place] else {
          moved += row.bytes
          continue
        }
        found[place].append(
          Part(engine: engine, start: start ?? row.start, end: row.start + row.duration))
        (place, moved, start) = (place + 1, 0, nil)
      }
      guard place == shares.count, start == nil else { return nil }
    }
    return found.allSatisfy { !$0.isEmpty } ? found : nil
  }
}
