import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Selecting, predicated, replacing and shuffling instructions against the obvious loop.
@Suite struct VectorSelectTests {
  private static let floats: [NumberFormat] = [.float32, .bfloat16, .float16, .float8e4m3]

  @Test(arguments: 0..<24 as Range<UInt64>)
  func selectReduce(_ seed: UInt64) throws {
    var core = try makeCore()
    var random = RandomRows(seed: seed)
    let onTrue = random.row(
      Self.floats[Int(seed) % 4], in: seed % 3 == 1 ? .psum : .sbuf, broadcasts: true)
    let predicate = random.row([.int8, .uint8, .int16, .uint16][Int(seed / 4) % 4])
    let result = random.row(Self.floats[Int(seed / 2) % 4], in: seed % 5 == 2 ? .psum : .sbuf)
    let column = random.row(.float32, columns: 1)
    let isReversed = seed % 2 == 1
    let values = random.fill(onTrue, &core)
    let holds = random.fill(predicate, &core, edges: false)
    let other = random.fill(column, &core)
    let onFalse: ScalarOperand = seed % 4 < 2 ? .immediate(-2.5) : .pointer(column)
    let lane = Int(result.startPartition)
    core.vectorAccumulators = Array(repeating: 5, count: 128)
    let command = [AccumulatorCommand.idle, .reduce, .resetReduce][Int(seed) % 3]
    try perform(
      .selectReduce(
        SelectReduce(
          result, predicate: predicate, onTrue: onTrue, onFalse: onFalse, isReversed: isReversed,
          command: command)), on: &core, .vector)
    let found = RandomRows.split(core.elementBits(result), result)
    for p in 0..<random.partitions {
      let fill = seed % 4 < 2 ? -2.5 : other[p][0]
      let expected = (0..<random.columns).map {
        (holds[p][$0] != 0) != isReversed ? values[p][$0] : fill
      }
      #expect(found[p] == encoded(expected, result.format))
      let largest = expected.max()!
      let register = command == .idle ? 5 : command == .reduce ? max(5, largest) : largest
      #expect(core.vectorAccumulators[lane + p] == register)
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func rangeSelect(_ seed: UInt64) throws {
    var core = try makeCore()
    var random = RandomRows(seed: seed &+ 100)
    let source = random.row(Self.floats[Int(seed) % 4], in: seed % 3 == 0 ? .psum : .sbuf)
    let result = random.row([.float32, .bfloat16][Int(seed) % 2])
    let (low, high) = (random.row(.float32, columns: 1), random.row(.float32, columns: 1))
    let values = random.fill(source, &core, edges: false)
    let start = Int.random(in: -5...5, using: &random.generator)
    func bounds(_ row: AccessPattern) -> [Float] {
      let all = (0..<random.partitions).map { _ in
        Float(Int.random(in: -8...70, using: &random.generator))
      }
      core.setElements(row, to: all)
      return all
    }
    let (lows, highs) = (bounds(low), bounds(high))
    let all: [ALUOperation] = [.isEqual, .lessThan, .lessEqual, .greaterThan, .greaterEqual]
    let (op0, op1) = (all[Int(seed) % 5], all[Int(seed / 2) % 5])
    try perform(
      .rangeSelect(
        RangeSelect(
          result, source, op0, low, op1, high, start: start, command: .resetReduce)), on: &core,
      .vector)
    let found = RandomRows.split(core.elementBits(result), result)
    for p in 0..<random.partitions {
      let expected = (0..<random.columns).map { index -> Float in
        let place = Float(start + index)
        let isKept =
          exactly(op0, place, lows[p]) == 1 && exactly(op1, place, highs[p]) == 1
        return isKept ? values[p][index] : -3.4028234663852886e38
      }
      #expect(found[p] == encoded(expected, result.format))
      #expect(
        core.vectorAccumulators[Int(result.startPartition) + p] == expected.max()!)
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func predicatedCopies(_ seed: UInt64) throws {
    var core = try makeCore()
    var random = RandomRows(seed: seed &+ 200)
    let format = NumberFormat.arithmeticFormats[Int(seed) % 14]
    let source = random.row(format, in: seed % 3 == 0 ? .psum : .sbuf, broadcasts: true)
    let predicate = random.row([.uint8, .uint16, .uint32][Int(seed) % 3])
    let result = random.row(format)
    // Raw bits, so that NaN patterns are copied as they are.
    for row in [source, result] {
      core.setElementBits(
        row,
        to: (0..<(row.columns * random.partitions)).map { _ in
          UInt32.random(in: 0...elementMask(format), using: &random.generator)
        })
    }
    core.setElementBits(
      predicate,
      to: (0..<(random.columns * random.partitions)).map { _ in
        Bool.random(using: &random.generator) ? 0 : 1 << UInt32(seed % 8)
      })
    let (from, old) = (core.elementBits(source), core.elementBits(result))
    let holds = core.elementBits(predicate).map { ($0 != 0) != (seed % 2 == 1) }
    try perform(
      .copyPredicated(
        CopyPredicated(result, from: source, predicate: predicate, isReversed: seed % 2 == 1)),
      on: &core, .vector)
    #expect(core.elementBits(result) == holds.indices.map { holds[$0] ? from[$0] : old[$0] })
    core.setElementBits(result, to: old)
    try perform(
      .copyPredicatedScalar(
        CopyPredicatedScalar(result, 1.3, predicate: predicate, isReversed: seed % 2 == 1)),
      on: &core, .vector)
    let scalar = encoded([1.3], format)[0]
    #expect(core.elementBits(result) == holds.indices.map { holds[$0] ? scalar : old[$0] })
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func matchesAreReplacedFromTheLastValueOn(_ seed: UInt64) throws {
    var core = try makeCore()
    var random = RandomRows(seed: seed &+ 300)
    let source = random.row([.float32, .bfloat16][Int(seed) % 2])
    let values = random.row(.float32, columns: 8)
    let places = random.row([.uint16, .uint32][Int(seed) % 2], columns: 8)
    let result = random.row(source.format)
    // Few different values, so that equal ones and misses are common.
    func fill(_ row: AccessPattern) -> [[Float]] {
      core.setElements(
        row,
        to: (0..<(row.columns * random.partitions)).map { _ in
          Float(Int.random(in: 0...9, using: &random.generator))
        })
      return RandomRows.split(core.elements(row), row)
    }
    let (rows, wanted) = (fill(source), fill(values))
    try perform(
      .matchReplace8(
        MatchReplace8(
          result, source, values: values, replacement: -7, places: places)), on: &core, .vector)
    let found = RandomRows.split(core.elements(result), result)
    let foundPlaces = RandomRows.split(core.elementBits(places), places)
    for p in 0..<random.partitions {
      var row = rows[p]
      var expected = [UInt32](repeating: elementMask(places.format), count: 8)
      for place in (0..<8).reversed() {
        guard let first = row.firstIndex(of: wanted[p][place]) else { continue }
        expected[place] = UInt32(first)
        row[first] = -7
      }
      #expect(found[p] == row)
      #expect(foundPlaces[p] == expected)
    }
  }

  @Test(arguments: 0..<24 as Range<UInt64>)
  func shuffles(_ seed: UInt64) throws {
    var core = try makeCore()
    let partitions = [32, 64, 128, 96][Int(seed) % 4]
    var random = RandomRows(seed: seed &+ 400, partitions: partitions)
    let format: NumberFormat = [.bfloat16, .uint8, .float32][Int(seed) % 3]
    let source = random.row(format, in: seed % 5 == 0 ? .psum : .sbuf)
    let isInPlace = seed % 3 == 1
    let result = isInPlace ? source : random.row(format)
    for row in [source, result] {
      core.setElementBits(
        row,
        to: (0..<(row.columns * partitions)).map { _ in
          UInt32.random(in: 0...elementMask(format), using: &random.generator)
        })
    }
    // Permutations make rings, random numbers make fans and rows that nobody reads.
    var numbers = (0..<32).map { UInt8($0) }
    if seed % 2 == 0 {
      numbers.shuffle(using: &random.generator)
    } else {
      numbers = numbers.map { _ in UInt8.random(in: 0...31, using: &random.generator) }
    }
    for index in numbers.indices where Int.random(in: 0..<6, using: &random.generator) == 0 {
      numbers[index] = 255
    }
    let from = RandomRows.split(core.elementBits(source), source)
    let old = RandomRows.split(core.elementBits(result), result)
    try perform(
      .streamShuffle(StreamShuffle(result, source, mask: ShuffleMask(numbers))), on: &core,
      .vector)
    let found = RandomRows.split(core.elementBits(result), result)
    for p in 0..<partitions {
      let number = Int(numbers[p % 32])
      #expect(found[p] == (number == 255 ? old[p] : from[p / 32 * 32 + number]))
    }
  }
}
