public import CoreState
import Units

/// The state of one engine at an instant of simulated time, and at those after it that are alike.
///
/// The samples of a track follow each other without a gap from time zero on, so that none holds its
/// time: eight bytes.
public struct Sample: Hashable, Sendable, BitwiseCopyable {
  /// From the lowest bit: program counter, count, cause, busy.
  private let bits: UInt64

  private static let countShift: UInt64 = 32
  private static let causeShift: UInt64 = 56
  private static let busyShift: UInt64 = 63
  /// The most instants that one sample stands for.
  static let maximumCount: Int64 = 1 << 24 - 1

  /// A state at one instant or several; at most `maximumCount`.
  @inline(__always)
  init(programCounter: UInt32, count: Int64, isBusy: Bool, cause: StallCause) {
    bits =
      UInt64(programCounter) | UInt64(truncatingIfNeeded: count) << Self.countShift
      | UInt64(cause.rawValue) << Self.causeShift | (isBusy ? 1 : 0) << Self.busyShift
  }

  /// The instruction that ran or was waited with.
  public var programCounter: UInt32 { UInt32(truncatingIfNeeded: bits) }
  /// Instants, one sampling interval apart.
  public var count: Int32 {
    Int32(truncatingIfNeeded: bits >> Self.countShift & UInt64(Self.maximumCount))
  }
  /// True while an instruction ran.
  public var isBusy: Bool { bits >> Self.busyShift == 1 }
  /// Why the engine waited.
  public var cause: StallCause {
    StallCause(rawValue: UInt8(truncatingIfNeeded: bits >> Self.causeShift) & 0x7F) ?? .none
  }
}

/// Samples every engine at a fixed interval of simulated time.
public struct Sampler: Observer, ~Copyable {
  /// Receives a block of samples of one track: engines by raw value, then transfers.
  public typealias Sink = RecordLanes<Sample>.Sink

  /// Samples in a block unless a pool says otherwise.
  public static let blockCapacity = 16_384
  private let interval: Int64
  private let divider: InvariantDivider
  /// The next instant of each track.
  private var next: FixedBuffer<Int64>
  private var lanes: RecordLanes<Sample>

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
    next = FixedBuffer(repeating: 0, count: EventRecorder.trackCount)
    // An event brings two samples at most: of the wait before it and of itself.
    lanes = RecordLanes(count: EventRecorder.trackCount, room: 2, pool: pool, sink: sink)
  }

  /// Most events lie between two instants and most others meet one, while they run.
  @inline(__always)
  private mutating func note(_ event: Event, _ track: Int) {
    let end = event.start &+ event.duration
    let instant = next[track]
    if instant >= end { return }
    if instant < max(event.start, end &- interval) { return noteOthers(event, track) }
    lanes.put(
      Sample(programCounter: event.programCounter, count: 1, isBusy: true, cause: .none),
      lane: track)
    next[track] = instant &+ interval
    lanes.settle(track)
  }

  /// Instants before the event's start found the engine waiting, those in it busy.
  @inline(never)
  private mutating func noteOthers(_ event: Event, _ track: Int) {
    let end = event.start &+ event.duration
    if next[track] < event.start {
      let cause: StallCause = event.cause == .none ? .dependency : event.cause
      append(track, until: event.start, event.programCounter, isBusy: false, cause)
    }
    if next[track] < end {
      append(track, until: end, event.programCounter, isBusy: true, .none)
    }
    lanes.settle(track)
  }

  private mutating func append(
    _ track: Int, until end: Int64, _ programCounter: UInt32, isBusy: Bool, _ cause: StallCause
  ) {
    let first = next[track]
    let count = divider.quotient(end &- first &+ interval &- 1)
    next[track] = first &+ count &* interval
    var left = count
    while left > Sample.maximumCount {
      put(track, Sample.maximumCount, programCounter, isBusy, cause)
      lanes.settle(track)
      left -= Sample.maximumCount
    }
    put(track, left, programCounter, isBusy, cause)
  }

  private mutating func put(
    _ track: Int, _ count: Int64, _ programCounter: UInt32, _ isBusy: Bool, _ cause: StallCause
  ) {
    lanes.put(
      Sample(programCounter: programCounter, count: count, isBusy: isBusy, cause: cause),
      lane: track)
  }

  @inline(__always)
  public mutating func ran(_ event: Event, on engine: Int) { note(event, engine) }

  @inline(__always)
  public mutating func moved(_ event: Event, engines: Int) { note(event, EventRecorder.dmaTrack) }

  /// Hands over what is left.
  public mutating func finish() { lanes.finish() }
}
