import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Operations of one operand in TENSOR_SCALAR.
@Suite struct UnaryOperationTests {
  private static let values: [Float] = [
    -3, -0.5, -0.0, 0, 0.25, 1, 7, 1e20, -1e20, .infinity, -.infinity, 1e-30,
  ]

  private func run(_ instruction: TensorScalar, _ generation: Int = 4) throws -> [Float] {
    var core = try makeCore(generation: generation)
    core.setElements(instruction.source, to: Self.values)
    try perform(.tensorScalar(instruction), on: &core, .vector, generation: generation)
    return core.elements(instruction.destination)
  }

  private func expected(_ operation: ALUOperation, _ x: Float) -> Float {
    switch operation {
    case .abs: x < 0 ? -x : x
    case .square: x * x
    case .relu: x > 0 ? x : 0
    default: 1 / x
    }
  }

  @Test(arguments: [ALUOperation.abs, .square, .relu, .reciprocal])
  func eachIsItsFunction(_ operation: ALUOperation) throws {
    let source = sbuf(.float32, Self.values.count, partitions: 0..<1)
    let result = sbuf(.float32, Self.values.count, partitions: 0..<1, byte: 512)
    // The scalar beside a unary operation is not looked at, and neither is its side.
    let found = try run(
      TensorScalar(
        result, source, operation, .immediate(.nan), reverse0: true, .multiply, .immediate(2)))
    let doubled: [Float] = Self.values.map { 2 * expected(operation, $0) }
    #expect(found == doubled)
  }

  @Test func reciprocalIsASecondOperationToo() throws {
    let source = sbuf(.float32, Self.values.count, partitions: 0..<1)
    let result = sbuf(.float32, Self.values.count, partitions: 0..<1, byte: 512)
    let found = try run(
      TensorScalar(result, source, .add, .immediate(4), .reciprocal), 2)
    let expected: [Float] = Self.values.map { 1 / ($0 + 4) }
    #expect(found == expected)
  }

  @Test(arguments: [NumberFormat.uint8, .int16, .uint32])
  func invertFlipsEveryBit(_ format: NumberFormat) throws {
    var core = try makeCore()
    let source = sbuf(format, 8, partitions: 0..<2)
    let result = sbuf(format, 8, partitions: 0..<2, byte: 512)
    let mask = elementMask(format)
    let bits: [UInt32] = (0..<16).map { UInt32($0) &* 0x9E37_79B9 & mask }
    core.setElementBits(source, to: bits)
    try perform(
      .tensorScalar(
        TensorScalar(
          result, source, .invert, .immediate(0), .bitwiseAnd, .immediate(0x7F))),
      on: &core, .vector)
    let expected: [UInt32] = bits.map { ~$0 & 0x7F & mask }
    #expect(core.elementBits(result) == expected)
  }

  @Test func rulesOfEachOperation() {
    let a = sbuf(.float32, 4)
    func rule(_ op0: ALUOperation, _ op1: ALUOperation = .bypass, _ generation: Int = 4)
      -> Fault.Rule?
    {
      fault(
        .tensorScalar(TensorScalar(a, a, op0, .immediate(0), op1)), .vector,
        generation: generation)?.rule
    }
    for operation in [ALUOperation.abs, .square, .relu] {
      #expect(rule(operation) == nil)
      #expect(rule(operation, .bypass, 3) == lacking(3, needs: 4))
      #expect(
        rule(.add, operation)
          == .value(found: operation.text, allowed: "\(operation.text) as op0 only"))
    }
    #expect(rule(.reciprocal, .bypass, 2) == nil && rule(.add, .reciprocal, 2) == nil)
    #expect(rule(.invert) == .format(found: "invert on fp32", allowed: "integer formats"))
    #expect(rule(.rsqrt) == .engine(allowed: ["gpsimd"]))
  }

  /// Instructions whose operations take two operands refuse those of one.
  @Test(arguments: [ALUOperation.invert, .rsqrt, .abs, .square, .relu, .reciprocal])
  func otherInstructionsRefuseThem(_ operation: ALUOperation) {
    let a = sbuf(.float32, 4)
    let b = sbuf(.float32, 4, byte: 512)
    let one = ScalarOperand.immediate(1)
    let operations: [Operation] = [
      .tensorTensor(TensorTensor(a, a, b, operation)),
      .scalarTensorTensor(ScalarTensorTensor(a, a, operation, one, .add, b)),
      .scalarTensorTensor(ScalarTensorTensor(a, a, .add, one, operation, b)),
      .scan(TensorTensorScan(a, a, b, initial: one, operation, .add)),
      .tensorReduce(TensorReduce(sbuf(.float32, 1), a, operation)),
      .tensorScalarReduce(TensorScalarReduce(a, a, operation, one, reduction: .add)),
      .tensorScalarCumulative(TensorScalarCumulative(a, a, operation, 1, .add)),
    ]
    for instruction in operations {
      #expect(fault(instruction, .vector, generation: 4) != nil, "\(instruction)")
    }
  }
}
