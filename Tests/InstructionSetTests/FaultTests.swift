import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Every operand rule has an instruction here that breaks it.
@Suite struct FaultTests {
  private func expect(
    _ operation: Operation, _ engine: Engine, _ operand: String, _ rule: Fault.Rule,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = fault(operation, engine)
    #expect(
      found == Fault(operation.opcode.name, operand: operand, rule, engine: engine),
      sourceLocation: sourceLocation)
  }

  private func copy(_ destination: AccessPattern, _ source: AccessPattern) -> Operation {
    .copy(Copy(destination, from: source))
  }

  @Test func legalInstructionsPass() {
    #expect(fault(copy(sbuf(.float32, 512), psum(.float32, 512)), .vector) == nil)
    #expect(fault(copy(sbuf(.float32, 8), psum(.float32, 8)), .scalar) == nil)
    #expect(fault(.control(ControlInstruction(.nop)), .sync) == nil)
  }

  @Test func enginesTakeTheirOwnInstructions() {
    expect(
      copy(sbuf(.float32, 1), sbuf(.float32, 1)), .tensor, "queue",
      .engine(allowed: ["vector", "scalar", "gpsimd"]))
    expect(
      .activate(Activate(sbuf(.float32, 1), .exp, sbuf(.float32, 1))), .vector, "queue",
      .engine(allowed: ["scalar"]))
    expect(
      .tensorTensor(TensorTensor(sbuf(.float32, 1), sbuf(.float32, 1), sbuf(.float32, 1), .power)),
      .vector, "op", .engine(allowed: ["gpsimd"]))
  }

  @Test func partitionsStartAtTheirQuadrant() {
    for (start, count, isLegal) in [
      (0, 128, true), (32, 32, true), (96, 32, true), (64, 64, true), (32, 33, false),
      (64, 33, true), (16, 16, false), (96, 33, false), (64, 65, false), (33, 1, false),
    ] {
      let access = sbuf(.float32, 4, partitions: start..<(start + count))
      let operation = Operation.memset(Memset(access, 0))
      if isLegal {
        #expect(fault(operation, .vector) == nil, "\(start) \(count)")
      } else {
        expect(operation, .vector, "dst", .partitionStart(start: start, count: count))
      }
    }
    var none = sbuf(.float32, 4)
    none.partitionCount = 0
    expect(.memset(Memset(none, 0)), .vector, "dst", .partitionCount(found: 0, limit: 128))
    var many = sbuf(.float32, 4)
    many.partitionCount = 129
    expect(.memset(Memset(many, 0)), .vector, "dst", .partitionCount(found: 129, limit: 128))
  }

  @Test func patternsStayInTheirMemory() {
    let limit = Device.trainium2.memory.sbufBytesPerPartition.value
    #expect(fault(.memset(Memset(sbuf(.float32, 4, byte: limit - 16), 0)), .vector) == nil)
    expect(
      .memset(Memset(sbuf(.float32, 4, byte: limit - 12), 0)), .vector, "dst",
      .outOfBounds(found: limit + 4, limit: limit))
    expect(
      .memset(Memset(psum(.float32, 4, byte: 16_384 - 12), 0)), .vector, "dst",
      .outOfBounds(found: 16_388, limit: 16_384))
    expect(
      .memset(Memset(pattern(.sbuf, .float32, byte: 8, [(4, -1)]), 0)), .vector, "dst",
      .outOfBounds(found: -4, limit: limit))
    expect(
      .memset(Memset(sbuf(.float32, 4, byte: 6), 0)), .vector, "dst",
      .value(found: "byte 6", allowed: "multiples of 4 for fp32"))
    expect(
      .memset(Memset(sbuf(.bfloat16, 4, byte: 3), 0)), .vector, "dst",
      .value(found: "byte 3", allowed: "multiples of 2 for bf16"))
  }

  @Test func dimensionsAndElementsAreLimited() {
    var access = sbuf(.uint8, 4)
    access.dimensionCount = 5
    expect(.memset(Memset(access, 0)), .vector, "dst", .dimensionCount(found: 5, limit: 4))
    access.dimensionCount = 0
    expect(.memset(Memset(access, 0)), .vector, "dst", .dimensionCount(found: 0, limit: 4))
    expect(
      .memset(Memset(pattern(.sbuf, .uint8, [(2, 0), (40_000, 1)]), 0)), .vector, "dst",
      .tooManyElements(found: 80_000, limit: 65_536))
    expect(
      .memset(Memset(pattern(.psum, .uint8, [(5000, 1)]), 0)), .vector, "dst",
      .tooManyElements(found: 5000, limit: 4096))
    expect(
      .memset(Memset(pattern(.sbuf, .uint8, [(0, 1)]), 0)), .vector, "dst",
      .tooManyElements(found: 0, limit: 65_536))
  }

  @Test func registersExist() {
    var access = sbuf(.float32, 4)
    access.register = 64
    expect(.memset(Memset(access, 0)), .vector, "dst", .register(found: 64, limit: 64))
    expect(
      .register(.move(64, from: .immediate(0))), .sync, "rd", .register(found: 64, limit: 64))
    expect(
      .register(.arithmetic(0, 64, .add, .immediate(0))), .sync, "ra",
      .register(found: 64, limit: 64))
    expect(
      .register(.move(0, from: .register(99))), .sync, "rb", .register(found: 99, limit: 64))
  }

  @Test func gpSimdDoesNotReachPSUM() {
    expect(
      copy(sbuf(.float32, 4), psum(.float32, 4)), .gpsimd, "src",
      .space(found: "psum", allowed: "sbuf: GpSimd does not reach PSUM"))
  }

  @Test func branchesStayInTheirQueue() {
    #expect(fault(.register(.branch(to: 10)), .vector) == nil)
    expect(
      .register(.branch(to: 11)), .vector, "target", .branchTarget(found: 11, limit: 10))
    expect(
      .register(.branch(to: -1)), .vector, "target", .branchTarget(found: -1, limit: 10))
  }

  @Test func rangeClearsStayInTheFile() {
    #expect(fault(.control(ControlInstruction(clear: 0, count: 256)), .sync) == nil)
    expect(
      .control(ControlInstruction(clear: 250, count: 7)), .sync, "count",
      .value(found: "250+7", allowed: "semaphores 0 to 255"))
  }

  @Test func operandsMatchTheResult() {
    let d = sbuf(.float32, 8)
    expect(copy(d, sbuf(.float32, 9)), .vector, "src", .elementCountMismatch(found: 9, expected: 8))
    expect(
      copy(d, sbuf(.float32, 8, partitions: 0..<64)), .vector, "src",
      .partitionMismatch(found: 64, expected: 128))
    let p = psum(.float32, 8)
    expect(.tensorTensor(TensorTensor(d, p, p, .add)), .vector, "b", .bothInPSUM)
    expect(
      .scalarTensorTensor(ScalarTensorTensor(d, p, .multiply, .immediate(1), .add, p)), .vector,
      "b", .bothInPSUM)
    expect(
      .select(Select(d, predicate: d, onTrue: p, onFalse: p)), .vector, "false", .bothInPSUM)
    expect(
      .scan(TensorTensorScan(d, p, p, initial: .immediate(0), .add, .add)), .vector, "b",
      .bothInPSUM)
  }

  @Test func scalarsAreColumns() {
    let d = sbuf(.float32, 8)
    let wide = ScalarOperand.pointer(sbuf(.float32, 2))
    expect(
      .tensorScalar(TensorScalar(d, d, .add, wide)), .vector, "s0",
      .elementCountMismatch(found: 2, expected: 1))
    let short = ScalarOperand.pointer(sbuf(.float32, 1, partitions: 0..<32))
    expect(
      .tensorScalar(TensorScalar(d, d, .add, short)), .vector, "s0",
      .partitionMismatch(found: 32, expected: 128))
    let whole = ScalarOperand.pointer(sbuf(.int32, 1))
    expect(
      .activate(Activate(d, .exp, d, bias: whole)), .scalar, "bias",
      .format(found: "int32", allowed: "floating-point formats"))
    expect(
      .activate(Activate(d, .exp, d, scale: .pointer(sbuf(.bfloat16, 1)))), .scalar, "scale",
      .format(found: "bf16", allowed: "fp32"))
    expect(
      .activate(Activate(d, .exp, d, bias: .pointer(sbuf(.tensorFloat32, 1)))), .scalar, "bias",
      .format(found: "tf32", allowed: "fp32, bf16, fp16, fp8"))
  }

  @Test func rawBitsNeedIntegers() {
    let (f, i) = (sbuf(.float32, 8), sbuf(.int32, 8))
    expect(
      .tensorTensor(TensorTensor(i, i, f, .bitwiseAnd)), .vector, "op",
      .format(found: "and on fp32", allowed: "integer formats"))
    expect(
      .tensorScalar(TensorScalar(i, i, .shiftLeft, .immediate(2), .add, .immediate(1))), .vector,
      "op1", .value(found: "shl with add", allowed: "both on raw bits or both arithmetic"))
    expect(
      .tensorScalar(TensorScalar(i, i, .bitwiseXor, .immediate(1.5))), .vector, "s0",
      .value(found: "not a whole number", allowed: "a 32-bit whole number for raw bits"))
    expect(
      .scalarTensorTensor(ScalarTensorTensor(i, i, .bitwiseOr, .immediate(1), .add, i)), .vector,
      "op0", .value(found: "or", allowed: "arithmetic operations"))
    expect(
      .scan(TensorTensorScan(i, i, i, initial: .immediate(0), .add, .bitwiseOr)), .vector, "op1",
      .value(found: "or", allowed: "arithmetic operations"))
  }

  @Test func reductionsDivideTheirRow() {
    expect(
      .tensorReduce(TensorReduce(sbuf(.float32, 3), sbuf(.float32, 8), .add)), .vector, "src",
      .elementCountMismatch(found: 8, expected: 9))
    expect(
      .tensorReduce(TensorReduce(sbuf(.float32, 2), sbuf(.float32, 8), .divide)), .vector, "op",
      .value(
        found: "div",
        allowed: "add, sub, mul, max, min, absmax, absmin, land, lor, lxor, and, or, xor"))
  }

  @Test func statisticsAndSearches() {
    let d6 = sbuf(.float32, 6)
    expect(
      .batchNormStatistics(BatchNormStatistics(d6, sbuf(.float32, 513))), .vector, "src",
      .tooManyElements(found: 513, limit: 512))
    expect(
      .batchNormStatistics(BatchNormStatistics(sbuf(.bfloat16, 6), sbuf(.float32, 5))), .vector,
      "dst", .format(found: "bf16", allowed: "fp32"))
    expect(
      .batchNormStatistics(BatchNormStatistics(sbuf(.float32, 5), sbuf(.float32, 5))), .vector,
      "dst", .elementCountMismatch(found: 5, expected: 6))
    expect(
      .batchNormAggregate(BatchNormAggregate(sbuf(.float32, 2), sbuf(.float32, 7))), .vector,
      "src", .elementCountMismatch(found: 7, expected: 9))
    let d8 = sbuf(.float32, 8)
    expect(
      .max8(Max8(d8, sbuf(.float32, 7))), .vector, "src",
      .elementCountMismatch(found: 7, expected: 8))
    expect(
      .max8(Max8(d8, sbuf(.bfloat16, 16_385))), .vector, "src",
      .tooManyElements(found: 16_385, limit: 16_384))
    expect(
      .findIndex8(FindIndex8(d8, d8, values: d8)), .vector, "dst",
      .format(found: "fp32", allowed: "uint16, uint32"))
  }

  @Test func blocksAndAffinePatterns() {
    let wrong = sbuf(.float32, 33)
    expect(
      .streamTranspose(StreamTranspose(wrong, wrong)), .vector, "src",
      .value(found: "33", allowed: "partitions and elements in multiples of 32"))
    expect(
      .streamTranspose(StreamTranspose(sbuf(.float32, 32), sbuf(.int32, 32))), .vector, "src",
      .format(found: "int32", allowed: "fp32"))
    let d = sbuf(.float32, 8)
    expect(
      .affineSelect(
        AffineSelect(
          d, d, comparison: .add, start: 0, channelMultiplier: 0, steps: [1, 0, 0, 0],
          onFalse: 0)), .gpsimd, "op", .value(found: "add", allowed: "eq, ne, ge, gt, le, lt"))
    expect(
      .readAccumulator(ActivationReadAccumulator(d)), .scalar, "dst",
      .elementCountMismatch(found: 8, expected: 1))
  }

  @Test func faultsSayWhereWhatAndWhy() {
    var fault = Fault(
      "MATMUL", operand: "dst", .space(found: "sbuf", allowed: "psum"), engine: .tensor)
    fault.index = 12
    #expect(
      fault.description
        == "instruction 12 (MATMUL on the tensor engine): operand dst: lies in sbuf; "
        + "must lie in psum")
  }
}
