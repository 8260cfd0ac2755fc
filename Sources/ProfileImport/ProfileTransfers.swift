import TraceFile

/// Which descriptors of a report belong to which transfer.
///
/// A DMA engine carries out a ring's descriptors in order, and ends its part of a transfer with a
/// descriptor of four bytes that adds to the semaphore. So the parts of a ring on an engine, cut
/// after those, are the transfers that were triggered on the ring, in order. Bytes tell a
/// semaphore's descriptor from data of four bytes: it comes once the engine's share has.
package struct ProfileTransfers: Sendable {
  /// One engine's part of a transfer. Picoseconds.
  package struct Part: Equatable, Sendable {
    /// The DMA engine, 0 to 15.
    package var engine: Int
    /// When its first descriptor began.
    package var start: Int64
    /// When the last one ended, that of the semaphore.
    package var end: Int64
    /// Its descriptors by their places in the report, that of the semaphore last.
    package var descriptors: [Int]
  }

  /// The parts of each trigger's transfer; empty where the descriptors do not show them.
  package private(set) var parts: [[Part]]
  /// The ring of each trigger; nil like `parts`.
  package private(set) var rings: [Int?]

  private static let semaphoreBytes: Int64 = 4

  /// The transfers of some instructions of a core, in any order.
  package init(of triggers: [ProfileInstruction], _ report: ProfileReport, core: String) {
    parts = triggers.map { _ in [] }
    rings = triggers.map { _ in nil }
    let queues = Self.queues(report, core)
    for engine in TrackID.engines {
      let own = triggers.indices.filter { triggers[$0].engine == engine }.sorted {
        (triggers[$0].start, $0) < (triggers[$1].start, $1)
      }
      // An engine with several rings does not say which one a trigger rings.
      guard !own.isEmpty, let (ring, places) = queues[engine]?.first, queues[engine]?.count == 1,
        let found = Self.parts(
          places, report.descriptors, shares: own.map { Self.share(triggers[$0]) })
      else { continue }
      for (trigger, parts) in zip(own, found) {
        self.parts[trigger] = parts
        rings[trigger] = ring
      }
    }
  }

  /// Triggers whose transfers the descriptors do not show.
  package var missing: Int { parts.count(where: \.isEmpty) }

  /// The descriptors of each ring that instructions ring, by the engine whose ring it is.
  private static func queues(
    _ report: ProfileReport, _ core: String
  ) -> [TrackID: [(ring: Int, places: [Int])]] {
    var places: [Int: [Int]] = [:]
    for (index, row) in report.descriptors.enumerated()
    where row.core == core && !row.isAggregate && row.kind.hasSuffix("_dynamic") {
      places[row.queue, default: []].append(index)
    }
    var queues: [TrackID: [(ring: Int, places: [Int])]] = [:]
    for (queue, own) in places.sorted(by: { $0.key < $1.key }) {
      let name = report.queueNames[core]?[queue] ?? ""
      queues[ProfileTrace.owner(of: name), default: []].append((queue, own))
    }
    return queues
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
  private static func parts(
    _ places: [Int], _ rows: [ProfileDescriptor], shares: [Int64]
  ) -> [[Part]]? {
    var found = shares.map { _ in [Part]() }
    for engine in TrackID.dmaEngines.indices {
      let own = places.filter { rows[$0].engine == engine }.sorted {
        (rows[$0].start, $0) < (rows[$1].start, $1)
      }
      guard !own.isEmpty else { continue }
      var transfer = 0
      var moved: Int64 = 0
      var gathered: [Int] = []
      for place in own {
        guard transfer < shares.count else { return nil }
        let row = rows[place]
        gathered.append(place)
        guard row.bytes <= semaphoreBytes, moved >= shares[transfer] else {
          moved += row.bytes
          continue
        }
        found[transfer].append(
          Part(
            engine: engine, start: rows[gathered[0]].start, end: row.start + row.duration,
            descriptors: gathered))
        (transfer, moved, gathered) = (transfer + 1, 0, [])
      }
      guard transfer == shares.count, gathered.isEmpty else { return nil }
    }
    return found.allSatisfy { !$0.isEmpty } ? found : nil
  }
}
