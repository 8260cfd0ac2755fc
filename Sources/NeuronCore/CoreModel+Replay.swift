import CoreState
package import InstructionSet

/// What a run takes from a measurement instead of from the model.
package struct MeasuredConditions: Sendable {
  /// Updates of semaphores by what the program does not hold: when they are seen.
  package var updates: [(time: Int64, update: SemaphoreUpdate)] = []
  /// Transfers by program counter: from the beginning of the trigger's row to each increment.
  package var transfers: [UInt32: [Int64]] = [:]

  /// Nothing is measured.
  package init() {}
}

extension LoadedProgram {
  /// Runs the program in timing mode under measured conditions. All times are picoseconds.
  ///
  /// - Throws: `RunError`, or `MemoryError` when the core cannot be set up.
  package func replay<O: Observer & ~Copyable>(
    _ conditions: MeasuredConditions, observer: inout O
  ) throws -> RunTotals {
    var core = try CoreModel(self, computes: false, checksHazards: false)
    core.measuredTransfers = conditions.transfers
    for (time, update) in conditions.updates {
      core.semaphores.post(update, at: max(0, time), byTransfer: true)
    }
    return try core.loop(&observer) { false }
  }
}

extension CoreModel {
  /// Increments a semaphore at the measured times after the beginning of the trigger's row.
  mutating func postMeasured(_ delays: [Int64], _ update: SemaphoreUpdate, from start: Int64) {
    guard update.operation != .none else { return }
    let increment = SemaphoreUpdate(update.semaphore, .add, 1)
    for delay in delays {
      semaphores.post(increment, at: start + delay, byTransfer: true)
      endTime = max(endTime, start + delay)
    }
    wake(Int(update.semaphore))
  }
}
