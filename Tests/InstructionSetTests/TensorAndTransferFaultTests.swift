import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Rules of the tensor engine's rows and of transfers.
@Suite struct TensorAndTransferFaultTests {
  private func expect(
    _ operation: Operation, _ engine: Engine, _ operand: String, _ rule: Fault.Rule,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = fault(operation, engine)
    #expect(
      found == Fault(operation.opcode.name, operand: operand, rule, engine: engine),
      sourceLocation: sourceLocation)
  }

  private func matmul(
    _ destination: AccessPattern, _ moving: AccessPattern, columns: Int = 128,
    isTranspose: Bool = false, accumulate: Bool = false
  ) -> Operation {
    .matmul(
      Matmul(
        destination, moving, columns: columns, accumulate: accumulate, isTranspose: isTranspose))
  }

  @Test func products() {
    let (d, m) = (psum(.float32, 512), sbuf(.bfloat16, 512))
    #expect(fault(matmul(d, m), .tensor) == nil)
    expect(
      matmul(sbuf(.float32, 512), m), .tensor, "dst", .space(found: "sbuf", allowed: "psum"))
    expect(matmul(d, psum(.bfloat16, 512)), .tensor, "src", .space(found: "psum", allowed: "sbuf"))
    expect(
      matmul(d, sbuf(.int32, 512)), .tensor, "src",
      .format(
        found: "int32", allowed: "bf16, fp16, fp8e4m3, fp8e5m2, fp8e3m4, tf32, fp32"))
    expect(matmul(psum(.bfloat16, 512), m), .tensor, "dst", lacking(3, needs: 4))
    expect(
      matmul(psum(.float16, 512), m), .tensor, "dst", .format(found: "fp16", allowed: "fp32"))
    expect(
      matmul(psum(.float32, 513), sbuf(.bfloat16, 513)), .tensor, "src",
      .tooManyElements(found: 513, limit: 512))
    expect(
      matmul(d, sbuf(.bfloat16, 511)), .tensor, "dst",
      .elementCountMismatch(found: 512, expected: 511))
    expect(
      matmul(d, m, columns: 64), .tensor, "dst", .partitionMismatch(found: 128, expected: 64))
    expect(
      matmul(psum(.float32, 512, byte: 4), m), .tensor, "dst",
      .value(found: "bytes 4..<2052", allowed: "one PSUM bank of 2048 bytes"))
    expect(
      matmul(psum(.bfloat16, 128), sbuf(.bfloat16, 128), isTranspose: true, accumulate: true),
      .tensor, "acc", .value(found: "acc with transpose", allowed: "one of them"))
  }

  @Test func tilesStartAtMultiplesOfTheirSize() {
    for (row, rows, isLegal) in [
      (0, 128, true), (32, 32, true), (32, 33, false), (64, 64, true), (64, 65, false),
      (16, 8, false), (128, 32, false),
    ] {
      var instruction = LoadWeights(
        sbuf(.bfloat16, 32, partitions: 0..<rows))
      instruction.row = Int32(row)
      let size = rows <= 32 ? 32 : rows <= 64 ? 64 : 128
      if isLegal {
        #expect(fault(.loadWeights(instruction), .tensor) == nil)
      } else {
        expect(
          .loadWeights(instruction), .tensor, "row",
          .value(found: "\(row)", allowed: "multiples of \(size) for \(rows)"))
      }
    }
  }

  @Test func doubleRows() {
    func double(_ moving: AccessPattern, transpose: Bool = false, column: Int = 0) -> Operation {
      var matmul = Matmul(
        psum(.float32, 64, partitions: 0..<32), moving, columns: 32, accumulate: false,
        isTranspose: transpose, isDoubleRow: true)
      matmul.column = Int32(column)
      return .matmul(matmul)
    }
    let moving = pattern(.sbuf, .float8e4m3, [(2, 64), (64, 1)])
    #expect(fault(double(moving), .tensor) == nil)
    expect(
      double(pattern(.sbuf, .bfloat16, [(2, 64), (64, 1)])), .tensor, "src",
      .format(found: "bf16", allowed: "fp8e4m3, fp8e5m2"))
    expect(
      double(sbuf(.float8e4m3, 128)), .tensor, "src",
      .value(found: "first free dimension 128", allowed: "2, and columns inside it"))
    expect(
      double(moving, column: 32), .tensor, "double",
      .value(found: "double", allowed: "neither with transpose nor with column tiles"))
    expect(
      .loadWeights(
        LoadWeights(
          pattern(.sbuf, .float8e4m3, [(2, 129), (129, 1)]), isDoubleRow: true)), .tensor, "src",
      .tooManyElements(found: 129, limit: 128))
  }

  @Test func weights() {
    expect(
      .loadWeights(LoadWeights(psum(.bfloat16, 8))), .tensor, "src",
      .space(found: "psum", allowed: "sbuf"))
    expect(
      .loadWeights(LoadWeights(sbuf(.bfloat16, 129))), .tensor, "src",
      .tooManyElements(found: 129, limit: 128))
    expect(
      .loadWeights(LoadWeights(sbuf(.bfloat16, 8), part: .low)), .tensor, "part",
      .value(found: "low", allowed: "whole, unless src is fp32"))
    expect(
      .loadWeights(LoadWeights(sbuf(.float32, 8), part: .high, isTranspose: true)), .tensor,
      "part", .value(found: "high", allowed: "whole in a transpose"))
  }

  private let table = TensorAccess(
    tensor: 0, .float32, byteOffset: 0, rows: 1, columns: 8, rowStride: 8)

  @Test func transfers() {
    let place = DataLocation.onChip(sbuf(.float32, 8, partitions: 0..<1))
    #expect(fault(.dma(DMADirect(place, from: .hbm(table))), .sync) == nil)
    expect(
      .dma(DMADirect(place, from: .hbm(table), queue: 16)), .sync, "queue",
      .value(found: "16", allowed: "0 to 15"))
    expect(
      .dma(DMADirect(.onChip(sbuf(.float32, 9)), from: .hbm(table))), .sync, "src",
      .elementCountMismatch(found: 8, expected: 1152))
    expect(
      .dma(DMADirect(.onChip(psum(.float32, 8)), from: .hbm(table))), .sync, "dst",
      .space(found: "psum", allowed: "sbuf or hbm: DMA does not reach PSUM"))
    var unbound = table
    unbound.tensor = 2
    expect(
      .dma(DMADirect(place, from: .hbm(unbound))), .sync, "src",
      .unboundTensor(index: 2, count: 2))
    var negative = table
    negative.byteOffset = -4
    expect(
      .dma(DMADirect(place, from: .hbm(negative))), .sync, "src",
      .outOfBounds(found: -4, limit: 0))
    var register = table
    register.register = 80
    expect(
      .dma(DMADirect(place, from: .hbm(register))), .sync, "src",
      .register(found: 80, limit: 64))
  }

  @Test func tensorBounds() throws {
    let place = DataLocation.onChip(sbuf(.float32, 8, partitions: 0..<1))
    let operation = Operation.dma(DMADirect(place, from: .hbm(table)))
    let short = [TensorParameter(name: "t", sizeBytes: 28)]
    #expect(
      throws: Fault(
        "DMA_DIRECT2D", operand: "src", .outOfBounds(found: 32, limit: 28), engine: .sync)
    ) { try operation.checkTensorBounds(short, rules(operation, .sync)) }
    try operation.checkTensorBounds(
      [TensorParameter(name: "t", sizeBytes: 32)], rules(operation, .sync))
    let gather = Operation.dmaIndirect(
      DMAIndirect(
        .onChip(sbuf(.float32, 8)), from: .hbm(table), index: sbuf(.uint32, 1),
        isScatter: false, rowStrideBytes: 32, rowCount: 10))
    #expect(fault(gather, .gpsimd) == nil)
    #expect(
      throws: Fault(
        "DMA_INDIRECT", operand: "src", .outOfBounds(found: 320, limit: 319), engine: .gpsimd)
    ) {
      try gather.checkTensorBounds(
        [TensorParameter(name: "t", sizeBytes: 319)], rules(gather, .gpsimd))
    }
  }

  private func gather(
    _ index: AccessPattern = sbuf(.uint32, 1), scatter: Bool = false, stride: Int = 32,
    rows: Int = 4
  ) -> Operation {
    .dmaIndirect(
      DMAIndirect(
        .onChip(sbuf(.float32, 8)), from: .hbm(table), index: index, isScatter: scatter,
        rowStrideBytes: stride, rowCount: rows))
  }

  @Test func gathers() {
    expect(gather(), .sync, "queue", .engine(allowed: ["gpsimd"]))
    expect(
      gather(scatter: true), .gpsimd, "dst",
      .space(found: "sbuf", allowed: "hbm, and the other side sbuf"))
    expect(
      gather(sbuf(.int32, 1)), .gpsimd, "index", .format(found: "int32", allowed: "uint32"))
    expect(
      gather(sbuf(.uint32, 2)), .gpsimd, "index", .elementCountMismatch(found: 2, expected: 1))
    expect(
      gather(sbuf(.uint32, 1, partitions: 0..<64)), .gpsimd, "index",
      .partitionMismatch(found: 64, expected: 128))
    expect(gather(rows: 0), .gpsimd, "rows", .value(found: "0", allowed: "1 and more"))
    expect(gather(stride: 0), .gpsimd, "rowstride", .value(found: "0", allowed: "1 and more"))
    expect(
      .dmaIndirect(
        DMAIndirect(
          .onChip(sbuf(.float32, 9)), from: .hbm(table), index: sbuf(.uint32, 1),
          isScatter: false, rowStrideBytes: 32, rowCount: 4)), .gpsimd, "src",
      .elementCountMismatch(found: 8, expected: 9))
  }

  @Test func transposes() {
    let block = TensorAccess(
      tensor: 0, .bfloat16, byteOffset: 0, rows: 16, columns: 128, rowStride: 128)
    func transpose(_ destination: AccessPattern, _ source: TensorAccess) -> Operation {
      .dmaTranspose(DMATranspose(destination, from: source))
    }
    #expect(fault(transpose(sbuf(.bfloat16, 16), block), .sync) == nil)
    expect(
      transpose(sbuf(.bfloat16, 15), block), .sync, "src",
      .elementCountMismatch(found: 16, expected: 15))
    expect(
      transpose(sbuf(.bfloat16, 16, partitions: 0..<64), block), .sync, "src",
      .partitionMismatch(found: 128, expected: 64))
    expect(
      transpose(sbuf(.float32, 16), block), .sync, "src", .format(found: "bf16", allowed: "fp32"))
    expect(
      transpose(sbuf(.uint8, 16), block), .sync, "dst",
      .format(found: "uint8", allowed: "formats of two or four bytes"))
    var deep = block
    deep.dimensionCount = 1
    expect(
      transpose(sbuf(.bfloat16, 16), deep), .sync, "src",
      .value(found: "1 dimensions", allowed: "2 to 4"))
  }

  @Test func words() {
    let word = TensorAccess(
      tensor: 0, .int32, byteOffset: 4, rows: 1, columns: 1, rowStride: 1)
    #expect(fault(.tensorLoad(TensorLoad(3, from: word)), .sync) == nil)
    expect(
      .tensorLoad(TensorLoad(3, from: table)), .sync, "src",
      .elementCountMismatch(found: 8, expected: 1))
    let half = TensorAccess(
      tensor: 0, .bfloat16, byteOffset: 4, rows: 1, columns: 1, rowStride: 1)
    expect(
      .tensorLoad(TensorLoad(3, from: half)), .sync, "src",
      .format(found: "bf16", allowed: "int32, uint32, fp32"))
    let onChip = DataLocation.onChip(sbuf(.int32, 1, partitions: 0..<1))
    #expect(fault(.tensorLoad(TensorLoad(3, from: onChip)), .sync) == nil)
    #expect(fault(.tensorStore(TensorStore(onChip, from: 3)), .sync) == nil)
    expect(
      .tensorStore(TensorStore(.onChip(sbuf(.int32, 1)), from: 3)), .sync, "dst",
      .elementCountMismatch(found: 128, expected: 1))
    expect(
      .tensorStore(TensorStore(.hbm(half), from: 3)), .sync, "dst",
      .format(found: "bf16", allowed: "int32, uint32, fp32"))
    expect(
      .tensorStore(TensorStore(onChip, from: 70)), .sync, "rs", .register(found: 70, limit: 64))
  }

  private func copy(_ change: (inout DMADirect) -> Void) -> Operation {
    var transfer = DMADirect(
      .onChip(sbuf(.float32, 8, partitions: 0..<1)), from: .hbm(table))
    change(&transfer)
    return .dma(transfer)
  }

  @Test func waysOfTransfers() {
    let trainium1 = Fault.Rule.generation(found: "NeuronCore-v2", needs: "NeuronCore-v3")
    let before4 = Fault.Rule.generation(found: "NeuronCore-v3", needs: "NeuronCore-v4")
    expect(copy { $0.mode = .software }, .sync, "dge", .engine(allowed: ["gpsimd"]))
    expect(copy { $0.mode = .hardware }, .gpsimd, "dge", .engine(allowed: ["scalar", "sync"]))
    #expect(fault(copy { $0.mode = .software }, .gpsimd) == nil)
    #expect(fault(copy { $0.mode = .hardware }, .scalar) == nil)
    #expect(fault(copy { $0.mode = .hardware }, .sync, on: .trainium1)?.rule == trainium1)
    #expect(fault(copy { $0.mode = .stored }, .sync, on: .trainium1) == nil)
    expect(copy { $0.priority = 4 }, .sync, "priority", .value(found: "4", allowed: "0 to 3"))
    expect(copy { $0.priority = 2 }, .sync, "priority", before4)
    #expect(fault(copy { $0.priority = 2 }, .sync, on: .trainium3) == nil)
    expect(copy { $0.bound = -1 }, .sync, "bound", .value(found: "-1", allowed: "0 and more"))
    expect(
      copy {
        $0.skipsOutOfBounds = true
        $0.bound = 64
        $0.accumulate = true
      }, .sync, "skip", .value(found: "skip with acc", allowed: "one of them"))
    expect(
      copy { $0.skipsOutOfBounds = true }, .sync, "skip",
      .value(found: "skip without bound", allowed: "skip with bound"))
    expect(
      copy {
        $0.mode = .stored
        var row = table
        row.register = 3
        $0.source = .hbm(row)
      }, .sync, "src", .value(found: "a register", allowed: "fixed addresses in stored descriptors")
    )
    var sum = DMAIndirect(
      .onChip(sbuf(.float32, 8)), from: .hbm(table), index: sbuf(.uint32, 1), isScatter: false,
      rowStrideBytes: 32, rowCount: 4)
    sum.accumulate = true
    expect(
      .dmaIndirect(sum), .gpsimd, "acc",
      .value(found: "acc without strict", allowed: "acc with strict"))
  }

  @Test func hardwareTransposes() {
    func transpose(
      _ format: NumberFormat, _ sizes: SIMD4<UInt32>, _ mode: DescriptorMode = .hardware
    ) -> Operation {
      let strides = SIMD4<Int32>(
        Int32(sizes[1] * sizes[2]), Int32(sizes[2]), 1, 0)
      let source = TensorAccess(
        tensor: 0, format: format, byteOffset: 0, dimensionCount: 3, sizes: sizes,
        strides: strides)
      var result = DMATranspose(
        sbuf(format, Int(sizes[0] * sizes[1]), partitions: 0..<Int(sizes[2])), from: source)
      result.mode = mode
      return .dmaTranspose(result)
    }
    #expect(fault(transpose(.bfloat16, SIMD4(4, 4, 128, 1)), .sync) == nil)
    expect(
      transpose(.float32, SIMD4(4, 4, 128, 1)), .sync, "dge",
      .format(found: "fp32", allowed: "formats of two bytes in hwdge"))
    expect(
      transpose(.bfloat16, SIMD4(3, 16, 128, 1)), .sync, "dge",
      .value(found: "first dimension 3", allowed: "1, 2, 4, 8 or 16 in hwdge"))
    expect(
      transpose(.bfloat16, SIMD4(4, 3, 128, 1)), .sync, "dge",
      .value(found: "first times last but one 12", allowed: "multiples of 16 in hwdge"))
    expect(
      transpose(.bfloat16, SIMD4(4, 4, 128, 1), .software), .gpsimd, "dge",
      .value(found: "swdge", allowed: "hwdge; swdge gathers rows"))
    #expect(fault(transpose(.float32, SIMD4(3, 3, 128, 1), .automatic), .sync) == nil)
  }

  @Test func gatherTransposes() {
    let row = TensorAccess(
      tensor: 0, .bfloat16, byteOffset: 0, rows: 1, columns: 32, rowStride: 32)
    let index = sbuf(.uint32, 2, partitions: 0..<16)
    func gather(
      _ d: AccessPattern, _ index: AccessPattern, stride: Int = 64, rows: Int = 9
    ) -> Operation {
      .dmaGatherTranspose(
        DMAGatherTranspose(
          d, rowsOf: row, index: index, rowStrideBytes: stride, rowCount: rows))
    }
    let d = sbuf(.bfloat16, 32, partitions: 0..<32)
    #expect(fault(gather(d, index), .gpsimd) == nil)
    expect(gather(d, index), .sync, "queue", .engine(allowed: ["gpsimd"]))
    expect(
      gather(sbuf(.float32, 32, partitions: 0..<32), index), .gpsimd, "dst",
      .format(found: "fp32", allowed: "formats of two bytes"))
    expect(
      gather(sbuf(.float16, 32, partitions: 0..<32), index), .gpsimd, "src",
      .format(found: "bf16", allowed: "fp16"))
    expect(
      gather(sbuf(.bfloat16, 32, partitions: 0..<16), index), .gpsimd, "src",
      .partitionMismatch(found: 32, expected: 16))
    expect(
      gather(d, sbuf(.int32, 2, partitions: 0..<16)), .gpsimd, "index",
      .format(found: "int32", allowed: "uint32"))
    expect(
      gather(d, sbuf(.uint32, 2, partitions: 0..<15)), .gpsimd, "index",
      .value(found: "15 partitions", allowed: "multiples of 16"))
    expect(
      gather(d, sbuf(.uint32, 1, partitions: 0..<16)), .gpsimd, "dst",
      .elementCountMismatch(found: 32, expected: 16))
    expect(gather(d, index, rows: 0), .gpsimd, "rows", .value(found: "0", allowed: "1 and more"))
    expect(
      gather(d, index, stride: 0), .gpsimd, "rowstride",
      .value(found: "0", allowed: "1 and more"))
    var onChip = DMAGatherTranspose(
      d, rowsOf: row, index: index, rowStrideBytes: 64, rowCount: 9)
    onChip.source = .onChip(d)
    expect(
      .dmaGatherTranspose(onChip), .gpsimd, "src", .space(found: "sbuf", allowed: "hbm"))
  }

  @Test func sums() {
    let place = DataLocation.onChip(sbuf(.float32, 8, partitions: 0..<1))
    func sum(_ sources: [DataLocation], _ destination: DataLocation? = nil, queue: Int = 0)
      -> Operation
    {
      .dmaCompute(
        DMACompute(
          destination ?? place, sumOf: sources.map { ScaledLocation($0) }, queue: queue))
    }
    #expect(fault(sum([.hbm(table), place]), .sync) == nil)
    expect(sum([place], queue: 16), .sync, "queue", .value(found: "16", allowed: "0 to 15"))
    expect(
      sum(Array(repeating: place, count: 17)), .sync, "sources",
      .value(found: "17", allowed: "1 to 16"))
    expect(sum([]), .sync, "sources", .value(found: "0", allowed: "1 to 16"))
    expect(
      sum([place, .onChip(sbuf(.float32, 9, partitions: 0..<1))]), .sync, "src1",
      .elementCountMismatch(found: 9, expected: 8))
    var row = table
    row.register = 1
    expect(
      sum([.hbm(row)]), .sync, "src0",
      .value(found: "a register", allowed: "fixed addresses in stored descriptors"))
    expect(sum([place]), .vector, "queue", .engine(allowed: ["scalar", "sync", "gpsimd"]))
  }
}
