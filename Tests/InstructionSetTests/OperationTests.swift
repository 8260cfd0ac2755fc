import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// What the timing core asks an operation for besides its cost.
@Suite struct OperationTests {
  private static let device = Device.trainium2

  private func product(rows: Range<Int>, columns: Range<Int>) -> Operation {
    var matmul = Matmul(
      psum(.float32, 64, partitions: 0..<columns.count),
      sbuf(.bfloat16, 64, partitions: 0..<rows.count), columns: columns.count, accumulate: false)
    matmul.row = Int32(rows.lowerBound)
    matmul.column = Int32(columns.lowerBound)
    return .matmul(matmul)
  }

  /// Rows and columns of the array, and the tiles that they keep busy.
  @Test(
    arguments: [
      (0..<128, 0..<128, 0xFFFF), (0..<65, 0..<65, 0xFFFF), (0..<32, 0..<32, 0x0001),
      (32..<64, 0..<32, 0x0010), (0..<32, 96..<128, 0x0008), (96..<97, 32..<64, 0x2000),
      (0..<64, 0..<64, 0x0033), (64..<128, 64..<128, 0xCC00), (0..<128, 0..<32, 0x1111),
      (0..<33, 0..<128, 0x00FF),
    ])
  func productsKeepTheirTilesBusy(_ rows: Range<Int>, _ columns: Range<Int>, _ region: Int) {
    let found = product(rows: rows, columns: columns).arrayRegion(Self.device)
    #expect(found == UInt16(region))
  }

  @Test func everythingElseTakesTheWholeArray() {
    for operation in randomOperations(seed: 3, tensorCount: 1) {
      if case .matmul = operation { continue }
      #expect(operation.arrayRegion(Self.device) == 0xFFFF)
    }
  }

  @Test func multiplyAccumulates() {
    #expect(product(rows: 0..<128, columns: 0..<64).macs == 128 * 64 * 64)
    let fp32 = Operation.matmul(
      Matmul(psum(.float32, 512), sbuf(.float32, 512), columns: 128, accumulate: false))
    #expect(fp32.macs == 128 * 128 * 512 / 2)
    let transpose = Operation.matmul(
      Matmul(
        psum(.bfloat16, 128), sbuf(.bfloat16, 128), columns: 128, accumulate: false,
        isTranspose: true))
    #expect(transpose.macs == 0)
    #expect(Operation.memset(Memset(sbuf(.float32, 4), 0)).macs == 0)
  }

  @Test func onlySequencerRowsTouchRegisters() {
    for operation in randomOperations(seed: 4, tensorCount: 1) {
      let expected: [Opcode] = [
        .registerMove, .registerArithmetic, .compareBranch, .tensorLoad,
      ]
      #expect(operation.touchesRegisters == expected.contains(operation.opcode))
    }
    for operation in [
      Operation.dma(DMADirect()), .dmaTranspose(DMATranspose()), .dmaIndirect(DMAIndirect()),
      .memset(Memset()),
    ] {
      let shape = operation.transferShape(on: Self.device, engine: .gpsimd)
      #expect((shape != nil) == operation.opcode.isDMA)
    }
  }

  @Test func accessesAreListedWithTheirDirection() {
    let (d, a, b) = (
      sbuf(.float32, 4), psum(.float32, 4), sbuf(.float32, 1, byte: 64)
    )
    var found: [(DataLocation, Bool)] = []
    Operation.scalarTensorTensor(
      ScalarTensorTensor(d, a, .multiply, .pointer(b), .add, d)
    ).memoryAccesses { found.append(($0, $1)) }
    #expect(found.map(\.0) == [.onChip(d), .onChip(a), .onChip(b), .onChip(d)])
    #expect(found.map(\.1) == [true, false, false, false])
    let table = TensorAccess(tensor: 1, .float32, byteOffset: 0, rows: 1, columns: 4, rowStride: 4)
    var transfer: [Bool] = []
    Operation.dma(DMADirect(.hbm(table), from: .onChip(d))).memoryAccesses { location, isWrite in
      transfer.append(location.isHBM == isWrite)
    }
    #expect(transfer == [true, true])
    var control = 0
    Operation.control(ControlInstruction(.drain)).memoryAccesses { _, _ in control += 1 }
    #expect(control == 0)
  }

  @Test func registersAreCheckedBeforeTheAccess() throws {
    var core = try makeCore(hbmBytes: 4096)
    core.tensorAddresses = [1024]
    var access = sbuf(.float32, 4)
    access.register = 7
    let memset = Operation.memset(Memset(access, 1))
    #expect(memset.isDynamic)
    #expect(!Operation.memset(Memset(sbuf(.float32, 4), 1)).isDynamic)
    let limit = Self.device.memory.sbufBytesPerPartition.value
    var faults: [Fault?] = []
    for value in [0, limit - 16, limit - 15, -1] {
      core.setRegister(7, of: .vector, to: Int32(value))
      do {
        try memset.checkRegisters(on: core, engine: .vector)
        faults.append(nil)
      } catch { faults.append(error) }
    }
    #expect(faults.map { $0 == nil } == [true, true, false, false])
    #expect(
      faults[2]
        == Fault(
          "MEMSET", operand: "register", .outOfBounds(found: limit + 1, limit: limit),
          engine: .vector))
    var row = TensorAccess(
      tensor: 0, .float32, byteOffset: 0, rows: 1, columns: 4, rowStride: 4)
    row.register = 7
    let load = Operation.dma(
      DMADirect(.onChip(sbuf(.float32, 4, partitions: 0..<1)), from: .hbm(row)))
    core.setRegister(7, of: .sync, to: 3056)
    try load.checkRegisters(on: core, engine: .sync)
    core.setRegister(7, of: .sync, to: 3060)
    #expect(throws: Fault.self) { try check(load, core, .sync) }
  }

  private func check(_ operation: Operation, _ core: borrowing CoreState, _ engine: Engine)
    throws(Fault)
  {
    try operation.checkRegisters(on: core, engine: engine)
  }

  @Test func whatCannotBeLoadedIsRefusedBeforeItIsCounted() {
    for operation in (0..<50).flatMap({ randomOperations(seed: 500 &* $0, tensorCount: 2) }) {
      let found = fault(operation, operation.opcode.engines[0])
      let isSequencerRow = operation.opcode.isControl || operation.opcode == .activationTableLoad
      #expect(found != nil || isSequencerRow)
    }
  }

  @Test func transfersAreDealtOverTheEngines() throws {
    let tensor = TensorAccess(
      tensor: 0, .bfloat16, byteOffset: 0, rows: 128, columns: 1024, rowStride: 1024)
    let load = Operation.dma(DMADirect(.onChip(sbuf(.bfloat16, 1024)), from: .hbm(tensor)))
    let shape = try #require(load.transferShape(on: Self.device, engine: .sync))
    #expect(shape.engines == 16)
    #expect(shape.descriptorBytes == 2048)
    #expect(shape.descriptorsPerEngine == 8)
    #expect(shape.totalBytes == 262_144)
    #expect(shape.readsHBM && !shape.writesHBM && !shape.isSoftware)
    let gather = Operation.dmaIndirect(
      DMAIndirect(
        .onChip(sbuf(.bfloat16, 1024)),
        from: .hbm(
          TensorAccess(
            tensor: 0, .bfloat16, byteOffset: 0, rows: 1, columns: 1024, rowStride: 1024)),
        index: sbuf(.uint32, 1), isScatter: false, rowStrideBytes: 2048, rowCount: 1000))
    let rows = try #require(gather.transferShape(on: Self.device, engine: .gpsimd))
    #expect(rows.totalBytes == 262_144)
    #expect(rows.descriptorBytes == 2048)
    #expect(rows.indexRows == 128)
    #expect(rows.isSoftware)
    let plain = try #require(load.transferShape(on: Self.device, engine: .sync))
    let transposed = Operation.dmaTranspose(
      DMATranspose(
        sbuf(.bfloat16, 128),
        from: TensorAccess(
          tensor: 0, .bfloat16, byteOffset: 0, rows: 128, columns: 128, rowStride: 128)))
    let slow = try #require(transposed.transferShape(on: Self.device, engine: .sync))
    #expect(slow.totalBytes == 32_768)
    #expect(slow.serviceTenths > 0 && plain.serviceTenths > slow.serviceTenths)
  }
}
