import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing

/// What the step loop promises beside its laws: order, reports, repeatability.
@Suite struct ExecutionTests {
  private let row = Operation.control(ControlInstruction(.eventSemaphore))

  /// Two engines of which each waits for the other are a deadlock, and the report names both.
  @Test func deadlockNamesWhoWaitsForWhom() throws {
    var bench = TestBench()
    bench.add(.vector, row, wait: SemaphoreWait(0, .atLeast, 1), update: SemaphoreUpdate(1))
    bench.add(.scalar, row, wait: SemaphoreWait(1, .atLeast, 1), update: SemaphoreUpdate(0))
    do {
      _ = try bench.run()
      Issue.record("the program cannot end")
    } catch RunError.deadlock(let report) {
      #expect(report.waiting.map(\.engine) == [.vector, .scalar])
      #expect(report.waiting.map(\.semaphore) == [0, 1])
      #expect(report.waiting[0].updaters == [.scalar])
      #expect(report.description.contains("vector: EVENT_SEMAPHORE"))
    }
  }

  /// A reader that no semaphore orders after the writer is reported, whatever the times say.
  @Test func racesAreReportedWithBothInstructions() throws {
    let write = Operation.memset(Memset(sbuf(64), 1))
    let read = Operation.copy(Copy(sbuf(64, at: 4_096), from: sbuf(64)))
    var racy = TestBench()
    racy.add(.vector, write)
    racy.add(.scalar, read)
    do {
      _ = try racy.run(computes: true, checksHazards: true)
      Issue.record("the race was not seen")
    } catch RunError.hazards(let reports) {
      #expect(reports.count == 1)
      #expect(reports[0].earlier?.engine == .vector && reports[0].earlier?.isWrite == true)
      #expect(reports[0].later?.engine == .scalar && reports[0].later?.isWrite == false)
    }
    var ordered = TestBench()
    ordered.add(.vector, write, update: SemaphoreUpdate(0))
    ordered.add(.scalar, read, wait: SemaphoreWait(0, .atLeast, 1))
    _ = try ordered.run(computes: true, checksHazards: true)
  }

  /// Waiting for fewer transfers than were started orders only those.
  @Test func waitingForTheFirstTransferDoesNotOrderTheSecond() throws {
    for (count, isRacy) in [(16, true), (32, false)] {
      var bench = TestBench()
      bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
      for index in 0..<2 {
        let memory = DataLocation.hbm(
          TensorAccess(
            tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 64, rowStride: 64))
        bench.add(
          .sync, .dma(DMADirect(.onChip(sbuf(64, at: index * 256)), from: memory, queue: index)),
          update: SemaphoreUpdate(0, .add, 16))
      }
      bench.add(
        .vector, .copy(Copy(sbuf(64, at: 8_192), from: sbuf(64, at: 256))),
        wait: SemaphoreWait(0, .atLeast, UInt32(count)))
      if isRacy {
        #expect(throws: RunError.self) { try bench.run(computes: true, checksHazards: true) }
      } else {
        _ = try bench.run(computes: true, checksHazards: true)
      }
    }
  }

  /// A loop of the sequencer: registers count, a branch goes back, the body runs each time.
  @Test func hardwareLoop() throws {
    var bench = TestBench()
    bench.add(.vector, .register(.move(0, from: .immediate(0))))
    bench.add(.vector, .copy(Copy(sbuf(64, at: 4_096), from: sbuf(64))))
    bench.add(.vector, .register(.arithmetic(0, 0, .add, .immediate(1))))
    bench.add(.vector, .register(.branch(0, .less, .immediate(10), to: 1)))
    let timeline = try bench.run()
    #expect(timeline.rows(.vector, .copy).count == 10)
    #expect(timeline.totals.instructions == 1 + 3 * 10)
  }

  /// Both modes give the same picoseconds, and so does a second run.
  @Test func timesDoNotDependOnModeOrRun() throws {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    let memory = DataLocation.hbm(
      TensorAccess(tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 512, rowStride: 512))
    bench.add(
      .sync, .dma(DMADirect(.onChip(sbuf(512)), from: memory)),
      update: SemaphoreUpdate(0, .add, 16))
    for index in 0..<20 {
      bench.add(
        .tensor, .loadWeights(LoadWeights(sbuf(128, .bfloat16))),
        wait: index == 0 ? SemaphoreWait(0, .atLeast, 16) : .none)
      bench.add(
        .tensor,
        .matmul(
          Matmul(
            psum(512, bank: index % 8), sbuf(512, .bfloat16), columns: 128, accumulate: false)),
        update: SemaphoreUpdate(1))
      bench.add(
        index % 2 == 0 ? .vector : .scalar,
        .copy(Copy(sbuf(512, at: 8_192 * (1 + index % 8)), from: psum(512, bank: index % 8))),
        wait: SemaphoreWait(1, .atLeast, UInt32(index + 1)), update: SemaphoreUpdate(2))
    }
    let timed = try bench.run(computes: false).totals
    let computed = try bench.run(computes: true).totals
    let again = try bench.run(computes: true).totals
    #expect(timed == computed)
    #expect(computed == again)
  }

  /// The vector and scalar engines stream one PSUM bank after the other.
  @Test func onePSUMBankIsStreamedByOneEngineAtATime() throws {
    func scalarStart(bank: Int) throws -> Double {
      var bench = TestBench()
      bench.add(.vector, .copy(Copy(sbuf(512, at: 8_192), from: psum(512))))
      bench.add(.scalar, .copy(Copy(sbuf(512, at: 16_384), from: psum(512, bank: bank))))
      return try bench.run().rows[.scalar]![0].start
    }
    #expect(try scalarStart(bank: 1) == 0)
    #expect(try scalarStart(bank: 0) > 500)
  }

  /// An address that a register pushes out of SBUF is a fault while running, not a crash.
  @Test func registerOutOfBoundsIsAFault() throws {
    var bench = TestBench()
    var source = sbuf(64)
    source.register = 3
    bench.add(.vector, .register(.move(3, from: .immediate(300_000))))
    bench.add(.vector, .copy(Copy(sbuf(64, at: 4_096), from: source)))
    #expect(throws: RunError.self) { try bench.run(computes: true) }
  }

  /// A program whose DMA adds another number than its engines is refused when it is loaded.
  @Test func illegalProgramsAreRefused() throws {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    let memory = DataLocation.hbm(
      TensorAccess(tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 64, rowStride: 64))
    bench.add(
      .sync, .dma(DMADirect(.onChip(sbuf(64)), from: memory)), update: SemaphoreUpdate(0))
    #expect(throws: Fault.self) { try bench.run() }
    var wrongQueue = TestBench()
    wrongQueue.add(.tensor, .memset(Memset(sbuf(64), 0)))
    #expect(throws: Fault.self) { try wrongQueue.run() }
  }
}
