import Units

/// Turns columns back into events. Any bytes are accepted; what is malformed gives nil.
enum EventDecoder {
  private static let columns = [
    Column.gap, Column.duration, Column.programCounter, Column.wait, Column.detail,
    Column.stallCause, Column.flags, Column.repeats,
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
      flags: cursor(Column.flags), repeats: cursor(Column.repeats),
      hasRepeats: set[Column.repeats].map { $0.encoding != ColumnEncoding.zero } ?? false)
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

    var repeats: Cursor
    let hasRepeats: Bool

    mutating func events(_ count: Int, followsOverhead: Bool) -> [TraceEvent]? {
      var isSound = true
      let events = unsafe [TraceEvent](unsafeUninitializedCapacity: count) { target, filled in
        guard let base = target.baseAddress else { return }
        isSound = unsafe fill(base, count, followsOverhead)
        filled = isSound ? count : 0
      }
      return isSound ? events : nil
    }

    /// Fills in `count` events; false when malformed.
    private mutating func fill(
      _ target: UnsafeMutablePointer<TraceEvent>, _ count: Int, _ followsOverhead: Bool
    ) -> Bool {
      var state = DecoderState(followsOverhead: followsOverhead)
      var done = 0
      while done < count {
        var literals = count - done
        var isBroken = false
        let more = unsafe repeats.next < repeats.end && hasRepeats
        if more { literals = Int(clamping: repeats.varint(&isBroken)) }
        guard !isBroken, literals <= count - done,
          unsafe decode(target + done, literals, &state)
        else { return false }
        done += literals
        if more {
          guard unsafe copy(target, &done, count, &state) else { return false }
        }
      }
      return unsafe repeats.next == repeats.end || !hasRepeats
    }

    /// The hot loop; the mirror of `EventEncoder.encode`.
    private mutating func decode(
      _ target: UnsafeMutablePointer<TraceEvent>, _ count: Int, _ state: inout DecoderState
    ) -> Bool {
      var isBroken = false
      var outOfRange = false
      var cursors = self
      for index in 0..<count {
        let counter = state.nextCounter &+ unzigzag(cursors.programCounter.varint(&isBroken))
        let slot = Int(truncatingIfNeeded: counter) & (EventPrediction.slots - 1)
        let guess = state.predictions[slot]
        let gap = guess.gap &+ unzigzag(cursors.gap.varint(&isBroken))
        let duration = guess.duration &+ unzigzag(cursors.duration.varint(&isBroken))
        let expected = guess.expectedWait(gap: gap, overhead: state.overhead)
        let wait = expected &+ unzigzag(cursors.wait.varint(&isBroken))
        let detail = Int64(guess.detail) &+ unzigzag(cursors.detail.varint(&isBroken))
        var event = TraceEvent(
          start: Picoseconds(state.lastEnd &+ gap), duration: Picoseconds(duration),
          wait: Picoseconds(wait), detail: UInt16(truncatingIfNeeded: detail),
          programCounter: UInt32(truncatingIfNeeded: counter),
          flags: cursors.flags.byte(&isBroken))
        event.stallCauseCode = guess.stallCauseCode ^ cursors.stallCause.byte(&isBroken)
        outOfRange = outOfRange || !event.isWithinLimits
        unsafe (target + index).initialize(to: event)
        state.predictions[slot] = EventPrediction(
          gap: gap, duration: duration, wait: wait, detail: event.detail,
          stallCauseCode: event.stallCauseCode, isUsed: true)
        if wait > 0, state.followsOverhead { state.overhead = gap &- wait }
        state.lastEnd = event.start.value &+ duration
        state.nextCounter = counter &+ 1
      }
      self = cursors
      return !isBroken && !outOfRange
    }

    /// Repeats earlier events of the block; false when it holds fewer of them, or of the others.
    private mutating func copy(
      _ target: UnsafeMutablePointer<TraceEvent>, _ done: inout Int, _ count: Int,
      _ state: inout DecoderState
    ) -> Bool {
      var isBroken = false
      let distance = Int(clamping: repeats.varint(&isBroken))
      let length = Int(clamping: repeats.varint(&isBroken))
      let row = UInt32(truncatingIfNeeded: unzigzag(repeats.varint(&isBroken)))
      guard !isBroken, distance >= 1, distance <= done, length >= 1, length <= count - done
      else { return false }
      let first = done - distance
      // Both lie before `done`, where the events are.
      let before = first == 0 ? 0 : unsafe target[first - 1].end.value
      let gap = unsafe target[first].start.value &- before
      let shift = unsafe state.lastEnd &+ gap &- target[first].start.value
      var outOfRange = false
      for index in done..<done + length {
        // `index - distance` is filled in, and `index` is below `count`.
        var event = unsafe target[index - distance]
        event.start = Picoseconds(event.start.value &+ shift)
        event.programCounter &+= row
        outOfRange = outOfRange || !event.isWithinLimits
        unsafe (target + index).initialize(to: event)
      }
      guard !outOfRange else { return false }
      done += length
      let last = unsafe target[done - 1]
      (state.lastEnd, state.nextCounter) = (last.end.value, Int64(last.programCounter) &+ 1)
      return true
    }
  }
}

/// What decoding goes on from, event by event.
private struct DecoderState {
  let followsOverhead: Bool
  var predictions = [EventPrediction](
    repeating: EventPrediction(), count: EventPrediction.slots)
  var lastEnd: Int64 = 0
  var nextCounter: Int64 = 0
  var overhead = EventPrediction.unknownOverhead

  init(followsOverhead: Bool) { self.followsOverhead = followsOverhead }
}

extension TraceEvent {
  /// Whether all times keep the format's limits, so that sums cannot overflow.
  @inline(__always) var isWithinLimits: Bool {
    let limit = TraceEvent.limit
    return start.value <= limit && start.value >= -limit && duration.value >= 0
      && duration.value <= limit && wait.value >= 0 && wait.value <= limit
  }
}
