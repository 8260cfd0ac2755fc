public import Units

/// One executed instruction, or one transfer of one DMA engine: 32 bytes.
///
/// What follows from the program counter (opcode, shape, bytes) stands in the program table.
public struct TraceEvent: Hashable, Sendable, BitwiseCopyable {
  /// When the work began.
  public var start: Picoseconds
  /// How long it kept the engine busy; not negative.
  public var duration: Picoseconds
  /// How long the engine stood still just before `start`; not negative.
  public var wait: Picoseconds
  /// The row of the program table.
  public var programCounter: UInt32
  /// What was waited for: a semaphore's or a queue's number.
  public var detail: UInt16
  /// `StallCause` as a number, so that any byte of a file is a legal value.
  public var stallCauseCode: UInt8
  /// Free for marks of the recorder; 0 when unused.
  public var flags: UInt8

  /// Times and lengths stay within plus or minus this many picoseconds (13 days).
  public static let limit: Int64 = 1 << 60

  /// A record of these parts; `limit` bounds the times.
  @inlinable public init(
    start: Picoseconds, duration: Picoseconds, wait: Picoseconds = .zero,
    stallCause: StallCause = .none, detail: UInt16 = 0, programCounter: UInt32, flags: UInt8 = 0
  ) {
    self.start = start
    self.duration = duration
    self.wait = wait
    self.programCounter = programCounter
    self.detail = detail
    self.stallCauseCode = stallCause.rawValue
    self.flags = flags
  }

  /// When the work ended.
  @inlinable public var end: Picoseconds { start + duration }

  /// Why the engine stood still before `start`; an unknown number reads as `none`.
  @inlinable public var stallCause: StallCause { StallCause(rawValue: stallCauseCode) ?? .none }
}
