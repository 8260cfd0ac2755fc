import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Reductions, scans, searches, patterns and moves against the obvious loop.
@Suite struct ReductionEffectTests {
  private func execute(_ operation: Operation, _ core: inout CoreState, _ engine: Engine) throws {
    try operation.validate(rules(operation, engine))
    operation.execute(on: &core, engine: engine)
  }

  /// Small whole numbers: their sums and products are exact in any order.
  private func wholeValues(_ count: Int, _ generator: inout Generator) -> [Float] {
    (0..<count).map { _ in Float(Int.random(in: -3...3, using: &generator)) }
  }

  @Test(arguments: [ALUOperation.add, .multiply, .max, .min, .absMax], [false, true])
  func reductions(_ operation: ALUOperation, _ negate: Bool) throws {
    let combine: (Float, Float) -> Float = { EffectTests.model(operation, $0, $1) }
    for (groups, size) in [(1, 1), (1, 40), (4, 10), (7, 3), (16, 17)] {
      var core = try makeCore()
      var generator = Generator(seed: 21)
      let source = psum(.float32, groups * size, partitions: 0..<5)
      let result = sbuf(.float32, groups, partitions: 64..<69)
      core.setElements(source, to: wholeValues(5 * groups * size, &generator))
      let values = core.elements(source)
      try execute(
        .tensorReduce(TensorReduce(result, source, operation, negate: negate)), &core, .vector)
      let expected = (0..<(5 * groups)).map { group -> Float in
        let run = Array(values[(group * size)..<((group + 1) * size)])
        let start = operation == .absMax ? run[0].magnitude : run[0]
        let value = run.dropFirst().reduce(start, combine)
        return negate ? -value : value
      }
      #expect(core.elements(result) == expected)
    }
  }

  @Test func aReductionFollowsTheOrderOfItsPattern() throws {
    var core = try makeCore()
    let all = sbuf(.float32, 12, partitions: 0..<1)
    core.setElements(all, to: (0..<12).map(Float.init))
    // The middle of three nested dimensions walks fastest: columns of a 3 by 4 block.
    let source = pattern(.sbuf, .float32, partitions: 0..<1, [(4, 1), (3, 4)])
    let result = sbuf(.float32, 4, partitions: 0..<1, byte: 64)
    try execute(.tensorReduce(TensorReduce(result, source, .add)), &core, .vector)
    #expect(core.elements(result) == [12, 15, 18, 21])
  }

  @Test func scans() throws {
    for (op0, op1) in [
      (ALUOperation.multiply, ALUOperation.add), (.add, .bypass), (.max, .subtract),
    ] {
      for isPointer in [false, true] {
        var core = try makeCore()
        var generator = Generator(seed: 22)
        let (a, b) = (
          sbuf(.bfloat16, 30, partitions: 0..<3), psum(.float32, 30, partitions: 0..<3)
        )
        let seed = sbuf(.float32, 1, partitions: 0..<3, byte: 512)
        let result = sbuf(.float32, 30, partitions: 0..<3, byte: 1024)
        core.setElements(a, to: randomValues(90, &generator))
        core.setElements(b, to: randomValues(90, &generator))
        core.setElements(seed, to: [0.5, -1, 2])
        try execute(
          .scan(
            TensorTensorScan(
              result, a, b, initial: isPointer ? .pointer(seed) : .immediate(1.5), op0, op1)),
          &core, .vector)
        let (x, y) = (core.elements(a), core.elements(b))
        var expected: [Float] = []
        for partition in 0..<3 {
          var state: Float = isPointer ? [0.5, -1, 2][partition] : 1.5
          for index in (partition * 30)..<(partition * 30 + 30) {
            state = EffectTests.model(op1, EffectTests.model(op0, x[index], state), y[index])
            expected.append(state)
          }
        }
        #expect(core.elements(result) == expected)
      }
    }
  }

  @Test(arguments: [1, 2, 15, 16, 33, 512])
  func batchStatistics(_ count: Int) throws {
    var core = try makeCore()
    var generator = Generator(seed: 23)
    let source = sbuf(.float32, count, partitions: 0..<2)
    let statistics = sbuf(.float32, 6, partitions: 0..<2, byte: 4096)
    let moments = sbuf(.float32, 2, partitions: 0..<2, byte: 8192)
    core.setElements(source, to: randomValues(2 * count, &generator))
    try execute(
      .batchNormStatistics(BatchNormStatistics(statistics, source)), &core, .vector)
    try execute(
      .batchNormAggregate(BatchNormAggregate(moments, statistics)), &core, .vector)
    let (values, found) = (core.elements(source), core.elements(moments))
    let counts = core.elements(statistics)
    for partition in 0..<2 {
      let row = values[(partition * count)..<((partition + 1) * count)].map(Double.init)
      let mean = row.reduce(0, +) / Double(count)
      let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(count)
      #expect(abs(Double(found[partition * 2]) - mean) < 1e-5)
      #expect(abs(Double(found[partition * 2 + 1]) - variance) < 1e-4)
      #expect(counts[partition * 6] == Float((count + 1) / 2))
      #expect(counts[partition * 6 + 3] == Float(count / 2))
    }
  }

  @Test func theEightLargestAndTheirPlaces() throws {
    var core = try makeCore()
    var generator = Generator(seed: 24)
    let source = sbuf(.float32, 50, partitions: 0..<4)
    let largest = sbuf(.float32, 8, partitions: 0..<4, byte: 1024)
    let places = sbuf(.uint16, 8, partitions: 0..<4, byte: 2048)
    core.setElements(source, to: wholeValues(200, &generator))
    try execute(.max8(Max8(largest, source)), &core, .vector)
    try execute(.findIndex8(FindIndex8(places, source, values: largest)), &core, .vector)
    let (values, top) = (core.elements(source), core.elements(largest))
    let indices = core.elementBits(places)
    for partition in 0..<4 {
      let row = Array(values[(partition * 50)..<(partition * 50 + 50)])
      let order = row.indices.sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
      #expect(Array(top[(partition * 8)..<(partition * 8 + 8)]) == order.prefix(8).map { row[$0] })
      #expect(
        Array(indices[(partition * 8)..<(partition * 8 + 8)]) == order.prefix(8).map(UInt32.init))
    }
    core.setElements(largest, to: Array(repeating: 99, count: 32))
    try execute(.findIndex8(FindIndex8(places, source, values: largest)), &core, .vector)
    #expect(core.elementBits(places).allSatisfy { $0 == 0xFFFF })
  }

  @Test func streamTransposes() throws {
    var core = try makeCore()
    let source = sbuf(.bfloat16, 64, partitions: 64..<128)
    let result = psum(.bfloat16, 64, partitions: 0..<64)
    core.setElementBits(source, to: (0..<4096).map(UInt32.init))
    try execute(.streamTranspose(StreamTranspose(result, source)), &core, .vector)
    let found = core.elementBits(result)
    for (row, column) in [(0, 0), (0, 5), (31, 32), (40, 63), (63, 0)] {
      let origin = (row / 32 * 32 + column % 32) * 64 + column / 32 * 32 + row % 32
      #expect(found[row * 64 + column] == UInt32(origin))
    }
  }

  @Test func affinePatterns() throws {
    var core = try makeCore()
    let result = pattern(.sbuf, .int32, partitions: 32..<36, byte: 64, [(3, 10), (4, 2)])
    try execute(
      .iota(Iota(result, start: -5, channelMultiplier: 100, steps: [10, 3, 0, 0])), &core, .gpsimd)
    var expected: [Float] = []
    for p in 0..<4 {
      for i in 0..<3 { for j in 0..<4 { expected.append(Float(100 * p + 10 * i + 3 * j - 5)) } }
    }
    #expect(core.elements(result) == expected)
    let short = sbuf(.bfloat16, 12, partitions: 0..<4, byte: 4096)
    try execute(
      .iota(Iota(short, start: 0, channelMultiplier: 1, steps: [2, 0, 0, 0])), &core, .gpsimd)
    let halves: [Float] = (0..<48).map { place in Float(place / 12 + 2 * (place % 12)) }
    #expect(core.elements(short) == halves)
  }

  @Test(
    arguments: [
      ALUOperation.greaterEqual, .greaterThan, .lessEqual, .lessThan, .isEqual, .notEqual,
    ])
  func affineSelection(_ comparison: ALUOperation) throws {
    var core = try makeCore()
    let source = sbuf(.float32, 20, partitions: 0..<20)
    let result = sbuf(.float32, 20, partitions: 0..<20, byte: 256)
    core.setElements(source, to: (0..<400).map { Float($0 + 1) })
    try execute(
      .affineSelect(
        AffineSelect(
          result, source, comparison: comparison, start: 2, channelMultiplier: 1,
          steps: [-1, 0, 0, 0], onFalse: -9)), &core, .gpsimd)
    let expected = (0..<400).map { place -> Float in
      let value = Float(2 + place / 20 - place % 20)
      return EffectTests.model(comparison, value, 0) == 1 ? Float(place + 1) : -9
    }
    #expect(core.elements(result) == expected)
  }

  @Test func registersAndBranches() throws {
    var core = try makeCore()
    core.tensorAddresses = [256]
    core.hbm.upload([Int32(-77), 12], at: 256)
    let load = Operation.tensorLoad(
      TensorLoad(
        2, from: TensorAccess(tensor: 0, .int32, byteOffset: 4, rows: 1, columns: 1, rowStride: 1)))
    try execute(load, &core, .vector)
    try execute(.register(.move(3, from: .immediate(5))), &core, .vector)
    for (operation, expected) in [
      (RegisterArithmetic.add, 17), (.subtract, 7), (.multiply, 60), (.and, 4), (.or, 13),
      (.shiftLeft, 384), (.shiftRight, 0),
    ] as [(RegisterArithmetic, Int32)] {
      try execute(.register(.arithmetic(4, 2, operation, .register(3))), &core, .vector)
      let value = core.register(4, of: .vector)
      #expect(value == expected, "\(operation)")
    }
    let untouched = core.register(2, of: .sync)
    #expect(untouched == 0)
    for (comparison, isTaken) in [
      (RegisterComparison.always, true), (.equal, false), (.notEqual, true), (.less, false),
      (.lessEqual, false), (.greater, true), (.greaterEqual, true),
    ] {
      let branch = RegisterInstruction.branch(2, comparison, .register(3), to: 1)
      let found = branch.isTaken(on: core, engine: .vector)
      #expect(found == isTaken, "\(comparison)")
    }
  }

  @Test func anArithmeticShiftIsLogicalAndBounded() throws {
    var core = try makeCore()
    try execute(.register(.move(0, from: .immediate(-1))), &core, .sync)
    for (shift, expected) in [(4, 0x0FFF_FFFF), (32, 0), (-1, 0)] as [(Int32, Int32)] {
      try execute(.register(.arithmetic(1, 0, .shiftRight, .immediate(shift))), &core, .sync)
      let value = core.register(1, of: .sync)
      #expect(value == expected)
    }
  }
}
