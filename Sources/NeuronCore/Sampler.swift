import CoreState
import Units

/// The state of one engine at an instant of simulated time, and at those after it that are alike.
public struct Sample: Sendable, BitwiseCopyable {
  /// The first instant, in picoseconds.
  public var time: Int64
  /// Instants, one sampling interval apart.
  public var count: Int32
  /// The instruction that ran or was waited with.
  public var programCounter: UInt32
  /// True while an instruction ran.
  public var isBusy: Bool
  /// Why the engine waited.
  public var cause: StallCause
}

/// Samples every engine at a fixed interval of simulated time.
public struct Sampler: Observer, ~Copyable {
  /// Receives samples of one track.
  public typealias Sink = (_ track: Int, _ samples: [Sample]) -> Void

  /// What a track has gathered and where it goes on.
  private struct Track: BitwiseCopyable {
    /// The next instant to sample.
    var next: Int64 = 0
    /// Samples held.
    var count = 0
  }

  private static let capacity = 16_384
  private let interval: Int64
  private let divider: InvariantDivider
  private let sink: Sink
  private var tracks: FixedBuffer<Track>
  private var samples: FixedBuffer<Sample>

  /// A sampler of that interval in picoseconds.
  public init(intervalPicoseconds: Int64, sink: @escaping Sink) {
    precondition(intervalPicoseconds > 0, "a sampling interval is positive")
    interval = intervalPicoseconds
    divider = InvariantDivider(intervalPicoseconds)
    self.sink = sink
    let count = EventRecorder.dmaTrack + 1
    tracks = FixedBuffer(repeating: Track(), count: count)
    samples = FixedBuffer(
      repeating: Sample(time: 0, count: 0, programCounter: 0, isBusy: false, cause: .none),
      count: count * Self.capacity)
  }

  @inline(__always)
  private mutating func note(_ event: Event, _ track: Int) {
    let end = event.start &+ event.duration
    let next = tracks[track].next
    if next >= end { return }
    // Most instructions that meet an instant meet one, while they run.
    let count = tracks[track].count
    guard next >= event.start, end &- next <= interval, count &+ 2 < Self.capacity else {
      return sample(event, track)
    }
    samples[track &* Self.capacity &+ count] = Sample(
      time: next, count: 1, programCounter: event.programCounter, isBusy: true, cause: .none)
    tracks[track].count = count &+ 1
    tracks[track].next = next &+ interval
  }

  /// Instants before the event's start found the engine waiting, those in it busy.
  @inline(never)
  private mutating func sample(_ event: Event, _ track: Int) {
    if tracks[track].next < event.start {
      let cause: StallCause = event.cause == .none ? .dependency : event.cause
      append(track, until: event.start, event.programCounter, isBusy: false, cause)
    }
    let end = event.start &+ event.duration
    if tracks[track].next < end {
      append(track, until: end, event.programCounter, isBusy: true, .none)
    }
    if tracks[track].count &+ 2 > Self.capacity { flush(track) }
  }

  @inline(__always)
  private mutating func append(
    _ track: Int, until end: Int64, _ programCounter: UInt32, isBusy: Bool, _ cause: StallCause
  ) {
    let first = tracks[track].next
    let count = divider.quotient(end &- first &+ interval &- 1)
    samples[track &* Self.capacity &+ tracks[track].count] = Sample(
      time: first, count: Int32(clamping: count), programCounter: programCounter,
      isBusy: isBusy, cause: cause)
    tracks[track].count &+= 1
    tracks[track].next = first &+ count &* interval
  }

  @inline(never)
  private mutating func flush(_ track: Int) {
    let first = track * Self.capacity
    sink(track, samples.elements(first..<first + tracks[track].count))
    tracks[track].count = 0
  }

  @inline(__always)
  public mutating func ran(_ event: Event, on engine: Int) { note(event, engine) }

  @inline(__always)
  public mutating func moved(_ event: Event, engines: Int) { note(event, EventRecorder.dmaTrack) }

  /// Hands over what is left.
  public mutating func finish() {
    for track in tracks.indices where tracks[track].count > 0 { flush(track) }
  }
}
