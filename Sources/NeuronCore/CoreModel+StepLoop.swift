import Hardware
import InstructionSet

extension CoreModel {
  /// Steps between two looks at the cancellation flag.
  private static var stepsPerCancelCheck: Int { 1 << 16 }

  /// The step loop: whoever is next in time goes next.
  mutating func loop<O: Observer>(_ observer: inout O, _ isCancelled: () -> Bool)
    throws(RunError) -> RunTotals
  {
    for engine in engines.indices { enter(engine) }
    var steps = 0
    while true {
      let engine = earliestEngine()
      let time = engines[engine].candidate
      if dma.nextEvent <= time {
        if dma.nextEvent == .max { break }
        serveTransfers(&observer)
      } else {
        try step(engine, at: time, &observer)
        if engine == 0 { try runAhead(&observer) }
      }
      steps &+= 1
      if steps % Self.stepsPerCancelCheck == 0, isCancelled() { throw .cancelled }
    }
    guard engines.allSatisfy(\.isDone) else { throw .deadlock(deadlockReport()) }
    if let hazards, !hazards.reports.isEmpty { throw .hazards(hazards.reports) }
    return totals()
  }

  /// The engine whose next dispatch is earliest; ties go to the first.
  @inline(__always)
  private func earliestEngine() -> Int {
    var best = 0
    for engine in 1..<5 where engines[engine].candidate < engines[best].candidate { best = engine }
    return best
  }

  /// The tensor engine goes on as long as its next row waits for nothing: its rows touch neither
  /// rings nor shared ports, so nobody can be early or late because of it.
  private mutating func runAhead<O: Observer>(_ observer: inout O) throws(RunError) {
    while !engines[0].isDone {
      let record = loaded.records[engines[0].next]
      guard record.wait.condition == .none,
        record.opcode == .matmul || record.opcode == .loadWeights
      else { return }
      try step(0, at: engines[0].candidate, &observer)
    }
  }

  /// Takes the next instruction of an engine's queue, or the next invocation's first one.
  mutating func enter(_ engine: Int) {
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
    refresh(engine)
  }

  /// When the sequencer and the data path can take the next instruction, waits aside.
  @inline(__always)
  private func readyTime(_ engine: Int, _ kind: Cost.Kind) -> Int64 {
    switch kind {
    case .control, .dmaTrigger: return engines[engine].controlFree
    case .stream:
      let ready = max(engines[engine].controlFree, engines[engine].dataFree)
      return engine == 2 ? max(ready, recent.noted(engine, laws.scalarLead)) : ready
    case .loadWeights, .matmul:
      return max(engines[engine].controlFree, recent.noted(engine, laws.tensorRunAhead))
    }
  }

  /// True when the data path stood idle before the dispatch: the start-up then shows in full.
  @inline(__always)
  private func isCold(_ engine: Int, _ kind: Cost.Kind, at time: Int64, _ ready: Int64) -> Bool {
    guard kind == .stream else { return time > ready }
    let paced = engine == 2 ? recent.noted(engine, laws.scalarLead) : .min
    return time > max(engines[engine].dataFree, paced)
  }

  /// Works out when an engine's next instruction can be dispatched.
  @inline(never)
  mutating func refresh(_ engine: Int) {
    let record = loaded.records[engines[engine].next]
    let kind = loaded.costs[Int(record.cost)].kind
    let ready = readyTime(engine, kind)
    guard record.wait.condition != .none else {
      engines[engine].candidate = ready
      return
    }
    let detection = laws.detection(engine, kind)
    if let met = semaphores.timeMet(record.wait, ready: ready - detection) {
      engines[engine].candidate = max(ready, met &+ detection)
    } else {
      engines[engine].candidate = .max
    }
    waiters[Int(record.wait.semaphore)] |= 1 << UInt8(engine)
  }

  /// Posts an update and wakes whoever waits for the semaphore.
  @inline(never)
  mutating func post(_ update: SemaphoreUpdate, at time: Int64) {
    semaphores.post(update, at: time)
    let semaphore = Int(update.semaphore)
    var mask = waiters[semaphore]
    while mask != 0 {
      let engine = mask.trailingZeroBitCount
      mask &= mask &- 1
      if !engines[engine].isDone { refresh(engine) }
    }
  }

  /// Carries out the next instruction of an engine at its dispatch time.
  mutating func step<O: Observer>(_ engine: Int, at time: Int64, _ observer: inout O)
    throws(RunError)
  {
    let index = engines[engine].next
    let record = loaded.records[index]
    let cost = loaded.costs[Int(record.cost)]
    if cost.kind == .stream, let free = portFree(engine, cost, at: time) {
      stalls[engine][Int(StallCause.port.rawValue)] += free - time
      engines[engine].dataFree = free
      refresh(engine)
      return
    }
    let ready = readyTime(engine, cost.kind)
    let waited = max(0, time - max(ready, engines[engine].activeUntil))
    if record.wait.condition != .none {
      let semaphore = Int(record.wait.semaphore)
      waiters[semaphore] &= ~(1 << UInt8(engine))
      hazards?.wait(record.wait, engine: engine)
      semaphores.settle(semaphore, upTo: time - laws.longestDetect)
    }
    let row = dispatch(
      engine, index, record, cost, at: time, isCold: isCold(engine, cost.kind, at: time, ready))
    if hazards != nil || computes || record.touchesRegisters {
      try carryOut(engine, index, record)
    }
    finishStep(engine, record, row, cost, at: time, waited: waited, &observer)
    advance(engine, record)
  }

  /// Notes what the instruction took, posts its update and tells the observer.
  private mutating func finishStep<O: Observer>(
    _ engine: Int, _ record: IssueRecord, _ row: TimedRow, _ cost: Cost, at time: Int64,
    waited: Int64, _ observer: inout O
  ) {
    if record.update.operation != .none, cost.kind != .dmaTrigger {
      post(record.update, at: row.completion + laws.publish[engine])
    }
    engines[engine].retired += 1
    endTime = max(endTime, row.completion)
    let invocation = engines[engine].invocation
    if row.completion > invocationEnds[invocation] { invocationEnds[invocation] = row.completion }
    let cause: StallCause =
      waited == 0
      ? .none : isUpdatedByDMA[Int(record.wait.semaphore)] ? .dma : .semaphore
    if waited > 0 { stalls[engine][Int(cause.rawValue)] += waited }
    // Control rows that only synchronise are not activity, as in the vendor's profiler.
    if cost.kind != .control { engines[engine].addActive(row.start, row.completion) }
    observer.ran(
      Event(
        start: row.start, duration: row.completion - row.start, wait: waited,
        programCounter: UInt32(truncatingIfNeeded: engines[engine].next),
        semaphore: record.wait.semaphore, cause: cause),
      on: Engine(rawValue: UInt8(engine))!)
  }

  /// Moves to the instruction that follows: the next one, a branch target, the next invocation.
  private mutating func advance(_ engine: Int, _ record: IssueRecord) {
    if record.opcode == .compareBranch, let target = branchTarget(engine) {
      engines[engine].next = engines[engine].first + target
    } else {
      engines[engine].next += 1
    }
    enter(engine)
  }
}
