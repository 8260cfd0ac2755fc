import TraceFile
import Units

/// Walks one track's records and adds up what falls into a range.
struct TrackFold {
  /// The range; its end is open, but for the whole run, which holds the records at its end too.
  struct Range {
    var from: Int64
    var to: Int64
    var isWholeRun: Bool

    func counts(_ start: Int64) -> Bool { start >= from && (start < to || isWholeRun) }

    /// What of a record's own busy and stalled time lies in the range, and whether the record
    /// begins in it; nil where nothing of it does.
    func part(_ event: TraceEvent, _ place: TimelineCursor.Placement) -> Part? {
      let busyStart = max(place.busyStart, from)
      let busy = max(0, min(place.busyEnd, to) - busyStart)
      let stalled = max(0, min(place.busyStart, to) - max(place.stallStart, from))
      let isCounted = counts(event.start.value)
      guard busy > 0 || stalled > 0 || isCounted else { return nil }
      return Part(busyStart: busyStart, busy: busy, stalled: stalled, isCounted: isCounted)
    }
  }

  /// A record within a range. Picoseconds.
  struct Part {
    var busyStart: Int64
    var busy: Int64
    var stalled: Int64
    var isCounted: Bool
  }

  private let range: Range
  private let missing: MissingTime
  /// Up to here it is known what the track did, or that nothing tells of it.
  private var reached: Int64
  private(set) var share: TrackShare
  private var records: Int64 = 0
  private var bytes: Int64 = 0
  private(set) var bins: TimeBins
  private var lastSample: TraceSample?
  private var lastStep: Int64 = 0

  init(track: TrackID, range: Range, strip: (cells: Int, to: Int64), missing: MissingTime) {
    self.range = range
    self.missing = missing
    reached = range.from
    share = TrackShare(track: track, whole: range.to - range.from)
    bins = TimeBins(from: range.from, to: strip.to, count: strip.cells)
  }

  // MARK: Events

  /// Adds a batch of events; `rowBytes` by program counter.
  mutating func add(
    _ batch: EventBatch, rows: inout RowTotals, rowBytes: [Int64]
  ) {
    let rowBytes = share.track.isDMA ? rowBytes : []
    var cursor = batch.cursor
    for event in batch {
      let place = cursor.place(event)
      if !missing.isEmpty { addMissing(to: place.stallStart, then: place.busyEnd) }
      guard let part = range.part(event, place) else { continue }
      add(event, part, &rows)
      if part.isCounted, Int(event.programCounter) < rowBytes.count {
        bytes &+= rowBytes[Int(event.programCounter)]
      }
      bins.add(from: part.busyStart, to: part.busyStart + part.busy)
    }
  }

  /// Takes over what the events added up to: samples do not count.
  mutating func finishEvents() {
    (share.records, share.bytes) = (records, bytes)
    addMissing(to: range.to, then: range.to)
  }

  /// Looks for missing time up to where the next record begins; `end` is where that ends.
  private mutating func addMissing(to start: Int64, then end: Int64) {
    let stop = min(start, range.to)
    if reached < stop {
      let missing = missing
      missing.forEach(from: reached, to: stop) { from, to in
        share.missing += to - from
        bins.addMissing(from: from, to: to)
      }
    }
    reached = max(reached, end)
  }

  private mutating func add(
    _ event: TraceEvent, _ part: Part, _ rows: inout RowTotals
  ) {
    let cause = Int(event.stallCause.rawValue)
    share.busy += part.busy
    if part.stalled > 0 { share.stall[cause] += part.stalled }
    if part.isCounted { records += 1 }
    let isDMA = share.track.isDMA
    rows.update(event.programCounter) { row in
      if isDMA {
        row.dmaBusy += part.busy
        row.transfers += part.isCounted ? 1 : 0
      } else {
        row.busy += part.busy
        row.stall[cause] += part.stalled
        row.instructions += part.isCounted ? 1 : 0
      }
    }
  }

  // MARK: Samples

  /// Adds samples: each stands for the time until the next one.
  mutating func add(_ samples: [TraceSample], rows: inout RowTotals) {
    for sample in samples {
      if let last = lastSample {
        lastStep = sample.time.value - last.time.value
        add(last, to: sample.time.value, &rows)
      } else {
        share.whole = 0
      }
      lastSample = sample
    }
  }

  /// Gives the last sample the length of the one before.
  mutating func finishSamples(rows: inout RowTotals) {
    guard let last = lastSample else { return addMissing(to: range.to, then: range.to) }
    add(last, to: min(range.to, last.time.value + lastStep), &rows)
  }

  private mutating func add(_ sample: TraceSample, to end: Int64, _ rows: inout RowTotals) {
    let start = max(sample.time.value, range.from)
    let length = min(end, range.to) - start
    guard length > 0 else { return }
    share.whole += length
    let isDMA = share.track.isDMA
    if sample.state.isBusy(on: share.track) {
      share.busy += length
      bins.add(from: start, to: start + length)
      rows.update(sample.programCounter) { row in
        if isDMA { row.dmaBusy += length } else { row.busy += length }
      }
    } else if let cause = sample.state.stallCause {
      share.stall[Int(cause.rawValue)] += length
      rows.update(sample.programCounter) { row in
        if !isDMA { row.stall[Int(cause.rawValue)] += length }
      }
    }
  }
}
