import Units

/// A stretch of records that repeats an earlier one of its block: each has the gap, the duration,
/// the wait, its cause and the flags of the record `distance` before it, and a row that lies
/// `rowDifference` behind that record's. Of a loop that runs again the difference is 0; of an
/// unrolled one it is the length of a round.
struct RecordRepeat: Equatable {
  var distance: Int
  var length: Int
  var rowDifference: Int64

  /// What a shorter stretch saves is less than what it costs to say so; measured on traces of
  /// models, of which nine records in ten lie in longer ones.
  static let shortest = 12
}

/// Finds stretches of a block that repeat earlier ones, by the places where the same few records
/// stood last.
@safe struct RepeatFinder: ~Copyable {
  /// Records that are looked up together.
  private static let window = 4
  private static let tableBits: UInt64 = 13
  /// The last place of each key in the lower half, and above it more of the key, so that records
  /// are looked at only where they are alike.
  private let places: UnsafeMutablePointer<UInt32>
  /// What the records of the window are like, the first one in the lowest place.
  private var marks: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  /// The record after those of `marks`.
  private var next = -1
  /// Where to look again: what was found just now and was too short ends no later from there on.
  private var resume = 0

  init() { unsafe places = .allocate(capacity: 1 << Int(Self.tableBits)) }

  deinit { unsafe places.deallocate() }

  /// Begins another block.
  mutating func reset() {
    unsafe places.update(repeating: 0, count: 1 << Int(Self.tableBits))
    (next, resume) = (-1, 0)
  }

  /// The stretch that begins at a place; nil when none does that is long enough. Places come in
  /// order; those inside a stretch may be left out.
  @inline(__always)
  mutating func find(at index: Int, in events: UnsafeBufferPointer<TraceEvent>) -> RecordRepeat? {
    guard index >= resume, index + Self.window <= events.count else { return nil }
    if next != index + Self.window - 1 { unsafe fill(index, events) }
    push(unsafe Self.mark(next, events))
    let mixed =
      marks.0 ^ Self.rotate(marks.1, 17) ^ Self.rotate(marks.2, 34) ^ Self.rotate(marks.3, 51)
    let key = mixed &* 0x9E37_79B9_7F4A_7C15
    let tag = UInt32(truncatingIfNeeded: key >> 32) & 0xFFFF
    // The slot is below the table's size, and places of a block fit in sixteen bits.
    let slot = Int(key >> (64 - Self.tableBits))
    let known = unsafe places[slot]
    unsafe places[slot] = tag << 16 | UInt32(truncatingIfNeeded: index)
    let earlier = Int(known & 0xFFFF)
    guard known >> 16 == tag, earlier < index else { return nil }
    let found = unsafe Self.match(index, earlier, events)
    if found.length >= RecordRepeat.shortest { return found }
    resume = index + max(1, found.length - Self.window + 1)
    return nil
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value << count | value >> (64 - count)
  }

  @inline(__always)
  private mutating func push(_ mark: UInt64) {
    marks = (marks.1, marks.2, marks.3, mark)
    next += 1
  }

  /// Begins a window anew.
  private mutating func fill(_ index: Int, _ events: UnsafeBufferPointer<TraceEvent>) {
    next = index
    for _ in 1..<Self.window { push(unsafe Self.mark(next, events)) }
  }

  @inline(__always)
  private static func gap(_ index: Int, _ events: UnsafeBufferPointer<TraceEvent>) -> Int64 {
    let end = index == 0 ? 0 : unsafe events[index - 1].end.value
    return unsafe events[index].start.value &- end
  }

  /// What a record is like, whenever it happened and wherever its row is.
  @inline(__always)
  private static func mark(_ index: Int, _ events: UnsafeBufferPointer<TraceEvent>) -> UInt64 {
    let event = unsafe events[index]
    let before = index == 0 ? 0 : unsafe events[index - 1].programCounter
    let step = UInt64(event.programCounter &- before)
    let rest = UInt64(event.detail) | UInt64(event.stallCauseCode) << 16 | UInt64(event.flags) << 24
    let times =
      UInt64(bitPattern: unsafe gap(index, events)) &* 0x2545_F491_4F6C_DD1D
      ^ UInt64(bitPattern: event.duration.value) &* 0x9FB2_1C65_1E98_DF25
      ^ UInt64(bitPattern: event.wait.value) &* 0xD6E8_FEB8_6659_FD93
    return times &+ (step << 32 | rest)
  }

  /// How far, if at all, the records from `index` on repeat those from `earlier` on.
  private static func match(
    _ index: Int, _ earlier: Int, _ events: UnsafeBufferPointer<TraceEvent>
  ) -> RecordRepeat {
    let (first, old) = unsafe (events[index], events[earlier])
    let row = Int64(first.programCounter) - Int64(old.programCounter)
    let isAlike = unsafe gap(index, events) == gap(earlier, events)
    // A record as four numbers: start, duration, wait, and last the row below all else.
    let shift = SIMD4(first.start.value &- old.start.value, 0, 0, row)
    let bytes = unsafe UnsafeRawPointer(events.baseAddress!)
    let size = MemoryLayout<TraceEvent>.stride
    var length = 0
    while isAlike, index + length < events.count {
      // Both places lie inside the block.
      let new = unsafe bytes.loadUnaligned(
        fromByteOffset: (index + length) * size, as: SIMD4<Int64>.self)
      let past = unsafe bytes.loadUnaligned(
        fromByteOffset: (earlier + length) * size, as: SIMD4<Int64>.self)
      // What stands above the row must be the same, and not make up for a row that differs.
      guard new &- past == shift, (new[3] ^ past[3]) >> 32 == 0 else { break }
      length += 1
    }
    return RecordRepeat(distance: index - earlier, length: length, rowDifference: row)
  }
}
