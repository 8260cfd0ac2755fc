package import TraceFile
import Units

/// What a viewer asks of a trace: cells of any range, and what happened at a moment.
///
/// Wide ranges of a long trace come from the bins of its footer, narrow ones from its records. A
/// class because the reader belongs to it and what was read last is kept.
package final class TimelineSource {
  private let reader: TraceReader
  private let levels: [TrackLevels?]
  private let recordLimit: Int
  private var kept: Held?

  /// The records of a range with who waited for whom.
  private struct Held {
    var from: Int64
    var to: Int64
    var graph: CauseGraph
    /// By track: the time that earlier records cover, before each record.
    var covered: [[Int64]]
  }

  /// The beginning of what the trace holds.
  package let from: Int64
  /// Its end.
  package let to: Int64

  /// Opens a trace for viewing. A viewer of samples shows what the samples say.
  package init(_ reader: consuming TraceReader, recordLimit: Int = EventWindow.recordLimit)
    throws(TraceError)
  {
    var levels: [TrackLevels?] = []
    for track in TrackID.all { levels.append(try reader.levels(track)) }
    let whole = TraceSummary.recorded(reader)
    (from, to) = (whole.from, max(whole.from + 1, whole.to))
    self.levels = levels
    self.recordLimit = recordLimit
    self.reader = reader
  }

  /// What the recorder said about the run.
  package var metadata: TraceMetadata { reader.metadata }
  /// What is missing from the file.
  package var damage: [TraceDamage] { reader.damage }
  /// Whether the trace holds events.
  package var hasEvents: Bool { reader.summary.hasEvents }
  /// The instructions.
  package var program: ProgramTable { reader.program }

  // MARK: Cells

  /// Every track's cells over a range, in order of track.
  package func bins(from: Int64, to: Int64, count: Int) throws(TraceError) -> [StateBins] {
    if !hasEvents { return try sampleBins(from: from, to: to, count: count) }
    let grain = levels.compactMap { $0?.binPicoseconds }.max()
    if let grain, (to - from) / Int64(max(1, count)) >= grain {
      return levels.map { levels in
        var bins = StateBins(from: from, to: to, count: count, grain: grain)
        if let levels { bins.add(levels) }
        return bins
      }
    }
    guard let held = try hold(from: from, to: to) else {
      return TrackID.all.map { _ in StateBins(from: from, to: to, count: count) }
    }
    return TrackID.all.map { track in
      var bins = StateBins(from: from, to: to, count: count)
      Self.fill(&bins, held, track: Int(track.rawValue), from: from, to: to)
      return bins
    }
  }

  private static func fill(
    _ bins: inout StateBins, _ held: Held, track: Int, from: Int64, to: Int64
  ) {
    let events = held.graph.window.events[track]
    let covered = held.covered[track]
    // What records cover never shrinks: the first one of interest is found by bisection.
    var (low, high) = (0, events.count)
    while low < high {
      let middle = (low + high) / 2
      if covered[middle + 1] <= from { low = middle + 1 } else { high = middle }
    }
    for index in low..<events.count {
      if covered[index] >= to { return }
      var cursor = TimelineCursor(coveredUntil: covered[index])
      let place = cursor.place(events[index])
      bins.addBusy(from: place.busyStart, to: place.busyEnd)
      if events[index].wait.value > 0 {
        bins.addStall(events[index].stallCause, from: place.stallStart, to: place.busyStart)
      }
    }
  }

  private func sampleBins(
    from: Int64, to: Int64, count: Int
  ) throws(TraceError) -> [StateBins] {
    var result: [StateBins] = []
    for track in TrackID.all {
      var bins = StateBins(from: from, to: to, count: count)
      var last: TraceSample?
      _ = try reader.readSamples(track: track.sampled, from: .init(from), to: .init(to + 1)) {
        samples in
        for sample in samples {
          if let last { Self.add(last, of: track, until: sample.time.value, &bins) }
          last = sample
        }
      }
      if let last { Self.add(last, of: track, until: to, &bins) }
      result.append(bins)
    }
    return result
  }

  private static func add(
    _ sample: TraceSample, of track: TrackID, until end: Int64, _ bins: inout StateBins
  ) {
    if sample.state.isBusy(on: track) {
      bins.addBusy(from: sample.time.value, to: end)
    } else if let cause = sample.state.stallCause {
      bins.addStall(cause, from: sample.time.value, to: end)
    }
  }

  // MARK: Records

  /// Who waited for whom in a range; nil when it holds too many records.
  package func graph(from: Int64, to: Int64) throws(TraceError) -> CauseGraph? {
    try hold(from: from, to: to)?.graph
  }

  /// Reads a range, and as much on both sides, so that the next step needs no reading.
  private func hold(from: Int64, to: Int64) throws(TraceError) -> Held? {
    if let kept, kept.from <= from, kept.to >= to { return kept }
    guard hasEvents else { return nil }
    let whole = (self.from, self.to)
    let margin = to - from
    let wide = (max(self.from, from - margin), min(self.to, to + margin))
    for range in [whole, wide, (from, to)] {
      let isWhole = range == whole
      let window = try EventWindow.load(
        reader, from: isWhole ? nil : range.0, to: isWhole ? nil : range.1, limit: recordLimit)
      guard let window else { continue }
      kept = Held(
        from: range.0, to: range.1, graph: CauseGraph(window),
        covered: window.events.map(Self.covered))
      return kept
    }
    return nil
  }

  private static func covered(_ events: [TraceEvent]) -> [Int64] {
    var cursor = TimelineCursor()
    var result = [cursor.coveredUntil]
    result.reserveCapacity(events.count + 1)
    for event in events {
      _ = cursor.place(event)
      result.append(cursor.coveredUntil)
    }
    return result
  }

  /// The operands' source: the program in the recorder's own form.
  package func programBinary() throws(TraceError) -> [UInt8]? { try reader.programBinary() }
}
