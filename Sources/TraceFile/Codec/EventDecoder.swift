import Units

/// Turns columns back into events. Any bytes are accepted; what is malformed gives nil.
enum EventDecoder {
  private static let columns = [
    Column.gap, Column.duration, Column.programCounter, Column.wait, Column.detail,
    Column.stallCause, Column.flags,
  ]
  /// Stands for every column without bytes: one zero per event of the fullest block.
  private static let zeros = [UInt8](repeating: 0, count: BlockHeader.capacity)

  /// A place in a column's bytes; reading stops at `end` and raises `isBroken`.
  @safe private struct Cursor {
    var next: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>

    @inline(__always) mutating func varint(_ isBroken: inout Bool) -> UInt64 {
      guard unsafe next < end else {
        isBroken = true
        return 0
      }
      let first = unsafe next.pointee
      unsafe next += 1
      return first < 0x80 ? UInt64(first) : rest(UInt64(first & 0x7F), &isBroken)
    }

    private mutating func rest(_ start: UInt64, _ isBroken: inout Bool) -> UInt64 {
      var value = start
      var shift: UInt64 = 7
      while unsafe next < end, shift < 64 {
        let byte = unsafe next.pointee
        unsafe next += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      isBroken = true
      return value
    }

    @inline(__always) mutating func byte(_ isBroken: inout Bool) -> UInt8 {
      guard unsafe next < end else {
        isBroken = true
        return 0
      }
      defer { unsafe next += 1 }
      return unsafe next.pointee
    }
  }

  /// The events of one block; nil when a column is malformed or a value beyond the format's limits.
  static func decode(_ raw: [UInt8], count: Int) -> [TraceEvent]? {
    guard count <= BlockHeader.capacity, let set = ColumnSet(raw) else { return nil }
    for id in columns {
      let isByte = id == Column.stallCause || id == Column.flags
      let expected = isByte ? ColumnEncoding.raw : ColumnEncoding.varint
      guard let found = set[id]?.encoding, found != ColumnEncoding.zero else { continue }
      let isLater = id == Column.wait && found == ColumnEncoding.afterOverhead
      guard found == expected || isLater else { return nil }
    }
    return unsafe raw.withUnsafeBufferPointer { bytes in
      unsafe zeros.withUnsafeBufferPointer { zeros in
        unsafe decode(bytes, zeros, set, count)
      }
    }
  }

  private static func decode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ zeros: UnsafeBufferPointer<UInt8>, _ set: ColumnSet,
    _ count: Int
  ) -> [TraceEvent]? {
    func cursor(_ id: UInt8) -> Cursor {
      guard let found = set[id], found.encoding != ColumnEncoding.zero,
        let base = bytes.baseAddress
      else {
        return unsafe Cursor(next: zeros.baseAddress!, end: zeros.baseAddress! + count)
      }
      // `ColumnSet` has checked that the range lies inside the bytes.
      return unsafe Cursor(next: base + found.range.lowerBound, end: base + found.range.upperBound)
    }
    var decoder = Columns(
      gap: cursor(Column.gap), duration: cursor(Column.duration),
      programCounter: cursor(Column.programCounter), wait: cursor(Column.wait),
      detail: cursor(Column.detail), stallCause: cursor(Column.stallCause),
      flags: cursor(Column.flags))
    let followsOverhead = set[Column.wait]?.encoding == ColumnEncoding.afterOverhead
    return decoder.events(count, followsOverhead: followsOverhead)
  }

  private struct Columns {
    var gap: Cursor
    var duration: Cursor
    var programCounter: Cursor
    var wait: Cursor
    var detail: Cursor
    var stallCause: Cursor
    var flags: Cursor

    /// The hot loop; the mirror of `EventEncoder.encode`.
    mutating func events(_ count: Int, followsOverhead: Bool) -> [TraceEvent]? {
      var isBroken = false
      var predictions = [EventPrediction](
        repeating: EventPrediction(), count: EventPrediction.slots)
      var lastEnd: Int64 = 0
      var nextCounter: Int64 = 0
      var outOfRange = false
      var overhead = EventPrediction.unknownOverhead
      var cursors = self
      let events = unsafe [TraceEvent](unsafeUninitializedCapacity: count) { target, filled in
        for index in 0..<count {
          let counter = nextCounter &+ unzigzag(cursors.programCounter.varint(&isBroken))
          let slot = Int(truncatingIfNeeded: counter) & (EventPrediction.slots - 1)
          let guess = predictions[slot]
          let gap = guess.gap &+ unzigzag(cursors.gap.varint(&isBroken))
          let duration = guess.duration &+ unzigzag(cursors.duration.varint(&isBroken))
          let expected = guess.expectedWait(gap: gap, overhead: overhead)
          let wait = expected &+ unzigzag(cursors.wait.varint(&isBroken))
          let detail = Int64(guess.detail) &+ unzigzag(cursors.detail.varint(&isBroken))
          var event = TraceEvent(
            start: Picoseconds(lastEnd &+ gap), duration: Picoseconds(duration),
            wait: Picoseconds(wait), detail: UInt16(truncatingIfNeeded: detail),
            programCounter: UInt32(truncatingIfNeeded: counter),
            flags: cursors.flags.byte(&isBroken))
          event.stallCauseCode = guess.stallCauseCode ^ cursors.stallCause.byte(&isBroken)
          outOfRange = outOfRange || !event.isWithinLimits
          unsafe (target.baseAddress! + index).initialize(to: event)
          predictions[slot] = EventPrediction(
            gap: gap, duration: duration, wait: wait, detail: event.detail,
            stallCauseCode: event.stallCauseCode, isUsed: true)
          if wait > 0, followsOverhead { overhead = gap &- wait }
          lastEnd = event.start.value &+ duration
          nextCounter = counter &+ 1
        }
        filled = count
      }
      return isBroken || outOfRange ? nil : events
    }
  }
}

extension TraceEvent {
  /// Whether all times keep the format's limits, so that sums cannot overflow.
  @inline(__always) var isWithinLimits: Bool {
    let limit = TraceEvent.limit
    return start.value <= limit && start.value >= -limit && duration.value >= 0
      && duration.value <= limit && wait.value >= 0 && wait.value <= limit
  }
}
