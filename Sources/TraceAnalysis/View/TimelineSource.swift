package import TraceFile
import Units

/// What a viewer asks of a trace: cells of any range, and what happened at a moment.
///
/// Wide ranges of a long trace come from the bins of its footer, narrow ones from its records. A
/// class because the reader belongs to it and what was read last is kept.
package final class TimelineSource {
  /// Records of a window that the viewer looks at as a whole.
  package static let recordLimit = 1_000_000
  /// Records around a moment that are enough to say what happened there.
  private static let nearLimit = 40_000
  /// The viewer says nothing of single records where so many times the limit lie in the picture.
  private static let wideFactor = 8

  private let reader: TraceReader
  private let levels: [TrackLevels?]
  private let recordLimit: Int
  private let facts: [RowFacts]
  private var blocks: RecentBlocks
  private var kept: Held?

  /// The records of a range with who waited for whom.
  private struct Held {
    var from: Int64
    var to: Int64
    var graph: CauseGraph

    func holds(_ from: Int64, _ to: Int64) -> Bool { self.from <= from && self.to >= to }
  }

  /// The beginning of what the trace holds.
  package let from: Int64
  /// Its end.
  package let to: Int64

  /// Opens a trace for viewing. A viewer of samples shows what the samples say.
  package init(_ reader: consuming TraceReader, recordLimit: Int = TimelineSource.recordLimit)
    throws(TraceError)
  {
    var levels: [TrackLevels?] = []
    for track in TrackID.all { levels.append(try reader.levels(track)) }
    let whole = TraceSummary.recorded(reader)
    (from, to) = (whole.from, max(whole.from + 1, whole.to))
    self.levels = levels
    self.recordLimit = recordLimit
    facts = EventWindow.facts(reader.program)
    blocks = RecentBlocks()
    self.reader = reader
  }

  /// What the recorder said about the run.
  package var metadata: TraceMetadata { reader.metadata }
  /// What is missing from the file, as far as it has been looked at.
  package var damage: [TraceDamage] { reader.damage }
  /// When records of a track are missing.
  package func missing(of track: TrackID) -> MissingTime {
    MissingTime(damage, of: hasEvents ? track : track.sampled)
  }
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
    var bins = TrackID.all.map { _ in StateBins(from: from, to: to, count: count) }
    try blocks.forEach(reader.eventBlocks(from: from, to: to), of: reader) { part in
      bins[Int(part.track.rawValue)].add(part.batch)
    }
    for part in reader.openEvents { bins[Int(part.track.rawValue)].add(part.batch) }
    return bins
  }

  /// The transfers are sampled together, so that their samples are read once for all of them.
  private func sampleBins(
    from: Int64, to: Int64, count: Int
  ) throws(TraceError) -> [StateBins] {
    var bins = TrackID.all.map { _ in StateBins(from: from, to: to, count: count) }
    for sampled in TrackID.engines + [.dma(0)] {
      let tracks = TrackID.all.filter { $0.sampled == sampled }
      var near = [Int](repeating: 0, count: tracks.count)
      /// What lasts, and since when.
      var last: (state: TrackState, since: Int64)?
      func end(at time: Int64) {
        guard let last else { return }
        for (index, track) in tracks.enumerated() {
          bins[Int(track.rawValue)].add(
            isBusy: last.state.isBusy(on: track), cause: last.state.stallCause, from: last.since,
            to: time, near: &near[index])
        }
      }
      _ = try reader.readSamples(track: sampled, from: .init(from), to: .init(to + 1)) { samples in
        for sample in samples where sample.state != last?.state {
          end(at: sample.time.value)
          last = (sample.state, sample.time.value)
        }
      }
      end(at: to)
    }
    return bins
  }

  // MARK: Records

  /// Who waited for whom in a range; nil when it holds too many records.
  package func graph(from: Int64, to: Int64) throws(TraceError) -> CauseGraph? {
    if let kept, kept.holds(from, to) { return kept.graph }
    guard hasEvents else { return nil }
    if let whole = try wholeGraph() { return whole }
    // As much on both sides, so that the next step needs no reading; or else what is shown alone.
    let margin = to - from
    for range in [
      (max(self.from, from - margin), min(self.to, to + margin)), (from, to),
    ] where reader.recordCount(from: range.0, to: range.1) <= Self.wideFactor * recordLimit {
      let window = try window(from: range.0, to: range.1)
      guard window.count <= recordLimit else { continue }
      return keep(CauseGraph(window), range.0, range.1)
    }
    return nil
  }

  /// Who waited for whom around the record of a track that runs at a moment of a range, or next;
  /// nil when the range is too wide to speak of single records.
  package func graph(
    at time: Int64, on track: TrackID, from: Int64, to: Int64
  ) throws(TraceError) -> CauseGraph? {
    if let kept, kept.holds(from, to) { return kept.graph }
    guard hasEvents else { return nil }
    if let whole = try wholeGraph() { return whole }
    let count = reader.recordCount(from: from, to: to)
    guard count <= Self.wideFactor * recordLimit else { return nil }
    let middle = try firstRecord(after: time, on: track, before: to) ?? time
    // Records lie about evenly in the blocks that are touched.
    let places = reader.eventBlocks(from: from, to: to)
    let span = reader.span(ofBlocks: places) ?? (from, to)
    let share = Double(Self.nearLimit) / Double(max(1, count))
    let half = Int64(Double(span.to - span.from) * min(1, share) / 2) + 1
    return CauseGraph(try window(from: middle - half, to: middle + half, isNear: true))
  }

  private func wholeGraph() throws(TraceError) -> CauseGraph? {
    let window = try EventWindow.load(reader, limit: recordLimit)
    return window.map { keep(CauseGraph($0), .min, .max) }
  }

  private func keep(_ graph: CauseGraph, _ from: Int64, _ to: Int64) -> CauseGraph {
    kept = Held(from: from, to: to, graph: graph)
    return graph
  }

  /// When the first record of a track starts that ends after a moment; nil when none begins in
  /// time.
  private func firstRecord(
    after time: Int64, on track: TrackID, before end: Int64
  ) throws(TraceError) -> Int64? {
    func first(_ batch: EventBatch) -> Int64? {
      batch.first { $0.end.value > time }?.start.value
    }
    for place in reader.eventBlocks(of: track, from: time, to: end) {
      var found: Int64?
      try blocks.forEach([place], of: reader) { part in
        if part.track == track { found = first(part.batch) }
      }
      if let found { return found < end ? found : nil }
    }
    let open = reader.openEvents.first { $0.track == track }
    return open.flatMap { first($0.batch) }.flatMap { $0 < end ? $0 : nil }
  }

  private func window(
    from: Int64, to: Int64, isNear: Bool = false
  ) throws(TraceError) -> EventWindow {
    var batches: [TrackBatch] = []
    try blocks.forEach(reader.eventBlocks(from: from, to: to + 1), of: reader) {
      batches.append($0)
    }
    return EventWindow(
      batches + reader.openEvents, from: from, to: to, program: reader.program,
      invocations: reader.invocations, facts: facts, isNear: isNear)
  }

  /// The first record of any track that starts after a moment and is accepted; nil when there is
  /// none. Of a long trace this reads block after block and holds few.
  package func firstRecord(
    after time: Int64, where accepts: (TraceEvent, TrackID) -> Bool
  ) throws(TraceError) -> (event: TraceEvent, track: TrackID)? {
    var best: (event: TraceEvent, track: TrackID)?
    func look(_ part: TrackBatch) {
      for event in part.batch where event.start.value > time {
        if let best, event.start >= best.event.start { return }
        if accepts(event, part.track) { return best = (event, part.track) }
      }
    }
    let places = reader.eventBlocks(from: time, to: .max).compactMap { place in
      reader.span(ofBlocks: [place]).map { (from: $0.from, place: place) }
    }.sorted { ($0.from, $0.place) < ($1.from, $1.place) }
    for (from, place) in places {
      // Records of a block do not start before it does.
      if let best, from > best.event.start.value { break }
      try blocks.forEach([place], of: reader, look)
    }
    reader.openEvents.forEach(look)
    return best
  }

  /// Which kernel ran when.
  package var invocations: InvocationTable { reader.invocations }

  /// The operands' source: the program in the recorder's own form.
  package func programBinary() throws(TraceError) -> [UInt8]? { try reader.programBinary() }
}

/// Decoded blocks, kept while they are looked at.
private struct RecentBlocks {
  /// Records of the blocks that are kept, as they are stored: 32 bytes each.
  private static let limit = 24 * 65_536
  /// Blocks that are decoded side by side.
  private static let stride = 8

  private var held: [Int: [TrackBatch]] = [:]
  /// The places of the blocks in `held`, the latest used last.
  private var order: [Int] = []

  /// Hands the events of blocks to `body`, block by block.
  mutating func forEach(
    _ places: [Int], of reader: borrowing TraceReader, _ body: (TrackBatch) -> Void
  ) throws(TraceError) {
    for start in Swift.stride(from: 0, to: places.count, by: Self.stride) {
      let group = Array(places[start..<min(places.count, start + Self.stride)])
      let missing = group.filter { held[$0] == nil }
      for (place, batches) in zip(missing, try reader.events(ofBlocks: missing)) {
        held[place] = batches
      }
      order = order.filter { !group.contains($0) } + group
      for place in group { held[place]?.forEach(body) }
      forget(reader)
    }
  }

  private mutating func forget(_ reader: borrowing TraceReader) {
    var count = 0
    var first = order.count
    while first > 0 {
      count += reader.storedCount(ofBlock: order[first - 1])
      if count > Self.limit { break }
      first -= 1
    }
    for place in order[..<first] { held[place] = nil }
    order.removeFirst(first)
  }
}
