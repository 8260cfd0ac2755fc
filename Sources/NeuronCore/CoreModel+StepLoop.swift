import Hardware
import InstructionSet
import CoreState

extension CoreModel {
  /// Steps between two looks at the cancellation flag: fewer when each of them computes values.
  private var stepsPerCancelCheck: Int { computes ? 1 << 8 : 1 << 16 }

  /// Runs to the end.
  mutating func loop<O: Observer & ~Copyable>(_ observer: inout O, _ isCancelled: () -> Bool)
    throws(RunError) -> RunTotals
  {
    try advance(&observer, to: .max, isCancelled)
    return try finish()
  }

  /// The step loop: whoever is next in time goes next, until nothing is left before `limit`. It
  /// also stops where the core meets others, or changes what it takes of a shared stack.
  mutating func advance<O: Observer & ~Copyable>(
    _ observer: inout O, to limit: Int64, _ isCancelled: () -> Bool
  ) throws(RunError) {
    self.limit = limit
    if !hasStarted {
      hasStarted = true
      for engine in engines.indices { enter(engine, &observer) }
    }
    let cancelMask = stepsPerCancelCheck - 1
    var steps = 0
    while true {
      let engine = earliestEngine()
      let time = engines[engine].candidate
      if dma.nextEvent <= time {
        if dma.nextEvent >= self.limit { return }
        serveTransfers(&observer)
      } else {
        if time >= self.limit { return }
        try step(engine, at: time, &observer)
        if engine == 0 { try streamRows(&observer) }
      }
      steps &+= 1
      if steps & cancelMask == 0, isCancelled() { throw .cancelled }
    }
  }

  /// What a run to the end adds up to. Throws a deadlock when an engine still waits, and what the
  /// sanitizer found.
  public func finish() throws(RunError) -> RunTotals {
    for engine in engines.indices where !engines[engine].isDone {
      throw .deadlock(deadlockReport())
    }
    if let reports = sanitizer?.reports, !reports.isEmpty { throw .hazards(reports) }
    return totals()
  }

  /// The engine whose next dispatch is earliest; ties go to the first.
  @inline(__always)
  private func earliestEngine() -> Int {
    var best = 0
    var earliest = engines[0].candidate
    for engine in 1..<5 {
      let candidate = engines[engine].candidate
      if candidate < earliest {
        earliest = candidate
        best = engine
      }
    }
    return best
  }

  /// The tensor engine goes on as long as its next row waits for nothing: its rows touch neither
  /// rings nor shared ports, so nobody can be early or late because of it.
  private mutating func streamRows<O: Observer & ~Copyable>(_ observer: inout O) throws(RunError) {
    let first = engines[0].next
    while engines[0].next != engines[0].end {
      let record = loaded.records[engines[0].next]
      guard record.traits.contains(.isFreeRow) else {
        if engines[0].next != first { refresh(0) }
        return
      }
      let time = rowReadyTime()
      let row = dispatchRow(record, at: time)
      if hasEffects { try carryOut(0, engines[0].next, record) }
      retire(0, record, row, at: time, waited: 0, &observer)
      engines[0].next &+= 1
    }
    enter(0, &observer)
  }

  /// Carries out the next instruction of an engine at its dispatch time.
  @inline(__always)
  private mutating func step<O: Observer & ~Copyable>(
    _ engine: Int, at time: Int64, _ observer: inout O
  )
    throws(RunError)
  {
    let index = engines[engine].next
    let record = loaded.records[index]
    let ready = max(readyTime(engine, record.kind), engines[engine].activeUntil)
    if record.kind == .stream, let free = portFree(engine, record, at: time) {
      engines[engine].hold(from: ready, at: time)
      engines[engine].dataFree = free
      refresh(engine)
      return
    }
    let waited = max(0, time - min(ready, engines[engine].heldSince))
    if record.wait.condition != .none { endWait(engine, record, at: time) }
    let row = dispatch(engine, index, record, at: time)
    if hasEffects || !record.traits.isDisjoint(with: .actsInTime) {
      try carryOut(engine, index, record)
      if record.traits.contains(.meetsOthers) {
        return meet(engine, index, record, row, at: time, waited: waited, &observer)
      }
    }
    retire(engine, record, row, at: time, waited: waited, &observer)
    advance(engine, record, &observer)
  }

  /// Notes that a wait was met and forgets updates that nobody can ask about any more.
  @inline(__always)
  private mutating func endWait(_ engine: Int, _ record: IssueRecord, at time: Int64) {
    let semaphore = Int(record.wait.semaphore)
    semaphores.removeWaiter(engine, semaphore)
    semaphores.settle(semaphore, upTo: time - laws.longestDetect)
    if hasEffects { sanitizer?.wait(record.wait, engine: engine) }
  }

  /// Posts the instruction's update, adds up what it took and tells the observer.
  @inline(__always)
  mutating func retire<O: Observer & ~Copyable>(
    _ engine: Int, _ record: IssueRecord, _ row: TimedRow, at time: Int64, waited: Int64,
    _ observer: inout O
  ) {
    if record.update.operation != .none, record.kind != .dmaTrigger {
      post(record.update, at: row.completion + laws.publish[engine])
    }
    engines[engine].retired &+= 1
    endTime = max(endTime, row.completion)
    let invocation = engines[engine].invocation
    if row.completion > invocationEnds[invocation] { invocationEnds[invocation] = row.completion }
    var cause = StallCause.none
    if waited > 0 {
      cause = engines[engine].waitsForTransfer ? .dma : .semaphore
      if engines[engine].endHold() { cause = .port }
      engines[engine].stalls[Int(cause.rawValue)] += waited
    }
    engines[engine].addRow(row.start, row.completion, isControl: record.kind == .control)
    observer.ran(
      Event(
        start: row.start, duration: row.completion - row.start, wait: waited,
        programCounter: UInt32(truncatingIfNeeded: engines[engine].next), cause: cause),
      on: engine)
  }

  /// Moves to the instruction that follows: the next one, a branch target, the next invocation.
  @inline(__always)
  mutating func advance<O: Observer & ~Copyable>(
    _ engine: Int, _ record: IssueRecord, _ observer: inout O
  ) {
    let following = engines[engine].next &+ 1
    if record.opcode == .compareBranch, let target = branchTarget(engine) {
      engines[engine].next = engines[engine].first + target
      observer.went(step(engine, from: following, isEntry: false), engine: engine)
    } else {
      engines[engine].next = following
    }
    if engines[engine].next == engines[engine].end {
      enter(engine, &observer)
    } else {
      refresh(engine)
    }
  }

  /// Takes the next instruction of an engine's queue, or the next invocation's first one.
  @inline(never)
  mutating func enter<O: Observer & ~Copyable>(_ engine: Int, _ observer: inout O) {
    while engines[engine].next == engines[engine].end {
      engines[engine].invocation += 1
      guard engines[engine].invocation < loaded.program.invocations.count else {
        engines[engine].isDone = true
        engines[engine].candidate = .max
        return
      }
      let segment = loaded.program.invocations[engines[engine].invocation].segment
      let base = loaded.bases[segment]
      let starts = loaded.program.segments[segment].starts
      engines[engine].first = base + starts[engine]
      engines[engine].next = base + starts[engine]
      engines[engine].end = base + starts[engine + 1]
    }
    observer.went(step(engine, from: engines[engine].end, isEntry: true), engine: engine)
    refresh(engine)
  }

  /// The step to the engine's next row.
  @inline(__always)
  private func step(_ engine: Int, from end: Int, isEntry: Bool) -> ProgramStep {
    ProgramStep(
      target: UInt32(truncatingIfNeeded: engines[engine].next),
      end: UInt32(truncatingIfNeeded: end), isEntry: isEntry)
  }
}
