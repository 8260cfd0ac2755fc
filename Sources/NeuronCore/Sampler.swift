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

/// Samples every engine once in each interval of simulated time, from what an `EventRecorder` that
/// keeps stretches wrote down.
///
/// Where in its interval an instant lies is drawn anew for each, so that a program whose period is
/// a multiple of the interval is met everywhere in its period. The draw depends on the interval's
/// number alone: every track is looked at in the same instants, in every run.
public struct Sampler: Sendable {
  private let interval: Int64
  private let divider: InvariantDivider
  private var cursors: [Cursor]

  /// Where a track's sampling is.
  private struct Cursor {
    /// The number of the interval that the next instant lies in.
    var number: Int64
    /// The next instant.
    var instant: Int64

    @inline(__always)
    init(_ number: Int64, interval: Int64) {
      self.number = number
      instant = Sampler.instant(number, interval: interval)
    }
  }

  /// A sampler of that interval in picoseconds.
  public init(intervalPicoseconds: Int64) {
    precondition(intervalPicoseconds > 0, "a sampling interval is positive")
    interval = intervalPicoseconds
    divider = InvariantDivider(intervalPicoseconds)
    cursors = Array(
      repeating: Cursor(0, interval: interval), count: EventRecorder.trackCount)
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

  /// Adds the samples that the next block of a track's events holds.
  public mutating func sample(
    _ block: RecordBlock<EventRecord>, track: Int, into samples: inout [Sample]
  ) {
    var cursor = cursors[track]
    for event in block.events where cursor.instant < event.start &+ event.duration {
      meet(event, &cursor, &samples)
    }
    cursors[track] = cursor
  }

  /// Instants before the event's wait found the engine idle, those in it waiting, the others busy.
  @inline(__always)
  private func meet(_ event: Event, _ cursor: inout Cursor, _ samples: inout [Sample]) {
    let stall = event.start &- event.wait
    if cursor.instant < stall {
      append(&samples, &cursor, until: stall, event, isBusy: false, .none)
    }
    if cursor.instant < event.start {
      append(&samples, &cursor, until: event.start, event, isBusy: false, event.cause)
    }
    let end = event.start &+ event.duration
    if cursor.instant < end {
      append(&samples, &cursor, until: end, event, isBusy: true, .none)
    }
  }

  @inline(__always)
  private func append(
    _ samples: inout [Sample], _ cursor: inout Cursor, until end: Int64, _ event: Event,
    isBusy: Bool, _ cause: StallCause
  ) {
    // Instants of intervals before the one that `end` lies in are over, its own may be.
    var following = Cursor(divider.quotient(end), interval: interval)
    if following.instant < end { following = Cursor(following.number &+ 1, interval: interval) }
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
