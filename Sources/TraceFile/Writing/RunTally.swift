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

  /// Makes room for rows of the program, of which an execution has so many operations each.
  mutating func add(rowFlops: [Int64]) {
    flops.append(contentsOf: rowFlops)
    rows.grow(rowCount: flops.count)
  }

  /// A track of several that have the same records, but that each starts so much later.
  struct Share {
    var track: TrackID
    var skew: Int64 = 0
  }

  /// Adds a block of records, which end before `end`, to each track that has them. `cursor` is the
  /// tracks' before it, but for their skews; `bytes` are those of a transfer by row.
  mutating func add(
    _ events: [TraceEvent], to tracks: [Share], cursor start: TimelineCursor, end: Int64,
    bytes: [Int64]
  ) {
    guard let isDMA = tracks.first?.track.isDMA else { return }
    isUsed = true
    recordCount += events.count * tracks.count
    var cursor = start
    let places = events.map { event in
      let place = cursor.place(event)
      add(event, place, isDMA, count: Int64(tracks.count))
      return place
    }
    for share in tracks {
      let index = Int(share.track.rawValue)
      var bins = levels[index] ?? TrackLevels()
      levels[index] = nil
      // Once for the block, so that bins are merged while few are in use.
      if hasBins, end + share.skew > 0 { bins.reserve(end + share.skew - 1) }
      add(events, places, share.skew, isDMA ? bytes : flops, &bins)
      levels[index] = bins
    }
  }

  /// Adds an execution, or `count` records that are alike, to its row.
  @inline(__always)
  private mutating func add(
    _ event: TraceEvent, _ place: TimelineCursor.Placement, _ isDMA: Bool, count: Int64
  ) {
    let busy = place.busyEnd &- place.busyStart
    rows.update(event.programCounter) { row in
      if isDMA {
        row.transfers &+= count
        row.dmaBusy &+= count &* busy
      } else {
        row.instructions &+= 1
        row.busy &+= busy
        if event.wait.value > 0 {
          row.stall[Int(event.stallCause.rawValue)] &+= place.busyStart &- place.stallStart
        }
      }
    }
  }

  /// Adds records to a track's bins. Neighbours mostly lie in one bin, which is added to once.
  private mutating func add(
    _ events: [TraceEvent], _ places: [TimelineCursor.Placement], _ skew: Int64,
    _ amounts: [Int64], _ bins: inout TrackLevels
  ) {
    guard hasBins else { return }
    var bin: (start: Int64, end: Int64) = (0, 0)
    var (busy, amount): (Int64, Int64) = (0, 0)
    for index in events.indices {
      let (event, place) = (events[index], places[index])
      let start = event.start.value &+ skew
      guard place.stallStart &+ skew >= 0, start >= 0 else {
        hasBins = false
        return
      }
      if event.wait.value > 0 {
        bins.add(
          1 + Int(event.stallCause.rawValue), from: place.stallStart &+ skew,
          to: place.busyStart &+ skew)
      }
      let (busyStart, busyEnd) = (place.busyStart &+ skew, place.busyEnd &+ skew)
      let row = Int(event.programCounter)
      let own = row < amounts.count ? amounts[row] : 0
      if start >= bin.start, start < bin.end, busyEnd <= bin.end {
        busy &+= busyEnd &- busyStart
        amount &+= own
        continue
      }
      bins.add(busy: busy, amount: amount, at: bin.start)
      (busy, amount) = (0, 0)
      bins.add(0, from: busyStart, to: busyEnd)
      if own != 0 { bins.add(amount: own, at: start) }
      bin = bins.bin(of: max(start, busyEnd &- 1))
    }
    bins.add(busy: busy, amount: amount, at: bin.start)
  }

  /// The bins of all tracks, equally long and not many more than records fill; empty when there are
  /// none.
  mutating func finishedLevels() -> [(track: TrackID, levels: TrackLevels)] {
    guard isUsed, hasBins else { return [] }
    let most = max(Self.fewestBins, recordCount / Self.recordsPerBin)
    var shift: Int64 = 0
    for own in levels.compactMap({ $0 }) {
      shift = max(shift, own.shift(atMost: most))
    }
    return TrackID.all.compactMap { track in
      guard var own = levels[Int(track.rawValue)], own.count > 0 else { return nil }
      levels[Int(track.rawValue)] = nil
      own.coarsen(to: shift)
      return (track, own)
    }
  }
}
