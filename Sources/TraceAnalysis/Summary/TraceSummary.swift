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
  /// How far estimates may be off; nil where every record was counted.
  package let sampling: Sampling?
  /// One per engine, in order of track.
  package private(set) var engines: [TrackShare]
  /// One per DMA engine.
  package private(set) var dmaEngines: [TrackShare]
  /// Busy time of every track in equal cells, in order of track.
  package let strips: [TimeBins]
  /// What is missing from the file; the summary covers the rest.
  package let damage: [TraceDamage]
  /// The critical path; nil where it was not asked for or the range holds too many records.
  package let path: PathTotals?
  /// The numbers that the profile which the trace was made of states of the whole run, beside ours;
  /// empty for other traces and of a part.
  package let stated: [StatedNumber]
  /// How many records the range holds, where they were too many to follow the path.
  package let skippedRecords: Int?
  let pathLimit: Int
  /// Picoseconds of full-rate work that the limiter made the tensor engine stream at half rate; nil
  /// of a part of a run, and where the recorder did not say.
  package let throttled: Int64?
  /// Whether the summary covers the whole run, and not a part of it.
  package let isWholeRun: Bool
  let program: ProgramTable
  let rows: RowTotals
  /// What the records of each kernel that was invoked add up to; nil where it was not asked for.
  let invocations: InvocationTotals?

  /// The length of the range.
  package var duration: Picoseconds { to - from }
  /// Whether executions, transfers and what follows from them were counted, from events or by the
  /// model itself; samples cannot.
  package let isCounted: Bool

  /// Sums up a trace between two times, or all of it.
  ///
  /// - Parameters:
  ///   - cells: the length of each strip.
  ///   - stripLength: the time that a strip covers; that of the range by default.
  ///   - tellsInvocations: whether to tell apart the invocations of a kernel, which takes a look at
  ///     every record.
  ///   - followsPath: whether to follow the critical path, where the records fit into memory.
  ///   - followsLongPath: whether to follow it where they do not fit, which takes time: some
  ///     seconds for ten million records.
  ///   - pathLimit: the records that are held at most.
  package init(
    _ reader: borrowing TraceReader, from: Picoseconds? = nil, to: Picoseconds? = nil,
    cells: Int = 0, stripLength: Int64? = nil, tellsInvocations: Bool = false,
    followsPath: Bool = false, followsLongPath: Bool = false,
    pathLimit: Int = EventWindow.recordLimit
  ) throws(TraceError) {
    let totals = reader.summary
    let whole = Self.recorded(reader)
    // What was not recorded is missing, not idle.
    let first = max(from?.value ?? whole.from, whole.isPart ? whole.from : .min)
    // A range that goes on after the run is over ends with it.
    let isOpen = to.map { $0.value > totals.end } ?? true
    let range = TrackFold.Range(
      from: first,
      to: max(first, isOpen ? whole.to : min(to?.value ?? .max, whole.isPart ? whole.to : .max)),
      isWholeRun: isOpen && whole.to >= totals.end)
    isWholeRun = from == nil && to == nil && !whole.isPart
    let hasEvents = totals.hasEvents
    let strip = (cells: cells, to: range.from + (stripLength ?? range.to - range.from))
    var fold = Fold(reader.program)
    let tells = tellsInvocations && !reader.invocations.isEmpty
    if tells { fold.invocations = InvocationTotals(reader.invocations, reader.program, range) }
    let usesFooter = !tells && isWholeRun && hasEvents ? try fold.addFooter(reader, strip) : false
    if !usesFooter {
      let known = reader.damage
      try fold.addRecords(reader, range, strip)
      if reader.damage != known {
        // What is missing is known now, so that it does not count as idle.
        fold = Fold(reader.program)
        try fold.addRecords(reader, range, strip)
      }
    }
    let counts = isWholeRun && !hasEvents && totals.isExact ? try reader.rowTotals() : nil
    if let counts { fold.take(counts) }
    isCounted = hasEvents || counts != nil
    let hasTotals = fold.shares.isEmpty || !hasEvents && totals.isExact && isWholeRun
    state = totals.state
    metadata = reader.metadata
    self.from = Picoseconds(range.from)
    self.to = Picoseconds(range.to)
    basis = hasEvents ? .events : hasTotals ? .counters : .samples
    sampling =
      hasEvents
      ? nil
      : reader.metadata.entries[TraceMetadata.Key.sampleInterval].flatMap(Int64.init).flatMap {
        Sampling(interval: $0, range: range.to - range.from)
      }
    let shares = hasTotals ? Self.shares(totals, range) : fold.shares
    engines = Array(shares.prefix(TrackID.engineCount))
    dmaEngines = Array(shares.dropFirst(TrackID.engineCount))
    strips = fold.strips
    program = reader.program
    rows = fold.rows
    invocations = fold.invocations
    let marks = isWholeRun ? (from: nil, to: nil) : (from: range.from, to: range.to)
    let follows = followsPath && hasEvents
    let path =
      follows
      ? try Self.path(reader, range, marks, followsLong: followsLongPath, limit: pathLimit) : nil
    self.path = path
    skippedRecords =
      follows && path == nil ? reader.recordCount(from: marks.from, to: marks.to) : nil
    self.pathLimit = pathLimit
    throttled = isWholeRun ? totals.throttled : nil
    stated = isWholeRun ? try reader.statedNumbers() : []
    damage = reader.damage
  }

  /// The critical path of a range, whose ends `marks` names where it is not all; nil where it holds
  /// more records than the limit and is not to be followed all the same.
  private static func path(
    _ reader: borrowing TraceReader, _ range: TrackFold.Range, _ marks: (from: Int64?, to: Int64?),
    followsLong: Bool, limit: Int
  ) throws(TraceError) -> PathTotals? {
    guard reader.recordCount(from: marks.from, to: marks.to) > limit else {
      let window = try EventWindow.load(
        reader, from: marks.from, to: marks.to, limit: limit, knowsBefore: true)
      return window.map { PathTotals(CauseGraph($0)) }
    }
    guard followsLong else { return nil }
    return try LongPath(
      reader, from: range.from, to: range.to, isPart: recorded(reader).isPart,
      limit: min(LongPath.stretchRecords, limit)
    ).totals(reader)
  }

  /// The stretch of the run that the trace holds records of; `isPart` where that is a window, or
  /// what is left of a ring.
  package static func recorded(
    _ reader: borrowing TraceReader
  ) -> (from: Int64, to: Int64, isPart: Bool) {
    typealias Key = TraceMetadata.Key
    let totals = reader.summary
    let marks = [Key.windowFrom, Key.windowTo].map {
      reader.metadata.entries[$0].flatMap(Int64.init)
    }
    if let from = marks[0], let to = marks[1] {
      return (min(from, totals.end), min(to, totals.end), true)
    }
    if let from = totals.recordedFrom { return (from, totals.end, true) }
    let starts = totals.tracks.filter { $0.events > 0 }.map(\.start)
    return (min(0, starts.min() ?? 0), totals.end, false)
  }

  /// How long the stretch is that a summary of everything covers.
  static func length(_ reader: borrowing TraceReader) -> Int64 {
    let whole = recorded(reader)
    return max(0, whole.to - whole.from)
  }

  /// What the executions of a row add up to within the range.
  func total(_ programCounter: UInt32) -> RowTotal {
    Int(programCounter) < rows.totals.count - 1 ? rows.totals[Int(programCounter)] : RowTotal()
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
    var invocations: InvocationTotals?
    let rowBytes: [Int64]
    var shares: [TrackShare] = []
    var strips: [TimeBins] = []

    init(_ program: ProgramTable) {
      rows = RowTotals(rowCount: program.count)
      rowBytes = (0..<program.count).map { program[UInt32($0)]?.bytes ?? 0 }
    }

    /// Takes over how often rows ran; how long they took is what samples say.
    mutating func take(_ counts: RowTotals) {
      for (index, count) in counts.totals.enumerated() where count != RowTotal() {
        rows.update(UInt32(index)) {
          ($0.instructions, $0.transfers) = (count.instructions, count.transfers)
        }
      }
    }

    /// Takes the strips and the rows from the footer of a long trace; false when it has none.
    mutating func addFooter(
      _ reader: borrowing TraceReader, _ strip: (cells: Int, to: Int64)
    ) throws(TraceError) -> Bool {
      guard let totals = try reader.rowTotals() else { return false }
      var found: [TimeBins] = []
      for track in TrackID.all {
        guard let levels = try reader.levels(track) else {
          guard reader.summary.tracks[Int(track.rawValue)].events == 0 else { return false }
          found.append(TimeBins(from: 0, to: strip.to, count: strip.cells))
          continue
        }
        var bins = TimeBins(
          from: 0, to: strip.to, count: strip.cells, grain: levels.binPicoseconds)
        for bin in 0..<levels.count where levels.busy(bin) > 0 {
          bins.add(bin: Int64(bin) << levels.shift, busy: levels.busy(bin))
        }
        found.append(bins)
      }
      rows = totals
      strips = found
      return true
    }

    mutating func addRecords(
      _ reader: borrowing TraceReader, _ range: TrackFold.Range, _ strip: (cells: Int, to: Int64)
    ) throws(TraceError) {
      if reader.summary.hasEvents { return try addEvents(reader, range, strip) }
      for track in TrackID.all { try addSamples(reader, track, range, strip) }
    }

    private mutating func addEvents(
      _ reader: borrowing TraceReader, _ range: TrackFold.Range, _ strip: (cells: Int, to: Int64)
    ) throws(TraceError) {
      let damage = reader.damage
      var folds = TrackID.all.map {
        TrackFold(
          track: $0, range: range, strip: strip, missing: MissingTime(damage, of: $0))
      }
      // The range's end is widened by one, so that records at the end of the run are read.
      _ = try reader.readEvents(
        from: Picoseconds(range.from), to: Picoseconds(range.to + 1)
      ) { track, batch in
        folds[Int(track.rawValue)].add(batch, rows: &rows, rowBytes: rowBytes)
        invocations?.add(batch, of: track)
      }
      for index in folds.indices { folds[index].finishEvents() }
      shares = folds.map(\.share)
      strips = folds.map(\.bins)
    }

    private mutating func addSamples(
      _ reader: borrowing TraceReader, _ track: TrackID, _ range: TrackFold.Range,
      _ strip: (cells: Int, to: Int64)
    ) throws(TraceError) {
      let missing = MissingTime(reader.damage, of: track.sampled)
      var fold = TrackFold(track: track, range: range, strip: strip, missing: missing)
      _ = try reader.readSamples(
        track: track.sampled, from: Picoseconds(range.from), to: Picoseconds(range.to + 1)
      ) {
        fold.add($0, rows: &rows)
        invocations?.add($0, of: track)
      }
      fold.finishSamples(rows: &rows)
      invocations?.finishSamples()
      shares.append(fold.share)
      strips.append(fold.bins)
    }
  }
}
