import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// ACTIVATE2, and what ACTIVATE has gained: slopes and all its reduce commands.
@Suite struct Activate2Tests {
  /// The two operations, reversed or not, as NumPy would write them.
  private static let forms:
    [(ALUOperation, Bool, ALUOperation, Bool, @Sendable (Double, Double, Double) -> Double)] = [
      (.multiply, false, .add, false, { $0 * $1 + $2 }),
      (.multiply, true, .add, true, { $0 * $1 + $2 }),
      (.multiply, false, .subtract, false, { $0 * $1 - $2 }),
      (.multiply, false, .subtract, true, { $2 - $0 * $1 }),
      (.multiply, false, .bypass, false, { x, a, _ in x * a }),
      (.add, false, .bypass, false, { x, a, _ in x + a }),
      (.subtract, false, .bypass, false, { x, a, _ in x - a }),
      (.subtract, true, .bypass, false, { x, a, _ in a - x }),
      (.bypass, false, .bypass, false, { x, _, _ in x }),
    ]

  @Test(arguments: forms.indices, [ActivationFunction.identity, .square, .relu, .prelu, .exp])
  func everyForm(_ form: Int, _ function: ActivationFunction) throws {
    let (op0, reverse0, op1, reverse1, model) = Self.forms[form]
    var core = try makeCore(generation: 4)
    var random = RandomRows(seed: UInt64(form))
    let source = random.row(.bfloat16, in: form % 2 == 0 ? .psum : .sbuf, broadcasts: true)
    let result = random.row(.float32)
    let column = random.row(.float32, columns: 1)
    let rows = random.fill(source, &core, edges: false)
    let scalars = random.fill(column, &core, edges: false)
    try perform(
      .activate2(
        Activate2(
          result, function, source, op0, .pointer(column), reverse0: reverse0, op1,
          .immediate(1.25), reverse1: reverse1, slope: 0.125)), on: &core, .scalar, generation: 4)
    let found = RandomRows.split(core.elements(result), result)
    for p in 0..<random.partitions {
      for index in 0..<random.columns {
        // One rounding to fp32 before the function, as a fused multiplication and addition has.
        let x = Double(Float(model(Double(rows[p][index]), Double(scalars[p][0]), 1.25)))
        let exact: Double
        switch function {
        case .square: exact = x * x
        case .relu: exact = max(x, 0)
        case .prelu: exact = x < 0 ? x * 0.125 : x
        case .exp: exact = VectorReduceTests.power(of: x)
        default: exact = x
        }
        let value = Double(found[p][index])
        #expect(
          (value - exact).magnitude <= 0x1p-22 * exact.magnitude || Float(exact) == Float(value))
      }
    }
  }

  @Test(arguments: [ALUOperation.add, .max, .min, .absMax, .absMin])
  func reductions(_ reduction: ALUOperation) throws {
    let identity: [ALUOperation: Float] = [
      .add: 0, .max: -.infinity, .min: .infinity, .absMax: 0, .absMin: .infinity,
    ]
    func combine(_ a: Float, _ b: Float) -> Float {
      switch reduction {
      case .add: a + b
      case .max: max(a, b)
      case .min: min(a, b)
      case .absMax: max(a.magnitude, b.magnitude)
      default: min(a.magnitude, b.magnitude)
      }
    }
    for command in [AccumulatorCommand.idle, .reset, .reduce, .resetReduce] {
      var core = try makeCore(generation: 4)
      var random = RandomRows(seed: 5, columns: 30)
      let (source, result) = (random.row(.bfloat16), random.row(.bfloat16))
      core.setElements(
        source,
        to: (0..<(30 * random.partitions)).map { _ in
          Float(Int.random(in: -9...9, using: &random.generator))
        })
      core.scalarAccumulators = Array(repeating: -2, count: 128)
      var operations: [Operation] = []
      var table: ActivationTable?
      var sums = random.row(.float32, columns: 1)
      sums.startPartition = result.startPartition
      NkiActivate2(
        Activate2(result, .copy, source, reduction: reduction, command: command),
        reduction: sums
      ).expand(into: &operations, loaded: &table)
      #expect(operations.map(\.opcode) == [.activate2, .activationReadAccumulator])
      for operation in operations {
        try perform(operation, on: &core, .scalar, generation: 4)
      }
      let rows = RandomRows.split(core.elements(source), source)
      let expected = rows.map { row -> Float in
        switch command {
        case .idle: -2
        case .reset: identity[reduction]!
        case .reduce: row.reduce(-2, combine)
        default: row.reduce(identity[reduction]!, combine)
        }
      }
      #expect(core.elements(sums) == expected)
    }
  }

  @Test func tablesAreLoadedFirst() {
    var operations: [Operation] = []
    var table: ActivationTable? = .gelu
    let row = sbuf(.float32, 8)
    NkiActivate2(Activate2(row, .exp, row)).expand(into: &operations, loaded: &table)
    #expect(operations.map(\.opcode) == [.activationTableLoad, .activate2])
    #expect(table == .naturalLogarithmAndExponential)
  }

  @Test(arguments: [AccumulatorCommand.idle, .reset, .reduce, .resetReduce])
  func activationCommands(_ command: AccumulatorCommand) throws {
    var core = try makeCore()
    let (source, result) = (
      sbuf(.float32, 5, partitions: 0..<2), sbuf(.float32, 5, partitions: 64..<66, byte: 64)
    )
    core.setElements(source, to: [1, -2, 3, -4, 5, 0, 1, 0, 1, 0])
    core.scalarAccumulators = Array(repeating: 10, count: 128)
    try perform(
      .activate(Activate(result, .prelu, source, slope: 0.5, accumulate: command)), on: &core,
      .scalar)
    #expect(core.elements(result) == [1, -1, 3, -2, 5, 0, 1, 0, 1, 0])
    let expected: [Float] =
      switch command {
      case .reset: [0, 0]
      case .reduce: [16, 12]
      case .resetReduce: [6, 2]
      default: [10, 10]
      }
    #expect(Array(core.scalarAccumulators[64..<66]) == expected)
    #expect(core.scalarAccumulators[63] == 10)
  }
}
