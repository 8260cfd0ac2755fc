import Units

/// Samples as runs: equal state and row at equal steps of time.
enum SampleCodec {
  private struct Run {
    var first: TraceSample
    var count: Int
    var step: Int64
  }

  /// The columns of a block.
  static func encode(_ samples: [TraceSample]) -> [UInt8] {
    var lengths = ColumnWriter(maximumCount: samples.count)
    var states = ColumnWriter(maximumCount: samples.count)
    var counters = ColumnWriter(maximumCount: samples.count)
    var gaps = ColumnWriter(maximumCount: samples.count)
    var steps = ColumnWriter(maximumCount: samples.count)
    var previous = Run(
      first: TraceSample(time: .zero, state: .idle, programCounter: 0), count: 1, step: 0)
    var index = 0
    while index < samples.count {
      let run = longestRun(samples, from: index, lastStep: previous.step)
      lengths.put(UInt64(run.count - 1))
      states.put(UInt64(run.first.state.rawValue))
      let counter = Int64(run.first.programCounter) - Int64(previous.first.programCounter)
      counters.put(zigzag(counter))
      gaps.put(zigzag(run.first.time.value &- next(after: previous)))
      steps.put(zigzag(run.step &- previous.step))
      previous = run
      index += run.count
    }
    return lengths.framed(Column.runLength) + states.framed(Column.runState)
      + counters.framed(Column.runProgramCounter) + gaps.framed(Column.runGap)
      + steps.framed(Column.runStep)
  }

  /// The time at which `run` would go on.
  private static func next(after run: Run) -> Int64 {
    run.first.time.value &+ Int64(run.count) &* run.step
  }

  private static func longestRun(
    _ samples: [TraceSample], from start: Int, lastStep: Int64
  ) -> Run {
    let first = samples[start]
    func isSame(_ index: Int) -> Bool {
      samples[index].state == first.state && samples[index].programCounter == first.programCounter
    }
    var run = Run(first: first, count: 1, step: lastStep)
    guard start + 1 < samples.count, isSame(start + 1) else { return run }
    run.step = samples[start + 1].time.value &- first.time.value
    while start + run.count < samples.count, isSame(start + run.count),
      samples[start + run.count].time.value == next(after: run)
    {
      run.count += 1
    }
    return run
  }

  /// The samples of a block; nil when malformed or not exactly `count`.
  static func decode(_ raw: [UInt8], count: Int) -> [TraceSample]? {
    guard count <= BlockHeader.capacity, let set = ColumnSet(raw) else { return nil }
    var samples: [TraceSample] = []
    samples.reserveCapacity(count)
    var cursors = RunCursors(set, raw)
    var previous = Run(
      first: TraceSample(time: .zero, state: .idle, programCounter: 0), count: 1, step: 0)
    while samples.count < count {
      guard let codes = cursors.next(), codes.length < UInt64(count - samples.count) else {
        return nil
      }
      let counter = Int64(previous.first.programCounter) &+ unzigzag(codes.counter)
      let time = next(after: previous) &+ unzigzag(codes.gap)
      let first = TraceSample(
        time: Picoseconds(time),
        state: TrackState(rawValue: UInt8(truncatingIfNeeded: codes.state)),
        programCounter: UInt32(truncatingIfNeeded: counter))
      let run = Run(
        first: first, count: Int(codes.length) + 1, step: previous.step &+ unzigzag(codes.step))
      append(run, to: &samples)
      previous = run
    }
    return cursors.isAtEnd && samples.allSatisfy(\.isWithinLimits) ? samples : nil
  }

  private static func append(_ run: Run, to samples: inout [TraceSample]) {
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
