import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Instructions with reduce registers, running operations and new reductions against fp64.
@Suite struct VectorReduceTests {
  private static let floats: [NumberFormat] = [.float32, .bfloat16, .float16, .float8e5m2]

  /// The reduction of a row in fp64, and how far a sum in another order may be from it.
  private func reduced(_ operation: ALUOperation, _ row: [Float]) -> (value: Double, slack: Double)
  {
    let values = row.map(Double.init)
    let u = 0x1p-24 * Double(row.count + 2)
    switch operation {
    case .add: return (values.reduce(0, +), u * values.map(\.magnitude).reduce(0, +))
    case .multiply:
      let product = values.reduce(1, *)
      return (product, u * product.magnitude)
    case .max: return (values.max()!, 0)
    case .min: return (values.min()!, 0)
    case .absMax: return (values.map(\.magnitude).max()!, 0)
    default: return (values.map(\.magnitude).min()!, 0)
    }
  }

  private func combined(_ operation: ALUOperation, _ a: Double, _ b: Double) -> Double {
    switch operation {
    case .add: a + b
    case .multiply: a * b
    case .max: max(a, b)
    case .min: min(a, b)
    case .absMax: max(a.magnitude, b.magnitude)
    default: min(a.magnitude, b.magnitude)
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func tensorScalarReduce(_ seed: UInt64) throws {
    var core = try makeCore()
    // Long products leave the range of fp32.
    var random = RandomRows(seed: seed, columns: seed % 4 == 3 ? 12 : nil)
    let source = random.row(
      Self.floats[Int(seed) % 4], in: seed % 3 == 1 ? .psum : .sbuf, broadcasts: true)
    let result = random.row([.float32, .bfloat16, .int32][Int(seed) % 3])
    let column = random.row(.bfloat16, columns: 1)
    let sums = random.row(.float32, columns: 1)
    let rows = random.fill(source, &core, edges: false)
    let scalars = random.fill(column, &core, edges: false)
    let operation = [ALUOperation.add, .subtract, .max, .multiply][Int(seed / 4) % 4]
    let reduction = [ALUOperation.add, .max, .min, .multiply][Int(seed) % 4]
    let command = [AccumulatorCommand.resetReduce, .reduce, .loadReduce][Int(seed) % 3]
    core.vectorAccumulators = Array(repeating: 1.5, count: 128)
    let isReversed = seed % 2 == 1
    var operations: [Operation] = []
    var instruction = TensorScalarReduce(
      result, source, operation, .pointer(column), isReversed: isReversed, reduction: reduction,
      command: command)
    if command == .loadReduce { instruction.initial = .immediate(-0.75) }
    var read = sums
    read.startPartition = result.startPartition
    NkiVectorReduction(instruction, result: read, negate: seed % 5 == 0)
      .expand(into: &operations)
    #expect(operations.map(\.opcode) == [.tensorScalarReduce, .vectorReadAccumulator])
    for operation in operations { try perform(operation, on: &core, .vector) }
    let found = RandomRows.split(core.elementBits(result), result)
    let registers = core.elements(read)
    for p in 0..<random.partitions {
      let expected = rows[p].map {
        isReversed ? exactly(operation, scalars[p][0], $0) : exactly(operation, $0, scalars[p][0])
      }
      #expect(found[p] == encoded(expected, result.format))
      var (value, slack) = reduced(reduction, expected)
      if command == .reduce { value = combined(reduction, 1.5, value) }
      if command == .loadReduce { value = combined(reduction, -0.75, value) }
      if seed % 5 == 0 { value = -value }
      slack += 0x1p-22 * value.magnitude + 0x1p-20 * (reduction == .multiply ? 0 : slack)
      #expect((Double(registers[p]) - value).magnitude <= slack || Float(value) == registers[p])
    }
  }

  /// What each command leaves in a register that held 3, after the values 1 and 2.
  @Test func commands() throws {
    var core = try makeCore()
    let (source, result) = (
      sbuf(.float32, 2, partitions: 0..<1), sbuf(.float32, 2, partitions: 32..<33, byte: 64)
    )
    core.setElements(source, to: [1, 2])
    for (command, reduction, expected) in [
      (AccumulatorCommand.idle, ALUOperation.add, Float(3)), (.reset, .add, 0),
      (.reset, .multiply, 1), (.reset, .max, -.infinity), (.reset, .min, .infinity),
      (.reduce, .add, 6), (.resetReduce, .add, 3), (.loadReduce, .add, 13), (.reduce, .max, 3),
      (.resetReduce, .max, 2), (.loadReduce, .min, 1), (.reduce, .multiply, 6),
    ] {
      core.vectorAccumulators[32] = 3
      try perform(
        .tensorScalarReduce(
          TensorScalarReduce(
            result, source, .add, .immediate(0), reduction: reduction, command: command,
            initial: .immediate(command == .loadReduce ? 10 : 0))), on: &core, .vector)
      #expect(core.vectorAccumulators[32] == expected, "\(command) \(reduction)")
    }
    #expect(core.vectorAccumulators[31] == 0)
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func cumulative(_ seed: UInt64) throws {
    var core = try makeCore()
    var random = RandomRows(seed: seed &+ 50)
    let source = random.row(Self.floats[Int(seed) % 4], in: seed % 3 == 1 ? .psum : .sbuf)
    let result = random.row([.float32, .bfloat16, .int16][Int(seed) % 3])
    let rows = random.fill(source, &core, edges: seed % 2 == 0)
    let op1 = [ALUOperation.add, .subtract, .multiply, .max, .min][Int(seed) % 5]
    let command = [AccumulatorCommand.resetReduce, .loadReduce, .reduce][Int(seed / 5) % 3]
    core.vectorAccumulators = Array(repeating: 0.25, count: 128)
    let isReversed = seed % 4 == 3
    try perform(
      .tensorScalarCumulative(
        TensorScalarCumulative(
          result, source, .subtract, 0.5, isReversed: isReversed, op1, command: command,
          initial: -2)), on: &core, .vector)
    let found = RandomRows.split(core.elementBits(result), result)
    let starts: [ALUOperation: Float] = [
      .add: 0, .subtract: 0, .multiply: 1, .max: -.infinity, .min: .infinity,
    ]
    for p in 0..<random.partitions {
      var register: Float =
        command == .loadReduce ? -2 : command == .reduce ? 0.25 : starts[op1]!
      let expected = rows[p].map { value -> Float in
        let inner =
          isReversed ? exactly(.subtract, 0.5, value) : exactly(.subtract, value, 0.5)
        register = exactly(op1, inner, register)
        return register
      }
      #expect(found[p] == encoded(expected, result.format))
      let kept = core.vectorAccumulators[Int(result.startPartition) + p]
      #expect(kept == register || kept.isNaN && register.isNaN)
    }
  }

  @Test(arguments: [ALUOperation.bitwiseAnd, .bitwiseOr, .bitwiseXor])
  func reductionsOfBits(_ operation: ALUOperation) throws {
    for seed in 0..<6 as Range<UInt64> {
      var core = try makeCore()
      var random = RandomRows(seed: seed &+ 70, columns: 24)
      let format: NumberFormat = [.int32, .uint16, .uint8][Int(seed) % 3]
      let (source, result) = (random.row(format), random.row(format, columns: 4))
      core.setElementBits(
        source,
        to: (0..<(24 * random.partitions)).map { _ in
          // Mostly ones, so that a conjunction is not always zero.
          elementMask(format)
            & ~(1 << UInt32.random(in: 0...31, using: &random.generator))
        })
      let bits = core.elementBits(source)
      try perform(.tensorReduce(TensorReduce(result, source, operation)), on: &core, .vector)
      let expected = (0..<(4 * random.partitions)).map { group -> UInt32 in
        let run = bits[(group * 6)..<(group * 6 + 6)]
        return run.dropFirst().reduce(run.first!) {
          operation == .bitwiseAnd ? $0 & $1 : operation == .bitwiseOr ? $0 | $1 : $0 ^ $1
        }
      }
      #expect(core.elementBits(result) == expected)
    }
  }

  @Test(arguments: [ALUOperation.subtract, .logicalAnd, .logicalOr, .logicalXor], [false, true])
  func newReductions(_ operation: ALUOperation, _ negate: Bool) throws {
    for seed in 0..<6 as Range<UInt64> {
      var core = try makeCore()
      var random = RandomRows(seed: seed &+ 80, columns: 36)
      let (source, result) = (random.row(.bfloat16), random.row(.float32, columns: 2))
      core.setElements(
        source,
        to: (0..<(36 * random.partitions)).map { _ in
          Float(Int.random(in: seed == 0 ? 1...2 : -1...1, using: &random.generator))
        })
      let values = core.elements(source)
      try perform(
        .tensorReduce(TensorReduce(result, source, operation, negate: negate)), on: &core, .vector)
      let expected = (0..<(2 * random.partitions)).map { group -> Float in
        let run = values[(group * 18)..<(group * 18 + 18)]
        let nonzero = run.count { $0 != 0 }
        let value: Float
        switch operation {
        case .subtract: value = run.first! - run.dropFirst().reduce(0, +)
        case .logicalAnd: value = nonzero == 18 ? 1 : 0
        case .logicalOr: value = nonzero > 0 ? 1 : 0
        default: value = Float(nonzero % 2)
        }
        return negate ? -value : value
      }
      #expect(core.elements(result) == expected)
    }
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func reversedScans(_ seed: UInt64) throws {
    var core = try makeCore()
    var random = RandomRows(seed: seed &+ 90)
    let (a, b) = (random.row(.float32), random.row(.bfloat16, in: .psum))
    let result = random.row(.float32)
    let (left, right) = (
      random.fill(a, &core, edges: false), random.fill(b, &core, edges: false)
    )
    let (reverse0, reverse1) = (seed % 2 == 1, seed / 2 % 2 == 1)
    let op0 = [ALUOperation.subtract, .multiply][Int(seed / 4) % 2]
    let op1 = [ALUOperation.subtract, .max][Int(seed / 8) % 2]
    try perform(
      .scan(
        TensorTensorScan(
          result, a, b, initial: .immediate(0.5), op0, op1, reverse0: reverse0,
          reverse1: reverse1)), on: &core, .vector)
    let found = RandomRows.split(core.elements(result), result)
    for p in 0..<random.partitions {
      var state: Float = 0.5
      for index in 0..<random.columns {
        let (x, y) = (left[p][index], right[p][index])
        let inner = reverse0 ? exactly(op0, state, x) : exactly(op0, x, state)
        state = reverse1 ? exactly(op1, y, inner) : exactly(op1, inner, y)
        #expect(found[p][index] == state || found[p][index].isNaN && state.isNaN)
      }
    }
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func exponentials(_ seed: UInt64) throws {
    var core = try makeCore(generation: 4)
    var random = RandomRows(seed: seed &+ 110)
    let source = random.row(
      [.float32, .bfloat16, .int8][Int(seed) % 3], in: seed % 4 == 0 ? .psum : .sbuf)
    let result = random.row(.float32)
    let column = random.row(.float32, columns: 1)
    let rows = random.fill(source, &core, edges: false)
    let most = random.fill(column, &core, edges: false)
    let command = [AccumulatorCommand.resetReduce, .loadReduce, .idle][Int(seed) % 3]
    core.vectorAccumulators = Array(repeating: 9, count: 128)
    try perform(
      .exponential(
        Exponential(
          result, source, maximum: .pointer(column), command: command,
          initial: .immediate(command == .loadReduce ? 2 : 0))), on: &core, .vector, generation: 4)
    let found = RandomRows.split(core.elements(result), result)
    for p in 0..<random.partitions {
      var sum = 0.0
      for index in 0..<random.columns {
        let exact = Self.power(of: Double(Float(Double(rows[p][index]) - Double(most[p][0]))))
        let error = (Double(found[p][index]) - exact).magnitude
        #expect(error <= 0x1p-23 * exact || found[p][index] == Float(exact))
        sum += Double(found[p][index])
      }
      let register = Double(core.vectorAccumulators[Int(result.startPartition) + p])
      let expected = command == .idle ? 9 : command == .loadReduce ? sum + 2 : sum
      #expect(
        (register - expected).magnitude <= 0x1p-17 * expected || register == expected)
    }
  }

  /// e^x by its series on a small argument and squaring: independent of the kernels.
  static func power(of x: Double) -> Double {
    let small = x / 1024
    var (term, sum) = (1.0, 1.0)
    for n in 1...12 {
      term *= small / Double(n)
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }
}
