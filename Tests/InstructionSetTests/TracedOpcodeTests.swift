import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import Units

/// The instructions that device traces name and the interface does not.
@Suite struct TracedOpcodeTests {
  @Test(arguments: UInt64(1)...12)
  func windowsAreCombined(_ seed: UInt64) throws {
    var core = try makeCore()
    var generator = Generator(seed: seed)
    let (height, width, side) = (6, 7, 3)
    let image = sbuf(.float32, height * width, partitions: 0..<5)
    core.setElements(image, to: randomValues(5 * height * width, &generator))
    let values = core.elements(image).map(Double.init)
    let (rows, columns) = (height - side + 1, width - side + 1)
    let windows = pattern(
      .sbuf, .float32, partitions: 0..<5,
      [(rows, width), (columns, 1), (side, width), (side, 1)])
    let result = sbuf(.float32, rows * columns, partitions: 0..<5, byte: 4096)
    for operation in PoolOperation.allCases {
      let instruction = Operation.pool(Pool(result, windows, operation))
      #expect(fault(instruction, .vector) == nil)
      instruction.execute(on: &core, engine: .vector)
      let found = core.elements(result)
      for (place, value) in found.enumerated() {
        let (lane, row, column) = (
          place / (rows * columns), place / columns % rows, place % columns
        )
        let window = (0..<side * side).map { step in
          values[lane * height * width + (row + step / side) * width + column + step % side]
        }
        let sum = window.reduce(0, +)
        let expected: Double =
          switch operation {
          case .max: window.max()!
          case .min: window.min()!
          case .add: sum
          case .average: sum / 9
          }
        #expect(abs(Double(value) - expected) < 1e-5)
      }
    }
  }

  @Test func wholeRowsAndConstants() throws {
    var core = try makeCore()
    var generator = Generator(seed: 4)
    let source = sbuf(.float32, 33, partitions: 0..<3)
    let one = sbuf(.float32, 1, partitions: 0..<3, byte: 1024)
    let same = sbuf(.float32, 33, partitions: 0..<3, byte: 2048)
    core.setElements(source, to: randomValues(99, &generator))
    let values = core.elements(source)
    Operation.reduce(Reduce(one, source, .max)).execute(on: &core, engine: .vector)
    #expect(core.elements(one) == (0..<3).map { values[$0 * 33..<$0 * 33 + 33].max()! })
    Operation.scalarRow(ScalarRow(same, source, .subtract, 2.5))
      .execute(on: &core, engine: .vector)
    #expect(core.elements(same) == values.map { $0 - 2.5 })
  }

  @Test func quantizedActivations() throws {
    var core = try makeCore()
    var generator = Generator(seed: 6)
    let source = sbuf(.bfloat16, 50, partitions: 0..<8)
    core.setElements(source, to: randomValues(400, &generator))
    let values = core.elements(source)
    for format in [NumberFormat.int8, .uint8, .float8e4m3] {
      let result = sbuf(format, 50, partitions: 0..<8, byte: 1024)
      let instruction = Operation.activateQuantize(
        ActivateQuantize(result, .relu, source, scale: 2, bias: .immediate(-1), factor: 9))
      #expect(fault(instruction, .scalar) == nil)
      instruction.execute(on: &core, engine: .scalar)
      let mask: UInt32 = 0xFF
      let expected = values.map { value -> UInt32 in
        let active = Swift.max(0, Double(value) * 2 - 1)
        return format.encode(Float(active) * 9) & mask
      }
      #expect(core.elementBits(result) == expected)
    }
  }

  @Test func rowsWithoutAnEffectLeaveTheCoreAlone() throws {
    var core = try makeCore()
    let mask = sbuf(.uint8, 32, partitions: 0..<1)
    core.setElementBits(mask, to: (0..<32).map { 31 - $0 })
    let rows: [(Operation, Engine)] = [
      (.loadMaskSelect(LoadMaskSelect(mask)), .vector),
      (.writeRegister(WriteRegister(64, .register(3))), .sync),
      (.modifyPoolConfig(ModifyPoolConfig(2, .immediate(7))), .gpsimd),
    ]
    for (operation, engine) in rows {
      #expect(fault(operation, engine) == nil)
      operation.execute(on: &core, engine: engine)
      #expect(operation.opcode.isControl)
      #expect(operation.cost(on: .trainium2, engine: engine).coldDuration > .zero)
    }
    #expect(core.elementBits(mask) == (0..<32).map { 31 - $0 })
  }

  private func expect(
    _ operation: Operation, _ engine: Engine, _ operand: String, _ rule: Fault.Rule,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      fault(operation, engine)
        == Fault(operation.opcode.name, operand: operand, rule, engine: engine),
      sourceLocation: sourceLocation)
  }

  @Test func rules() {
    let (a, d) = (sbuf(.float32, 8), sbuf(.float32, 3, byte: 64))
    expect(
      .pool(Pool(d, a, .max)), .vector, "src", .elementCountMismatch(found: 8, expected: 9))
    expect(
      .pool(Pool(d, sbuf(.float32, 9, partitions: 0..<32), .max)), .vector, "src",
      .partitionMismatch(found: 32, expected: 128))
    expect(
      .reduce(Reduce(d, a, .add)), .vector, "dst", .elementCountMismatch(found: 3, expected: 1))
    expect(
      .scalarRow(ScalarRow(d, a, .add, 1)), .vector, "src",
      .elementCountMismatch(found: 8, expected: 3))
    expect(
      .activateQuantize(ActivateQuantize(a, .exp, a, factor: 1)), .scalar, "dst",
      .format(found: "fp32", allowed: "formats of one byte"))
    expect(
      .activateQuantize(ActivateQuantize(sbuf(.int8, 3), .exp, a, factor: 1)), .scalar, "src",
      .elementCountMismatch(found: 8, expected: 3))
    expect(
      .activateQuantize(
        ActivateQuantize(
          sbuf(.int8, 8), .exp, a, bias: .pointer(sbuf(.float32, 1, partitions: 0..<4)), factor: 1)
      ), .scalar, "bias", .partitionMismatch(found: 4, expected: 128))
    let mask = sbuf(.uint8, 32, partitions: 0..<1)
    expect(
      .loadMaskSelect(LoadMaskSelect(sbuf(.uint8, 32))), .vector, "src",
      .partitionMismatch(found: 128, expected: 1))
    expect(
      .loadMaskSelect(LoadMaskSelect(sbuf(.uint8, 31, partitions: 0..<1))), .vector, "src",
      .elementCountMismatch(found: 31, expected: 32))
    expect(
      .loadMaskSelect(LoadMaskSelect(sbuf(.int8, 32, partitions: 0..<1))), .vector, "src",
      .format(found: "int8", allowed: "uint8"))
    expect(
      .loadMaskSelect(LoadMaskSelect(psum(.uint8, 32, partitions: 0..<1))), .vector, "src",
      .space(found: "psum", allowed: "sbuf"))
    expect(.loadMaskSelect(LoadMaskSelect(mask)), .scalar, "queue", .engine(allowed: ["vector"]))
    expect(
      .writeRegister(WriteRegister(6, .immediate(0))), .sync, "address",
      .value(found: "6", allowed: "0 and more, in multiples of 4"))
    expect(
      .writeRegister(WriteRegister(8, .register(64))), .sync, "value",
      .register(found: 64, limit: 64))
    expect(
      .modifyPoolConfig(ModifyPoolConfig(-1, .immediate(0))), .gpsimd, "index",
      .value(found: "-1", allowed: "0 and more"))
  }
}
