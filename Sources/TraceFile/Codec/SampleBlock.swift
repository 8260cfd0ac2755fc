import Units

/// Samples of one track on their way into a block: runs go into columns as soon as they end, so
/// that closing a trace has little left to do.
struct SampleBlock {
  /// Samples so far.
  private(set) var count = 0
  /// The earliest time and the latest.
  private(set) var times: (min: Int64, max: Int64) = (0, 0)
  /// Samples by state, in the places of the picosecond totals.
  private(set) var summary = BlockSummary()

  private var lengths = Numbers()
  private var states = Numbers()
  private var counters = Numbers()
  private var gaps = Numbers()
  private var steps = Numbers()
  /// The run that was put down last.
  private var previous = SampleRun.beforeFirst
  /// The run that goes on.
  private var current: SampleRun?

  /// Adds `added` equal samples `step` apart.
  mutating func append(_ first: TraceSample, count added: Int, step: Int64) {
    guard added > 0 else { return }
    note(first, added, last: first.time.value &+ Int64(added - 1) &* step)
    var (sample, left) = (first, added)
    while left > 0 {
      let taken = extend(sample, left, step)
      sample.time = Picoseconds(sample.time.value &+ Int64(taken) &* step)
      left -= taken
    }
  }

  private mutating func note(_ first: TraceSample, _ added: Int, last: Int64) {
    let (low, high) = (min(first.time.value, last), max(first.time.value, last))
    times = count == 0 ? (low, high) : (min(times.min, low), max(times.max, high))
    count += added
    if first.state == .busy || first.state.movingEngines != nil {
      summary.busy += Int64(added)
    } else if let cause = first.state.stallCause {
      summary.stall[Int(cause.rawValue)] += Int64(added)
    }
  }

  /// Adds as many of equal samples as go into one run with what is there.
  private mutating func extend(_ sample: TraceSample, _ left: Int, _ step: Int64) -> Int {
    guard var run = current, run.first.state == sample.state,
      run.first.programCounter == sample.programCounter
    else { return begin(sample, left, step) }
    if run.count == 1 {
      // The second sample of a run says how far apart they are.
      run.step = sample.time.value &- run.first.time.value
    } else if sample.time.value != run.next {
      return begin(sample, left, step)
    }
    let taken = run.step == step ? left : 1
    run.count += taken
    current = run
    return taken
  }

  private mutating func begin(_ sample: TraceSample, _ left: Int, _ step: Int64) -> Int {
    flush()
    current = SampleRun(first: sample, count: left, step: left > 1 ? step : previous.step)
    return left
  }

  private mutating func flush() {
    guard let run = current else { return }
    lengths.put(UInt64(run.count - 1))
    states.put(UInt64(run.first.state.rawValue))
    counters.put(
      zigzag(Int64(run.first.programCounter) - Int64(previous.first.programCounter)))
    gaps.put(zigzag(run.first.time.value &- previous.next))
    // A single sample has no step of its own.
    let step = run.count == 1 ? previous.step : run.step
    steps.put(zigzag(step &- previous.step))
    previous = SampleRun(first: run.first, count: run.count, step: step)
    current = nil
  }

  /// The columns of the block, which is empty again.
  mutating func finish() -> [UInt8] {
    flush()
    let columns =
      lengths.framed(Column.runLength) + states.framed(Column.runState)
      + counters.framed(Column.runProgramCounter) + gaps.framed(Column.runGap)
      + steps.framed(Column.runStep)
    self = SampleBlock()
    return columns
  }

  /// A column that grows. Most columns hold zeros alone, which take no bytes.
  private struct Numbers {
    private var writer = ByteWriter()
    /// Zeros that nothing else has come after.
    private var zeros = 0

    mutating func put(_ value: UInt64) {
      guard value != 0 || !writer.bytes.isEmpty else {
        zeros += 1
        return
      }
      if writer.bytes.isEmpty { writer.put([UInt8](repeating: 0, count: zeros)) }
      writer.putVarint(value)
    }

    func framed(_ id: UInt8) -> [UInt8] {
      guard !writer.bytes.isEmpty else {
        return ColumnFrame.header(id: id, encoding: ColumnEncoding.zero, size: 0)
      }
      let encoding = ColumnEncoding.varint
      return ColumnFrame.header(id: id, encoding: encoding, size: writer.bytes.count)
        + writer.bytes
    }
  }
}

/// Equal samples at equal steps of time.
struct SampleRun {
  var first: TraceSample
  var count: Int
  var step: Int64

  /// What a block's first run is a difference to.
  static let beforeFirst = SampleRun(
    first: TraceSample(time: .zero, state: .idle, programCounter: 0), count: 1, step: 0)

  /// The time at which it would go on.
  var next: Int64 { first.time.value &+ Int64(count) &* step }
}
