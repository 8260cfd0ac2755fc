public import CoreState

/// An event as the step loop writes it down: sixteen bytes where nothing was waited for.
///
/// Most events are an instruction that ran on time for less than two milliseconds. What else there
/// is to say of an event comes in a record of its own before it, its head; where its engine came to
/// it otherwise than from the row before, that stands in a record before both, a step. A block
/// holds whole events.
public struct EventRecord: Sendable, BitwiseCopyable {
  /// The start; in a head the wait. Picoseconds. In a step the row that it ends at.
  let time: Int64
  /// From the lowest bit: program counter, duration. In a head: cause, ring, engines, the upper
  /// part of the duration. In a step: its target. The highest bits tell them apart.
  let bits: UInt64

  private static let durationShift: UInt64 = 32
  private static let durationBits: UInt64 = 31
  private static let headMark: UInt64 = 1 << 63
  private static let stepMark: UInt64 = 1 << 62
  private static let entryMark: UInt64 = 1 << 61
  private static let ringShift: UInt64 = 8
  private static let enginesShift: UInt64 = 16
  private static let upperShift: UInt64 = 24
  private static let byteMask: UInt64 = 0xFF

  /// Whether an event needs a head. What is known where the event is made costs nothing here.
  @inline(__always)
  static func needsHead(_ event: Event) -> Bool {
    event.wait != 0 || event.ring != 0 || event.engines != 0
      || UInt64(bitPattern: event.duration) >> durationBits != 0
  }

  /// The head of an event.
  @inline(__always)
  init(headOf event: Event) {
    time = event.wait
    let upper = UInt64(bitPattern: event.duration) >> Self.durationBits
    bits =
      UInt64(event.cause.rawValue) | UInt64(event.ring) << Self.ringShift
      | UInt64(event.engines) << Self.enginesShift | upper << Self.upperShift | Self.headMark
  }

  /// The event itself.
  @inline(__always)
  init(_ event: Event) {
    time = event.start
    // The upper part of a duration is in the head.
    let duration = (UInt64(bitPattern: event.duration) << Self.durationShift) & ~Self.headMark
    bits = UInt64(event.programCounter) | duration
  }

  /// A step of an engine.
  init(_ step: ProgramStep) {
    time = Int64(step.end)
    bits =
      UInt64(step.target) | (step.isEntry ? Self.entryMark : 0) | Self.stepMark | Self.headMark
  }

  /// Whether more comes before the event itself.
  @inline(__always)
  var isHead: Bool { bits & Self.headMark != 0 }

  /// The step that this record is, if it is one.
  @inline(__always)
  var step: ProgramStep? {
    guard bits & (Self.headMark | Self.stepMark) == Self.headMark | Self.stepMark else {
      return nil
    }
    return ProgramStep(
      target: UInt32(truncatingIfNeeded: bits), end: UInt32(truncatingIfNeeded: time),
      isEntry: bits & Self.entryMark != 0)
  }

  /// The event of this record, and of the head before it if there is one.
  @inline(__always)
  func event(head: EventRecord?) -> Event {
    var event = Event(
      start: time, duration: Int64(bitPattern: bits >> Self.durationShift), wait: 0,
      programCounter: UInt32(truncatingIfNeeded: bits), cause: .none)
    guard let head else { return event }
    let more = head.bits & ~Self.headMark
    event.wait = head.time
    event.cause = StallCause(rawValue: UInt8(more & Self.byteMask)) ?? .none
    event.ring = UInt8(more >> Self.ringShift & Self.byteMask)
    event.engines = UInt8(more >> Self.enginesShift & Self.byteMask)
    event.duration |= Int64(bitPattern: (more >> Self.upperShift) << Self.durationBits)
    return event
  }
}

extension RecordBlock<EventRecord> {
  /// The events of the block in order.
  public var events: EventSequence { EventSequence(self) }

  /// The steps of the block in order.
  public var steps: [ProgramStep] {
    var steps: [ProgramStep] = []
    for index in 0..<count {
      if let step = self[index].step { steps.append(step) }
    }
    return steps
  }
}

/// The events of a block in order.
public struct EventSequence: Sequence, IteratorProtocol {
  private let block: RecordBlock<EventRecord>
  private let count: Int
  private var index = 0

  init(_ block: RecordBlock<EventRecord>) {
    self.block = block
    count = block.count
  }

  public mutating func next() -> Event? {
    guard index < count else { return nil }
    let record = block[index]
    index &+= 1
    return record.isHead ? event(after: record) : record.event(head: nil)
  }

  /// The event that records before it say more of. A step may be the last of a block.
  private mutating func event(after first: EventRecord) -> Event? {
    var record = first
    var isFirst = false
    while let step = record.step {
      isFirst = isFirst || step.isEntry
      guard index < count else { return nil }
      record = block[index]
      index &+= 1
    }
    var head: EventRecord?
    if record.isHead {
      head = record
      record = block[index]
      index &+= 1
    }
    var event = record.event(head: head)
    event.isFirst = isFirst
    return event
  }
}
