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
    deep.dimensionCount = 3
    expect(
      transpose(sbuf(.bfloat16, 16), deep), .sync, "src", .dimensionCount(found: 3, limit: 2))
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
    var onChip = TensorLoad()
    onChip.source = .onChip(sbuf(.int32, 1))
    expect(.tensorLoad(onChip), .sync, "src", .space(found: "sbuf", allowed: "hbm"))
  }
}
