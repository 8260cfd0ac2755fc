public import CoreState
import Units

/// The state of one engine at an instant of simulated time, and at those after it that are alike.
///
/// The samples of a track follow each other without a gap from time zero on, so that none holds its
/// time: eight bytes.
public struct Sample: Hashable, Sendable, BitwiseCopyable {
  /// From the lowest bit: program counter, count, cause or DMA engines, busy.
  private let bits: UInt64

  private static let countShift: UInt64 = 32
  private static let causeShift: UInt64 = 56
  private static let busyShift: UInt64 = 63
  /// The most instants that one sample stands for.
  static let maximumCount: Int64 = 1 << 24 - 1

  /// A state at one instant or several; at most `maximumCount`.
  @inline(__always)
  init(programCounter: UInt32, count: Int64, isBusy: Bool, detail: UInt8) {
    bits =
      UInt64(programCounter) | UInt64(truncatingIfNeeded: count) << Self.countShift
      | UInt64(detail) << Self.causeShift | (isBusy ? 1 : 0) << Self.busyShift
  }

  /// The instruction that ran or was waited with.
  public var programCounter: UInt32 { UInt32(truncatingIfNeeded: bits) }
  /// Instants, one sampling interval apart.
  public var count: Int32 {
    Int32(truncatingIfNeeded: bits >> Self.countShift & UInt64(Self.maximumCount))
  }
  /// True while an instruction ran.
  public var isBusy: Bool { bits >> Self.busyShift == 1 }
  /// Why the engine waited; none while it was busy or had nothing to wait for.
  public var cause: StallCause { isBusy ? .none : StallCause(rawValue: detail) ?? .none }
  /// DMA engines that a transfer runs on; 0 for an instruction.
  public var engines: Int { isBusy ? Int(detail) : 0 }
  private var detail: UInt8 { UInt8(truncatingIfNeeded: bits >> Self.causeShift) & 0x7F }
}

/// Samples every engine once in each interval of simulated time.
///
/// Where in its interval an instant lies is drawn anew for each, so that a program whose period is
/// a multiple of the interval is met everywhere in its period. The draw depends on the interval's
/// number alone: every track is looked at in the same instants, in every run.
public struct Sampler: Observer, ~Copyable {
  /// Receives a block of samples of one track: engines by raw value, then transfers.
  public typealias Sink = RecordLanes<Sample>.Sink

  /// Samples in a block unless a pool says otherwise.
  public static let blockCapacity = 16_384
  private let interval: Int64
  private let divider: InvariantDivider
  private var cursors: FixedBuffer<Cursor>
  private var lanes: RecordLanes<Sample>

  /// Where a track's sampling is.
  private struct Cursor: BitwiseCopyable {
    /// The number of the interval that the next instant lies in.
    var number: Int64
    /// The next instant.
    var instant: Int64
    /// Where its interval ends.
    var end: Int64

    @inline(__always)
    init(_ number: Int64, interval: Int64) {
      self.number = number
      instant = Sampler.instant(number, interval: interval)
      end = (number &+ 1) &* interval
    }
  }

  /// A sampler of that interval in picoseconds. It takes its blocks from a pool; whoever reads them
  /// may give them back to it.
  public init(
    intervalPicoseconds: Int64,
    pool: RecordPool<Sample> = RecordPool(capacity: Sampler.blockCapacity),
    sink: @escaping Sink
  ) {
    precondition(intervalPicoseconds > 0, "a sampling interval is positive")
    interval = intervalPicoseconds
    divider = InvariantDivider(intervalPicoseconds)
    cursors = FixedBuffer(
      repeating: Cursor(0, interval: interval), count: EventRecorder.trackCount)
    // An event brings three samples at most: of what was before its wait, of the wait, of itself.
    lanes = RecordLanes(count: EventRecorder.trackCount, room: 3, pool: pool, sink: sink)
  }

  /// The instant in interval `number`: a picosecond drawn from it by a hash of the number, with the
  /// multipliers of SplitMix64 (Steele, Lea and Flood, 2014).
  @inline(__always)
  public static func instant(_ number: Int64, interval: Int64) -> Int64 {
    var mixed = UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9
    mixed ^= mixed >> 32
    let offset = mixed.multipliedFullWidth(by: UInt64(bitPattern: interval)).high
    return number &* interval &+ Int64(bitPattern: offset)
  }

  /// Most events lie between two instants: one look is all that they cost.
  @inline(__always)
  private mutating func note(_ event: Event, _ track: Int, engines: UInt8) {
    if cursors[track].instant < event.start &+ event.duration { meet(event, track, engines) }
  }

  /// Most others meet one instant, while they run.
  @inline(never)
  private mutating func meet(_ event: Event, _ track: Int, _ engines: UInt8) {
    let cursor = cursors[track]
    if cursor.instant < event.start || cursor.end < event.start &+ event.duration {
      return meetOthers(event, track, engines)
    }
    put(track, 1, event.programCounter, isBusy: true, engines)
    cursors[track] = Cursor(cursor.number &+ 1, interval: interval)
    lanes.settle(track)
  }

  /// Instants before the event's wait found the engine idle, those in it waiting, the others busy.
  private mutating func meetOthers(_ event: Event, _ track: Int, _ engines: UInt8) {
    let end = event.start &+ event.duration
    let stall = event.cause == .none ? event.start : event.start &- event.wait
    if cursors[track].instant < stall {
      append(track, until: stall, event.programCounter, isBusy: false, 0)
    }
    if cursors[track].instant < event.start {
      append(track, until: event.start, event.programCounter, isBusy: false, event.cause.rawValue)
    }
    if cursors[track].instant < end {
      append(track, until: end, event.programCounter, isBusy: true, engines)
    }
    lanes.settle(track)
  }

  @inline(__always)
  private mutating func append(
    _ track: Int, until end: Int64, _ programCounter: UInt32, isBusy: Bool, _ detail: UInt8
  ) {
    // Instants of intervals before the one that `end` lies in are over, its own may be.
    var following = Cursor(divider.quotient(end), interval: interval)
    if following.instant < end { following = Cursor(following.number &+ 1, interval: interval) }
    var left = following.number &- cursors[track].number
    cursors[track] = following
    while left > Sample.maximumCount {
      put(track, Sample.maximumCount, programCounter, isBusy: isBusy, detail)
      lanes.settle(track)
      left -= Sample.maximumCount
    }
    put(track, left, programCounter, isBusy: isBusy, detail)
  }

  private mutating func put(
    _ track: Int, _ count: Int64, _ programCounter: UInt32, isBusy: Bool, _ detail: UInt8
  ) {
    lanes.put(
      Sample(programCounter: programCounter, count: count, isBusy: isBusy, detail: detail),
      lane: track)
  }

  @inline(__always)
  public mutating func ran(_ event: Event, on engine: Int) {
    note(event, engine, engines: 0)
  }

  /// Transfers overlap, so that their stretches are sampled.
  @inline(__always)
  public mutating func moved(_ event: Event, engines: Int) {}

  @inline(__always)
  public mutating func streamed(_ stretch: DMAStretch) {
    let event = Event(
      start: stretch.start, duration: stretch.end &- stretch.start, wait: 0,
      programCounter: stretch.programCounter, semaphore: 0, cause: .none)
    note(event, EventRecorder.dmaTrack, engines: UInt8(truncatingIfNeeded: stretch.engines))
  }

  /// Hands over what is left.
  public mutating func finish() { lanes.finish() }
}
