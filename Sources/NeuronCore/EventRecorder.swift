public import CoreState
import Hardware

/// Collects every event in blocks and hands full ones over.
public struct EventRecorder: Observer, ~Copyable {
  /// Receives a block of one track: engines by raw value, then transfers.
  public typealias Sink = RecordLanes<Event>.Sink

  /// The track of transfers, after those of the engines.
  public static let dmaTrack = Engine.allCases.count
  /// Tracks in all.
  public static let trackCount = dmaTrack + 1
  /// Events in a block unless a pool says otherwise.
  public static let blockCapacity = 65_536

  private var lanes: RecordLanes<Event>

  /// Takes its blocks from a pool; whoever reads them may give them back to it.
  public init(
    pool: RecordPool<Event> = RecordPool(capacity: EventRecorder.blockCapacity),
    sink: @escaping Sink
  ) {
    lanes = RecordLanes(count: Self.trackCount, room: 1, pool: pool, sink: sink)
  }

  @inline(__always)
  public mutating func ran(_ event: Event, on engine: Int) {
    lanes.put(event, lane: engine)
    lanes.settle(engine)
  }

  @inline(__always)
  public mutating func moved(_ event: Event, engines: Int) { ran(event, on: Self.dmaTrack) }

  /// Hands over what is left.
  public mutating func finish() { lanes.finish() }
}
