import TraceFile
import Units

/// What a summary's rows can be grouped by.
package enum SummaryGrouping: String, CaseIterable, Sendable {
  case engine, kernel, opcode, layer, `operator`, node, stall

  /// True where rows do not tell, since layers share them: each record is looked at.
  package var needsInvocations: Bool { self == .layer || self == .operator || self == .node }
}

/// The totals of all instructions that share a name; picoseconds within the summary's range.
package struct SummaryGroup: Equatable, Sendable {
  /// The kernel, opcode, layer, operator, node, engine or stall cause; empty when the instructions
  /// name none.
  package var name: String
  /// Busy time on engines.
  package var busy: Int64 = 0
  /// Stalled time on engines.
  package var stall: Int64 = 0
  /// Busy time on DMA engines, added up over them.
  package var dmaBusy: Int64 = 0
  /// Executions on engines; nil, as what follows, where samples alone tell of the group.
  package var instructions: Int64?
  /// Transfers on DMA engines.
  package var transfers: Int64?
  /// Bytes that the transfers moved.
  package var bytes: Int64?
  /// Floating-point operations.
  package var flops: Int64?
  /// Bytes to and from HBM.
  package var hbmBytes: Int64?
  /// Its time on the critical path, gaps included; nil where the path is not known.
  package var pathTime: Int64?
  /// The shortest time that its work could take at the device's peaks; nil where they are not
  /// known.
  package var bound: Int64?

  /// Time on the critical path beyond the bound. What all groups lose together is at most what the
  /// range loses against its own bound, since the work of one may hide behind another's.
  package var lost: Int64?

  /// `pathTime` beyond `bound`, whatever other groups do.
  var excess: Int64? {
    guard let pathTime, let bound else { return nil }
    return max(0, pathTime - bound)
  }

  package init(name: String) { self.name = name }
}

extension TraceSummary {
  /// The groups, those that lost most time on the critical path first, then those with most busy
  /// and stalled time; equal ones by name.
  package func groups(by grouping: SummaryGrouping) -> [SummaryGroup] {
    switch grouping {
    case .engine: rowGroups { $0.engine.name }
    case .kernel: rowGroups(\.kernel)
    case .opcode: rowGroups(\.opcode)
    case .layer: invocationGroups(\.layer) ?? rowGroups(\.layer)
    case .operator: invocationGroups(\.operators) ?? []
    case .node: invocationGroups(\.node) ?? []
    case .stall: stallGroups()
    }
  }

  private func rowGroups(_ name: (ProgramRow) -> String) -> [SummaryGroup] {
    var groups: [SummaryGroup] = []
    var places: [String: Int] = [:]
    for (index, total) in rows.totals.enumerated() where total != RowTotal() {
      let row = program[UInt32(index)]
      let key = row.map(name) ?? "(unknown)"
      let place = places[key] ?? groups.count
      if place == groups.count {
        places[key] = place
        groups.append(SummaryGroup(name: key))
      }
      groups[place].add(total)
      if isCounted { groups[place].count(total, row) }
      guard let path else { continue }
      groups[place].pathTime =
        (groups[place].pathTime ?? 0) + (path.rows[UInt32(index)]?.time ?? 0)
    }
    for place in groups.indices {
      guard let flops = groups[place].flops, let bytes = groups[place].hbmBytes else { continue }
      groups[place].bound = bound(flops: flops, hbmBytes: bytes)
    }
    share(&groups)
    return groups.sorted(by: Self.isBefore)
  }

  /// Says what each group lost: its excess, and where all of them are more than the range can lose,
  /// in proportion less.
  func share(_ groups: inout [SummaryGroup]) {
    let flops = groups.reduce(Int64(0)) { $0 &+ ($1.flops ?? 0) }
    let bytes = groups.reduce(Int64(0)) { $0 &+ ($1.hbmBytes ?? 0) }
    guard path != nil, let bound = bound(flops: flops, hbmBytes: bytes) else { return }
    let most = Double(max(0, duration.value - bound))
    let all = groups.reduce(0.0) { $0 + Double($1.excess ?? 0) }
    let part = all > most ? most / all : 1
    for place in groups.indices {
      groups[place].lost = groups[place].excess.map { Int64(Double($0) * part) }
    }
  }

  /// Stalled time of the engines by cause, without the causes that did not occur.
  private func stallGroups() -> [SummaryGroup] {
    StallCause.allCases.compactMap { cause in
      var group = SummaryGroup(name: cause.key)
      group.stall = engines.reduce(0) { $0 + $1.stall[Int(cause.rawValue)] }
      return group.stall > 0 ? group : nil
    }.sorted(by: Self.isBefore)
  }

  static func isBefore(_ a: SummaryGroup, _ b: SummaryGroup) -> Bool {
    if let lostA = a.lost, let lostB = b.lost, lostA != lostB { return lostA > lostB }
    let (timeA, timeB) = (a.busy &+ a.stall, b.busy &+ b.stall)
    return timeA != timeB ? timeA > timeB : a.name < b.name
  }
}

extension SummaryGroup {
  fileprivate mutating func add(_ total: RowTotal) {
    busy &+= total.busy
    stall &+= total.stall.wrappedSum()
    dmaBusy &+= total.dmaBusy
  }

  fileprivate mutating func count(_ total: RowTotal, _ row: ProgramRow?) {
    let hbm = (row?.hbmReadBytes ?? 0) &+ (row?.hbmWriteBytes ?? 0)
    instructions = (instructions ?? 0) &+ total.instructions
    transfers = (transfers ?? 0) &+ total.transfers
    bytes = (bytes ?? 0) &+ total.transfers &* (row?.bytes ?? 0)
    flops = (flops ?? 0) &+ total.instructions &* (row?.flops ?? 0)
    hbmBytes = (hbmBytes ?? 0) &+ total.transfers &* hbm
  }
}
