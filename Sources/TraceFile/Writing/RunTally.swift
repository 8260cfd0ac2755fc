import Units

/// What the footer of a long trace adds up while records are written, so that a summary of the
/// whole run reads the footer alone.
///
/// Nothing is kept for a trace without a full block: reading such a trace takes no time.
struct RunTally {
  private(set) var rows = RowTotals(rowCount: 0)
  /// By track; nil where nothing was written.
  private(set) var levels: [TrackLevels?] = Array(repeating: nil, count: TrackID.count)
  /// Floating-point operations of one execution of each row.
  private var flops: [Int64] = []
  /// Whether anything was tallied.
  private(set) var isUsed = false
  /// Records of all tracks.
  private var recordCount = 0
  /// Bins of a track of a short trace.
  private static let fewestBins = 256
  /// With one bin on each of 21 tracks for so many records, bins are a small part of the file.
  private static let recordsPerBin = 256
  /// False once a time before the run's beginning was seen, which bins cannot hold.
  private var hasBins = true

  /// Makes room for rows of the program.
  mutating func add(program rows: [ProgramRow]) {
    flops.append(contentsOf: rows.map(\.flops))
    self.rows.grow(rowCount: flops.count)
  }

  /// Adds a block; `cursor` is the track's before it, `bytes` those of a transfer by row.
  mutating func add(
    _ events: [TraceEvent], track: TrackID, cursor start: TimelineCursor, bytes: [Int64]
  ) {
    isUsed = true
    recordCount += events.count
    var bins = levels[Int(track.rawValue)] ?? TrackLevels()
    levels[Int(track.rawValue)] = nil
    let amounts = track.isDMA ? bytes : flops
    var cursor = start
    for event in events {
      let place = cursor.place(event)
      add(event, place, track, amounts, &bins)
    }
    levels[Int(track.rawValue)] = bins
  }

  @inline(__always)
  private mutating func add(
    _ event: TraceEvent, _ place: TimelineCursor.Placement, _ track: TrackID,
    _ amounts: [Int64], _ bins: inout TrackLevels
  ) {
    let busy = place.busyEnd &- place.busyStart
    let cause = Int(event.stallCause.rawValue)
    let stalled = event.wait.value == 0 ? 0 : place.busyStart &- place.stallStart
    let isDMA = track.isDMA
    rows.update(event.programCounter) { row in
      if isDMA {
        row.transfers &+= 1
        row.dmaBusy &+= busy
      } else {
        row.instructions &+= 1
        row.busy &+= busy
        row.stall[cause] &+= stalled
      }
    }
    guard hasBins, place.stallStart >= 0, event.start.value >= 0 else {
      hasBins = false
      return
    }
    bins.add(0, from: place.busyStart, to: place.busyEnd)
    if stalled > 0 { bins.add(1 + cause, from: place.stallStart, to: place.busyStart) }
    if Int(event.programCounter) < amounts.count, amounts[Int(event.programCounter)] != 0 {
      bins.add(amount: amounts[Int(event.programCounter)], at: event.start.value)
    }
  }

  /// The bins of all tracks, equally long and not many more than records fill; empty when there are
  /// none.
  func finishedLevels() -> [(track: TrackID, levels: TrackLevels)] {
    guard isUsed, hasBins else { return [] }
    let most = max(Self.fewestBins, recordCount / Self.recordsPerBin)
    var shift: Int64 = 0
    for own in levels.compactMap({ $0 }) {
      shift = max(shift, own.shift(atMost: most))
    }
    return TrackID.all.compactMap { track in
      guard var own = levels[Int(track.rawValue)], own.count > 0 else { return nil }
      own.coarsen(to: shift)
      return (track, own)
    }
  }
}
