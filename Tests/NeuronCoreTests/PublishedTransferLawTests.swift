import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import Units

/// What is published of Trainium2's DMA beside the captures: the third-party law of one `dma_copy`,
/// documented rates, and the partition map.
///
/// A copy of b bytes in each of 128 partitions, in nanoseconds, with ideal = 8 b / 23:
///
///     load  = 599 + 751   + (293.1 + 1.3046 ideal) + 314.5
///     store = 609 + 565.5 + (162.3 + 0.9628 ideal) + 355
///
/// The captures resolve the same steps: the trigger (564...605 ns after another one) agrees, the
/// first descriptor comes later, an engine's service is exact, the increment is seen later. The
/// benchmarks fold the rest into the payload, so small loads agree and small stores do not.
@Suite struct PublishedTransferLawTests {
  /// The steps of one transfer.
  private struct Steps {
    var issue: Double
    var dispatch: Double
    /// First descriptor to the last engine's last byte.
    var payload: Double
    var notify: Double
    var total: Double { issue + dispatch + payload + notify }
  }

  private static let trigger = 564.0...605
  private let skew = Device.trainium2.dma.skew.value.map(\.nanoseconds).max()!

  /// A copy between HBM and `bytes` in each partition.
  private func transfer(load: Bool, bytes: Int, partitions: Int = 128, queue: Int = 0)
    -> Operation
  {
    let memory = DataLocation.hbm(
      .init(
        tensor: 0, .float32, byteOffset: 0, rows: partitions, columns: bytes / 4,
        rowStride: bytes / 4))
    let chip = DataLocation.onChip(sbuf(bytes / 4, partitions: partitions))
    return .dma(
      load
        ? DMADirect(chip, from: memory, queue: queue) : DMADirect(memory, from: chip, queue: queue))
  }

  /// The steps of a copy whose trigger follows another one, as in a program of many copies.
  private func steps(load: Bool, bytes: Int) throws -> Steps {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 4 << 20)]
    bench.add(.sync, transfer(load: false, bytes: 4, queue: 1))
    bench.add(.sync, transfer(load: load, bytes: bytes), update: SemaphoreUpdate(0, .add, 16))
    bench.add(
      .vector, .control(ControlInstruction(.nop)), wait: SemaphoreWait(0, .atLeast, 16))
    let timeline = try bench.run()
    let (trigger, copy) = (timeline.rows[.sync]![1], timeline.transfers[1])
    let detect = Device.trainium2.semaphore.detectVectorControl.value.nanoseconds
    let visible = timeline.rows[.vector]![0].start - detect
    return Steps(
      issue: trigger.duration, dispatch: copy.start - trigger.end,
      payload: copy.duration + skew, notify: visible - copy.end - skew)
  }

  /// Nanoseconds of an engine's eight descriptors of `bytes`: bytes / 32 + 4 cycles each, and 16
  /// for the first one's start, the last one's end and the write of the semaphore.
  private func service(_ bytes: Int) -> Double { (8 * (Double(bytes) / 32 + 4) + 16) / 0.85 }

  private func ideal(_ bytes: Int) -> Double { 8 * Double(bytes) / 23 }

  /// Loads agree with the law up to 1 KiB per partition. Beyond, the captures have less stretch
  /// than its 1.3046: 1.25...1.35 of the exact service, 3,552...3,608 ns for 512 KiB, whose trigger
  /// was a first one (541...559 ns).
  @Test func loads() throws {
    func law(_ bytes: Int) -> Double { 599 + 751 + 293.1 + 1.3046 * ideal(bytes) + 314.5 }
    func row(_ bytes: Int, _ ruling: PublishedRow.Ruling = .published) throws -> PublishedRow {
      PublishedRow(
        "load of \(bytes)", law(bytes), try steps(load: true, bytes: bytes).total, ruling)
    }
    let fixed = 152.0 + 345
    let half =
      (Self.trigger.lowerBound + 786 + 1.25 * service(2_048)
        + fixed)...(Self.trigger.upperBound + 791 + 1.35 * service(2_048) + fixed)
    let captured = (3_552.0 - 541 + 564)...(3_608.0 - 559 + 605)
    let increment = 1.3046 * ideal(4_096)
    expectPublished([
      try row(4), try row(256), try row(1_024),
      try row(
        2_048, .overruled(by: half, percent: 3.5...4.5, because: "stretch 1.25...1.35, n = 4")),
      try row(
        4_096, .overruled(by: captured, percent: 4...5, because: "512 KiB load, first, n = 4")),
      // The captures end at 512 KiB; the rest of a longer load is the law's own.
      try row(
        8_192,
        .overruled(
          by: (captured.lowerBound + increment)...(captured.upperBound + increment),
          percent: 2.5...3.5, because: "the first half of 1 MiB is the captured 512 KiB")),
      PublishedRow(
        "second half of a load of 1 MiB", increment,
        try steps(load: true, bytes: 8_192).total - steps(load: true, bytes: 4_096).total),
    ])
  }

  /// Stores agree at 4 KiB per partition. Below, the captures' later first descriptor (662...668
  /// ns, n = 5) and later increment (415 ns) show; above, their exact service: the law's slope is
  /// 14 % more than 32 bytes a cycle.
  @Test func stores() throws {
    func law(_ bytes: Int) -> Double { 609 + 565.5 + 162.3 + 0.9628 * ideal(bytes) + 355 }
    func row(_ bytes: Int, percent: ClosedRange<Double>? = nil) throws -> PublishedRow {
      let rest = service(bytes) + 152 + 415
      let ruling = percent.map {
        PublishedRow.Ruling.overruled(
          by: (Self.trigger.lowerBound + 662 + rest)...(Self.trigger.upperBound + 668 + rest),
          percent: $0, because: "first descriptor 662...668, exact service, increment 415")
      }
      return PublishedRow(
        "store of \(bytes)", law(bytes), try steps(load: false, bytes: bytes).total,
        ruling ?? .published)
    }
    expectPublished([
      try row(4, percent: -9 ... -8), try row(256, percent: -8 ... -7),
      try row(1_024, percent: -6 ... -5), try row(2_048, percent: -3.5 ... -2.5),
      try row(4_096), try row(8_192, percent: 2.5...3.5),
    ])
  }

  /// Each step by itself.
  @Test func stepsOfACopy() throws {
    let load = try steps(load: true, bytes: 4_096)
    let store = try steps(load: false, bytes: 4_096)
    let longStore = try steps(load: false, bytes: 8_192)
    let exact = 8 * 4_096 / 32 / 0.85
    expectPublished([
      PublishedRow("issue of a load", 599, load.issue),
      PublishedRow("issue of a store", 609, store.issue),
      PublishedRow(
        "dispatch of a load", 751, load.dispatch,
        .overruled(
          by: 786...791, percent: -5 ... -4, because: "trigger to first descriptor, HBM, n = 4")),
      PublishedRow(
        "dispatch of a store", 565.5, store.dispatch,
        .overruled(
          by: 662...668, percent: -15 ... -14, because: "trigger to first descriptor, SBUF, n = 5")),
      PublishedRow(
        "notification of a load", 314.5, load.notify,
        .overruled(
          by: 345...345, percent: -9 ... -8.5, because: "mean of 274...487, 38 transfers x 16")),
      PublishedRow(
        "notification of a store", 355, store.notify,
        .overruled(
          by: 415...415, percent: -15 ... -14, because: "mean of 326...455, hardware stores")),
      PublishedRow(
        "32 KiB more in each engine's share of a store", 0.9628 * ideal(4_096),
        longStore.payload - store.payload,
        .overruled(
          by: exact...exact, percent: 13.5...14.5, because: "32 B a cycle, n in the hundreds")),
    ])
  }

  /// 4 partitions of 8 KiB by a single engine: 1,416 ns active, 23.1 B/ns.
  @Test func oneEngineAlone() throws {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    bench.add(.sync, transfer(load: true, bytes: 8_192, partitions: 4))
    let copy = try bench.run().transfers[0]
    expectPublished([
      PublishedRow("32 KiB by one engine", 1_416, copy.duration),
      PublishedRow("bytes per nanosecond", 23.1, 32_768 / copy.duration),
    ])
  }

  /// Each engine serves eight partitions; 128 x 128 in bf16 is 2 KiB for each of sixteen.
  @Test(arguments: [(1, 1), (4, 1), (8, 1), (9, 2), (64, 8), (128, 16)])
  func partitionsOfAnEngine(_ partitions: Int, _ engines: UInt8) {
    let rows = DataLocation.hbm(
      .init(
        tensor: 0, .bfloat16, byteOffset: 0, rows: partitions, columns: 128, rowStride: 256))
    let shape = TransferShape(
      from: rows, to: .onChip(sbuf(128, .bfloat16, partitions: partitions)), queue: 0,
      isSoftware: false, device: .trainium2)
    #expect(shape.engines == engines)
    #expect(shape.descriptorBytes == 256)
    // Dealt evenly over the engines that take part.
    #expect(shape.descriptorsPerEngine == Int32((partitions + Int(engines) - 1) / Int(engines)))
  }

  /// How long a transfer moves data, and a chain of them from the first to the last.
  private func time(_ operation: Operation, count: Int) throws -> Double {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 16 << 20)]
    for _ in 0..<count { bench.add(.sync, operation) }
    let transfers = try bench.run().transfers
    return transfers.last!.end - transfers[0].start
  }

  /// A transpose moves at most 90 % of a copy's bytes from HBM, at most 50 % within SBUF; the
  /// model is held to no more than that and to within 3 % below.
  @Test func transposes() throws {
    for (columns, count) in [(512, 1), (2_048, 1), (16_384, 8)] {
      let chip = sbuf(columns, .bfloat16)
      let turned = Operation.dmaTranspose(
        DMATranspose(
          chip,
          from: TensorAccess(
            tensor: 0, .bfloat16, byteOffset: 0, rows: columns, columns: 128, rowStride: 128)))
      let copied = Operation.dma(
        DMADirect(
          .onChip(chip),
          from: .hbm(
            TensorAccess(
              tensor: 0, .bfloat16, byteOffset: 0, rows: 128, columns: columns, rowStride: columns)
          )))
      let share = try 100 * time(copied, count: count) / time(turned, count: count)
      expectPublished([PublishedRow("transpose of \(columns) from HBM, percent", 90, share)])
      #expect(share <= 90)
    }
    let block = DataLocation.onChip(sbuf(128, .bfloat16))
    let target = sbuf(128, .bfloat16, at: 32_768)
    let turned = Operation.dmaTranspose(DMATranspose(target, from: block))
    let copied = Operation.dma(DMADirect(.onChip(target), from: block))
    let share = try 100 * time(copied, count: 1) / time(turned, count: 1)
    expectPublished([PublishedRow("transpose within SBUF, percent", 50, share)])
    // Each time is rounded to a picosecond.
    #expect(share <= 50.001)
  }
}
