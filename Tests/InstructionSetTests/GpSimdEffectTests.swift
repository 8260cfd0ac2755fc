import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// What GpSimd's searches and gathers do, against the obvious loop in float64 or whole numbers.
@Suite struct GpSimdEffectTests {
  private static let device = Device.trainium2

  /// A pattern of `columns` elements with a random number of dimensions and gaps.
  private func strided(
    _ format: NumberFormat, _ columns: Int, partitions: Range<Int>, byte: Int,
    _ generator: inout Generator
  ) -> AccessPattern {
    let step = Int.random(in: 1...3, using: &generator)
    guard columns % 2 == 0, Bool.random(using: &generator) else {
      return pattern(.sbuf, format, partitions: partitions, byte: byte, [(columns, step)])
    }
    return pattern(
      .sbuf, format, partitions: partitions, byte: byte,
      [(2, columns / 2 * step + 5), (columns / 2, step)])
  }

  @Test(arguments: UInt64(1)...30)
  func partitionsReduce(_ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    let count = [1, 2, 17, 32, 64, 128].randomElement(using: &generator)!
    let columns = Int.random(in: 1...40, using: &generator)
    let format = [NumberFormat.float32, .bfloat16, .int32].randomElement(using: &generator)!
    let source = strided(format, columns, partitions: 0..<count, byte: 0, &generator)
    let result = strided(.float32, columns, partitions: 32..<33, byte: 4096, &generator)
    core.setElements(source, to: randomValues(count * columns, &generator))
    let values = core.elements(source).map(Double.init)
    for operation in [PartitionReduction.add, .average, .max] {
      let instruction = Operation.partitionReduce(PartitionReduce(result, source, operation))
      #expect(fault(instruction, .gpsimd) == nil)
      instruction.execute(on: &core, engine: .gpsimd)
      let found = core.elements(result)
      for column in 0..<columns {
        let lane = (0..<count).map { values[$0 * columns + column] }
        let sum = lane.reduce(0, +)
        let expected =
          operation == .max ? lane.max()! : operation == .add ? sum : sum / Double(count)
        let bound = lane.map(\.magnitude).reduce(0, +) * Double(count) * 0x1p-24
        #expect(abs(Double(found[column]) - expected) <= bound)
      }
    }
  }

  @Test func partitionsReduceBits() throws {
    var generator = Generator(seed: 5)
    var core = try makeCore()
    let source = sbuf(.uint16, 9, partitions: 0..<33)
    let result = sbuf(.uint16, 9, partitions: 0..<1, byte: 256)
    let bits = (0..<33 * 9).map { _ in UInt32.random(in: 0...0xFFFF, using: &generator) }
    core.setElementBits(source, to: bits)
    for (operation, combine) in [
      (PartitionReduction.or, { $0 | $1 } as (UInt32, UInt32) -> UInt32), (.and, { $0 & $1 }),
    ] {
      let instruction = Operation.partitionReduce(PartitionReduce(result, source, operation))
      #expect(fault(instruction, .gpsimd) == nil)
      instruction.execute(on: &core, engine: .gpsimd)
      let expected = (0..<9).map { column in
        (1..<33).reduce(bits[column]) { combine($0, bits[$1 * 9 + column]) }
      }
      #expect(core.elementBits(result) == expected)
    }
  }

  @Test(arguments: UInt64(1)...30)
  func localGathers(_ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    let count = [16, 32, 64, 128].randomElement(using: &generator)!
    let run = [1, 2, 4, 8, 16, 32].randomElement(using: &generator)!
    let indexColumns = Int.random(in: 1...4, using: &generator)
    let valid = Int.random(in: 1...16 * indexColumns, using: &generator)
    let width = Int.random(in: run...300, using: &generator)
    let format = [NumberFormat.float32, .bfloat16, .uint8].randomElement(using: &generator)!
    let source = strided(format, width, partitions: 0..<count, byte: 0, &generator)
    let index = strided(.uint16, indexColumns, partitions: 0..<count, byte: 8192, &generator)
    let result = sbuf(format, valid * run, partitions: 0..<count, byte: 16_384)
    let values = randomValues(width * count, &generator)
    core.setElements(source, to: values)
    let places = (0..<count * indexColumns).map { _ in
      UInt32.random(in: 0...UInt32(width - run), using: &generator)
    }
    core.setElementBits(index, to: places)
    let instruction = Operation.localGather(
      LocalGather(result, source, index: index, run: run, valid: valid))
    #expect(fault(instruction, .gpsimd) == nil)
    #expect(instruction.isDynamic)
    try instruction.checkRegisters(on: core, engine: .gpsimd)
    instruction.execute(on: &core, engine: .gpsimd)
    let (from, found) = (core.elementBits(source), core.elementBits(result))
    for partition in 0..<count {
      let first = partition / 16 * 16
      for place in 0..<valid {
        let start = Int(places[(first + place % 16) * indexColumns + place / 16])
        for step in 0..<run {
          #expect(
            found[partition * valid * run + place * run + step]
              == from[partition * width + start + step])
        }
      }
    }
  }

  @Test(arguments: UInt64(1)...30)
  func freeGathers(_ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    let count = Int.random(in: 1...128, using: &generator)
    let (width, columns) = (
      Int.random(in: 1...200, using: &generator), Int.random(in: 1...200, using: &generator)
    )
    let format = [NumberFormat.float32, .float16, .int8].randomElement(using: &generator)!
    let source = strided(format, width, partitions: 0..<count, byte: 0, &generator)
    let index = strided(.uint32, columns, partitions: 0..<count, byte: 8192, &generator)
    let result = strided(format, columns, partitions: 0..<count, byte: 16_384, &generator)
    core.setElements(source, to: randomValues(width * count, &generator))
    let places = (0..<count * columns).map { _ in
      UInt32.random(in: 0..<UInt32(width), using: &generator)
    }
    core.setElementBits(index, to: places)
    let instruction = Operation.freeGather(FreeGather(result, source, index: index))
    #expect(fault(instruction, .gpsimd) == nil)
    try instruction.checkRegisters(on: core, engine: .gpsimd)
    let from = core.elementBits(source)
    instruction.execute(on: &core, engine: .gpsimd)
    let expected = places.enumerated().map { from[$0.offset / columns * width + Int($0.element)] }
    #expect(core.elementBits(result) == expected)
  }

  @Test func strayIndicesAreFaults() throws {
    var core = try makeCore()
    let source = sbuf(.float32, 8, partitions: 0..<16)
    let short = sbuf(.uint16, 1, partitions: 0..<16, byte: 1024)
    core.setElementBits(short, to: (0..<16).map { $0 == 9 ? 5 : 4 })
    let local = Operation.localGather(
      LocalGather(
        sbuf(.float32, 64, partitions: 0..<16, byte: 2048), source, index: short, run: 4))
    #expect(
      throws: Fault(
        "LOCAL_GATHER", operand: "index", .value(found: "index 5", allowed: "0 to 4"),
        engine: .gpsimd)
    ) { try Self.check(local, core) }
    let long = sbuf(.uint32, 2, partitions: 0..<16, byte: 1024)
    core.setElementBits(long, to: (0..<32).map { $0 == 31 ? 8 : 7 })
    let free = Operation.freeGather(
      FreeGather(sbuf(.float32, 2, partitions: 0..<16, byte: 2048), source, index: long))
    #expect(
      throws: Fault(
        "N_GATHER", operand: "index", .value(found: "index 8", allowed: "0 to 7"),
        engine: .gpsimd)
    ) { try Self.check(free, core) }
  }

  private static func check(_ operation: Operation, _ core: borrowing CoreState) throws(Fault) {
    try operation.checkRegisters(on: core, engine: .gpsimd)
  }

  /// Numbers of segments and their bounds, from the documented example's own rule.
  @Test(arguments: [NumberFormat.float32, .int32], UInt64(1)...20)
  func sequencesHaveBounds(_ format: NumberFormat, _ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    var numbers: [Int] = []
    for _ in 0..<Int.random(in: 1...12, using: &generator) {
      let number = Int.random(in: 0...5, using: &generator)
      numbers += Array(repeating: number, count: Int.random(in: 1...9, using: &generator))
    }
    let count = numbers.count
    let source = sbuf(format, count, partitions: 0..<1)
    let result = pattern(
      .sbuf, format, partitions: 0..<1, byte: 4096, [(2, count + 3), (count, 1)])
    core.setElements(source, to: numbers.map(Float.init))
    let instruction = Operation.sequenceBounds(SequenceBounds(result, source))
    #expect(fault(instruction, .gpsimd) == nil)
    instruction.execute(on: &core, engine: .gpsimd)
    var starts = Array(repeating: 0, count: count)
    var ends = starts
    for place in numbers.indices {
      if numbers[place] == 0 {
        (starts[place], ends[place]) = (count, -1)
        continue
      }
      var low = place
      while low > 0, numbers[low - 1] == numbers[place] { low -= 1 }
      var high = place
      while high + 1 < count, numbers[high + 1] == numbers[place] { high += 1 }
      (starts[place], ends[place]) = (low, high + 1)
    }
    #expect(core.elements(result) == (starts + ends).map(Float.init))
  }

  @Test(arguments: [NumberFormat.float32, .int32], UInt64(1)...20)
  func nonzeroElementsAreCounted(_ format: NumberFormat, _ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    let count = [1, 16, 17, 64, 128].randomElement(using: &generator)!
    let columns = Int.random(in: 1...50, using: &generator)
    let (offset, padding) = (
      Int.random(in: -5...1000, using: &generator), Int.random(in: -9...9, using: &generator)
    )
    let source = strided(format, columns, partitions: 0..<count, byte: 0, &generator)
    let result = sbuf(.int32, columns + 1, partitions: 0..<count, byte: 8192)
    let values = (0..<count * columns).map { _ in
      Float([0, 0, 1, -3].randomElement(using: &generator)!)
    }
    core.setElements(source, to: values)
    let kept = UInt32(77)
    core.setElementBits(result, to: Array(repeating: kept, count: count * (columns + 1)))
    let instruction = Operation.nonzeroWithCount(
      NonzeroWithCount(result, source, offset: offset, padding: padding))
    #expect(fault(instruction, .gpsimd) == nil)
    instruction.execute(on: &core, engine: .gpsimd)
    let found = core.elementBits(result)
    for partition in 0..<count {
      let row = Array(found[partition * (columns + 1)..<(partition + 1) * (columns + 1)])
      guard partition % 16 == 0 else {
        #expect(row.allSatisfy { $0 == kept })
        continue
      }
      var expected = (0..<columns).filter { values[partition * columns + $0] != 0 }
      let total = expected.count
      expected = expected.map { $0 + offset }
      expected += Array(repeating: padding, count: columns - total) + [total]
      #expect(row.map { Int(Int32(bitPattern: $0)) } == expected)
    }
  }

  @Test(arguments: UInt64(1)...30)
  func largestValuesAreFound(_ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    let groups = [1, 2, 4, 8].randomElement(using: &generator)!
    let columns = Int.random(in: 1...20, using: &generator)
    let count = Int.random(in: 8...16 * columns, using: &generator)
    let wanted = Int.random(in: 1...count, using: &generator)
    let lanes = 0..<16 * groups
    let source = sbuf(.bfloat16, columns, partitions: lanes)
    let values = sbuf(.bfloat16, wanted, partitions: lanes, byte: 1024)
    let places = sbuf(.uint32, wanted, partitions: lanes, byte: 4096)
    // Few distinct values, so that many are equal.
    core.setElements(
      source,
      to: lanes.flatMap { _ in
        (0..<columns).map { _ in Float(Int.random(in: -20...20, using: &generator)) }
      })
    let instruction = Operation.topK(TopK(values, places: places, source, count: count))
    #expect(fault(instruction, .gpsimd) == nil)
    instruction.execute(on: &core, engine: .gpsimd)
    let (input, best, order) = (
      core.elements(source), core.elements(values), core.elementBits(places)
    )
    for group in 0..<groups {
      let snake = (0..<count).map { input[(group * 16 + $0 % 16) * columns + $0 / 16] }
      let ranked = snake.indices.sorted {
        snake[$0] != snake[$1] ? snake[$0] > snake[$1] : $0 < $1
      }
      let expected = Array(ranked.prefix(wanted).reversed())
      for (place, index) in expected.enumerated() {
        let slot = (group * 16 + place % 16) * wanted + place / 16
        #expect(Int(order[slot]) == index)
        #expect(best[slot] == snake[index])
      }
    }
  }

  @Test func missingNumbersAreSmallest() throws {
    var core = try makeCore()
    let lanes = 0..<16
    let source = sbuf(.bfloat16, 1, partitions: lanes)
    let values = sbuf(.bfloat16, 16, partitions: lanes, byte: 64)
    let places = sbuf(.uint32, 16, partitions: lanes, byte: 128)
    core.setElements(
      source, to: lanes.map { $0 == 3 ? .nan : $0 == 5 ? -.infinity : Float(-$0) })
    Operation.topK(TopK(values, places: places, source, count: 16))
      .execute(on: &core, engine: .gpsimd)
    let order = core.elementBits(places)
    #expect([order[0], order[16], order[32], order[15 * 16]] == [3, 5, 15, 0])
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16])
  func reciprocalSquareRoots(_ format: NumberFormat) throws {
    var core = try makeCore()
    var generator = Generator(seed: 9)
    let source = sbuf(format, 60, partitions: 0..<4)
    let result = sbuf(.float32, 60, partitions: 0..<4, byte: 1024)
    core.setElements(
      source, to: (0..<240).map { _ in Float.random(in: 0.001...900, using: &generator) })
    let instruction = Operation.tensorScalar(
      TensorScalar(result, source, .add, .immediate(0.5), .rsqrt))
    #expect(fault(instruction, .gpsimd) == nil)
    instruction.execute(on: &core, engine: .gpsimd)
    for (x, y) in zip(core.elements(source), core.elements(result)) {
      let expected = 1 / (Double(x + 0.5)).squareRoot()
      #expect(abs(Double(y) - expected) <= expected * 0x1p-23)
    }
  }
}
