import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import VectorKernels

/// What elementwise instructions do, against the obvious loop over elements.
@Suite struct EffectTests {
  /// Fills the operands with seeded values, runs the instruction, and returns what it read and
  /// wrote: inputs as values, the result as raw elements.
  private static func run(
    _ operation: Operation, on engine: Engine, _ inputs: [AccessPattern], to result: AccessPattern,
    seed: UInt64 = 1
  ) throws -> (inputs: [[Float]], result: [UInt32]) {
    var core = try makeCore()
    var generator = Generator(seed: seed)
    for input in inputs where !input.format.isInteger || input.format.sizeBytes == 1 {
      core.setElements(
        input, to: randomValues(input.columns * Int(input.partitionCount), &generator))
    }
    for input in inputs where input.format.isInteger && input.format.sizeBytes > 1 {
      core.setElements(
        input,
        to: (0..<(input.columns * Int(input.partitionCount))).map { _ in
          Float(Int.random(in: 0...1000, using: &generator))
        })
    }
    try operation.validate(rules(operation, engine))
    let values = inputs.map { core.elements($0) }
    operation.execute(on: &core, engine: engine)
    return (values, core.elementBits(result))
  }

  private static func encoded(_ values: [Float], _ format: NumberFormat) -> [UInt32] {
    let mask: UInt32 = format.sizeBytes == 4 ? .max : (1 << UInt32(8 * format.sizeBytes)) - 1
    return values.map { format.encode($0) & mask }
  }

  /// Operands in both memories with strides of every kind: source, other source, result.
  static let operands: [(AccessPattern, AccessPattern, AccessPattern)] = [
    (sbuf(.float32, 40), sbuf(.float32, 40, byte: 1024), sbuf(.float32, 40, byte: 2048)),
    (
      psum(.float32, 6, partitions: 32..<64), sbuf(.bfloat16, 6, partitions: 0..<32),
      sbuf(.float16, 6, partitions: 96..<128)
    ),
    (
      pattern(.sbuf, .bfloat16, partitions: 0..<3, byte: 64, [(2, 0), (5, -2)]),
      pattern(.sbuf, .float8e4m3, partitions: 64..<67, byte: 512, [(2, 5), (5, 1)]),
      pattern(.psum, .float32, partitions: 0..<3, byte: 8, [(2, 20), (5, 3)])
    ),
    (
      pattern(.sbuf, .float32, partitions: 0..<2, byte: 0, [(2, 9), (2, 0), (2, 3), (3, 1)]),
      pattern(.psum, .float32, partitions: 0..<2, byte: 0, [(24, 0)]),
      pattern(.sbuf, .int32, partitions: 0..<2, byte: 4096, [(24, 2)])
    ),
  ]

  @Test(arguments: ALUOperation.allCases.filter { !$0.isBitwise && !$0.isUnary }, operands.indices)
  func tensorTensor(_ operation: ALUOperation, _ index: Int) throws {
    let (a, b, d) = Self.operands[index]
    let isPower = operation == .power
    if isPower, [a, b, d].contains(where: { $0.space == .psum }) { return }
    let engine: Engine = isPower ? .gpsimd : .vector
    let (inputs, result) = try Self.run(
      .tensorTensor(TensorTensor(d, a, b, operation)), on: engine, [a, b], to: d)
    let expected = zip(inputs[0], inputs[1]).map { Self.model(operation, $0, $1) }
    #expect(result == Self.encoded(expected, d.format))
  }

  /// The operation spelled out again, apart from the kernels.
  static func model(_ operation: ALUOperation, _ a: Float, _ b: Float) -> Float {
    switch operation {
    case .bypass: a
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .max: a > b ? a : b
    case .min: a < b ? a : b
    case .isEqual: a == b ? 1 : 0
    case .notEqual: a != b ? 1 : 0
    case .greaterEqual: a >= b ? 1 : 0
    case .greaterThan: a > b ? 1 : 0
    case .lessEqual: a <= b ? 1 : 0
    case .lessThan: a < b ? 1 : 0
    case .logicalAnd: a != 0 && b != 0 ? 1 : 0
    case .logicalOr: a != 0 || b != 0 ? 1 : 0
    case .logicalXor: (a != 0) != (b != 0) ? 1 : 0
    case .absMax: Swift.max(a.magnitude, b.magnitude)
    case .absMin: Swift.min(a.magnitude, b.magnitude)
    default: ArithmeticOperation.power.apply(a, b)
    }
  }

  @Test(arguments: operands.indices)
  func copiesAndCasts(_ index: Int) throws {
    let (a, _, d) = Self.operands[index]
    for engine in [Engine.vector, .scalar] {
      let (inputs, result) = try Self.run(.copy(Copy(d, from: a)), on: engine, [a], to: d)
      #expect(result == Self.encoded(inputs[0], d.format))
    }
  }

  @Test(arguments: operands.indices)
  func tensorScalar(_ index: Int) throws {
    let (a, _, d) = Self.operands[index]
    let count = Int(d.partitionCount)
    let pointer = sbuf(.bfloat16, 1, partitions: 0..<count, byte: 16_384)
    for (reverse0, reverse1) in [(false, false), (true, false), (false, true), (true, true)] {
      let (inputs, result) = try Self.run(
        .tensorScalar(
          TensorScalar(
            d, a, .subtract, .pointer(pointer), reverse0: reverse0, .divide, .immediate(3),
            reverse1: reverse1)), on: .vector, [a, pointer], to: d)
      let expected = inputs[0].enumerated().map { place, value -> Float in
        let scalar = inputs[1][place / a.columns]
        let first = reverse0 ? scalar - value : value - scalar
        return reverse1 ? 3 / first : first / 3
      }
      #expect(result == Self.encoded(expected, d.format))
    }
    let (inputs, result) = try Self.run(
      .tensorScalar(TensorScalar(d, a, .max, .immediate(0.5))), on: .vector, [a], to: d)
    #expect(result == Self.encoded(inputs[0].map { $0 > 0.5 ? $0 : 0.5 }, d.format))
  }

  @Test(arguments: operands.indices)
  func scalarTensorTensor(_ index: Int) throws {
    let (a, b, d) = Self.operands[index]
    for (reverse0, reverse1) in [(false, false), (true, true)] {
      let (inputs, result) = try Self.run(
        .scalarTensorTensor(
          ScalarTensorTensor(
            d, a, .subtract, .immediate(2), .subtract, b, reverse0: reverse0,
            reverse1: reverse1)), on: .vector, [a, b], to: d)
      let expected = zip(inputs[0], inputs[1]).map { value, other -> Float in
        let first = reverse0 ? 2 - value : value - 2
        return reverse1 ? other - first : first - other
      }
      #expect(result == Self.encoded(expected, d.format))
    }
  }

  @Test func rawBits() throws {
    let (a, b) = (sbuf(.uint16, 9), sbuf(.uint16, 9, byte: 256))
    let d = sbuf(.uint32, 9, byte: 512)
    for (operation, function) in [
      (ALUOperation.bitwiseAnd, { $0 & $1 }), (.bitwiseOr, { $0 | $1 }), (.bitwiseXor, { $0 ^ $1 }),
      (.shiftRight, { $1 < 32 ? $0 >> $1 : 0 }), (.shiftLeft, { $1 < 32 ? $0 << $1 : 0 }),
    ] as [(ALUOperation, (UInt32, UInt32) -> UInt32)] {
      let (inputs, result) = try Self.run(
        .tensorTensor(TensorTensor(d, a, b, operation)), on: .vector, [a, b], to: d)
      let expected = zip(inputs[0], inputs[1]).map { function(UInt32($0), UInt32($1)) }
      #expect(result == expected)
    }
    let (inputs, result) = try Self.run(
      .tensorScalar(
        TensorScalar(d, a, .shiftRight, .immediate(3), .bitwiseAnd, .immediate(7))),
      on: .vector, [a], to: d)
    #expect(result == inputs[0].map { UInt32($0) >> 3 & 7 })
  }

  @Test func gpSimdMultipliesIntegersNatively() throws {
    var core = try makeCore()
    let (a, b) = (sbuf(.int32, 2), sbuf(.int32, 2, byte: 64))
    let d = sbuf(.int32, 2, byte: 128)
    let bits = { (values: [Int32]) in
      (0..<128).flatMap { _ in values.map { UInt32(bitPattern: $0) } }
    }
    core.setElementBits(a, to: bits([123_456_789, -7]))
    core.setElementBits(b, to: bits([1_000_003, 3]))
    let product = Operation.tensorTensor(TensorTensor(d, a, b, .multiply))
    product.execute(on: &core, engine: .gpsimd)
    #expect(core.elementBits(d) == bits([123_456_789 &* 1_000_003, -21]))
    let largest = Operation.tensorTensor(TensorTensor(d, a, b, .max))
    largest.execute(on: &core, engine: .gpsimd)
    #expect(core.elementBits(d) == bits([123_456_789, 3]))
    // The vector engine goes through fp32, which holds 24 bits.
    let sum = Operation.tensorTensor(TensorTensor(d, a, b, .add))
    sum.execute(on: &core, engine: .vector)
    #expect(core.elements(d)[0] == Float(123_456_789) + Float(1_000_003))
  }

  @Test func memsetsEveryNamedElement() throws {
    let d = pattern(.psum, .float16, partitions: 32..<64, byte: 6, [(3, 7), (2, 2)])
    let (_, result) = try Self.run(.memset(Memset(d, -1.25)), on: .vector, [], to: d)
    #expect(result == Self.encoded(Array(repeating: -1.25, count: 32 * 6), .float16))
  }

  @Test func aBroadcastResultKeepsTheLastValue() throws {
    let a = sbuf(.float32, 5, partitions: 0..<1)
    let d = pattern(.sbuf, .float32, partitions: 0..<1, byte: 512, [(5, 0)])
    let (inputs, result) = try Self.run(.copy(Copy(d, from: a)), on: .vector, [a], to: d)
    #expect(result == Array(repeating: inputs[0][4].bitPattern, count: 5))
  }

  @Test(arguments: operands.indices)
  func select(_ index: Int) throws {
    let (a, b, d) = Self.operands[index]
    let predicate = sbuf(.uint8, d.columns, partitions: 0..<Int(d.partitionCount), byte: 20_000)
    let (inputs, result) = try Self.run(
      .select(Select(d, predicate: predicate, onTrue: a, onFalse: b)), on: .vector,
      [predicate, a, b], to: d)
    let expected = inputs[0].indices.map {
      inputs[0][$0] != 0 ? inputs[1][$0] : inputs[2][$0]
    }
    #expect(result == Self.encoded(expected, d.format))
    #expect(inputs[0].contains(0) && inputs[0].contains { $0 != 0 })
  }

  @Test func reciprocals() throws {
    let (a, d) = (sbuf(.float32, 33), psum(.float32, 33))
    let (inputs, result) = try Self.run(.reciprocal(Reciprocal(d, a)), on: .vector, [a], to: d)
    #expect(result == inputs[0].map { (1 / $0).bitPattern })
  }

  @Test(
    arguments: InstructionSet.ActivationFunction.allCases.filter {
      ![.log, .sqrt, .rsqrt, .sin, .arctan].contains($0)
    })
  func activationsMatchTheirReference(_ function: InstructionSet.ActivationFunction) throws {
    let a = psum(.float32, 37, partitions: 0..<4)
    let d = sbuf(.bfloat16, 37, partitions: 0..<4)
    let bias = sbuf(.float32, 1, partitions: 0..<4, byte: 8192)
    let scale = sbuf(.float32, 1, partitions: 0..<4, byte: 8196)
    let (inputs, result) = try Self.run(
      .activate(Activate(d, function, a, scale: .pointer(scale), bias: .pointer(bias))),
      on: .scalar, [a, bias, scale], to: d)
    let kernel = try #require(Self.reference(function))
    let expected = inputs[0].enumerated().map { place, value -> Float in
      let lane = place / 37
      return kernel.reference(inputs[1][lane].addingProduct(value, inputs[2][lane]))
    }
    #expect(result == Self.encoded(expected, .bfloat16))
  }

  private static func reference(_ function: InstructionSet.ActivationFunction)
    -> VectorKernels.ActivationFunction?
  {
    let name = "\(function)"
    if function == .copy { return .identity }
    return VectorKernels.ActivationFunction.allCases.first { "\($0)" == name }
  }

  @Test func activationsSumIntoTheReduceRegisters() throws {
    var core = try makeCore()
    let a = sbuf(.float32, 3, partitions: 32..<34)
    let d = sbuf(.bfloat16, 3, partitions: 32..<34, byte: 64)
    let sums = sbuf(.float32, 1, partitions: 32..<34, byte: 128)
    core.setElements(a, to: [1, 2, 3, 10, 20, 30])
    var read: [[Float]] = []
    for command in [AccumulatorCommand.resetReduce, .reduce, .idle, .reset, .reduce] {
      Operation.activate(Activate(d, .square, a, accumulate: command))
        .execute(on: &core, engine: .scalar)
      Operation.readAccumulator(ActivationReadAccumulator(sums))
        .execute(on: &core, engine: .scalar)
      read.append(core.elements(sums))
    }
    #expect(read == [[14, 1400], [28, 2800], [28, 2800], [0, 0], [14, 1400]])
  }
}
