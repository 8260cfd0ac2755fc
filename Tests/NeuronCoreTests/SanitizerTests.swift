import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing

/// Planted faults, five of each class: the sanitizer finds every one of them, and nothing in the
/// same program without the fault.
@Suite struct SanitizerTests {
  /// The kinds of all reports of a checked run; empty when it is clean.
  private func kinds(_ bench: TestBench, computes: Bool = true) throws -> [HazardReport.Kind] {
    try reports(bench, computes: computes).map(\.kind)
  }

  private func reports(_ bench: TestBench, computes: Bool = true) throws -> [HazardReport] {
    do {
      _ = try bench.run(computes: computes, checksHazards: true)
      return []
    } catch RunError.hazards(let reports) {
      return reports
    }
  }

  /// A bench on whose chip nothing lies and whose tensors hold nothing.
  private func empty(tensorBytes: Int = 1 << 20) -> TestBench {
    var bench = TestBench()
    bench.presets = []
    bench.contents = .undefined
    bench.tensors = [TensorParameter(name: "t", sizeBytes: tensorBytes)]
    return bench
  }

  private func block(rows: Int = 128, columns: Int = 64, byte: Int = 0) -> DataLocation {
    .hbm(
      TensorAccess(
        tensor: 0, .float32, byteOffset: byte, rows: rows, columns: columns, rowStride: columns))
  }

  // MARK: Bytes that nothing wrote

  @Test func unwrittenSBUF() throws {
    var bench = empty()
    bench.add(.vector, .memset(Memset(sbuf(64), 1)))
    bench.add(.vector, .copy(Copy(sbuf(65, at: 4_096), from: sbuf(65))))
    let found = try reports(bench)
    #expect(found.map(\.kind) == [.uninitialized])
    #expect(found.first?.place == "sbuf partition 0 byte 256")
    #expect(found.first?.later?.programCounter == 1)
    var clean = empty()
    clean.add(.vector, .memset(Memset(sbuf(64), 1)))
    clean.add(.vector, .copy(Copy(sbuf(64, at: 4_096), from: sbuf(64))))
    #expect(try kinds(clean) == [])
  }

  @Test func unwrittenPartition() throws {
    var bench = empty()
    bench.add(.vector, .memset(Memset(sbuf(64, partitions: 64), 1)))
    bench.add(.vector, .copy(Copy(sbuf(64, at: 4_096), from: sbuf(64))))
    let found = try reports(bench)
    #expect(found.first?.place == "sbuf partition 64 byte 0")
  }

  @Test func unwrittenPSUM() throws {
    var bench = empty()
    bench.add(.vector, .memset(Memset(psum(256), 0)))
    bench.add(.vector, .copy(Copy(sbuf(512), from: psum(512))))
    #expect(try reports(bench).first?.place == "psum partition 0 byte 1024")
  }

  /// One byte between the elements of a strided pattern is enough.
  @Test func unwrittenByteBetweenOthers() throws {
    var bench = empty()
    var even = sbuf(64, .uint8)
    even.strides[0] = 2
    bench.add(.vector, .memset(Memset(even, 1)))
    bench.add(.vector, .copy(Copy(sbuf(127, .uint8, at: 4_096), from: sbuf(127, .uint8))))
    #expect(try reports(bench).first?.place == "sbuf partition 0 byte 1")
    var clean = empty()
    clean.add(.vector, .memset(Memset(even, 1)))
    var moved = even
    moved.byteOffset = 4_096
    clean.add(.vector, .copy(Copy(moved, from: even)))
    #expect(try kinds(clean) == [])
  }

  @Test(arguments: [true, false]) func unwrittenHBM(_ computes: Bool) throws {
    var bench = empty()
    bench.add(.vector, .memset(Memset(sbuf(64), 1)), update: SemaphoreUpdate(0))
    bench.add(
      .sync, .dma(DMADirect(block(rows: 127), from: .onChip(sbuf(64, partitions: 127)))),
      wait: SemaphoreWait(0, .atLeast, 1), update: SemaphoreUpdate(1, .add, 16))
    bench.add(
      .sync, .dma(DMADirect(.onChip(sbuf(64, at: 4_096)), from: block())),
      wait: SemaphoreWait(1, .atLeast, 16), update: SemaphoreUpdate(2, .add, 16))
    let found = try reports(bench, computes: computes)
    #expect(found.map(\.kind) == [.uninitialized])
    #expect(found.first?.place == "hbm tensor 't' byte \(127 * 256)")
    #expect(found.first?.later?.isTransfer == true)
  }

  // MARK: Sums that were never begun

  private func product(_ columns: Int = 512, accumulate: Bool, transposes: Bool = false)
    -> Operation
  {
    .matmul(
      Matmul(
        psum(columns), sbuf(columns, .bfloat16), columns: 128, accumulate: accumulate,
        isTranspose: transposes))
  }

  /// A bench whose SBUF is full and whose weights are loaded.
  private func withWeights() -> TestBench {
    var bench = TestBench()
    bench.presets = [sbuf(57_344)]
    bench.add(.tensor, .loadWeights(LoadWeights(sbuf(128, .bfloat16))))
    return bench
  }

  @Test func sumNeverBegun() throws {
    var bench = withWeights()
    bench.add(.tensor, product(accumulate: true))
    #expect(try kinds(bench) == [.accumulation])
    var clean = withWeights()
    clean.add(.tensor, product(accumulate: false))
    clean.add(.tensor, product(accumulate: true))
    #expect(try kinds(clean) == [])
  }

  @Test func sumBegunTooNarrow() throws {
    var bench = withWeights()
    bench.add(.tensor, product(256, accumulate: false))
    bench.add(.tensor, product(512, accumulate: true))
    #expect(try reports(bench).first?.place == "psum partition 0 byte 1024")
  }

  @Test func sumOnAMemset() throws {
    var bench = withWeights()
    bench.add(.vector, .memset(Memset(psum(512), 0)), update: SemaphoreUpdate(0))
    bench.streams[0][0].wait = SemaphoreWait(0, .atLeast, 1)
    bench.add(.tensor, product(accumulate: true))
    let found = try reports(bench)
    #expect(found.map(\.kind) == [.accumulation])
    #expect(found.first?.earlier?.instruction == "MEMSET")
    #expect(found.first?.later?.instruction == "MATMUL")
  }

  @Test func sumOverwrittenByACopy() throws {
    var bench = withWeights()
    bench.add(.tensor, product(accumulate: false), update: SemaphoreUpdate(0))
    bench.add(
      .vector, .copy(Copy(psum(8), from: sbuf(8))), wait: SemaphoreWait(0, .atLeast, 1),
      update: SemaphoreUpdate(1))
    bench.add(
      .tensor, .loadWeights(LoadWeights(sbuf(128, .bfloat16))),
      wait: SemaphoreWait(1, .atLeast, 1))
    bench.add(.tensor, product(accumulate: true))
    let found = try reports(bench)
    #expect(found.map(\.kind) == [.accumulation])
    #expect(found.first?.earlier?.instruction == "CAST" || found.first?.earlier?.engine == .vector)
  }

  @Test func sumOnATranspose() throws {
    var bench = withWeights()
    bench.streams[0][0] = Instruction(
      .loadWeights(LoadWeights(sbuf(128, .bfloat16), isTranspose: true)))
    bench.add(.tensor, product(128, accumulate: false, transposes: true))
    bench.add(.tensor, .loadWeights(LoadWeights(sbuf(128, .bfloat16))))
    bench.add(.tensor, product(128, accumulate: true))
    #expect(try kinds(bench) == [.accumulation])
  }

  /// Single bytes side by side are no conflict; the same byte is.
  @Test(arguments: [(1, []), (0, [HazardReport.Kind.unordered])])
  func neighbouringBytes(_ byte: Int, _ expected: [HazardReport.Kind]) throws {
    var bench = empty()
    var (even, other) = (sbuf(32, .uint8), sbuf(32, .uint8, at: byte))
    even.strides[0] = 2
    other.strides[0] = 2
    bench.add(.vector, .memset(Memset(even, 1)))
    bench.add(.gpsimd, .memset(Memset(other, 1)))
    #expect(try kinds(bench) == expected)
  }

  // MARK: Allocations that share bytes

  private func program(
    _ lives: [(first: Int, last: Int)], contents: TensorAllocation.Contents = .undefined,
    aliasOf: Int? = nil, buffers: [BufferDeclaration] = []
  ) -> Program {
    let row = Instruction(.control(ControlInstruction(.eventSemaphore)))
    var segment = Segment(
      name: "test", streams: [[row], [], [], [], []],
      tensors: lives.map { _ in TensorParameter(name: "t", sizeBytes: 64) })
    segment.buffers = buffers
    let last = lives.map(\.last).max() ?? 0
    // Each invocation binds the tensors that live; the others stand aside.
    let spare = lives.count
    var tensors = lives.indices.map { index in
      TensorAllocation(
        name: "t\(index)", address: index * 32, sizeBytes: 64, format: .float32,
        contents: contents, aliasOf: index == 0 ? nil : aliasOf)
    }
    tensors.append(
      TensorAllocation(name: "spare", address: 1 << 20, sizeBytes: 64, format: .float32))
    let invocations = (0...last).map { moment in
      Invocation(
        segment: 0,
        tensors: lives.indices.map {
          lives[$0].first <= moment && moment <= lives[$0].last ? $0 : spare
        })
    }
    return Program(segments: [segment], invocations: invocations, tensors: tensors)
  }

  private func overlaps(_ program: Program) throws -> [HazardReport.Kind] {
    do {
      _ = try checkedRun(program)
      return []
    } catch RunError.hazards(let reports) {
      return reports.map(\.kind)
    }
  }

  private func checkedRun(_ program: Program) throws -> RunTotals {
    let loaded = try LoadedProgram(program, device: .trainium2)
    var model = try CoreModel(loaded, computes: false, checksHazards: true)
    return try model.run()
  }

  @Test func tensorsInUseAtOnce() throws {
    #expect(try overlaps(program([(0, 1), (1, 2)])) == [.overlap])
    #expect(try overlaps(program([(0, 1), (2, 3)])) == [])
  }

  /// Assembly text declares buffers too: the second shares bytes, partitions and time with the
  /// first; the third its bytes only, the fourth its bytes and partitions, later.
  @Test func buffersOfAssemblyText() throws {
    let text = { (life: String) in
      """
      .segment text
      .buffer first sbuf[0:64]@0 256 life=0:10
      .buffer second sbuf[32:96]@128 256 \(life)
      .buffer third sbuf[64:128]@0 128 life=0:10
      .buffer fourth sbuf[0:64]@0 256 life=10:20
      .buffer fifth psum[0:64]@0 256
      .engine tensor
      EVENT_SEMAPHORE

      """
    }
    let found = try reports(Assembly.parse(text("life=5:10")))
    #expect(found.map(\.kind) == [.overlap])
    #expect(found[0].place.contains("'first' and 'second' of kernel text are both in use"))
    #expect(try overlaps(Assembly.parse(text("life=20:30"))) == [])
    // In use all the time, it also meets the fourth.
    #expect(try overlaps(Assembly.parse(text(""))) == [.overlap, .overlap])
  }

  private func reports(_ program: Program) throws -> [HazardReport] {
    do {
      _ = try checkedRun(program)
      return []
    } catch RunError.hazards(let reports) {
      return reports
    }
  }

  @Test func tensorInsideAnothersLife() throws {
    #expect(try overlaps(program([(0, 4), (2, 3)])) == [.overlap])
  }

  /// What the host filled is in use before anybody reads it.
  @Test func inputOverwrittenBeforeItsUse() throws {
    #expect(try overlaps(program([(0, 1), (2, 3)], contents: .given)) == [.overlap])
    #expect(try overlaps(program([(0, 1), (2, 3)], contents: .given, aliasOf: 0)) == [])
  }

  private func buffer(
    _ name: String, _ bytes: Range<Int>, partitions: Range<Int> = 0..<128, life: Range<Int>,
    space: MemorySpace = .sbuf
  ) -> BufferDeclaration {
    BufferDeclaration(name: name, space: space, partitions: partitions, bytes: bytes, life: life)
  }

  @Test func buffersOnChip() throws {
    let first = buffer("a", 0..<256, life: 0..<10)
    #expect(
      try overlaps(program([], buffers: [first, buffer("b", 192..<512, life: 9..<20)]))
        == [.overlap])
    #expect(
      try overlaps(program([], buffers: [first, buffer("b", 192..<512, life: 10..<20)])) == [])
    #expect(
      try overlaps(program([], buffers: [first, buffer("b", 256..<512, life: 0..<20)])) == [])
  }

  @Test func buffersInPSUMBanks() throws {
    let first = buffer("a", 0..<2_048, partitions: 0..<64, life: 0..<10, space: .psum)
    let below = buffer("b", 0..<2_048, partitions: 64..<128, life: 0..<10, space: .psum)
    let across = buffer("c", 0..<2_048, partitions: 32..<96, life: 5..<6, space: .psum)
    #expect(try overlaps(program([], buffers: [first, below])) == [])
    #expect(try overlaps(program([], buffers: [first, below, across])) == [.overlap, .overlap])
  }

  // MARK: Accesses that nothing orders

  /// A program of two instructions on two engines, with and without the semaphore between them.
  private func race(
    _ first: (Engine, Operation), _ second: (Engine, Operation), tensors: Int = 0
  ) throws {
    for isOrdered in [false, true] {
      var bench = TestBench()
      bench.tensors = (0..<tensors).map { TensorParameter(name: "t\($0)", sizeBytes: 1 << 16) }
      let step: UInt32 = first.1.opcode.isDMA ? 16 : 1
      let own: UInt32 = second.1.opcode.isDMA ? 16 : 1
      bench.add(first.0, first.1, update: SemaphoreUpdate(0, .add, step))
      bench.add(
        second.0, second.1, wait: isOrdered ? SemaphoreWait(0, .atLeast, step) : .none,
        update: SemaphoreUpdate(1, .add, own))
      let found = try reports(bench)
      #expect(found.map(\.kind) == (isOrdered ? [] : [.unordered]))
      if let report = found.first {
        // Which of the two is dispatched first is not the point.
        let engines: Set<Engine?> = [report.earlier?.engine, report.later?.engine]
        #expect(engines == [first.0, second.0])
      }
    }
  }

  @Test func readAfterWrite() throws {
    try race(
      (.vector, .memset(Memset(sbuf(64), 1))),
      (.scalar, .copy(Copy(sbuf(64, at: 4_096), from: sbuf(64)))))
  }

  @Test func writeAfterRead() throws {
    try race(
      (.vector, .copy(Copy(sbuf(64, at: 4_096), from: sbuf(64)))),
      (.gpsimd, .memset(Memset(sbuf(64), 1))))
  }

  @Test func writeAfterWrite() throws {
    try race(
      (.vector, .memset(Memset(psum(64), 1))), (.scalar, .copy(Copy(psum(64), from: sbuf(64)))))
  }

  /// Two queues fill a tile together, again and again: what they write of a quadrant are different
  /// partitions. One partition too many is a fault, and so is a reader who waits for one of them.
  @Test(arguments: [(100, 2, []), (101, 2, [HazardReport.Kind.unordered]), (100, 1, [.unordered])])
  func transfersIntoOneQuadrant(rows: Int, waits: Int, expected: [HazardReport.Kind]) throws {
    var bench = empty()
    bench.contents = .given
    let part = { (partitions: Range<Int>) in
      DataLocation.onChip(
        AccessPattern(.sbuf, .float32, partitions: partitions, byteOffset: 0, columns: 64))
    }
    for turn in 0..<3 as Range<UInt32> {
      let free = turn == 0 ? SemaphoreWait.none : SemaphoreWait(2, .atLeast, turn)
      bench.add(
        .sync, .dma(DMADirect(part(0..<rows), from: block(rows: rows))), wait: free,
        update: SemaphoreUpdate(0, .add, 13))
      bench.add(
        .scalar, .dma(DMADirect(part(100..<126), from: block(rows: 26))), wait: free,
        update: SemaphoreUpdate(1, .add, 4))
      if waits == 2 {
        bench.add(
          .vector, .control(ControlInstruction(.eventSemaphore)),
          wait: SemaphoreWait(1, .atLeast, 4 * (turn + 1)))
      }
      bench.add(
        .vector, .copy(Copy(sbuf(64, at: 4_096, partitions: 126), from: sbuf(64, partitions: 126))),
        wait: SemaphoreWait(0, .atLeast, 13 * (turn + 1)), update: SemaphoreUpdate(2))
    }
    #expect(Array(Set(try kinds(bench))) == expected)
  }

  /// Four loads of one queue, or of four, fill a quadrant; who waits for all but the last or the
  /// first reads too early.
  @Test(arguments: [([3], []), ([0], [HazardReport.Kind.unordered]), ([2], [.unordered])])
  func fourTransfersOfOneQueue(awaited: [Int], expected: [HazardReport.Kind]) throws {
    #expect(try quadrant(queues: [.sync], awaited: awaited) == expected)
  }

  @Test(arguments: [
    ([0, 1, 2], []), ([0, 1], [HazardReport.Kind.unordered]), ([1, 2], [.unordered]),
    ([0, 2], [.unordered]),
  ])
  func transfersOfThreeQueues(awaited: [Int], expected: [HazardReport.Kind]) throws {
    #expect(try quadrant(queues: [.sync, .scalar, .gpsimd], awaited: awaited) == expected)
  }

  /// Loads of eight partitions each that queues take in turn, a semaphore each, and one who reads
  /// all 32 once those that are `awaited` are there.
  private func quadrant(queues: [Engine], awaited: [Int]) throws -> [HazardReport.Kind] {
    var bench = empty()
    bench.contents = .given
    bench.presets = [sbuf(64)]
    for part in 0..<4 {
      let tile = AccessPattern(
        .sbuf, .float32, partitions: 8 * part..<8 * part + 8, byteOffset: 0, columns: 64)
      bench.add(
        queues[min(part, queues.count - 1)],
        .dma(DMADirect(.onChip(tile), from: block(rows: 8))), update: SemaphoreUpdate(UInt8(part)))
    }
    let last = queues.count > 1 ? awaited.map { $0 == 2 ? 3 : $0 } : awaited
    for part in last {
      bench.add(
        .vector, .control(ControlInstruction(.eventSemaphore)),
        wait: SemaphoreWait(UInt8(part), .atLeast, 1))
    }
    bench.add(
      .vector, .copy(Copy(sbuf(64, at: 4_096, partitions: 32), from: sbuf(64, partitions: 32))))
    return Array(Set(try kinds(bench)))
  }

  @Test func readAfterTransfer() throws {
    try race(
      (.sync, .dma(DMADirect(.onChip(sbuf(64)), from: block()))),
      (.vector, .copy(Copy(sbuf(64, at: 4_096), from: sbuf(64)))), tensors: 1)
  }

  @Test func transferAfterTransferInHBM() throws {
    try race(
      (.sync, .dma(DMADirect(block(), from: .onChip(sbuf(64))))),
      (.scalar, .dma(DMADirect(.onChip(sbuf(64, at: 4_096)), from: block()))), tensors: 1)
  }

  /// Three nested distances, of two tensors that lie in each other's gaps or share one element.
  @Test(arguments: [0, 3, 4, 9, 10]) func interleavedTransfersInHBM(_ shift: Int) throws {
    let target = { (first: Int, columns: Int) in
      DataLocation.hbm(
        TensorAccess(
          tensor: 0, format: .float32, byteOffset: Int64(4 * first), dimensionCount: 3,
          sizes: [32, 4, UInt32(columns), 1], strides: [200, -12, 1, 0]))
    }
    // Elements 0 to 3 of each row of 12 and 200 beside the same rows' elements from `shift` on.
    let first = Operation.dma(
      DMADirect(target(40, 4), from: .onChip(sbuf(4))))
    let second = Operation.dma(
      DMADirect(target(40 + shift, 3), from: .onChip(sbuf(3))))
    guard [4, 9].contains(shift) else {
      try race((.sync, first), (.scalar, second), tensors: 1)
      return
    }
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 16)]
    bench.add(.sync, first, update: SemaphoreUpdate(0, .add, 16))
    bench.add(.scalar, second, update: SemaphoreUpdate(1, .add, 16))
    #expect(try kinds(bench) == [])
  }

  // MARK: Waits that nobody ends

  private let row = Operation.control(ControlInstruction(.eventSemaphore))

  private func deadlock(_ bench: TestBench) throws -> DeadlockReport? {
    do {
      _ = try bench.run(checksHazards: true)
      return nil
    } catch RunError.deadlock(let report) {
      return report
    }
  }

  @Test func twoEnginesWaitForEachOther() throws {
    var bench = TestBench()
    bench.add(.vector, row, wait: SemaphoreWait(0, .atLeast, 1), update: SemaphoreUpdate(1))
    bench.add(.scalar, row, wait: SemaphoreWait(1, .atLeast, 1), update: SemaphoreUpdate(0))
    let report = try #require(try deadlock(bench))
    #expect(report.cycle == [.vector, .scalar, .vector])
    #expect(report.description.contains("in a circle: vector waits for scalar waits for vector"))
  }

  @Test func threeEnginesInACircle() throws {
    var bench = TestBench()
    bench.add(.tensor, row, wait: SemaphoreWait(2, .atLeast, 1), update: SemaphoreUpdate(0))
    bench.add(.vector, row, wait: SemaphoreWait(0, .atLeast, 1), update: SemaphoreUpdate(1))
    bench.add(.gpsimd, row, wait: SemaphoreWait(1, .atLeast, 1), update: SemaphoreUpdate(2))
    let report = try #require(try deadlock(bench))
    #expect(report.cycle == [.tensor, .gpsimd, .vector, .tensor])
  }

  @Test func anEngineWaitsForItself() throws {
    var bench = TestBench()
    bench.add(.sync, row, wait: SemaphoreWait(0, .atLeast, 1))
    bench.add(.sync, row, update: SemaphoreUpdate(0))
    #expect(try #require(try deadlock(bench)).cycle == [.sync, .sync])
  }

  @Test func nobodyUpdates() throws {
    var bench = TestBench()
    bench.add(.vector, row, wait: SemaphoreWait(9, .atLeast, 1))
    let report = try #require(try deadlock(bench))
    #expect(report.cycle.isEmpty)
    #expect(report.description.contains("nothing left in any queue updates it"))
  }

  /// A transfer that adds sixteen does not meet a wait for more.
  @Test func waitForMoreThanTheTransfersAdd() throws {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    bench.add(
      .sync, .dma(DMADirect(.onChip(sbuf(64)), from: block())),
      update: SemaphoreUpdate(0, .add, 16))
    bench.add(.vector, row, wait: SemaphoreWait(0, .atLeast, 17))
    let report = try #require(try deadlock(bench))
    #expect(report.waiting.map(\.engine) == [.vector])
    #expect(report.waiting.first?.value == 16)
  }

  // MARK: Out of bounds

  /// Addresses outside a memory: refused when the program is loaded, or while it runs.
  @Test func outOfBounds() throws {
    var partition = TestBench()
    var pattern = sbuf(64)
    pattern.startPartition = 96
    partition.add(.vector, .memset(Memset(pattern, 1)))
    var bytes = TestBench()
    let last = bytes.device.memory.sbufBytesPerPartition.value - 128
    bytes.add(.vector, .memset(Memset(sbuf(64, at: last), 1)))
    var banks = TestBench()
    banks.add(.vector, .memset(Memset(psum(64, bank: 8), 1)))
    var tensor = TestBench()
    tensor.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 14)]
    tensor.add(
      .sync, .dma(DMADirect(.onChip(sbuf(64)), from: block())),
      update: SemaphoreUpdate(0, .add, 16))
    for bench in [partition, bytes, banks, tensor] {
      #expect(throws: Fault.self) { try bench.run(checksHazards: true) }
    }
    var register = TestBench()
    var source = sbuf(64)
    source.register = 3
    register.add(.vector, .register(.move(3, from: .immediate(300_000))))
    register.add(.vector, .copy(Copy(sbuf(64, at: 4_096), from: source)))
    for computes in [true, false] {
      #expect(throws: RunError.self) { try register.run(computes: computes, checksHazards: true) }
    }
  }
}
