import Units

/// Turns the events of one block into columns.
///
/// Owns scratch memory for one full block, so that encoding allocates nothing.
@safe struct EventEncoder: ~Copyable {
  private let scratch: UnsafeMutablePointer<UInt8>
  private let predictions: UnsafeMutablePointer<EventPrediction>
  private let output: UnsafeMutableRawBufferPointer
  private var finder = RepeatFinder()

  private static let capacity = BlockHeader.capacity
  /// The longest varint of 64 bits.
  private static let widest = 10
  private static let varintColumns = [
    Column.gap, Column.duration, Column.programCounter, Column.wait, Column.detail, Column.repeats,
  ]
  private static let byteColumns = [Column.stallCause, Column.flags]
  /// All columns at their worst, with their frames.
  private static let worstSize =
    (varintColumns.count * widest + byteColumns.count) * capacity
    + (varintColumns.count + byteColumns.count) * ColumnFrame.headerSize

  init() {
    let bytes = (Self.varintColumns.count * Self.widest + Self.byteColumns.count) * Self.capacity
    unsafe scratch = .allocate(capacity: bytes)
    unsafe predictions = .allocate(capacity: EventPrediction.slots)
    unsafe predictions.initialize(repeating: EventPrediction(), count: EventPrediction.slots)
    unsafe output = .allocate(byteCount: Self.worstSize, alignment: 16)
  }

  deinit {
    unsafe scratch.deallocate()
    unsafe predictions.deallocate()
    unsafe output.deallocate()
  }

  /// The ends of the columns while a block is encoded; each column starts at a fixed place.
  @safe private struct Cursors {
    var gap: UnsafeMutablePointer<UInt8>
    var duration: UnsafeMutablePointer<UInt8>
    var programCounter: UnsafeMutablePointer<UInt8>
    var wait: UnsafeMutablePointer<UInt8>
    var detail: UnsafeMutablePointer<UInt8>
    var stallCause: UnsafeMutablePointer<UInt8>
    var flags: UnsafeMutablePointer<UInt8>
    var repeats: UnsafeMutablePointer<UInt8>
    /// All values of each column or-ed together, to find columns of zeros.
    var any: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt8, UInt8) = (0, 0, 0, 0, 0, 0, 0)
  }

  private func start(_ column: Int) -> UnsafeMutablePointer<UInt8> {
    let wide = min(column, Self.varintColumns.count)
    let narrow = column - wide
    return unsafe scratch + (wide * Self.widest + narrow) * Self.capacity
  }

  /// Encodes at most one full block. The bytes belong to the encoder and last until the next call.
  ///
  /// Whether a row's first wait is guessed by its gap: that fits engines, which wait for their next
  /// instruction, and not transfers, which wait side by side.
  mutating func encode(
    _ events: [TraceEvent], guessesFirstWaits: Bool
  ) -> UnsafeRawBufferPointer {
    precondition(events.count <= Self.capacity, "a block holds \(Self.capacity) events")
    var cursors = unsafe Cursors(
      gap: start(0), duration: start(1), programCounter: start(2), wait: start(3),
      detail: start(4), stallCause: start(6), flags: start(7), repeats: start(5))
    finder.reset()
    unsafe predictions.update(repeating: EventPrediction(), count: EventPrediction.slots)
    unsafe events.withUnsafeBufferPointer { unsafe encode($0, &cursors, guessesFirstWaits) }
    let size = frame(
      cursors, wait: guessesFirstWaits ? ColumnEncoding.afterOverhead : ColumnEncoding.varint)
    return unsafe UnsafeRawBufferPointer(rebasing: output[..<size])
  }

  /// The hot loop. No column outgrows its place: at most `widest` bytes per event and column, at
  /// most `capacity` events, and four numbers for each repeat of several records.
  private mutating func encode(
    _ events: UnsafeBufferPointer<TraceEvent>, _ result: inout Cursors, _ guessesFirstWaits: Bool
  ) {
    var cursors = result
    var index = 0
    var literals = 0
    var lastEnd: Int64 = 0
    var nextCounter: Int64 = 0
    var overhead = EventPrediction.unknownOverhead
    while index < events.count {
      if let found = unsafe finder.find(at: index, in: events) {
        unsafe put(found, after: literals, &cursors.repeats)
        (index, literals) = (index + found.length, 0)
        let last = unsafe events[index - 1]
        (lastEnd, nextCounter) = (last.end.value, Int64(last.programCounter) &+ 1)
        continue
      }
      let event = unsafe events[index]
      (index, literals) = (index + 1, literals + 1)
      let slot = Int(event.programCounter) & (EventPrediction.slots - 1)
      let guess = unsafe predictions[slot]
      let gap = event.start.value &- lastEnd
      let gapCode = zigzag(gap &- guess.gap)
      let durationCode = zigzag(event.duration.value &- guess.duration)
      let counterCode = zigzag(Int64(event.programCounter) &- nextCounter)
      let waitCode = zigzag(event.wait.value &- guess.expectedWait(gap: gap, overhead: overhead))
      let detailCode = zigzag(Int64(event.detail) &- Int64(guess.detail))
      unsafe put(gapCode, &cursors.gap)
      unsafe put(durationCode, &cursors.duration)
      unsafe put(counterCode, &cursors.programCounter)
      unsafe put(waitCode, &cursors.wait)
      unsafe put(detailCode, &cursors.detail)
      let causeCode = event.stallCauseCode ^ guess.stallCauseCode
      unsafe cursors.stallCause.pointee = causeCode
      unsafe cursors.stallCause += 1
      unsafe cursors.flags.pointee = event.flags
      unsafe cursors.flags += 1
      cursors.any.0 |= gapCode
      cursors.any.1 |= durationCode
      cursors.any.2 |= counterCode
      cursors.any.3 |= waitCode
      cursors.any.4 |= detailCode
      cursors.any.5 |= causeCode
      cursors.any.6 |= event.flags
      unsafe predictions[slot] = EventPrediction(
        gap: gap, duration: event.duration.value, wait: event.wait.value, detail: event.detail,
        stallCauseCode: event.stallCauseCode, isUsed: true)
      if event.wait.value > 0, guessesFirstWaits { overhead = gap &- event.wait.value }
      lastEnd = event.start.value &+ event.duration.value
      nextCounter = Int64(event.programCounter) &+ 1
    }
    result = cursors
  }

  /// A stretch that repeats an earlier one, after so many records that do not.
  private func put(
    _ found: RecordRepeat, after literals: Int, _ target: inout UnsafeMutablePointer<UInt8>
  ) {
    unsafe put(UInt64(literals), &target)
    unsafe put(UInt64(found.distance), &target)
    unsafe put(UInt64(found.length), &target)
    unsafe put(zigzag(found.rowDifference), &target)
  }

  @inline(__always)
  private func put(_ value: UInt64, _ target: inout UnsafeMutablePointer<UInt8>) {
    var rest = value
    while rest >= 0x80 {
      unsafe target.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
      unsafe target += 1
      rest >>= 7
    }
    unsafe target.pointee = UInt8(truncatingIfNeeded: rest)
    unsafe target += 1
  }

  /// Puts the columns one after the other into `output`, zeros as an empty column; `wait` is how
  /// waits are encoded.
  private func frame(_ cursors: Cursors, wait: UInt8) -> Int {
    let any = cursors.any
    let (number, byte) = (ColumnEncoding.varint, ColumnEncoding.raw)
    var offset = 0
    unsafe place(Column.gap, any.0 != 0, number, 0, cursors.gap, &offset)
    unsafe place(Column.duration, any.1 != 0, number, 1, cursors.duration, &offset)
    unsafe place(Column.programCounter, any.2 != 0, number, 2, cursors.programCounter, &offset)
    unsafe place(Column.wait, any.3 != 0, wait, 3, cursors.wait, &offset)
    unsafe place(Column.stallCause, any.5 != 0, byte, 6, cursors.stallCause, &offset)
    unsafe place(Column.detail, any.4 != 0, number, 4, cursors.detail, &offset)
    unsafe place(Column.flags, any.6 != 0, byte, 7, cursors.flags, &offset)
    if unsafe cursors.repeats > start(5) {
      unsafe place(Column.repeats, true, number, 5, cursors.repeats, &offset)
    }
    return offset
  }

  private func place(
    _ id: UInt8, _ hasValues: Bool, _ encoding: UInt8, _ column: Int,
    _ end: UnsafeMutablePointer<UInt8>, _ offset: inout Int
  ) {
    let size = unsafe hasValues ? end - start(column) : 0
    let header = ColumnFrame.header(
      id: id, encoding: hasValues ? encoding : ColumnEncoding.zero, size: size)
    for (index, byte) in header.enumerated() { unsafe output[offset + index] = byte }
    offset += header.count
    if size > 0 {
      unsafe (output.baseAddress! + offset).copyMemory(from: start(column), byteCount: size)
    }
    offset += size
  }
}
