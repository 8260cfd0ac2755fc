public import CoreState
import Units

/// The state of one engine at an instant of simulated time, and at those after it that are alike.
///
/// The samples of a track follow each other without a gap from time zero on, so that none holds its
/// time.
public struct Sample: Hashable, Sendable, BitwiseCopyable {
  /// Instants, one sampling interval apart.
  public let count: Int32
  /// The instruction that ran or was waited with.
  public let programCounter: UInt32
  /// True while an instruction ran.
  public let isBusy: Bool
  /// Why the engine waited; none while it was busy or had nothing to wait for.
  public let cause: StallCause
  /// DMA engines that a transfer runs on; 0 for an instruction.
  public let engines: UInt8
}

/// The instants of simulated time at which engines are looked at, one in each interval.
///
/// Where in its interval an instant lies is drawn anew for each, so that a program whose period is
/// a multiple of the interval is met everywhere in its period. The draw depends on the interval's
/// number alone: every track is looked at in the same instants, in every run.
public struct SampleInstants: Sendable {
  /// One of the instants.
  struct Instant: BitwiseCopyable {
    /// The number of the interval that it lies in.
    var number: Int64
    /// Picoseconds.
    var time: Int64
  }

  private let interval: Int64
  private let divider: InvariantDivider

  /// The instants of intervals of so many picoseconds.
  init(intervalPicoseconds: Int64) {
    precondition(intervalPicoseconds > 0, "a sampling interval is positive")
    interval = intervalPicoseconds
    divider = InvariantDivider(intervalPicoseconds)
  }

  /// The instant in interval `number`: a picosecond drawn from it by a hash of the number, with the
  /// multipliers of SplitMix64 (Steele, Lea and Flood, 2014).
  @inline(__always)
  public static func time(_ number: Int64, interval: Int64) -> Int64 {
    var mixed = UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9
    mixed ^= mixed >> 32
    let offset = mixed.multipliedFullWidth(by: UInt64(bitPattern: interval)).high
    return number &* interval &+ Int64(bitPattern: offset)
  }

  /// The first instant at a time or after it.
  @inline(__always)
  func first(from time: Int64) -> Instant {
    // Those of intervals before the one that the time lies in are over, its own may be.
    let number = divider.quotient(time)
    let own = Instant(number: number, time: Self.time(number, interval: interval))
    guard own.time < time else { return own }
    return Instant(number: number &+ 1, time: Self.time(number &+ 1, interval: interval))
  }
}

/// Samples every engine once in each interval of simulated time, from what an `EventRecorder` that
/// keeps what samples need wrote down.
public struct Sampler: Sendable {
  private let instants: SampleInstants
  private var cursors: [SampleInstants.Instant]

  /// A sampler of that interval in picoseconds.
  public init(intervalPicoseconds: Int64) {
    instants = SampleInstants(intervalPicoseconds: intervalPicoseconds)
    cursors = Array(repeating: instants.first(from: 0), count: EventRecorder.trackCount)
  }

  /// Adds the samples that the next block of a track's events holds.
  public mutating func sample(
    _ block: RecordBlock<EventRecord>, track: Int, into samples: inout [Sample]
  ) {
    var cursor = cursors[track]
    for event in block.events where cursor.time < event.start &+ event.duration {
      meet(event, &cursor, &samples)
    }
    cursors[track] = cursor
  }

  /// Instants before the event's wait found the engine idle, those in it waiting, the others busy.
  @inline(__always)
  private func meet(
    _ event: Event, _ cursor: inout SampleInstants.Instant, _ samples: inout [Sample]
  ) {
    let stall = event.start &- event.wait
    if cursor.time < stall {
      append(&samples, &cursor, until: stall, event, isBusy: false, .none)
    }
    if cursor.time < event.start {
      append(&samples, &cursor, until: event.start, event, isBusy: false, event.cause)
    }
    let end = event.start &+ event.duration
    if cursor.time < end {
      append(&samples, &cursor, until: end, event, isBusy: true, .none)
    }
  }

  @inline(__always)
  private func append(
    _ samples: inout [Sample], _ cursor: inout SampleInstants.Instant, until end: Int64,
    _ event: Event, isBusy: Bool, _ cause: StallCause
  ) {
    let following = instants.first(from: end)
    var left = following.number &- cursor.number
    cursor = following
    while left > 0 {
      let count = min(left, Int64(Int32.max))
      samples.append(
        Sample(
          count: Int32(count), programCounter: event.programCounter, isBusy: isBusy, cause: cause,
          engines: isBusy ? event.engines : 0))
      left &-= count
    }
  }
}
