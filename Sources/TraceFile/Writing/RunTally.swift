import Units

/// What the footer of a long trace adds up while records are written, so that a summary of the
/// whole run reads the footer alone.
///
/// Nothing is kept for a trace without a full block: reading such a trace takes no time.
struct RunTally {
  private(set) var rows = RowTally()
  /// By track; nil where nothing was written.
  private(set) var levels: [TrackLevels?] = Array(repeating: nil, count: TrackID.count)
  /// Floating-point operations of one execution of each row.
  private var flops: [Int64] = []
  /// Whether anything was tallied.
  private(set) var isUsed = false
  /// Records of all tracks.
  private var recordCount = 0
  /// Records that are counted before they are added.
  private var recordsToCome = 0
  /// Bins of a track of a short trace.
  private static let fewestBins = 256
  /// With one bin on each of 21 tracks for so many records, bins are a small part of the file.
  private static let recordsPerBin = 256
  /// Bins are that long at least.
  private var leastShift = TrackLevels.finestShift
  /// False once a time before the run's beginning was seen, which bins cannot hold.
  private var hasBins = true

  /// Notes rows of the program, of which an execution has so many operations each.
  mutating func add(rowFlops: [Int64]) { flops.append(contentsOf: rowFlops) }

  /// A track of several that have the same records, but that each starts so much later.
  struct Share: Sendable {
    var track: TrackID
    var skew: Int64 = 0
  }

  /// Records that one track has, or several alike but for their skews.
  struct Item: Sendable {
    var events: [TraceEvent]
    var tracks: [Share]
    /// The tracks' cursor before them, but for the skews.
    var cursor: TimelineCursor
  }

  /// Adds records to each track that has them; `bytes` are those of a transfer by row.
  mutating func add(_ item: Item, bytes: [Int64]) {
    guard let isDMA = item.tracks.first?.track.isDMA else { return }
    isUsed = true
    // Not before there are records: a trace of samples needs no room for rows.
    rows.grow(rowCount: flops.count)
    let added = item.events.count * item.tracks.count
    recordCount += added
    recordsToCome = max(0, recordsToCome - added)
    var cursor = item.cursor
    let places = item.events.map { cursor.place($0) }
    guard let stretch = TrackLevels.Stretch(item.events, places) else { return }
    if isDMA {
      rows.add(transfers: stretch, tracks: item.tracks.count)
    } else {
      rows.add(stretch)
    }
    guard hasBins else { return }
    for share in item.tracks {
      guard stretch.times.lowerBound &+ share.skew >= 0 else {
        hasBins = false
        return
      }
      let index = Int(share.track.rawValue)
      var bins = levels[index] ?? TrackLevels(shift: leastShift)
      levels[index] = nil
      bins.add(stretch, skew: share.skew, amounts: isDMA ? bytes : flops)
      levels[index] = bins
    }
  }

  /// Makes bins at once as long as they become at the end, as far as that is known before the last
  /// records are added: what is left takes less room and time.
  mutating func foresee(_ last: [Item]) {
    recordsToCome = last.reduce(0) { $0 + $1.events.count * $1.tracks.count }
    leastShift = finalShift()
    for index in levels.indices { levels[index]?.coarsen(to: leastShift) }
  }

  /// How long bins are at the end, of the tracks so far.
  private func finalShift() -> Int64 {
    let most = max(Self.fewestBins, (recordCount + recordsToCome) / Self.recordsPerBin)
    return levels.reduce(leastShift) { max($0, $1?.shift(atMost: most) ?? 0) }
  }

  /// The bins of all tracks, equally long and not many more than records fill; empty when there are
  /// none.
  mutating func finishedLevels() -> [(track: TrackID, levels: TrackLevels)] {
    guard isUsed, hasBins else { return [] }
    let shift = finalShift()
    return TrackID.all.compactMap { track in
      guard var own = levels[Int(track.rawValue)], own.count > 0 else { return nil }
      levels[Int(track.rawValue)] = nil
      own.coarsen(to: shift)
      return (track, own)
    }
  }
}
