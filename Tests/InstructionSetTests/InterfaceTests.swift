import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Expansion of interface operations, and what the expansions compute.
@Suite struct InterfaceTests {
  private func opcodes(_ operations: [Operation]) -> [Opcode] { operations.map(\.opcode) }

  private func product(_ format: NumberFormat, accumulate: Bool, loads: Bool = true) -> [Operation]
  {
    var operations: [Operation] = []
    NcMatmul(
      psum(.float32, 256), stationary: sbuf(format, 128), moving: sbuf(format, 256, byte: 4096),
      accumulate: accumulate, loadsWeights: loads
    ).expand(into: &operations)
    return operations
  }

  @Test func productsExpandByFormat() {
    #expect(opcodes(product(.bfloat16, accumulate: false)) == [.loadWeights, .matmul])
    #expect(opcodes(product(.bfloat16, accumulate: false, loads: false)) == [.matmul])
    let operations = product(.float32, accumulate: false)
    #expect(opcodes(operations) == [.loadWeights, .matmul, .loadWeights, .matmul])
    var parts: [WeightPart] = []
    var accumulates: [Bool] = []
    for operation in operations {
      if case .loadWeights(let load) = operation { parts.append(load.part) }
      if case .matmul(let matmul) = operation { accumulates.append(matmul.accumulate) }
    }
    #expect(parts == [.low, .high])
    #expect(accumulates == [false, true])
    for operation in operations { #expect(fault(operation, .tensor) == nil) }
  }

  @Test func fp32ProductsAreFP32Good() throws {
    var core = try makeCore()
    var generator = Generator(seed: 31)
    let (k, m, n) = (64, 32, 48)
    let weights = sbuf(.float32, m, partitions: 0..<k)
    let moving = sbuf(.float32, n, partitions: 0..<k, byte: 1024)
    let result = psum(.float32, n, partitions: 0..<m)
    core.setElements(weights, to: randomValues(k * m, &generator))
    core.setElements(moving, to: randomValues(k * n, &generator))
    var operations: [Operation] = []
    NcMatmul(result, stationary: weights, moving: moving, accumulate: false)
      .expand(into: &operations)
    for operation in operations { operation.execute(on: &core, engine: .tensor) }
    let (a, b, c) = (core.elements(weights), core.elements(moving), core.elements(result))
    var worst = 0.0
    for row in 0..<m {
      for column in 0..<n {
        var sum = 0.0
        var norm = 0.0
        for depth in 0..<k {
          let product = Double(a[depth * m + row]) * Double(b[depth * n + column])
          sum += product
          norm += product.magnitude
        }
        worst = max(worst, abs(Double(c[row * n + column]) - sum) / norm)
      }
    }
    // u * k bounds the error of one accumulation; bf16 alone would be at 2e-3.
    #expect(worst < 64 * 0x1p-24)
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16])
  func transposes(_ format: NumberFormat) throws {
    var core = try makeCore()
    var generator = Generator(seed: 32)
    let data = sbuf(format, 24, partitions: 0..<40)
    let identity = sbuf(format, 40, partitions: 0..<40, byte: 1024)
    let result = psum(format, 40, partitions: 0..<24)
    core.setElements(data, to: randomValues(960, &generator))
    core.setElements(identity, to: (0..<1600).map { $0 / 40 == $0 % 40 ? 1 : 0 })
    var operations: [Operation] = []
    NcTranspose(result, data, identity: identity).expand(into: &operations)
    #expect(opcodes(operations) == [.loadWeights, .matmul])
    for operation in operations {
      #expect(fault(operation, .tensor) == nil)
      operation.execute(on: &core, engine: .tensor)
    }
    let (bits, found) = (core.elementBits(data), core.elementBits(result))
    #expect(found == (0..<24).flatMap { f in (0..<40).map { bits[$0 * 24 + f] } })
  }

  @Test func activationsLoadTheirTableOnce() {
    let (a, d) = (sbuf(.float32, 8), sbuf(.float32, 8, byte: 64))
    var operations: [Operation] = []
    var table: ActivationTable?
    let sums = sbuf(.float32, 1, byte: 128)
    for (function, sums) in [
      (ActivationFunction.exp, nil), (.log, nil), (.copy, sums), (.gelu, nil), (.exp, nil),
    ] {
      NkiActivation(Activate(d, function, a), sums: sums).expand(into: &operations, loaded: &table)
    }
    #expect(
      opcodes(operations) == [
        .activationTableLoad, .activate, .activate, .activate, .activationReadAccumulator,
        .activationTableLoad, .activate, .activationTableLoad, .activate,
      ])
    #expect(table == .naturalLogarithmAndExponential)
  }

  @Test func theListNamesEveryInstructionThatKernelsCanReach() {
    let all = InterfaceOperation.all
    #expect(Set(all.map(\.name)).count == all.count)
    for operation in all {
      #expect(!operation.cost.isEmpty && !operation.source.isEmpty && !operation.engines.isEmpty)
    }
    let reached = Set(all.flatMap(\.opcodes))
    let missing = Opcode.allCases.filter { !$0.isControl && !reached.contains($0) }
    // COPY's other name, and what device traces name without an operation of the interface.
    #expect(missing == [.cast, .activateQuantize, .pool, .reduce, .scalarRow])
  }
}
