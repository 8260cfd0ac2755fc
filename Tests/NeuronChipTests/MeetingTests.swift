import CoreState
import Hardware
import InstructionSet
import NeuronChip
import NeuronCore
import Testing
import Units

/// Exchanges and barriers between the two cores of a logical core.
@Suite struct MeetingTests {
  private let device = Device.trainium2

  /// A core that waits `busy` copies long, then exchanges.
  private func exchange(copies: [Int]) -> ChipBench {
    var bench = ChipBench(cores: 2)
    for core in 0..<2 {
      for _ in 0..<copies[core] {
        bench.add(
          core, .vector, .copy(Copy(sbuf(512, at: 8_192), from: sbuf(512, at: 16_384))),
          update: SemaphoreUpdate(1))
      }
      bench.add(
        core, .gpsimd,
        .sendReceive(
          SendReceive(sbuf(4, at: 4_096), sending: sbuf(4), to: 1 - core, from: 1 - core)),
        wait: copies[core] == 0 ? .none : SemaphoreWait(1, .atLeast, UInt32(copies[core])),
        update: SemaphoreUpdate(2))
      bench.add(
        core, .vector, .copy(Copy(sbuf(4, at: 6_144), from: sbuf(4, at: 4_096))),
        wait: SemaphoreWait(2, .atLeast, 1))
    }
    return bench
  }

  /// What some copies take a core by itself.
  private func copying(_ count: Int) throws -> Int64 {
    var bench = ChipBench(cores: 1, coresPerLogicalCore: 1)
    for _ in 0..<count {
      bench.add(0, .vector, .copy(Copy(sbuf(512, at: 8_192), from: sbuf(512, at: 16_384))))
    }
    let loaded = try LoadedProgram(bench.program.programs[0], device: device)
    var core = try CoreModel(loaded, computes: false, checksHazards: false)
    return try core.run().duration.value
  }

  @Test func exchangedValuesAreTheOtherCores() throws {
    var chip = try exchange(copies: [0, 3]).chip(computes: true)
    for core in 0..<2 {
      chip.withCore(core) { state in
        state.setElements(sbuf(4), to: (0..<512).map { Float($0 + 1_000 * core) })
      }
    }
    _ = try chip.run()
    for core in 0..<2 {
      let copied = chip.withCore(core) { $0.elements(sbuf(4, at: 6_144)) }
      #expect(copied == (0..<512).map { Float($0 + 1_000 * (1 - core)) })
    }
  }

  /// The exchange begins when the later core comes, and both are done at once.
  @Test func exchangeTakesItsLawFromTheLaterCore() throws {
    let late = try exchange(copies: [0, 40]).run()
    let early = try exchange(copies: [0, 0]).run()
    let alone = try exchange(copies: [40, 40]).run()
    #expect(late.duration(0) == late.duration(1))
    #expect(late.duration(1) == alone.duration(1))
    let law = device.dma.coreExchange.value.value
    #expect(early.duration(0) > law)
    #expect(early.duration(0) < law + 1_000_000, "little but the exchange")
    let work = try copying(40)
    let handOff =
      device.semaphore.publishVector.value.value + device.semaphore.detectGpSimd.value.value
    #expect(late.duration(0) - early.duration(0) == work + handOff, "by forty copies later")
    let stall = late.cores[0].totals.stalls[Int(Engine.gpsimd.rawValue)]
    #expect(stall[Int(StallCause.semaphore.rawValue)].value == work + handOff)
  }

  @Test func barrierEndsTheSkewOfTheCores() throws {
    func skewed(_ copies: Int) -> ChipBench {
      var bench = ChipBench(cores: 2)
      for _ in 0..<copies {
        bench.add(1, .vector, .copy(Copy(sbuf(512, at: 8_192), from: sbuf(512))))
      }
      for core in 0..<2 {
        bench.add(core, .vector, .control(ControlInstruction(.drain)))
        bench.add(core, .vector, .coreBarrier(CoreBarrier(7, semaphore: 9)))
        bench.add(core, .vector, .copy(Copy(sbuf(64, at: 8_192), from: sbuf(64))))
      }
      return bench
    }
    let totals = try skewed(20).run()
    #expect(totals.duration(0) == totals.duration(1))
    let none = try skewed(0).run()
    #expect(none.duration(0) == none.duration(1))
    let work = try copying(20)
    #expect(abs(totals.duration(0) - none.duration(0) - work) < 100_000, "but for the DRAIN's law")
    let law = device.sequencer.coreBarrier.value.value
    #expect(none.duration(0) >= law && none.duration(0) < law + 1_000_000)
  }

  @Test func timesAreTheSameInBothModesAndOnAnyThreads() throws {
    let bench = exchange(copies: [5, 9])
    let timing = try bench.run()
    var chip = try bench.chip(computes: true)
    #expect(try chip.run() == timing)
    #expect(try bench.run(threads: 4) == timing)
  }

  @Test func deadlockOfTwoCoresNamesBoth() throws {
    var bench = ChipBench(cores: 2)
    for core in 0..<2 {
      // Each core comes to its own pipe first.
      for pipe in [core, 1 - core] {
        bench.add(
          core, .gpsimd,
          .sendReceive(
            SendReceive(
              sbuf(4, at: 4_096), sending: sbuf(4), to: 1 - core, from: 1 - core, pipe: pipe)))
      }
    }
    do {
      _ = try bench.run()
      Issue.record("two cores that wait for each other ran to an end")
    } catch ChipError.deadlock(let report) {
      #expect(report.waiting.map(\.place.core) == [0, 1])
      #expect(report.cycle.map(\.core) == [0, 1, 0])
      #expect("\(report)".contains("core 0 gpsimd: SENDRECV on pipe 0 waits for core 1"))
      #expect(
        "\(report)".contains("in a circle: core 0 gpsimd waits for core 1 gpsimd waits for core 0"))
    }
  }

  @Test func deadlockWithoutPartnerSaysSo() throws {
    var bench = ChipBench(cores: 2)
    bench.add(0, .vector, .coreBarrier(CoreBarrier(1, semaphore: 9)))
    bench.add(1, .vector, .coreBarrier(CoreBarrier(2, semaphore: 9)))
    do {
      _ = try bench.run()
      Issue.record("barriers of two numbers met")
    } catch ChipError.deadlock(let report) {
      #expect(report.cycle.isEmpty)
      #expect("\(report)".contains("PSEUDO_CORE_BARRIER number 1 waits for core 1; nothing left"))
    }
  }

  @Test func exchangesThatDoNotFitAreRefused() throws {
    var bench = ChipBench(cores: 2)
    for core in 0..<2 {
      let tile = sbuf(4 + 4 * core)
      bench.add(
        core, .gpsimd, .sendReceive(SendReceive(tile, sending: tile, to: 1 - core, from: 1 - core)))
    }
    #expect(throws: ChipError.self) { _ = try bench.run() }
    do { _ = try bench.run() } catch ChipError.mismatch(let text) {
      #expect(text.contains("core 1 sends 128 x 8 fp32 and core 0 takes 128 x 4 fp32"))
    }
  }
}
