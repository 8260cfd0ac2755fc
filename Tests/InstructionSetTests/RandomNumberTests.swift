import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Random bits, numbers and dropout against the documented generators, word by word.
@Suite struct RandomNumberTests {
  /// The words that a lane of a freshly seeded vector engine draws.
  private func words(_ count: Int, seed: UInt32, lane: Int, generation: Int) -> [UInt32] {
    guard generation == 4 else {
      var register = LinearFeedbackGenerator(seed: seed, lane: lane)
      return (0..<count).map { _ in register.next() }
    }
    var all = (0..<4).map { XorwowGenerator(seed: seed, lane: 4 * lane + $0) }
    return (0..<count).map { all[$0 % 4].next() }
  }

  private func seed(_ value: UInt32, _ core: inout CoreState, generation: Int) throws {
    let place = sbuf(.uint32, 1, partitions: 0..<1, byte: 65_536)
    core.setElementBits(place, to: [value])
    try perform(.setRandomSeed(SetRandomSeed(place)), on: &core, .vector, generation: generation)
  }

  @Test(arguments: [2, 3, 4], [NumberFormat.uint32, .int16, .uint8])
  func bits(_ generation: Int, _ format: NumberFormat) throws {
    var core = try makeCore(generation: generation)
    var random = RandomRows(seed: 7, columns: 30)
    let result = random.row(format)
    try seed(42, &core, generation: generation)
    for round in 0..<2 {
      try perform(.random(RandomBits(result)), on: &core, .vector, generation: generation)
      let found = RandomRows.split(core.elementBits(result), result)
      for p in 0..<random.partitions {
        // Generators that take turns all step to the end of a round: 30 words are 32 draws.
        let all = words(
          64, seed: 42, lane: Int(result.startPartition) + p, generation: generation)
        let first = round * (generation == 4 ? 32 : 30)
        #expect(found[p] == all[first..<(first + 30)].map { $0 & elementMask(format) })
      }
    }
  }

  @Test func gpSimdHasGeneratorsOfItsOwn() throws {
    var core = try makeCore()
    let result = sbuf(.uint32, 9, partitions: 32..<40)
    try perform(.random(RandomBits(result)), on: &core, .gpsimd)
    let found = RandomRows.split(core.elementBits(result), result)
    for p in 0..<8 {
      var generator = XorwowGenerator(seed: 0, lane: 32 + p)
      #expect(found[p] == (0..<9).map { _ in generator.next() })
    }
  }

  @Test(arguments: [(Engine.gpsimd, 3, 6), (.gpsimd, 4, 6), (.vector, 4, 24)])
  func statesAreKept(_ engine: Engine, _ generation: Int, _ count: Int) throws {
    var core = try makeCore(generation: generation)
    var generator = Generator(seed: 9)
    let states = sbuf(.uint32, count, partitions: 0..<32)
    let copy = sbuf(.uint32, count, partitions: 64..<96, byte: 1024)
    let given = (0..<(32 * count)).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }
    core.setElementBits(states, to: given)
    try perform(
      .setRandomState(SetRandomState(states)), on: &core, engine, generation: generation)
    var back = copy
    back.startPartition = 0
    try perform(
      .getRandomState(GetRandomState(back)), on: &core, engine, generation: generation)
    #expect(core.elementBits(back) == given)
    let result = sbuf(.uint32, 8, partitions: 0..<32, byte: 2048)
    try perform(.random(RandomBits(result)), on: &core, engine, generation: generation)
    let found = RandomRows.split(core.elementBits(result), result)
    for lane in 0..<32 {
      var all = (0..<(count / 6)).map {
        XorwowGenerator(words: given[(lane * count + 6 * $0)..<(lane * count + 6 * $0 + 6)])
      }
      #expect(found[lane] == (0..<8).map { all[$0 % all.count].next() })
    }
  }

  @Test func uniformNumbers() throws {
    var core = try makeCore(generation: 4)
    var random = RandomRows(seed: 11, partitions: 64, columns: 96)
    let result = random.row(.float32)
    let low = random.row(.float32, columns: 1)
    let lows = random.fill(low, &core, edges: false)
    try seed(1, &core, generation: 4)
    try perform(
      .randomUniform(RandomUniform(result, minimum: .pointer(low), maximum: .immediate(9))),
      on: &core, .vector, generation: 4)
    let found = RandomRows.split(core.elements(result), result)
    var mean = 0.0
    for p in 0..<64 {
      let all = words(96, seed: 1, lane: Int(result.startPartition) + p, generation: 4)
      let a = Double(lows[p][0])
      for index in 0..<96 {
        let unit = Double(all[index] >> 8) / 16_777_216
        #expect((Double(found[p][index]) - (a + (9 - a) * unit)).magnitude < 1e-5)
        mean += (Double(found[p][index]) - a) / (9 - a)
      }
    }
    // 6,144 uniform numbers: the standard error of their mean is 0.0037.
    #expect((mean / 6144 - 0.5).magnitude < 0.0111)
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16, .int32], [2, 3, 4])
  func dropout(_ format: NumberFormat, _ generation: Int) throws {
    var core = try makeCore(generation: generation)
    var random = RandomRows(seed: 13, partitions: 32, columns: 96)
    let (source, result) = (random.row(format, broadcasts: true), random.row(format))
    let column = random.row(.float32, columns: 1)
    let rows = random.fill(source, &core, edges: format != .int32)
    core.setElements(column, to: (0..<32).map { Float($0) / 31 })
    try seed(3, &core, generation: generation)
    try perform(
      .dropout(Dropout(result, source, probability: .pointer(column))), on: &core, .vector,
      generation: generation)
    let found = RandomRows.split(core.elementBits(result), result)
    for p in 0..<32 {
      let all = words(96, seed: 3, lane: Int(result.startPartition) + p, generation: generation)
      let expected = (0..<96).map { index -> Float in
        Double(all[index] >> 8) / 16_777_216 < Double(Float(p) / 31) ? 0 : rows[p][index]
      }
      #expect(found[p] == encoded(expected, format))
    }
    #expect(found[31].allSatisfy { $0 == 0 })
    #expect(found[0] == encoded(rows[0], format))
  }

  @Test func dropoutMayChangeTheFormatOfNumbers() throws {
    var core = try makeCore()
    let (source, result) = (
      sbuf(.float32, 64, partitions: 0..<1), sbuf(.bfloat16, 64, partitions: 0..<1, byte: 1024)
    )
    core.setElements(source, to: (1...64).map { Float($0) + 0.3 })
    try perform(.dropout(Dropout(result, source, probability: .immediate(0.5))), on: &core, .vector)
    let found = core.elements(result)
    for (index, value) in found.enumerated() where value != 0 {
      #expect(
        value == NumberFormat.bfloat16.decode(NumberFormat.bfloat16.encode(Float(index) + 1.3)))
    }
    #expect((16...48).contains(found.count { $0 == 0 }))
  }
}
