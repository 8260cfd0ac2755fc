import Units

/// DMA engines that take part in the same transfers of a block.
struct TransferGroup {
  var engines: [Int]
  /// Their records, without skew.
  var records: [TraceEvent]

  /// The groups of a block, in the order of their first engines; without engines that rest.
  static func groups(of transfers: [TraceTransfer]) -> [TransferGroup] {
    guard let first = transfers.first else { return [] }
    if transfers.allSatisfy({ $0.engines == first.engines }) {
      let engines = (0..<TrackID.dmaCount).filter { first.includes($0) }
      return engines.isEmpty
        ? [] : [TransferGroup(engines: engines, records: transfers.map(\.record))]
    }
    // Engines are alike when no set of engines tells them apart.
    let sets = Set(transfers.map(\.engines))
    var groups: [TransferGroup] = []
    for engine in 0..<TrackID.dmaCount {
      let bit = UInt16(engine)
      guard sets.contains(where: { $0 >> bit & 1 == 1 }) else { continue }
      let known = groups.firstIndex { group in
        let other = UInt16(group.engines[0])
        return sets.allSatisfy { ($0 >> bit ^ $0 >> other) & 1 == 0 }
      }
      if let known {
        groups[known].engines.append(engine)
      } else {
        let records = transfers.filter { $0.includes(engine) }.map(\.record)
        groups.append(TransferGroup(engines: [engine], records: records))
      }
    }
    return groups
  }
}

/// What the records of a group add to the tracks of some of its engines, but for their skews.
struct TransferWalk {
  var engines: [Int]
  /// What the tracks have before the block.
  let before: TimelineCursor
  /// What they have after it.
  let after: TimelineCursor
  let totals: EventTotals

  init(_ records: [TraceEvent], engine: Int, before: TimelineCursor, rowBytes: [Int64]) {
    engines = [engine]
    self.before = before
    var cursor = before
    totals = EventTotals(records, cursor: &cursor, rowBytes: rowBytes)
    after = cursor
  }

  /// The first record that breaks the format's limits on the track of an engine with that skew.
  func firstIllegal(_ records: [TraceEvent], skew: Int64) -> Int? {
    if let bad = totals.illegalIndex { return bad }
    let limit = TraceEvent.limit
    guard totals.timeMin &+ skew < -limit || totals.timeMax &+ skew > limit else { return nil }
    return records.firstIndex { record in
      record.start.value &+ skew < -limit || record.start.value &+ skew > limit
    }
  }
}
