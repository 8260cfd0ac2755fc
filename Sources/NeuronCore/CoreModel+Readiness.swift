import Hardware
import InstructionSet
import CoreState

extension CoreModel {
  /// When the sequencer and the data path can take the next instruction, waits aside.
  @inline(__always)
  func readyTime(_ engine: Int, _ kind: Cost.Kind) -> Int64 {
    switch kind {
    case .control, .dmaTrigger: return engines[engine].controlFree
    case .stream:
      let ready = max(engines[engine].controlFree, engines[engine].dataFree)
      return engine == 2 ? max(ready, recent.noted(engine, laws.scalarLead)) : ready
    case .loadWeights, .matmul:
      return rowReadyTime()
    }
  }

  /// When the tensor engine's sequencer can take the next row: it runs ahead of the array only so
  /// far.
  @inline(__always)
  func rowReadyTime() -> Int64 {
    max(engines[0].controlFree, recent.noted(0, laws.tensorRunAhead))
  }

  /// True when the data path stood idle before the dispatch: the start-up then shows in full.
  @inline(__always)
  func isCold(_ engine: Int, at time: Int64) -> Bool {
    let paced = engine == 2 ? recent.noted(engine, laws.scalarLead) : .min
    return time > max(engines[engine].dataFree, paced)
  }

  /// Works out when an engine's next instruction can be dispatched.
  @inline(never)
  mutating func refresh(_ engine: Int) {
    let record = loaded.records[engines[engine].next]
    let ready = readyTime(engine, record.kind)
    guard record.wait.condition != .none else {
      engines[engine].candidate = ready
      return
    }
    let detection = laws.detection(engine, record.kind)
    if let met = semaphores.met(record.wait, ready: ready - detection) {
      engines[engine].candidate = max(ready, met.time &+ detection)
      engines[engine].waitsForTransfer = met.isByTransfer
    } else {
      engines[engine].candidate = .max
    }
    semaphores.addWaiter(engine, Int(record.wait.semaphore))
  }

  /// Posts an update and wakes whoever waits for the semaphore.
  @inline(never)
  mutating func post(_ update: SemaphoreUpdate, at time: Int64, byTransfer: Bool = false) {
    semaphores.post(update, at: time, byTransfer: byTransfer)
    wake(Int(update.semaphore))
  }

  /// Looks again at the engines that wait for a semaphore.
  @inline(__always)
  mutating func wake(_ semaphore: Int) {
    var mask = semaphores.waiters(semaphore)
    while mask != 0 {
      let engine = mask.trailingZeroBitCount
      mask &= mask &- 1
      if !engines[engine].isDone { refresh(engine) }
    }
  }

  /// When a port that the instruction needs is free, if it is not free now: the vector and scalar
  /// engines stream the same PSUM bank one after the other.
  @inline(__always)
  func portFree(_ engine: Int, _ record: IssueRecord, at time: Int64) -> Int64? {
    guard record.banks != 0 else { return nil }
    let other = engine == 1 ? 2 : 1
    guard engines[other].streamingUntil > time, engines[other].streamingBanks & record.banks != 0
    else { return nil }
    return engines[other].streamingUntil
  }
}
