public import CoreState
import Hardware

/// Writes events down in blocks and hands full ones over: all of them, or what samples need.
///
/// Little is decided here that another thread can decide as well. Where samples are asked for, an
/// event is written down that covers one of their instants, that is an engine's first one in a
/// kernel, or that begins before that one: with some hundred nanoseconds between two instants that
/// is one event of many, and to leave the others out costs less than to write them down.
public struct EventRecorder: Observer, ~Copyable {
  /// Receives a block of one track: engines by raw value, then transfers.
  public typealias Sink = RecordLanes<EventRecord>.Sink

  /// What is written down.
  public enum Extent: Hashable, Sendable {
    /// Every instruction, and each transfer as it ends.
    case everything
    /// What samples need, one in each interval of so many picoseconds: instructions, the stretches
    /// of time in which the same transfers were under way, and every step that is not to the next
    /// row.
    case samples(intervalPicoseconds: Int64)
  }

  /// The track of transfers, after those of the engines.
  public static let dmaTrack = Engine.allCases.count
  /// Tracks in all.
  public static let trackCount = dmaTrack + 1
  /// Records in a block unless a pool says otherwise: blocks that are filled and read at the same
  /// time stay in the caches.
  public static let blockCapacity = 16_384
  /// Records of an event at most: its step, its head, itself.
  private static let recordsPerEvent = 3

  /// What the next event of a track is compared with. An event is left out that ends before the
  /// instant and begins after `begin`.
  private struct Threshold: BitwiseCopyable {
    /// The next instant that nothing was written down for; before all times where everything is.
    var instant = Int64.min
    /// The earliest start in the kernel so far.
    var begin = Int64.max
  }

  private var lanes: RecordLanes<EventRecord>
  /// By track, in place: each event looks at one.
  private var thresholds = InlineArray<6, Threshold>(repeating: Threshold())
  /// Nil where everything is written down.
  private let instants: SampleInstants?

  /// Takes its blocks from a pool; whoever reads them may give them back to it.
  public init(
    _ extent: Extent = .everything,
    pool: RecordPool<EventRecord> = RecordPool(capacity: EventRecorder.blockCapacity),
    sink: @escaping Sink
  ) {
    switch extent {
    case .everything: instants = nil
    case .samples(let interval):
      instants = SampleInstants(intervalPicoseconds: interval)
    }
    lanes = RecordLanes(
      count: Self.trackCount, room: Self.recordsPerEvent, pool: pool, sink: sink)
  }

  @inline(__always)
  public mutating func ran(_ event: Event, on engine: Int) {
    let threshold = thresholds[engine]
    if threshold.instant < event.start &+ event.duration || event.start < threshold.begin {
      write(event, track: engine)
      if instants != nil { look(after: event, track: engine) }
    }
  }

  @inline(__always)
  public mutating func moved(_ event: Event, engines: Int) {
    if instants == nil { ran(event, on: Self.dmaTrack) }
  }

  @inline(__always)
  public mutating func streamed(_ stretch: DMAStretch) {
    guard instants != nil else { return }
    var event = Event(
      start: stretch.start, duration: stretch.end &- stretch.start, wait: 0,
      programCounter: stretch.programCounter, cause: .none)
    event.engines = UInt8(truncatingIfNeeded: stretch.engines)
    ran(event, on: Self.dmaTrack)
  }

  @inline(__always)
  public mutating func went(_ step: ProgramStep, engine: Int) {
    guard step.isEntry || instants != nil else { return }
    lanes.settle(engine)
    lanes.put(EventRecord(step), lane: engine)
    // The first event of a kernel is written down whatever it covers.
    if step.isEntry { thresholds[engine].begin = .max }
  }

  /// Hands over what is left.
  public mutating func finish() { lanes.finish() }

  @inline(__always)
  private mutating func write(_ event: Event, track: Int) {
    if EventRecord.needsHead(event) { lanes.put(EventRecord(headOf: event), lane: track) }
    lanes.put(EventRecord(event), lane: track)
    lanes.settle(track)
  }

  /// From now on only what is seen at a later instant is written down.
  @inline(never)
  private mutating func look(after event: Event, track: Int) {
    guard let instants else { return }
    let end = event.start &+ event.duration
    if thresholds[track].instant < end {
      thresholds[track].instant = instants.first(from: end).time
    }
    thresholds[track].begin = min(thresholds[track].begin, event.start)
  }
}
