public import Hardware
public import InstructionSet
import CoreState
import Units

/// An instruction that meets those of other cores. The core that comes to it cannot say when it
/// ends: a model of the chip settles that once all have come.
public struct Meeting: Sendable {
  /// The engine whose queue holds it.
  public let engine: Engine
  /// The instruction.
  public let operation: Operation
  /// When the engine came to it, in picoseconds.
  public let time: Int64
  /// From the coming of the last core to the end, by the instruction's own law.
  public let duration: Int64
  /// Raw elements that this core brings; empty where only time counts.
  public let elements: [UInt32]
  let record: IssueRecord
  let invocation: Int
  let waited: Int64

  /// The semaphore that it updates at its end, if any.
  public var updatedSemaphore: UInt8? {
    record.update.operation == .none ? nil : record.update.semaphore
  }

  /// True where the engine goes on at once: only the update waits for the end.
  public var isAsynchronous: Bool { operation.opcode == .collective }
}

extension CoreModel {
  /// Leaves an instruction to the chip: the engine stands still, or for a collective goes on.
  @inline(never)
  mutating func meet<O: Observer & ~Copyable>(
    _ engine: Int, _ index: Int, _ record: IssueRecord, _ row: TimedRow, at time: Int64,
    waited: Int64, _ observer: inout O
  ) {
    let meeting = Meeting(
      engine: Engine(rawValue: UInt8(engine))!, operation: instruction(at: index).operation,
      time: time, duration: row.completion - row.start, elements: elements(index, engine),
      record: record, invocation: engines[engine].invocation, waited: waited)
    meetings.append(meeting)
    limit = min(limit, time)
    guard meeting.isAsynchronous else {
      engines[engine].isHeld = true
      engines[engine].candidate = .max
      return
    }
    var trigger = record
    trigger.update = .none
    retire(engine, trigger, row, at: time, waited: waited, &observer)
    advance(engine, record, &observer)
  }

  /// What an instruction brings to a meeting.
  private mutating func elements(_ index: Int, _ engine: Int) -> [UInt32] {
    guard computes else { return [] }
    bind(engines[engine].invocation)
    let kind = Engine(rawValue: UInt8(engine))!
    switch instruction(at: index).operation {
    case .sendReceive(let exchange): return exchange.message(from: core, engine: kind).elements
    case .collective(let collective):
      return core.elementBits(of: collective.source, engine: kind)
    default: return []
    }
  }
}

// MARK: What a model of the chip does with a core

extension CoreModel {
  /// Instructions that came to a meeting since the last call.
  public mutating func takeMeetings() -> [Meeting] {
    defer { meetings = [] }
    return meetings
  }

  /// Goes on until nothing is left before `limit`; stops earlier where the core comes to a meeting
  /// or, when it shares a stack, where its demand changes.
  public mutating func advance(
    to limit: Int64, watchedBy watcher: inout CoreWatcher
  ) throws(RunError) {
    try watcher.advance(&self, to: limit)
  }

  /// The next time at which something happens, `Int64.max` when the core is done or stuck.
  public var nextTime: Int64 {
    guard hasStarted else { return 0 }
    var next = dma.nextEvent
    for engine in engines.indices { next = min(next, engines[engine].candidate) }
    return next
  }

  /// The latest completion so far, in picoseconds.
  public var lastCompletion: Int64 { endTime }

  /// True when every engine has come to the end of its queue and no transfer is under way.
  public var isFinished: Bool {
    guard hasStarted, dma.isIdle else { return false }
    for engine in engines.indices where !engines[engine].isDone { return false }
    return true
  }

  /// Ends a meeting: what others brought arrives, and the instruction completes.
  ///
  /// - Parameters:
  ///   - start: when the last core came.
  ///   - completion: when it is over here.
  ///   - elements: raw elements for the instruction's destination; empty where only time counts.
  ///   - watcher: sees the time until the last core came as a wait.
  public mutating func settle(
    _ meeting: Meeting, start: Int64, completion: Int64, elements: [UInt32],
    watchedBy watcher: inout CoreWatcher
  ) {
    let engine = Int(meeting.engine.rawValue)
    if !elements.isEmpty { deliver(elements, meeting) }
    endTime = max(endTime, completion)
    invocationEnds[meeting.invocation] = max(invocationEnds[meeting.invocation], completion)
    if meeting.record.update.operation != .none {
      let publication = meeting.isAsynchronous ? 0 : laws.publish[engine]
      post(
        meeting.record.update, at: completion + publication, byTransfer: meeting.isAsynchronous)
    }
    guard !meeting.isAsynchronous else { return }
    let held = start - meeting.time
    let row = TimedRow(start: start, completion: completion)
    engines[engine].isHeld = false
    engines[engine].controlFree = completion
    engines[engine].stalls[Int(StallCause.semaphore.rawValue)] += held
    var quiet = meeting.record
    quiet.update = .none
    var last = LastEvent()
    retire(engine, quiet, row, at: meeting.time, waited: meeting.waited, &last)
    if var event = last.event {
      event.wait += held
      if held > 0, event.cause == .none { event.cause = .semaphore }
      watcher.ran(event, on: engine)
    }
    advance(engine, meeting.record, &watcher)
  }

  private mutating func deliver(_ elements: [UInt32], _ meeting: Meeting) {
    bind(meeting.invocation)
    switch meeting.operation {
    case .sendReceive(let exchange):
      let message = CoreMessage(
        pipe: Int(exchange.pipe), receiver: Int(exchange.sendTo), elements: elements)
      let fits = exchange.deliver(message, to: &core, engine: meeting.engine)
      precondition(fits, "the chip compared both ends before")
    case .collective(let collective):
      core.setElementBits(of: collective.destination, to: elements, engine: meeting.engine)
    default: break
    }
  }

  /// Counts bytes of HBM that a collective moves beside the program's transfers.
  public mutating func countTraffic(readBytes: Int64, writtenBytes: Int64) {
    dma.count(readBytes: readBytes, writtenBytes: writtenBytes)
  }

  /// Engines that wait for a semaphore that nobody updates any more.
  public var waiting: [DeadlockReport.Waiting] { waitingEngines() }

  /// Engines that have an instruction left for which `matches` holds.
  public func engines(whoseRest matches: (Operation) -> Bool) -> [Engine] {
    Engine.allCases.filter { engine in
      let state = engines[Int(engine.rawValue)]
      guard !state.isDone else { return false }
      if (state.next..<state.end).contains(where: { matches(instruction(at: $0).operation) }) {
        return true
      }
      return loaded.program.invocations[(state.invocation + 1)...].contains { invocation in
        let segment = loaded.program.segments[invocation.segment]
        return segment.instructions[segment.range(of: engine)].contains { matches($0.operation) }
      }
    }
  }
}

// MARK: A stack of HBM that several cores share

extension CoreModel {
  /// From now on the step loop stops where the core's demand on its stack changes.
  public mutating func shareStack() { sharesStack = true }

  /// What the transfers under way would take of the stack at full pace, in bytes per microsecond;
  /// the step loop goes on until it changes again.
  public mutating func takeDemand() -> Int64 {
    knownDemand = dma.demand
    return knownDemand
  }

  /// When something last happened in the DMA engines: after a stop, when the demand changed.
  public var transferTime: Int64 { dma.clock }

  /// Before this time the demand does not change, whatever the engines do.
  public var nextDemandChange: Int64 {
    let next = nextTime
    return min(dma.nextEvent, next == .max ? next : next + dma.shortestDispatch)
  }

  /// From `time` on the DMA engines work at a part of their pace.
  public mutating func setPace(_ share: TransferPace.Share, at time: Int64) {
    dma.setPace(share, at: time)
  }
}
