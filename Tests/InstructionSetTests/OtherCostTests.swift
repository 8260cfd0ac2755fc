import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import Units

/// The laws of GpSimd's searches, of control rows and of transfers that compute, each against the
/// formula that its source prints or that is written down as assumed.
@Suite struct OtherCostTests {
  private static let device = Device.trainium2

  private func cost(_ operation: Operation, _ engine: Engine, _ device: Device = .trainium2)
    -> Cost
  {
    operation.cost(on: device, engine: engine)
  }

  private func gpsimd(cycles: Double) -> Picoseconds {
    Self.device.clocks.gpsimd.value.picoseconds(tenthsOfCycles: Int64((cycles * 10).rounded()))
  }

  @Test func partitionReductionsTakeACyclePerPartition() {
    for columns in [1, 8, 512] {
      let found = cost(
        .partitionReduce(
          PartitionReduce(
            sbuf(.float32, columns, partitions: 0..<1), sbuf(.float32, columns), .add)), .gpsimd)
      #expect(found.coldDuration == gpsimd(cycles: Double(128 * columns + 150)))
    }
  }

  /// 150 + I·E·(28 + 4E) / (4E·min(4/bytes, E)).
  @Test(arguments: [(NumberFormat.float32, 4), (.bfloat16, 2), (.uint8, 1)], [1, 2, 4, 8, 16, 32])
  func localGathers(_ format: (NumberFormat, Int), _ run: Int) {
    for valid in [1, 16, 400] {
      let found = cost(
        .localGather(
          LocalGather(
            sbuf(format.0, valid * run, byte: 8192), sbuf(format.0, 512),
            index: sbuf(.uint16, 32, byte: 4096), run: run, valid: valid)), .gpsimd)
      let (i, e) = (Double(valid), Double(run))
      let cycles = i * e * (28 + 4 * e) / (4 * e * min(4 / Double(format.1), e))
      let difference = found.coldDuration.value - gpsimd(cycles: cycles + 150).value
      // The stream is kept in tenths of a cycle.
      #expect(abs(difference) <= 100)
    }
  }

  @Test func freeGathersComeInGroups() {
    for (columns, groups) in [(1, 1), (512, 1), (513, 2), (2048, 4)] {
      let found = cost(
        .freeGather(
          FreeGather(
            sbuf(.float32, columns), sbuf(.float32, 64),
            index: sbuf(.uint32, columns, byte: 16_384))), .gpsimd)
      #expect(found.coldDuration == gpsimd(cycles: Double(4 * columns + 150 * groups)))
    }
  }

  @Test func searchesTakeFourCyclesPerElement() {
    let one = 0..<1
    let rows: [Operation] = [
      .sequenceBounds(
        SequenceBounds(sbuf(.int32, 600, partitions: one), sbuf(.int32, 300, partitions: one))),
      .nonzeroWithCount(NonzeroWithCount(sbuf(.int32, 301), sbuf(.int32, 300))),
    ]
    for row in rows { #expect(cost(row, .gpsimd).coldDuration == gpsimd(cycles: 1350)) }
    let roots = TensorScalar(sbuf(.float32, 300), sbuf(.float32, 300), .rsqrt, .immediate(0))
    #expect(cost(.tensorScalar(roots), .gpsimd).coldDuration == gpsimd(cycles: 1350))
  }

  /// The documented example: n = 1024, K = 8 take 4,104 cycles, 3.42 us.
  @Test func largestValuesFollowTheDocumentedLaw() {
    for (n, k) in [(1024, 8), (8, 1), (60_000, 2048)] {
      let found = cost(
        .topK(
          TopK(
            sbuf(.bfloat16, k), places: sbuf(.uint32, k, byte: 8192), sbuf(.bfloat16, 4000),
            count: n)), .gpsimd)
      #expect(found.coldDuration == gpsimd(cycles: Double(4 * n + k)))
      #expect(found.streamTenths == Int64(10 * (4 * n + k)))
    }
  }

  @Test func windowsCostWhatTheyConsume() {
    let windows = pattern(.sbuf, .float32, [(30, 32), (30, 1), (3, 32), (3, 1)])
    let found = cost(.pool(Pool(sbuf(.float32, 900, byte: 8192), windows, .max)), .vector)
    // Third-party micro-benchmarks: 142.4 ns and 1.0418 ns per consumed element.
    let expected = 142.4 + 1.0418 * 8100
    #expect(abs(found.coldDuration.nanoseconds - expected) / expected < 0.01)
    let (a, one) = (sbuf(.float32, 512), sbuf(.float32, 1))
    #expect(
      cost(.reduce(Reduce(one, a, .add)), .vector)
        == cost(.tensorReduce(TensorReduce(one, a, .add)), .vector))
    #expect(
      cost(.scalarRow(ScalarRow(a, a, .add, 1)), .vector)
        == cost(.tensorScalar(TensorScalar(a, a, .add, .immediate(1))), .vector))
    let bytes = sbuf(.int8, 512)
    #expect(
      cost(.activateQuantize(ActivateQuantize(bytes, .exp, a, factor: 2)), .scalar)
        == cost(.activate(Activate(bytes, .exp, a)), .scalar))
  }

  @Test func controlRowsTakeTheDevicesTime() {
    let law = Self.device.sequencer
    let word = DataLocation.onChip(sbuf(.int32, 1, partitions: 0..<1))
    let a = sbuf(.float32, 4)
    let rows: [(Operation, Engine, Picoseconds)] = [
      (.tensorStore(TensorStore(word, from: 1)), .sync, law.tensorStoreOneWord.value),
      (.writeRegister(WriteRegister(0, .immediate(1))), .sync, law.registerWrite.value),
      (.modifyPoolConfig(ModifyPoolConfig()), .gpsimd, law.modifyPoolConfig.value),
      (.loadMaskSelect(LoadMaskSelect()), .vector, law.loadMaskSelect.value),
      (.coreBarrier(CoreBarrier()), .tensor, law.coreBarrier.value),
      (.collective(Collective()), .sync, law.collectiveTrigger.value),
      (
        .sendReceive(SendReceive(a, sending: a, to: 1, from: 1)), .sync,
        Self.device.dma.coreExchange.value
      ),
    ]
    for (operation, engine, expected) in rows {
      let found = cost(operation, engine)
      #expect(found.coldDuration == expected && found.intervalAfterWarm == expected)
      #expect(found.kind == .control && operation.opcode.isControl)
    }
  }

  private func shape(
    _ operation: Operation, _ engine: Engine = .sync, on device: Device = .trainium2
  ) throws -> TransferShape {
    try #require(operation.transferShape(on: device, engine: engine))
  }

  /// Sums of two take twice a copy's time; NeuronCore-v4 adds in SBUF at the rate of a copy when
  /// formats agree and are bf16 or fp32.
  @Test func addingCostsTwoPasses() throws {
    let rows = TensorAccess(
      tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 1024, rowStride: 1024)
    let halfRows = TensorAccess(
      tensor: 0, .bfloat16, byteOffset: 0, rows: 128, columns: 1024, rowStride: 1024)
    let tile = DataLocation.onChip(sbuf(.float32, 1024))
    func ratio(_ d: DataLocation, _ s: DataLocation, _ device: Device) throws -> Double {
      let plain = DMADirect(d, from: s)
      var adding = plain
      adding.accumulate = true
      let (a, b) = (
        try shape(.dma(plain), on: device), try shape(.dma(adding), on: device)
      )
      return Double(b.serviceTenths) / Double(a.serviceTenths)
    }
    for device in [Device.trainium1, .trainium2] {
      #expect(abs(try ratio(tile, .hbm(rows), device) - 2) < 0.05)
    }
    #expect(try ratio(tile, .hbm(rows), .trainium3) == 1)
    #expect(abs(try ratio(.hbm(rows), tile, .trainium3) - 2) < 0.05)
    #expect(abs(try ratio(tile, .hbm(halfRows), .trainium3) - 2) < 0.05)
  }

  @Test func sumsOfManyTakeAPassEach() throws {
    let tile = sbuf(.float32, 1024)
    let plain = try shape(.dma(DMADirect(.onChip(tile), from: .onChip(tile))))
    for count in [1, 2, 3, 16] {
      let sources = Array(repeating: ScaledLocation(.onChip(tile)), count: count)
      let sum = try shape(.dmaCompute(DMACompute(.onChip(tile), sumOf: sources)))
      let ratio = Double(sum.serviceTenths) / Double(plain.serviceTenths)
      #expect(abs(ratio - Double(max(1, count))) < 0.05 * Double(count))
    }
  }

  @Test func bytesOfHBMAreCountedOnBothSides() throws {
    let rows = TensorAccess(
      tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 16, rowStride: 16)
    let tile = DataLocation.onChip(sbuf(.float32, 16))
    var store = DMADirect(.hbm(rows), from: tile)
    #expect(try shape(.dma(store)).hbmReadBytes == 0)
    store.accumulate = true
    let adding = try shape(.dma(store))
    #expect(adding.hbmReadBytes == 8192 && adding.hbmWriteBytes == 8192 && adding.readsHBM)
    let sum = try shape(
      .dmaCompute(
        DMACompute(
          tile, sumOf: [ScaledLocation(.hbm(rows)), ScaledLocation(.hbm(rows)), .init(tile)])))
    #expect(sum.hbmReadBytes == 16_384 && sum.hbmWriteBytes == 0)
  }

  @Test func pickedRowsAreTransposedAtNineTenths() throws {
    let row = TensorAccess(
      tensor: 0, .bfloat16, byteOffset: 0, rows: 1, columns: 128, rowStride: 128)
    let index = sbuf(.uint32, 4, partitions: 0..<32)
    let picked = try shape(
      .dmaGatherTranspose(
        DMAGatherTranspose(
          sbuf(.bfloat16, 128), rowsOf: row, index: index, rowStrideBytes: 256, rowCount: 1000)),
      .gpsimd)
    let copied = try shape(
      .dmaIndirect(
        DMAIndirect(
          .onChip(sbuf(.bfloat16, 128)), from: .hbm(row), index: sbuf(.uint32, 1),
          isScatter: false, rowStrideBytes: 256, rowCount: 1000)), .gpsimd)
    #expect(picked.indexRows == 128 && picked.isSoftware)
    #expect(picked.descriptorBytes == 256 && picked.totalBytes == copied.totalBytes)
    let ratio = Double(picked.serviceTenths) / Double(copied.serviceTenths)
    #expect((1.05...1.12).contains(ratio))
  }
}
