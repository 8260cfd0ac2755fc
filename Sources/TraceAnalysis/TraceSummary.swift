package import TraceFile
package import Units

/// Where the time of a run, or of a part of it, went; from a trace file alone.
package struct TraceSummary: Sendable {
  /// What the shares rest on.
  package enum Basis: String, Codable, Sendable {
    /// Every record: exact.
    case events
    /// Samples of the engines' states: an estimate.
    case samples
    /// Counters that the model kept beside its samples: shares exact, the rest estimated.
    case counters
  }

  /// How the recording ended.
  package let state: RunState
  /// What the recorder said about the run.
  package let metadata: TraceMetadata
  /// The range that is summed up.
  package let from: Picoseconds
  /// See `from`.
  package let to: Picoseconds
  /// What the shares rest on.
  package let basis: Basis
  /// One per engine, in order of track.
  package private(set) var engines: [TrackShare]
  /// One per DMA engine.
  package private(set) var dmaEngines: [TrackShare]
  /// Busy time of every track in equal cells, in order of track.
  package let strips: [TimeBins]
  /// What is missing from the file; the summary covers the rest.
  package let damage: [TraceDamage]
  let program: ProgramTable
  let rows: RowTotals

  /// The length of the range.
  package var duration: Picoseconds { to - from }

  /// Sums up a trace between two times, or all of it; `cells` is the length of each strip.
  package init(
    _ reader: borrowing TraceReader, from: Picoseconds? = nil, to: Picoseconds? = nil,
    cells: Int = 0
  ) throws(TraceError) {
    let totals = reader.summary
    let starts = totals.tracks.filter { $0.events > 0 }.map(\.start)
    let first = from?.value ?? min(0, starts.min() ?? 0)
    let range = TrackFold.Range(
      from: first, to: max(first, to?.value ?? totals.end), isWholeRun: to == nil)
    let hasEvents = totals.hasEvents
    var fold = Fold(reader.program)
    for track in TrackID.all {
      if hasEvents {
        try fold.addEvents(reader, track, range, cells)
      } else {
        try fold.addSamples(reader, track, range, cells)
      }
    }
    let usesCounters = !hasEvents && totals.isExact && from == nil && to == nil
    state = totals.state
    metadata = reader.metadata
    self.from = Picoseconds(range.from)
    self.to = Picoseconds(range.to)
    basis = hasEvents ? .events : usesCounters ? .counters : .samples
    let shares = usesCounters ? Self.shares(totals, range) : fold.shares
    engines = Array(shares.prefix(TrackID.engineCount))
    dmaEngines = Array(shares.dropFirst(TrackID.engineCount))
    strips = fold.strips
    damage = reader.damage + fold.damage.filter { !reader.damage.contains($0) }
    program = reader.program
    rows = fold.rows
  }

  /// The shares of the whole run from the totals in the file.
  private static func shares(_ totals: RunSummary, _ range: TrackFold.Range) -> [TrackShare] {
    zip(TrackID.all, totals.tracks).map { track, total in
      var share = TrackShare(track: track, whole: range.to - range.from)
      share.busy = total.busy
      share.stall = total.stall
      share.records = total.events
      share.bytes = total.bytes
      return share
    }
  }

  /// What the walk over all tracks gathers.
  private struct Fold {
    var rows: RowTotals
    let rowBytes: [Int64]
    var shares: [TrackShare] = []
    var strips: [TimeBins] = []
    var damage: [TraceDamage] = []

    init(_ program: ProgramTable) {
      rows = RowTotals(rowCount: program.count)
      rowBytes = (0..<program.count).map { program[UInt32($0)]?.bytes ?? 0 }
    }

    mutating func addEvents(
      _ reader: borrowing TraceReader, _ track: TrackID, _ range: TrackFold.Range, _ cells: Int
    ) throws(TraceError) {
      var fold = TrackFold(track: track, range: range, cells: cells)
      let bytes = track.isDMA ? rowBytes : []
      // The range's end is widened by one, so that records at the end of the run are read.
      damage += try reader.readEvents(
        track: track, from: Picoseconds(range.from), to: Picoseconds(range.to + 1)
      ) { fold.add($0, rows: &rows, rowBytes: bytes) }
      shares.append(fold.share)
      strips.append(fold.bins)
    }

    mutating func addSamples(
      _ reader: borrowing TraceReader, _ track: TrackID, _ range: TrackFold.Range, _ cells: Int
    ) throws(TraceError) {
      var fold = TrackFold(track: track, range: range, cells: cells)
      damage += try reader.readSamples(
        track: track, from: Picoseconds(range.from), to: Picoseconds(range.to + 1)
      ) { fold.add($0, rows: &rows) }
      fold.finishSamples(rows: &rows)
      shares.append(fold.share)
      strips.append(fold.bins)
    }
  }
}
