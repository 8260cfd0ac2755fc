import Hardware
import InstructionSet
import Units
import CoreState

/// What one dispatched instruction took, in picoseconds.
struct TimedRow {
  var start: Int64
  var completion: Int64
}

extension CoreModel {
  /// Applies the engine's law to an instruction that is dispatched at `time`.
  @inline(__always)
  mutating func dispatch(
    _ engine: Int, _ index: Int, _ record: IssueRecord, at time: Int64
  ) -> TimedRow {
    switch record.kind {
    case .matmul, .loadWeights: return dispatchRow(record, at: time)
    case .stream: return dispatchStream(engine, record, at: time)
    case .control: return dispatchControl(engine, record, at: time)
    case .dmaTrigger: return dispatchTrigger(engine, index, record, at: time)
    }
  }

  /// The tensor engine: rows through the array, or weights into its shadow set.
  @inline(__always)
  mutating func dispatchRow(_ record: IssueRecord, at time: Int64) -> TimedRow {
    let row =
      record.kind == .matmul
      ? array.stream(record, dispatch: time) : array.loadWeights(record, dispatch: time)
    recent.note(0, row.streamStart)
    engines[0].controlFree = time + laws.tensorStep
    if record.kind == .matmul {
      engines[0].lastCompletion = max(engines[0].lastCompletion, row.completion)
    }
    return TimedRow(start: row.start, completion: row.completion)
  }

  /// Vector, scalar and GpSimd engines: start-up, interval and completion interval.
  @inline(never)
  private mutating func dispatchStream(_ engine: Int, _ record: IssueRecord, at time: Int64)
    -> TimedRow
  {
    let cost = loaded.costs[Int(record.cost)]
    let isCold = isCold(engine, at: time)
    var duration = (isCold ? cost.coldDuration : cost.warmDuration).value
    var interval = (isCold ? cost.intervalAfterCold : cost.intervalAfterWarm).value
    if cost.sharedPortPenalty.value > 0, engines[3].streamingUntil > time {
      // The fast modes borrow GpSimd's port; while it streams they fall back to one per cycle.
      duration += cost.sharedPortPenalty.value
      interval += cost.sharedPortPenalty.value
    }
    let completion = max(
      time + duration, engines[engine].lastCompletion + cost.completionInterval.value)
    engines[engine].dataFree = time + interval
    engines[engine].controlFree = time + laws.controlOverlap
    engines[engine].lastCompletion = completion
    engines[engine].streamingUntil = time + cost.streamTime.value
    engines[engine].streamingBanks = cost.banks
    recent.note(engine, completion)
    return TimedRow(start: time, completion: completion)
  }

  /// Rows that the sequencer carries out alone.
  @inline(never)
  private mutating func dispatchControl(_ engine: Int, _ record: IssueRecord, at time: Int64)
    -> TimedRow
  {
    let cost = loaded.costs[Int(record.cost)]
    var completion = time + cost.coldDuration.value
    var next = time + cost.intervalAfterCold.value
    if record.opcode == .drain {
      let drained = engines[engine].lastCompletion + laws.drainAfterCompletion[engine]
      next += max(0, drained - completion)
      completion = max(completion, drained)
    }
    engines[engine].controlFree = max(next, completion)
    if record.opcode == .eventSemaphoreRangeClear { clear(record, engine, at: completion) }
    return TimedRow(start: time, completion: completion)
  }

  /// A range clear writes zero to each semaphore of its range.
  private mutating func clear(_ record: IssueRecord, _ engine: Int, at completion: Int64) {
    guard case .control(let instruction) = instruction(at: engines[engine].next).operation else {
      return
    }
    for semaphore in Int(instruction.first)..<Int(instruction.first + instruction.count) {
      post(SemaphoreUpdate(UInt8(semaphore), .write, 0), at: completion + laws.publish[engine])
    }
  }

  /// Hands a transfer to its ring: the queue is held for the trigger, the rest runs beside it.
  @inline(never)
  private mutating func dispatchTrigger(
    _ engine: Int, _ index: Int, _ record: IssueRecord, at time: Int64
  ) -> TimedRow {
    let shape = loaded.transfers[Int(record.extent)]
    let kind = Engine(rawValue: UInt8(engine))!
    let start: Int64
    let end: Int64
    if shape.isSoftware {
      start = max(
        time + laws.softwarePreparation(shape), engines[engine].lastRow + laws.softwareInterval)
      end = start
      let isInBurst = start - engines[engine].lastRow <= laws.softwareInterval
      engines[engine].burstRows = isInBurst ? engines[engine].burstRows + 1 : 0
      engines[engine].lastRow = start
      engines[engine].controlFree = max(
        time + max(laws.softwareInterval, laws.dynamicTrigger(shape)),
        start - laws.softwarePreparation(shape))
      engines[engine].dataFree = max(engines[engine].dataFree, start)
    } else {
      start = time
      // The address is known once the register has been read and added.
      end =
        time
        + max(
          laws.dynamicTrigger(shape),
          laws.triggerDuration(
            kind, since: engines[engine].lastTrigger, at: time, isStored: shape.isStored))
      engines[engine].lastTrigger = time
      engines[engine].controlFree = end + laws.afterTrigger(kind)
    }
    if !measuredTransfers.isEmpty, let delays = measuredTransfers[UInt32(index)] {
      postMeasured(delays, record.update, from: start)
    } else {
      dma.enqueue(
        shape, engine: kind, triggered: end, update: record.update, program: UInt32(index))
    }
    guard shape.isSoftware else { return TimedRow(start: start, completion: end) }
    // The doorbell's row overlaps what it triggers.
    let doorbell = laws.doorbell(earlier: engines[engine].burstRows)
    return TimedRow(start: start, completion: end + doorbell)
  }

  /// Carries out what happens next in the DMA engines.
  @inline(never)
  mutating func serveTransfers<O: Observer & ~Copyable>(_ observer: inout O) {
    let time = dma.nextEvent
    if let stretch = dma.stretch { observer.streamed(stretch) }
    let ended = dma.step()
    if sharesStack, dma.demand != knownDemand { limit = min(limit, time) }
    guard let completion = ended else { return }
    let transfer = completion.transfer
    let engineCount = Int(transfer.shape.engines)
    if transfer.update.operation != .none {
      let increment = SemaphoreUpdate(transfer.update.semaphore, .add, 1)
      for engine in 0..<engineCount {
        semaphores.post(
          increment, at: completion.visible + dma.skews[engine], byTransfer: true)
      }
      wake(Int(increment.semaphore))
    }
    endTime = max(endTime, completion.visible + dma.skews[engineCount - 1])
    var event = Event(
      start: transfer.start, duration: completion.end - transfer.start,
      wait: transfer.start - transfer.arrival, programCounter: transfer.program, cause: .none)
    event.ring = UInt8(truncatingIfNeeded: transfer.ring)
    observer.moved(event, engines: engineCount)
  }
}
