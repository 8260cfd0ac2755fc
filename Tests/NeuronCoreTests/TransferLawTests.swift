import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Units
import Testing

/// Section 7 of the captured laws: DMA from trigger to increment.
@Suite struct TransferLawTests {
  private let lastSkew = Device.trainium2.dma.skew.value.map(\.nanoseconds).max()!

  private func bench(_ bytes: Int = 8 << 20) -> TestBench {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: bytes)]
    return bench
  }

  /// A transfer of `columns` fp32 per partition; the HBM side is contiguous.
  private func transfer(load: Bool, columns: Int, at byte: Int = 0, queue: Int = 0) -> Operation {
    let memory = DataLocation.hbm(
      .init(
        tensor: 0, .float32, byteOffset: byte, rows: 128, columns: columns, rowStride: columns))
    let chip = DataLocation.onChip(sbuf(columns, at: byte / 128))
    return .dma(
      load
        ? DMADirect(chip, from: memory, queue: queue) : DMADirect(memory, from: chip, queue: queue))
  }

  /// 512 rows of 128 elements, four to a partition: what the captured kernels store.
  private func rowStore(_ format: NumberFormat) -> Operation {
    let rows = TensorAccess(
      tensor: 0, format: format, byteOffset: 0, dimensionCount: 3, sizes: SIMD4(128, 4, 128, 1),
      strides: SIMD4(128, 128 * 128, 1, 0))
    return .dma(DMADirect(.hbm(rows), from: .onChip(sbuf(512, format))))
  }

  /// Trigger start to the sixteenth increment, for a chain of transfers of one queue.
  private func latencies(_ engine: Engine, _ operations: [Operation]) throws -> [Double] {
    var bench = bench()
    for operation in operations {
      bench.add(engine, operation, update: SemaphoreUpdate(0, .add, 16))
    }
    // What waits for each increment shows when it was visible.
    for index in operations.indices {
      bench.add(
        .vector, .control(ControlInstruction(.nop)),
        wait: SemaphoreWait(0, .atLeast, UInt32(16 * (index + 1))))
    }
    let timeline = try bench.run()
    let detect = Device.trainium2.semaphore.detectVector.value.nanoseconds
    let rows = timeline.rows[engine]!
    return operations.indices.map {
      timeline.rows[.vector]![$0].start - detect - rows[$0].start
    }
  }

  @Test func hardwareLoads() throws {
    let small = try latencies(.sync, [transfer(load: true, columns: 128)])
    let half = try latencies(.sync, [transfer(load: true, columns: 64)])
    let large = try latencies(.sync, [transfer(load: true, columns: 1_024)])
    let queued = try latencies(
      .sync,
      [
        transfer(load: true, columns: 1_024),
        transfer(load: true, columns: 1_024, at: 524_288),
      ])
    expectLaws([
      LawRow(name: "64 KiB hardware load", observed: 2_085...2_192, modelled: small[0]),
      LawRow(
        name: "32 KiB hardware load", observed: 2_179...2_179, isNoisy: true, modelled: half[0]),
      LawRow(name: "512 KiB hardware load, first", observed: 3_552...3_608, modelled: large[0]),
      LawRow(
        name: "512 KiB hardware load, queued", observed: 4_036...4_980, isNoisy: true,
        modelled: queued[1]),
    ])
  }

  @Test func hardwareStores() throws {
    let first = try latencies(.sync, [transfer(load: false, columns: 1_024)])
    let queued = try latencies(
      .sync,
      [
        transfer(load: false, columns: 1_024),
        transfer(load: false, columns: 1_024, at: 524_288),
      ])
    expectLaws([
      LawRow(name: "512 KiB hardware store, first", observed: 3_083...3_180, modelled: first[0]),
      LawRow(
        name: "512 KiB hardware store, queued", observed: 3_579...3_789, modelled: queued[1]),
    ])
  }

  @Test func softwareTransfers() throws {
    let loads128 = try latencies(
      .gpsimd, (0..<3).map { transfer(load: true, columns: 256, at: $0 * 131_072) })
    let loads256 = try latencies(
      .gpsimd, (0..<3).map { transfer(load: true, columns: 512, at: $0 * 262_144) })
    let store128 = try latencies(.gpsimd, [rowStore(.bfloat16)])
    let store256 = try latencies(.gpsimd, [rowStore(.float32)])
    // The laws of software loads are averages of a noisy quantity (confidence C).
    expectLaws([
      LawRow(
        name: "128 KiB software load 1", observed: 1_964...2_102, isNoisy: true,
        modelled: loads128[0]),
      LawRow(
        name: "128 KiB software load 2", observed: 1_811...1_926, isNoisy: true,
        modelled: loads128[1]),
      LawRow(
        name: "128 KiB software load 3", observed: 2_142...2_200, isNoisy: true,
        modelled: loads128[2]),
      LawRow(
        name: "256 KiB software load 1", observed: 2_468...2_485, isNoisy: true,
        modelled: loads256[0]),
      LawRow(
        name: "256 KiB software load 2", observed: 2_547...2_566, isNoisy: true,
        modelled: loads256[1]),
      LawRow(
        name: "256 KiB software load 3", observed: 3_203...3_284, isNoisy: true,
        modelled: loads256[2]),
      LawRow(name: "128 KiB software store", observed: 1_705...1_705, modelled: store128[0]),
      LawRow(name: "256 KiB software store", observed: 2_013...2_024, modelled: store256[0]),
    ])
  }

  @Test func triggerToFirstDescriptor() throws {
    var bench = bench()
    bench.add(.sync, transfer(load: false, columns: 1_024))
    bench.add(.sync, transfer(load: false, columns: 1_024, at: 524_288))
    let stores = try bench.run()
    var loading = self.bench()
    loading.add(.sync, transfer(load: true, columns: 1_024))
    let loads = try loading.run()
    var software = self.bench()
    for index in 0..<3 {
      software.add(.gpsimd, transfer(load: index > 0, columns: 256, at: index * 131_072))
    }
    let rows = try software.run()
    let triggers = stores.rows[.sync]!
    let gpsimd = rows.rows[.gpsimd]!
    expectLaws([
      LawRow(name: "first Sync trigger", observed: 541...559, modelled: triggers[0].duration),
      LawRow(name: "next Sync trigger", observed: 564...605, modelled: triggers[1].duration),
      LawRow(
        name: "Sync trigger to the next", observed: 47...47,
        modelled: triggers[1].start - triggers[0].end),
      LawRow(
        name: "trigger end to first descriptor, SBUF", observed: 662...668,
        modelled: stores.transfers[0].start - triggers[0].end),
      LawRow(
        name: "trigger end to first descriptor, DRAM", observed: 786...791,
        modelled: loads.transfers[0].start - loads.rows[.sync]![0].end),
      LawRow(
        name: "SBUF to DRAM, 16 x 2,048 B per engine", observed: 1_281...1_390,
        modelled: stores.transfers[0].duration),
      LawRow(
        name: "software row to first packet, SBUF", observed: 625...643,
        modelled: rows.transfers[0].start - gpsimd[0].start),
      LawRow(
        name: "software rows of a burst", observed: 581...586,
        modelled: gpsimd[2].start - gpsimd[1].start),
      LawRow(
        name: "software wait met to row", observed: 1_160...1_172, modelled: gpsimd[0].start),
      LawRow(name: "software row", observed: 31...37, modelled: gpsimd[0].duration),
      LawRow(name: "second row of a burst", observed: 49...50, modelled: gpsimd[1].duration),
      LawRow(name: "third row of a burst", observed: 70...75, modelled: gpsimd[2].duration),
    ])
  }

  /// Sustained streams: 1 KiB and 4 KiB descriptors, measured aggregates of one core.
  @Test func sustainedStreams() throws {
    for (columns, observed) in [(256, 259.0), (1_024, 354.0)] {
      var bench = TestBench()
      let (count, groups) = (64, 16_384 / columns)
      let bytes = 128 * groups * columns * 4
      bench.tensors = [TensorParameter(name: "t", sizeBytes: 2 * bytes)]
      // Runs that do not follow each other in HBM keep descriptors at one run each.
      for index in 0..<count {
        let memory = DataLocation.hbm(
          TensorAccess(
            tensor: 0, format: .float32, byteOffset: 0, dimensionCount: 3,
            sizes: SIMD4(128, UInt32(groups), UInt32(columns), 1),
            strides: SIMD4(Int32(2 * columns * groups), Int32(2 * columns), 1, 0)))
        bench.add(
          index % 2 == 0 ? .sync : .scalar,
          .dma(DMADirect(.onChip(sbuf(groups * columns)), from: memory)))
      }
      let timeline = try bench.run()
      let span = timeline.transfers.map(\.end).max()! - timeline.transfers.map(\.start).min()!
      let rate = Double(count * bytes) / span
      #expect(abs(rate - observed) / observed < 0.03, "\(columns * 4) B: \(rate) GB/s")
    }
  }
}
