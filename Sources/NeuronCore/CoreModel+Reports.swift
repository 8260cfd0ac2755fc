import Hardware
import InstructionSet
import Units
import CoreState

extension CoreModel {
  /// The instruction at a program counter.
  func instruction(at counter: Int) -> Instruction {
    let (segment, index) = place(of: counter)
    return loaded.program.segments[segment].instructions[index]
  }

  /// The segment of a program counter and the index in it.
  func place(of counter: Int) -> (segment: Int, index: Int) {
    var segment = 0
    while loaded.bases[segment + 1] <= counter { segment += 1 }
    return (segment, counter - loaded.bases[segment])
  }

  /// What the finished run adds up to.
  func totals() -> RunTotals {
    let clock = loaded.device.clocks.tensor.value
    return RunTotals(
      duration: Picoseconds(endTime), retired: engines.elements.map(\.retired),
      active: engines.elements.map { Picoseconds($0.activeTime) },
      busy: engines.elements.map { Picoseconds($0.busyTime) },
      stalls: engines.elements.map { state in
        state.stalls.indices.map { Picoseconds(state.stalls[$0]) }
      },
      dmaEngineActive: (0..<DMAQueues.mostEngines).map {
        Picoseconds(dma.activeTime(ofEngine: $0))
      },
      hbmReadBytes: dma.hbmReadBytes, hbmWriteBytes: dma.hbmWriteBytes,
      throttled: Picoseconds(array.limiter.throttledWork / (2 * clock.denominator)),
      invocationEnds: invocationEnds.elements.map(Picoseconds.init))
  }

  /// Who waits for whom now that nothing can go on.
  func deadlockReport() -> DeadlockReport {
    DeadlockReport(waiting: waitingEngines(), time: Picoseconds(endTime))
  }

  /// Engines that wait for a semaphore that nobody updates any more.
  func waitingEngines() -> [DeadlockReport.Waiting] {
    engines.indices.filter { !engines[$0].isDone && !engines[$0].isHeld }.map { engine in
      let (segment, index) = place(of: engines[engine].next)
      let program = loaded.program.segments[segment]
      let instruction = program.instructions[index]
      let wait = instruction.wait
      return DeadlockReport.Waiting(
        engine: Engine(rawValue: UInt8(engine))!, index: index,
        instruction: instruction.operation.opcode.name, segment: program.name,
        source: program.sites[Int(instruction.site)].source, semaphore: wait.semaphore,
        value: semaphores.value(Int(wait.semaphore), at: .max),
        wanted: "\(wait.condition == .equal ? "=" : ">=") \(wait.value)",
        updaters: updaters(of: wait.semaphore))
    }
  }

  /// Engines that still have an instruction to run that updates a semaphore.
  private func updaters(of semaphore: UInt8) -> [Engine] {
    Engine.allCases.filter { engine in
      let state = engines[Int(engine.rawValue)]
      guard !state.isDone else { return false }
      return (state.next..<state.end).contains {
        let update = loaded.records[$0].update
        return update.operation != .none && update.semaphore == semaphore
      }
    }
  }
}
