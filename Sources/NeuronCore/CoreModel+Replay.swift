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

/// What a run under measured conditions says beside its events.
package struct MeasuredRun: Sendable {
  /// What it adds up to.
  package var totals: RunTotals
  /// When the tensor engine's activity limiter changed the rate, in picoseconds. The first change
  /// ends the rate that the device starts with.
  package var rateChanges: [Int64]
}

extension LoadedProgram {
  /// Runs the program in timing mode under measured conditions. All times are picoseconds.
  ///
  /// - Throws: `RunError`, or `MemoryError` when the core cannot be set up.
  package func replay<O: Observer & ~Copyable>(
    _ conditions: MeasuredConditions, observer: inout O
  ) throws -> MeasuredRun {
    var core = try CoreModel(self, computes: false, checksHazards: false)
    core.measuredTransfers = conditions.transfers
    core.array.recordRateChanges()
    for (time, update) in conditions.updates {
      core.semaphores.post(update, at: max(0, time), byTransfer: true)
    }
    let totals = try core.loop(&observer) { false }
    return MeasuredRun(totals: totals, rateChanges: core.array.rateChanges)
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
