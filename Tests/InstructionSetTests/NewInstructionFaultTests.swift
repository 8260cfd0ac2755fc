import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Every operand rule of the instructions added to the core's first ones has an instruction here
/// that breaks it.
@Suite struct NewInstructionFaultTests {
  private func expect(
    _ operation: Operation, _ engine: Engine, _ operand: String, _ rule: Fault.Rule,
    generation: Int = 3, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      fault(operation, engine, generation: generation)
        == Fault(operation.opcode.name, operand: operand, rule, engine: engine),
      sourceLocation: sourceLocation)
  }

  private let row = sbuf(.float32, 8)
  private let low = psum(.float32, 8)
  private let whole = sbuf(.int32, 8)
  private let short = sbuf(.float32, 7)
  private let column = sbuf(.float32, 1)
  private let mask = sbuf(.uint8, 8)

  /// What the reference says exists from a generation on: instruction, queue, first generation.
  @Test func generations() {
    let cases: [(Operation, Engine, Int)] = [
      (.rangeSelect(RangeSelect(row, row, .lessThan, column, .lessThan, column)), .vector, 3),
      (.activate2(Activate2(row, .exp, row)), .scalar, 4),
      (.exponential(Exponential(row, row)), .vector, 4),
      (
        .randomUniform(RandomUniform(row, minimum: .immediate(0), maximum: .immediate(1))),
        .vector, 4
      ),
      (
        .quantizeMX(
          QuantizeMX(
            sbuf(.float8e5m2x4, 2), sbuf(.bfloat16, 8), scales: sbuf(.uint8, 2))), .vector, 4
      ),
      (.random(RandomBits(whole)), .gpsimd, 3), (.random(RandomBits(whole)), .vector, 2),
      (.setRandomState(SetRandomState(sbuf(.uint32, 6))), .gpsimd, 3),
      (.setRandomState(SetRandomState(sbuf(.uint32, 24))), .vector, 4),
      (.getRandomState(GetRandomState(sbuf(.uint32, 6))), .gpsimd, 3),
      (.getRandomState(GetRandomState(sbuf(.uint32, 24))), .vector, 4),
      (.tensorScalar(TensorScalar(row, row, .multiply, .immediate(2))), .scalar, 3),
      (
        .selectReduce(SelectReduce(row, predicate: mask, onTrue: row, onFalse: .immediate(0))),
        .vector, 2
      ),
      (.streamShuffle(StreamShuffle(row, row, mask: ShuffleMask())), .vector, 2),
      (.copyPredicated(CopyPredicated(row, from: row, predicate: mask)), .vector, 2),
    ]
    for (operation, engine, first) in cases {
      for generation in 2...4 {
        if generation < first {
          expect(
            operation, engine, "queue", lacking(generation, needs: first), generation: generation)
        } else {
          #expect(
            fault(operation, engine, generation: generation) == nil, "\(operation.opcode.name)")
        }
        let isListed = operation.opcode.engines(generation: generation).contains(engine)
        #expect(isListed == (generation >= first))
      }
    }
    let fault = Fault("RAND2", operand: "queue", lacking(3, needs: 4), engine: .vector)
    #expect(
      fault.description
        == "(RAND2 on the vector engine): operand queue: does not exist on NeuronCore-v3; "
        + "NeuronCore-v4 and later have it")
    expect(
      .dropout(Dropout(row, row, probability: .immediate(0))), .scalar, "queue",
      .engine(allowed: ["vector"]))
  }

  @Test func tensorScalarReduce() {
    func reduce(
      _ destination: AccessPattern, _ operation: ALUOperation = .add,
      _ operand: ScalarOperand = .immediate(1), _ reduction: ALUOperation = .add,
      _ command: AccumulatorCommand = .resetReduce, _ initial: ScalarOperand = .immediate(0)
    ) -> Operation {
      .tensorScalarReduce(
        TensorScalarReduce(
          destination, row, operation, operand, reduction: reduction, command: command,
          initial: initial))
    }
    #expect(fault(reduce(row), .vector) == nil)
    expect(reduce(short), .vector, "src", .elementCountMismatch(found: 8, expected: 7))
    expect(
      reduce(row, .bitwiseAnd), .vector, "op0",
      .value(found: "and", allowed: "arithmetic operations"))
    expect(
      reduce(row, .add, .immediate(1), .subtract), .vector, "reduce",
      .value(found: "sub", allowed: "add, mul, max, min"))
    expect(
      reduce(row, .add, .immediate(1), .add, .reduce, .immediate(1)), .vector, "initial",
      .value(found: "given with reduce", allowed: "with load_reduce only"))
    expect(
      reduce(row, .add, .pointer(sbuf(.float32, 1, partitions: 0..<32))), .vector, "s0",
      .partitionMismatch(found: 32, expected: 128))
    expect(
      reduce(
        row, .add, .immediate(1), .add, .loadReduce, .pointer(sbuf(.float32, 1, partitions: 0..<32))
      ),
      .vector, "initial", .partitionMismatch(found: 32, expected: 128))
    expect(
      .vectorReadAccumulator(VectorReadAccumulator(row)), .vector, "dst",
      .elementCountMismatch(found: 8, expected: 1))
    expect(
      .vectorReadAccumulator(VectorReadAccumulator(sbuf(.int32, 1))), .vector, "dst",
      .format(found: "int32", allowed: "floating-point formats"))
  }

  @Test func cumulative() {
    func scan(
      _ destination: AccessPattern, _ source: AccessPattern, _ op0: ALUOperation = .add,
      _ op1: ALUOperation = .add, _ command: AccumulatorCommand = .resetReduce
    ) -> Operation {
      .tensorScalarCumulative(
        TensorScalarCumulative(destination, source, op0, 0, op1, command: command))
    }
    expect(scan(row, short), .vector, "src", .elementCountMismatch(found: 7, expected: 8))
    expect(
      scan(row, whole), .vector, "src", .format(found: "int32", allowed: "all but int32 and uint32")
    )
    expect(
      scan(sbuf(.uint32, 8), row), .vector, "dst",
      .format(found: "uint32", allowed: "all but int32 and uint32"))
    expect(
      scan(row, row, .shiftLeft), .vector, "op0",
      .value(found: "shl", allowed: "arithmetic operations"))
    expect(
      scan(row, row, .add, .divide), .vector, "op1",
      .value(found: "div", allowed: "add, sub, mul, max, min"))
    expect(
      scan(row, row, .add, .add, .idle), .vector, "acc",
      .value(found: "idle", allowed: "reset_reduce, load_reduce, reduce"))
  }

  @Test func selections() {
    func select(
      _ predicate: AccessPattern, _ onTrue: AccessPattern, _ onFalse: ScalarOperand = .immediate(0),
      _ command: AccumulatorCommand = .idle
    ) -> Operation {
      .selectReduce(
        SelectReduce(row, predicate: predicate, onTrue: onTrue, onFalse: onFalse, command: command))
    }
    expect(
      select(sbuf(.uint8, 7), row), .vector, "predicate",
      .elementCountMismatch(found: 7, expected: 8))
    expect(select(mask, short), .vector, "true", .elementCountMismatch(found: 7, expected: 8))
    expect(
      select(row, row), .vector, "predicate",
      .format(found: "fp32", allowed: "int8, uint8, int16, uint16"))
    for format in [NumberFormat.int32, .uint32, .tensorFloat32] {
      expect(
        select(mask, sbuf(format, 8)), .vector, "true",
        .format(found: format.name, allowed: "all but tf32, int32 and uint32"))
    }
    expect(select(psum(.uint8, 8), low), .vector, "true", .bothInPSUM)
    expect(
      select(mask, row, .pointer(sbuf(.float32, 1, partitions: 0..<32))), .vector, "false",
      .partitionMismatch(found: 32, expected: 128))
    expect(
      select(mask, row, .immediate(0), .loadReduce), .vector, "acc",
      .value(found: "load_reduce", allowed: "idle, reduce, reset_reduce"))
  }

  @Test func ranges() {
    func select(
      _ source: AccessPattern, _ bound: AccessPattern, _ op0: ALUOperation = .lessThan,
      start: Int = 0, _ command: AccumulatorCommand = .idle
    ) -> Operation {
      .rangeSelect(
        RangeSelect(row, source, op0, bound, .lessThan, column, start: start, command: command))
    }
    expect(select(short, column), .vector, "src", .elementCountMismatch(found: 7, expected: 8))
    expect(
      select(whole, column), .vector, "src",
      .format(found: "int32", allowed: "floating-point formats"))
    expect(select(row, row), .vector, "bound0", .elementCountMismatch(found: 8, expected: 1))
    expect(
      select(row, sbuf(.bfloat16, 1)), .vector, "bound0", .format(found: "bf16", allowed: "fp32"))
    expect(
      select(row, sbuf(.float32, 1, partitions: 0..<32)), .vector, "bound0",
      .partitionMismatch(found: 32, expected: 128))
    expect(
      select(row, column, .notEqual), .vector, "op0",
      .value(found: "ne", allowed: "eq, lt, le, gt, ge"))
    expect(
      select(row, column, start: 16_777_209), .vector, "start",
      .value(found: "16777209", allowed: "places below 2^24, which fp32 holds exactly"))
    #expect(fault(select(row, column, start: 16_777_208), .vector) == nil)
    expect(
      select(row, column, .lessThan, start: 0, .loadReduce), .vector, "acc",
      .value(found: "load_reduce", allowed: "idle, reset, reduce, reset_reduce"))
  }

  @Test func predicates() {
    func copy(_ source: AccessPattern, _ predicate: AccessPattern) -> Operation {
      .copyPredicated(CopyPredicated(row, from: source, predicate: predicate))
    }
    expect(copy(short, mask), .vector, "src", .elementCountMismatch(found: 7, expected: 8))
    expect(copy(whole, mask), .vector, "src", .format(found: "int32", allowed: "fp32"))
    expect(
      copy(row, sbuf(.uint8, 7)), .vector, "predicate", .elementCountMismatch(found: 7, expected: 8)
    )
    expect(
      copy(row, whole), .vector, "predicate",
      .format(found: "int32", allowed: "uint8, uint16, uint32"))
    expect(copy(low, psum(.uint8, 8)), .vector, "predicate", .bothInPSUM)
    expect(
      .copyPredicatedScalar(CopyPredicatedScalar(row, 1, predicate: row)), .vector, "predicate",
      .format(found: "fp32", allowed: "uint8, uint16, uint32"))
  }

  @Test func replacements() {
    func replace(
      _ destination: AccessPattern, _ source: AccessPattern, _ values: AccessPattern,
      _ places: AccessPattern? = nil
    ) -> Operation {
      .matchReplace8(
        MatchReplace8(destination, source, values: values, replacement: 0, places: places))
    }
    #expect(fault(replace(short, short, row, sbuf(.uint32, 8)), .vector) == nil)
    expect(replace(row, short, row), .vector, "src", .elementCountMismatch(found: 7, expected: 8))
    expect(
      replace(row, row, short), .vector, "values", .elementCountMismatch(found: 7, expected: 8))
    let long = sbuf(.bfloat16, 16_385)
    expect(replace(long, long, row), .vector, "src", .tooManyElements(found: 16_385, limit: 16_384))
    expect(
      replace(row, row, row, row), .vector, "index",
      .format(found: "fp32", allowed: "uint16, uint32"))
    expect(
      replace(row, row, row, sbuf(.uint32, 4)), .vector, "index",
      .elementCountMismatch(found: 4, expected: 8))
    expect(
      replace(row, row, sbuf(.float32, 8, partitions: 0..<32)), .vector, "values",
      .partitionMismatch(found: 32, expected: 128))
  }

  @Test func shuffles() {
    func shuffle(
      _ destination: AccessPattern, _ source: AccessPattern, _ mask: ShuffleMask = ShuffleMask()
    )
      -> Operation
    {
      .streamShuffle(StreamShuffle(destination, source, mask: mask))
    }
    expect(shuffle(row, short), .vector, "src", .elementCountMismatch(found: 7, expected: 8))
    expect(shuffle(row, whole), .vector, "src", .format(found: "int32", allowed: "fp32"))
    // 40 partitions are two active quadrants, which start at 0 or 64 even where fewer are named.
    expect(
      shuffle(sbuf(.float32, 8, partitions: 32..<40), sbuf(.float32, 8, partitions: 0..<40)),
      .vector,
      "dst", .partitionStart(start: 32, count: 64))
    var wrong = ShuffleMask()
    wrong[3] = 32
    let allowed = "partitions of src in the same quadrant, or 255"
    expect(
      shuffle(row, row, wrong), .vector, "mask",
      .value(found: "32 for partition 3", allowed: allowed))
    wrong[3] = 20
    let few = sbuf(.float32, 8, partitions: 0..<16)
    expect(
      shuffle(few, few, wrong), .vector, "mask",
      .value(found: "20 for partition 3", allowed: allowed))
    wrong[3] = 255
    #expect(fault(shuffle(few, few, wrong), .vector) == nil)
  }

  @Test func randomNumbers() {
    expect(
      .random(RandomBits(row)), .vector, "dst", .format(found: "fp32", allowed: "integer formats"))
    expect(
      .randomUniform(RandomUniform(whole, minimum: .immediate(0), maximum: .immediate(1))), .vector,
      "dst", .format(found: "int32", allowed: "floating-point formats"), generation: 4)
    let far = ScalarOperand.pointer(sbuf(.float32, 1, partitions: 0..<32))
    expect(
      .randomUniform(RandomUniform(row, minimum: far, maximum: .immediate(1))), .vector, "min",
      .partitionMismatch(found: 32, expected: 128), generation: 4)
    expect(
      .randomUniform(RandomUniform(row, minimum: .immediate(0), maximum: far)), .vector, "max",
      .partitionMismatch(found: 32, expected: 128), generation: 4)
    expect(
      .setRandomState(SetRandomState(psum(.uint32, 24))), .vector, "src",
      .space(found: "psum", allowed: "sbuf"), generation: 4)
    expect(
      .setRandomState(SetRandomState(sbuf(.int32, 6))), .gpsimd, "src",
      .format(found: "int32", allowed: "uint32"))
    expect(
      .getRandomState(GetRandomState(sbuf(.uint32, 24))), .gpsimd, "dst",
      .elementCountMismatch(found: 24, expected: 6))
    expect(
      .setRandomSeed(SetRandomSeed(sbuf(.uint32, 2, partitions: 0..<1))), .vector, "src",
      .elementCountMismatch(found: 2, expected: 1))
    expect(
      .setRandomSeed(SetRandomSeed(sbuf(.uint32, 1))), .vector, "src",
      .partitionMismatch(found: 128, expected: 1))
    expect(
      .setRandomSeed(SetRandomSeed(sbuf(.float32, 1, partitions: 0..<1))), .vector, "src",
      .format(found: "fp32", allowed: "int32, uint32"))
    func drop(_ destination: AccessPattern, _ source: AccessPattern, _ prob: ScalarOperand)
      -> Operation
    {
      .dropout(Dropout(destination, source, probability: prob))
    }
    expect(
      drop(row, short, .immediate(0)), .vector, "src", .elementCountMismatch(found: 7, expected: 8))
    expect(
      drop(row, whole, .immediate(0)), .vector, "dst", .format(found: "fp32", allowed: "int32"))
    expect(
      drop(whole, whole, .pointer(sbuf(.bfloat16, 1))), .vector, "prob",
      .format(found: "bf16", allowed: "fp32"))
    expect(
      drop(row, row, .immediate(1.5)), .vector, "prob", .value(found: "1.5", allowed: "0 to 1"))
    expect(drop(row, row, far), .vector, "prob", .partitionMismatch(found: 32, expected: 128))
  }

  @Test func exponentials() {
    func exponential(
      _ destination: AccessPattern, _ source: AccessPattern, _ most: ScalarOperand = .immediate(0),
      _ command: AccumulatorCommand = .idle, _ initial: ScalarOperand = .immediate(0)
    ) -> Operation {
      .exponential(
        Exponential(destination, source, maximum: most, command: command, initial: initial))
    }
    let far = ScalarOperand.pointer(sbuf(.float32, 1, partitions: 0..<32))
    let formats =
      "fp8e4m3, fp8e5m2, fp16, bf16, fp32, tf32, int8, int16, int32, uint8, uint16"
    expect(
      exponential(row, short), .vector, "src", .elementCountMismatch(found: 7, expected: 8),
      generation: 4)
    expect(
      exponential(row, sbuf(.uint32, 8)), .vector, "src",
      .format(found: "uint32", allowed: formats),
      generation: 4)
    expect(
      exponential(sbuf(.float8e3m4, 8), row), .vector, "dst",
      .format(found: "fp8e3m4", allowed: formats), generation: 4)
    expect(
      exponential(row, row, far), .vector, "max", .partitionMismatch(found: 32, expected: 128),
      generation: 4)
    expect(
      exponential(row, row, .immediate(0), .loadReduce, far), .vector, "initial",
      .partitionMismatch(found: 32, expected: 128), generation: 4)
    expect(
      exponential(row, row, .immediate(0), .resetReduce, .immediate(1)), .vector, "initial",
      .value(found: "given with reset_reduce", allowed: "with load_reduce only"), generation: 4)
  }

  @Test func activations() {
    func two(
      _ op0: ALUOperation, _ op1: ALUOperation, _ reduction: ALUOperation = .add,
      _ command: AccumulatorCommand = .idle
    ) -> Operation {
      .activate2(
        Activate2(
          row, .exp, row, op0, .immediate(1), op1, .immediate(1), reduction: reduction,
          command: command))
    }
    let allowed = "mul with add, sub or bypass; add, sub or bypass with bypass"
    for (op0, op1) in [
      (ALUOperation.add, ALUOperation.add), (.multiply, .multiply), (.bypass, .add),
      (.max, .bypass),
    ] {
      expect(
        two(op0, op1), .scalar, "op1",
        .value(found: "\(op0.text) with \(op1.text)", allowed: allowed),
        generation: 4)
    }
    expect(
      two(.multiply, .add, .multiply), .scalar, "reduce",
      .value(found: "mul", allowed: "add, max, min, absmax, absmin"), generation: 4)
    expect(
      two(.multiply, .add, .max, .loadReduce), .scalar, "acc",
      .value(found: "load_reduce", allowed: "idle, reset, reduce, reset_reduce"), generation: 4)
    expect(
      .activate2(Activate2(row, .exp, short)), .scalar, "src",
      .elementCountMismatch(found: 7, expected: 8), generation: 4)
    let far = ScalarOperand.pointer(sbuf(.float32, 1, partitions: 0..<32))
    expect(
      .activate2(Activate2(row, .exp, row, .multiply, far)), .scalar, "s0",
      .partitionMismatch(found: 32, expected: 128), generation: 4)
    expect(
      .activate2(Activate2(row, .exp, row, .multiply, .immediate(1), .add, far)), .scalar, "s1",
      .partitionMismatch(found: 32, expected: 128), generation: 4)
    expect(
      .activate(Activate(row, .exp, row, accumulate: .loadReduce)), .scalar, "acc",
      .value(found: "load_reduce", allowed: "idle, reset, reduce, reset_reduce"))
    // NeuronCore-v2 reads its bias from memory, and its reciprocal has none.
    let bias = ScalarOperand.pointer(column)
    for (function, value, isLegal) in [
      (ActivationFunction.exp, ScalarOperand.immediate(1), false), (.exp, bias, true),
      (.exp, .immediate(0), true), (.reciprocal, bias, false), (.reciprocal, .immediate(0), true),
    ] {
      let operation = Operation.activate(Activate(row, function, row, bias: value))
      #expect(fault(operation, .scalar) == nil)
      if isLegal {
        #expect(fault(operation, .scalar, generation: 2) == nil)
      } else {
        expect(operation, .scalar, "bias", lacking(2, needs: 3), generation: 2)
      }
    }
  }

  @Test func tensorScalarOnTheScalarEngine() {
    func scale(_ op0: ALUOperation, _ op1: ALUOperation = .bypass, _ row: AccessPattern)
      -> Operation
    {
      .tensorScalar(TensorScalar(row, row, op0, .immediate(1), op1, .immediate(1)))
    }
    for (op0, op1) in [
      (ALUOperation.multiply, ALUOperation.add), (.multiply, .bypass), (.add, .bypass),
    ] {
      #expect(fault(scale(op0, op1, row), .scalar) == nil)
    }
    for (op0, op1) in [
      (ALUOperation.add, ALUOperation.multiply), (.subtract, .bypass), (.max, .min),
    ] {
      expect(scale(op0, op1, row), .scalar, "op0", lacking(3, needs: 4))
      #expect(fault(scale(op0, op1, row), .scalar, generation: 4) == nil)
    }
    expect(scale(.bitwiseAnd, .bypass, whole), .scalar, "op0", .engine(allowed: ["vector"]))
  }

  @Test func reductions() {
    expect(
      .tensorReduce(TensorReduce(column, row, .bitwiseOr)), .vector, "op",
      .format(found: "or on fp32", allowed: "integer formats"))
    expect(
      .tensorReduce(TensorReduce(sbuf(.int32, 1), whole, .bitwiseOr, negate: true)), .vector,
      "negate", .value(found: "negate with or", allowed: "arithmetic operations"))
    expect(
      .tensorReduce(TensorReduce(column, row, .absMin)), .vector, "op", lacking(3, needs: 4))
    #expect(fault(.tensorReduce(TensorReduce(column, row, .absMin)), .vector, generation: 4) == nil)
  }

  @Test func enginesOfTensorTensor() {
    var operations: [Operation] = []
    for (operands, operation, asked, expected) in [
      ([row, row, row], ALUOperation.add, nil, Engine.vector),
      ([row, row, row], .power, nil, .gpsimd),
      ([whole, whole, sbuf(.uint32, 8)], .add, nil, .gpsimd),
      ([whole, whole, whole], .add, .vector, .vector), ([whole, whole, row], .add, nil, .vector),
      ([whole, whole, whole], .bitwiseXor, nil, .vector),
      ([whole, psum(.int32, 8), whole], .add, nil, .vector),
    ] as [([AccessPattern], ALUOperation, Engine?, Engine)] {
      let chosen = NkiTensorTensor(
        TensorTensor(operands[0], operands[1], operands[2], operation), on: asked
      ).expand(into: &operations)
      #expect(chosen == expected)
    }
    for (operation, engine) in zip(operations, [Engine.vector, .gpsimd, .gpsimd]) {
      #expect(fault(operation, engine) == nil)
    }
  }
}
