public import Units

/// What an engine does at one instant.
public struct TrackState: Hashable, Sendable, BitwiseCopyable {
  /// 0 idle, 1 busy, 16 plus a `StallCause` number when standing still, 32 plus the number less one
  /// of DMA engines that move data.
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Nothing in flight and nothing waited for.
  public static let idle = TrackState(rawValue: 0)
  /// Working.
  public static let busy = TrackState(rawValue: 1)

  /// Standing still for that cause.
  @inlinable public static func stalled(_ cause: StallCause) -> TrackState {
    TrackState(rawValue: 16 | cause.rawValue)
  }

  /// Data moves on the first `engines` DMA engines, 1 to 16.
  @inlinable public static func moving(engines: Int) -> TrackState {
    TrackState(rawValue: 32 | UInt8(truncatingIfNeeded: engines - 1) & 15)
  }

  /// How many DMA engines move data; nil for the state of anything else.
  @inlinable public var movingEngines: Int? {
    rawValue & 0xF0 == 32 ? Int(rawValue & 15) + 1 : nil
  }

  /// The cause when standing still; nil when busy, idle or unknown.
  @inlinable public var stallCause: StallCause? {
    rawValue & 0xF0 == 16 ? StallCause(rawValue: rawValue & 15) : nil
  }
}

/// The state of one engine at one sample instant: 16 bytes.
public struct TraceSample: Hashable, Sendable, BitwiseCopyable {
  /// The sample instant.
  public var time: Picoseconds
  /// The row of the program table that is running or waiting.
  public var programCounter: UInt32
  /// What the engine does.
  public var state: TrackState
  /// Zero; named so that a sample has no undefined bytes.
  private var zero0: UInt8 = 0
  private var zero1: UInt16 = 0

  /// The state of an engine at one instant.
  @inlinable public init(time: Picoseconds, state: TrackState, programCounter: UInt32) {
    self.init(time, programCounter, state)
  }

  @usableFromInline init(_ time: Picoseconds, _ programCounter: UInt32, _ state: TrackState) {
    self.time = time
    self.programCounter = programCounter
    self.state = state
  }
}

/// The same state at instants one step apart: what a sampler sees while an engine goes on alike.
package struct TraceSampleRun: Hashable, Sendable, BitwiseCopyable {
  /// The first instant.
  package var first: TraceSample
  /// Instants in all.
  package var count: Int32

  /// The state at `count` instants from that of `first` on.
  package init(first: TraceSample, count: Int32) {
    self.first = first
    self.count = count
  }
}
