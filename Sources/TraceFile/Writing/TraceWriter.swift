package import Units

/// Records one core's trace into a `.trntrace` file.
///
/// Encoding, compression and writing happen on a thread of its own; the caller fills an array and
/// hands it over. The bytes of the file depend on the calls and their order alone. Errors of the
/// writing thread surface at the next call. A writer that is dropped without `finish` leaves the
/// file as a killed run does: readable, without a footer.
package struct TraceWriter: ~Copyable {
  private let queue: WriterQueue
  private var rowCount = 0
  /// Whether DMA tracks are filled by transfers or by records of their own; nil before the first.
  private var sharesTransfers: Bool?

  /// Creates the file at `path`, replacing one that is there, and writes `metadata`. `skews` are
  /// those of the DMA engines, for transfers.
  package init(
    path: String, metadata: TraceMetadata, retention: TraceRetention = .all,
    skews: TransferSkews = .none
  ) throws(TraceError) {
    queue = try WriterQueue(
      path: path, metadata: metadata, retention: retention, skews: skews)
    queue.start()
  }

  deinit {
    // A failure that nobody asked for is not lost: the file has no footer.
    try? queue.close(.abandon)
  }

  /// Adds the rows of one segment, before the first record that names them.
  ///
  /// Returns the program counter of the first row; the others follow it.
  package mutating func append(program rows: [ProgramRow]) throws(TraceError) -> UInt32 {
    guard rowCount + rows.count <= Int(UInt32.max) else { throw .programTooLong }
    let first = UInt32(rowCount)
    rowCount += rows.count
    try queue.push(.program(rows))
    return first
  }

  /// Adds rows, or the program in the recorder's own binary form, that were encoded before; the
  /// latter once, and all before the first record.
  package mutating func append(_ program: ProgramBlocks) throws(TraceError) {
    guard rowCount + program.rowCount <= Int(UInt32.max) else { throw .programTooLong }
    rowCount += program.rowCount
    try queue.push(.programBlocks(program))
  }

  /// Adds events of one track in order of start. Buffers of about 16,384 events are best.
  package mutating func append(
    track: TrackID, events: consuming [TraceEvent]
  ) throws(TraceError) {
    if track.isDMA { choose(sharesTransfers: false) }
    try queue.push(.events(track, events))
  }

  /// Adds transfers in order of start, each a record on the tracks of its engines. The DMA tracks
  /// of a trace are filled in this way alone, or not at all.
  package mutating func append(
    transfers: consuming [TraceTransfer]
  ) throws(TraceError) {
    choose(sharesTransfers: true)
    try queue.push(.transfers(transfers))
  }

  private mutating func choose(sharesTransfers choice: Bool) {
    precondition(sharesTransfers ?? choice == choice, "DMA tracks are filled in one way")
    sharesTransfers = choice
  }

  /// Adds samples of one track in order of time.
  package mutating func append(
    track: TrackID, samples: consuming [TraceSample]
  ) throws(TraceError) {
    let runs = samples.map { TraceSampleRun(first: $0, count: 1) }
    try queue.push(.runs(track, runs, step: .zero))
  }

  /// Adds samples of one track in order of time, as runs of equal states `step` apart.
  package mutating func append(
    track: TrackID, runs: consuming [TraceSampleRun], step: Picoseconds
  ) throws(TraceError) {
    try queue.push(.runs(track, runs, step: step))
  }

  /// Adds rows that belong to no track.
  package mutating func append(table: TraceTable) throws(TraceError) {
    try queue.push(.table(table))
  }

  /// An empty array to fill next: one that has been written, with its capacity, when there is one.
  package mutating func takeBuffer() -> [TraceEvent] { queue.takeSpare() }

  /// Writes everything, closes the file and removes its side file.
  ///
  /// `totals` gives the run's end and, for a run that recorded samples alone, the exact counts.
  package consuming func finish(
    state: RunState = .complete, totals: RunTotals? = nil
  ) throws(TraceError) {
    try queue.close(.finish(state, totals))
  }
}
