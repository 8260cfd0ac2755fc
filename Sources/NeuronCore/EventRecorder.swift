public import CoreState
import Hardware

/// Writes every event down in blocks and hands full ones over.
///
/// Nothing is decided here that another thread can decide as well, samples among it: a branch that
/// goes one way or the other by chance costs the step loop more than writing every event down.
public struct EventRecorder: Observer, ~Copyable {
  /// Receives a block of one track: engines by raw value, then transfers.
  public typealias Sink = RecordLanes<EventRecord>.Sink

  /// What the track of transfers holds.
  public enum Transfers: Sendable {
    /// Each transfer, as it ends.
    case whole
    /// The stretches of time in which the same transfers were under way, in order.
    case stretches
  }

  /// The track of transfers, after those of the engines.
  public static let dmaTrack = Engine.allCases.count
  /// Tracks in all.
  public static let trackCount = dmaTrack + 1
  /// Records in a block unless a pool says otherwise: blocks that are filled and read at the same
  /// time stay in the caches.
  public static let blockCapacity = 16_384
  /// Records of an event at most.
  private static let recordsPerEvent = 2

  private var lanes: RecordLanes<EventRecord>
  private let transfers: Transfers

  /// Takes its blocks from a pool; whoever reads them may give them back to it.
  public init(
    transfers: Transfers = .whole,
    pool: RecordPool<EventRecord> = RecordPool(capacity: EventRecorder.blockCapacity),
    sink: @escaping Sink
  ) {
    self.transfers = transfers
    lanes = RecordLanes(
      count: Self.trackCount, room: Self.recordsPerEvent, pool: pool, sink: sink)
  }

  @inline(__always)
  public mutating func ran(_ event: Event, on engine: Int) {
    if EventRecord.needsHead(event) { lanes.put(EventRecord(headOf: event), lane: engine) }
    lanes.put(EventRecord(event), lane: engine)
    lanes.settle(engine)
  }

  @inline(__always)
  public mutating func moved(_ event: Event, engines: Int) {
    if transfers == .whole { ran(event, on: Self.dmaTrack) }
  }

  @inline(__always)
  public mutating func streamed(_ stretch: DMAStretch) {
    guard transfers == .stretches else { return }
    var event = Event(
      start: stretch.start, duration: stretch.end &- stretch.start, wait: 0,
      programCounter: stretch.programCounter, cause: .none)
    event.engines = UInt8(truncatingIfNeeded: stretch.engines)
    ran(event, on: Self.dmaTrack)
  }

  /// Hands over what is left.
  public mutating func finish() { lanes.finish() }
}
