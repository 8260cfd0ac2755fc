import CoreState
import Hardware
import InstructionSet
import ProfileImport
import Replay
import Testing
import TraceFile
import Units

/// Replays of a small capture in the profiler's schema, made up for these tests.
struct ReplayTests {
  /// A row of the kernel.
  static func row(
    _ engine: String, _ opcode: String, _ operands: String, at start: Int, for duration: Int,
    pc: Int, extra: String = ""
  ) -> String {
    """
    {"subgroup": "\(engine)", "subgraph": "sg00", "opcode": "\(opcode)", "operands": "\(operands)",
     "timestamp": \(start), "duration": \(duration), "pc": \(pc), "compiler_pc": \(pc)\(extra)}
    """
  }

  static let load = row(
    "Sync", "DMA_DIRECT2D",
    " semaphore=8 sem_increment=16  src_elem_size=512 dst_elem_size=512 "
      + "src_pattern=[512,1][128,1] dst_pattern=[262144,1][128,1] src_addr_imm=0x8005c03b0000 "
      + "src_shape_reg=0 dst_addr_imm=0x802000037000 dst_shape_reg=0 compute_op=NONE", at: 1_000,
    for: 550, pc: 1, extra: ", \"hbm_read_bytes\": 65536, \"sbuf_write_bytes\": 65536")
  static let copy = row(
    "Vector", "COPY",
    "S[8] (qSyncDynamicHW)>=16 S[6] (Vector)++@complete "
      + "src=fp32@0x37000[1,1,1,1][128,1,1,1] dst=fp32@0x4000[1,1,1,1][128,1,1,1] channels=128",
    at: 3_300, for: 290, pc: 2)
  static let exponential = row(
    "Scalar", "ACTIVATE",
    "S[6] (Vector)>=1 EXP bias_ptr=fp32@0x4810 "
      + "src=fp32@0x4000[1,1,1][128,1,1] dst=fp32@0x5000[1,1,1][128,1,1] channels=128 "
      + "scale=1.000000 imm=0.000000 accumulator_cmd=IDLE", at: 3_620, for: 390, pc: 3)

  /// Sixteen increments, one every ten nanoseconds up to `last`.
  static func increments(to last: Int) -> [String] {
    (1...16).map {
      "{\"subgraph\": \"sg00\", \"id\": \"S[8] (qSyncDynamicHW)\", "
        + "\"timestamp\": \(last - 10 * (16 - $0)), \"value\": \($0)}"
    }
  }

  static func report(
    _ rows: [String], semaphores: [String] = increments(to: 3_276), ham: String = "",
    descriptors: [String] = []
  ) throws -> ProfileReport {
    let text = """
      {"instruction": [\(rows.joined(separator: ","))],
       "semaphore_update": [\(semaphores.joined(separator: ","))], "ham": [\(ham)],
       "dma": [\(descriptors.joined(separator: ","))],
       "dma_queues_info": [{"subgraph": "sg00", "q_name": "qSyncDynamicHW", "q_idx": 1}]}
      """
    return try ProfileReport(Array(text.utf8), path: "a.json")
  }

  private func replay(
    _ rows: [String] = [load, copy, exponential], semaphores: [String] = increments(to: 3_276),
    ham: String = "", measured: Bool = false
  ) throws -> Replay {
    try Replay(
      Self.report(rows, semaphores: semaphores, ham: ham), on: .trainium2,
      usesMeasuredTransfers: measured)
  }

  @Test func instructionsAreRebuilt() throws {
    let rebuilt = try replay().rebuilt
    let instructions = rebuilt.program.segments[0].instructions
    #expect(instructions.map(\.operation.opcode) == [.copy, .activate, .dmaDirect])
    #expect(rebuilt.leftOut.isEmpty)
    let shape = try #require(instructions[2].operation.transferShape(on: .trainium2, engine: .sync))
    #expect(shape.totalBytes == 65_536 && shape.descriptorBytes == 512 && shape.readsHBM)
    #expect(instructions[2].update == SemaphoreUpdate(8, .add, 16))
    #expect(instructions[0].wait == SemaphoreWait(8, .atLeast, 16))
    // The operands end below the 224 KiB that a partition of Trainium2 has.
    #expect(rebuilt.sbufShift == 0)
    guard case .copy(let copy) = instructions[0].operation else {
      Issue.record("no copy")
      return
    }
    #expect(Int(copy.source.byteOffset) == 0x37000 - rebuilt.sbufShift)
    #expect(copy.source.columns == 128 && copy.source.partitionCount == 128)
  }

  /// Zero is the first trigger on both sides, also where something comes before it: the run that
  /// follows the one that finds it must not move it again.
  @Test(arguments: [false, true]) func timesCountFromTheFirstTrigger(measured: Bool) throws {
    let mode = Self.row(
      "Sync", "SET_ORDERING_MODE", " ordering_mode=relaxed", at: 920, for: 24, pc: 0)
    let replay = try replay([mode, Self.load, Self.copy, Self.exponential], measured: measured)
    let trigger = try #require(replay.rows.first { $0.measured.opcode == "DMA_DIRECT2D" })
    #expect(trigger.measuredStart == 0 && trigger.modelStart == 0)
    let first = try #require(replay.rows.first { $0.measured.opcode == "SET_ORDERING_MODE" })
    #expect(first.measuredStart == -80_000)
    #expect(first.modelStart == -Device.trainium2.sequencer.setOrderingModeNext.sync.value.value)
    #expect(replay.total.model > 2_000_000)
  }

  /// With the capture's own increments, the copy starts one detection after the last of them.
  @Test(arguments: [3_276, 5_000]) func measuredTransfersDecideTheStart(last: Int) throws {
    let replay = try replay(semaphores: Self.increments(to: last), measured: true)
    let copy = try #require(replay.rows.first { $0.measured.opcode == "COPY" })
    let detect = Device.trainium2.semaphore.detectVector.value.value
    #expect(copy.modelStart == Int64(last - 1_000) * 1_000 + detect)
    #expect(replay.incompleteTransfers == 0)
  }

  /// Without them the model's own transfer decides, whatever the capture says.
  @Test func modelledTransfersIgnoreTheCapture() throws {
    let first = try replay(semaphores: Self.increments(to: 3_276))
    let second = try replay(semaphores: Self.increments(to: 9_000))
    #expect(first.rows.map(\.modelStart) == second.rows.map(\.modelStart))
    #expect(first.total.model > 2_000_000)
  }

  @Test func lostIncrementsAreCounted() throws {
    let replay = try replay(
      semaphores: Array(Self.increments(to: 3_276).dropLast(2)), measured: true)
    #expect(replay.incompleteTransfers == 1)
  }

  @Test func unknownRowsAreListedAndKeepTheirPlace() throws {
    let odd = Self.row(
      "Vector", "FROBNICATE", "S[8] (qSyncDynamicHW)>=16 S[6] (Vector)++@complete odd=1",
      at: 3_300, for: 290, pc: 2)
    let replay = try replay([Self.load, odd, Self.exponential])
    #expect(replay.rebuilt.leftOut.map(\.opcode) == ["FROBNICATE"])
    #expect(replay.rebuilt.leftOut.map(\.count) == [1])
    // The scalar engine still waits for its update.
    let exponential = try #require(replay.rows.first { $0.measured.opcode == "ACTIVATE" })
    let standIn = try #require(replay.rows.first { $0.measured.opcode == "FROBNICATE" })
    #expect(exponential.modelStart > standIn.modelStart && standIn.modelStart > 1_000_000)
  }

  /// What nothing rebuilt updates comes from the capture, at its time.
  @Test func orphanSemaphoresAreGiven() throws {
    let waiting = Self.row(
      "Vector", "COPY",
      "S[30] (qOther)>=2 src=fp32@0x4000[1][128] dst=fp32@0x5000[1][128] "
        + "channels=128", at: 7_100, for: 290, pc: 2)
    let updates = [(6_000, 1), (7_000, 2)].map {
      "{\"subgraph\": \"sg00\", \"id\": \"30\", \"timestamp\": \($0.0), \"value\": \($0.1)}"
    }
    let replay = try replay([Self.load, waiting], semaphores: updates)
    #expect(replay.givenUpdates == 2)
    let copy = try #require(replay.rows.first { $0.measured.opcode == "COPY" })
    let detect = Device.trainium2.semaphore.detectVector.value.value
    #expect(copy.modelStart == 6_000_000 + detect)
  }

  @Test func limiterPhaseFollowsTheCapture() throws {
    func phase(_ start: Int) throws -> Int64 {
      let ham =
        "{\"subgraph\": \"sg00\", \"timestamp\": \(start), \"duration\": 10, \"k\": 8, \"n\": 8}"
      let replay = try replay(ham: ham)
      #expect(replay.hasMeasuredPhase)
      return replay.device.limiter.phase.value.value
    }
    #expect(try phase(2_100) - phase(2_000) == 100_000)
    #expect(try !replay().hasMeasuredPhase)
  }

  @Test func reportsWithoutKernelAreRefused() throws {
    let text = """
      {"instruction": [{"subgroup": "Sync", "opcode": "DRAIN", "timestamp": 1, "duration": 8}]}
      """
    let report = try ProfileReport(Array(text.utf8), path: "a.json")
    #expect(throws: ReplayError.self) {
      try Replay(report, on: .trainium2, usesMeasuredTransfers: false)
    }
  }

  /// The union of rows, and medians, against numbers worked out by hand.
  @Test func comparisonAddsUp() throws {
    let replay = try replay()
    #expect(replay.total.measured == 3_010_000)
    #expect(replay.active(.vector).measured == 290_000)
    let opcodes = replay.opcodes()
    #expect(opcodes.map(\.opcode) == ["COPY", "ACTIVATE", "DMA_DIRECT2D"])
    #expect(opcodes[2].median.measured == 550_000)
    #expect(Replay.Pair(measured: 200, model: 210).errorPercent.map { abs($0 - 5) < 1e-9 } == true)
  }
}
