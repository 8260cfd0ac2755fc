import Units

/// Reads samples, which are stored as runs: equal state and row at equal steps of time.
enum SampleCodec {
  /// The samples of a block; nil when malformed or not exactly `count`.
  static func decode(_ raw: [UInt8], count: Int) -> [TraceSample]? {
    guard count <= BlockHeader.capacity, let set = ColumnSet(raw) else { return nil }
    var samples: [TraceSample] = []
    samples.reserveCapacity(count)
    var cursors = RunCursors(set, raw)
    var previous = SampleRun.beforeFirst
    while samples.count < count {
      guard let codes = cursors.next(), codes.length < UInt64(count - samples.count) else {
        return nil
      }
      let counter = Int64(previous.first.programCounter) &+ unzigzag(codes.counter)
      let time = previous.next &+ unzigzag(codes.gap)
      let first = TraceSample(
        time: Picoseconds(time),
        state: TrackState(rawValue: UInt8(truncatingIfNeeded: codes.state)),
        programCounter: UInt32(truncatingIfNeeded: counter))
      let run = SampleRun(
        first: first, count: Int(codes.length) + 1, step: previous.step &+ unzigzag(codes.step))
      append(run, to: &samples)
      previous = run
    }
    return cursors.isAtEnd && samples.allSatisfy(\.isWithinLimits) ? samples : nil
  }

  private static func append(_ run: SampleRun, to samples: inout [TraceSample]) {
    var sample = run.first
    for _ in 0..<run.count {
      samples.append(sample)
      sample.time = Picoseconds(sample.time.value &+ run.step)
    }
  }

  /// Reads the five columns side by side; the number of runs is not stored.
  private struct RunCursors {
    /// Nil for a column of zeros.
    private var readers: [ByteReader?]

    init(_ set: ColumnSet, _ raw: [UInt8]) {
      let ids = [
        Column.runLength, Column.runState, Column.runProgramCounter, Column.runGap, Column.runStep,
      ]
      readers = ids.map { id in
        guard let found = set[id], found.encoding == ColumnEncoding.varint else { return nil }
        return ByteReader(raw[found.range])
      }
    }

    typealias Codes = (length: UInt64, state: UInt64, counter: UInt64, gap: UInt64, step: UInt64)

    mutating func next() -> Codes? {
      guard let length = take(0), let state = take(1), let counter = take(2), let gap = take(3),
        let step = take(4)
      else { return nil }
      return (length, state, counter, gap, step)
    }

    private mutating func take(_ column: Int) -> UInt64? {
      readers[column] == nil ? 0 : readers[column]?.takeVarint()
    }

    var isAtEnd: Bool { readers.allSatisfy { $0.map { $0.remaining == 0 } ?? true } }
  }
}

extension TraceSample {
  /// Whether the time keeps the format's limit.
  var isWithinLimits: Bool { time.value <= TraceEvent.limit && time.value >= -TraceEvent.limit }
}
