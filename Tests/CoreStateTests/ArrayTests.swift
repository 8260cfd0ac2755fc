import CoreState
import Hardware
import NumericFormats
import Testing

/// The tensor engine's products and transposes against plain loops.
@Suite struct ArrayTests {
  static let byte = 4096

  /// weightsᵀ · moving with products accumulated k upward by fused multiply-add.
  private static func product(_ weights: [Float], _ moving: [Float], k: Int, m: Int, n: Int)
    -> [Float]
  {
    var result = [Float](repeating: 0, count: m * n)
    for row in 0..<m {
      for column in 0..<n {
        var sum: Float = 0
        for depth in 0..<k { sum.addProduct(weights[depth * m + row], moving[depth * n + column]) }
        result[row * n + column] = sum
      }
    }
    return result
  }

  @Test(
    arguments: [
      (1, 1, 1), (3, 5, 7), (32, 32, 32), (128, 128, 512), (100, 65, 130), (128, 1, 512),
      (17, 128, 33),
    ], [NumberFormat.bfloat16, .float8e4m3, .tensorFloat32])
  func productsMatchTheLoop(_ shape: (Int, Int, Int), _ format: NumberFormat) throws {
    let (k, m, n) = shape
    var core = try makeCore()
    var generator = Generator(seed: 7)
    let weights = pattern(.sbuf, format, partitions: 0..<k, byte: 0, [(m, 1)])
    let moving = pattern(.sbuf, format, partitions: 0..<k, byte: Self.byte, [(n, 1)])
    core.setElements(weights, to: randomValues(k * m, &generator))
    core.setElements(moving, to: randomValues(k * n, &generator))
    let result = pattern(.psum, .float32, partitions: 0..<m, byte: 0, [(n, 1)])
    core.loadWeights(weights, part: .whole, row: 0, column: 0, engine: .tensor)
    core.multiply(
      moving, columns: m, to: result, accumulate: false, row: 0, column: 0, engine: .tensor)
    let expected = Self.product(core.elements(weights), core.elements(moving), k: k, m: m, n: n)
    #expect(core.elements(result) == expected)
    core.multiply(
      moving, columns: m, to: result, accumulate: true, row: 0, column: 0, engine: .tensor)
    #expect(core.elements(result) == expected.map { $0 + $0 })
  }

  @Test func doubleRowsContractBothHalves() throws {
    var core = try makeCore()
    var generator = Generator(seed: 12)
    let (k, m, n) = (128, 40, 100)
    let weights = pattern(.sbuf, .float8e4m3, partitions: 0..<k, byte: 0, [(2, 64), (m, 1)])
    let moving = pattern(.sbuf, .float8e5m2, partitions: 0..<k, byte: 256, [(2, 128), (n, 1)])
    let result = pattern(.psum, .float32, partitions: 0..<m, byte: 0, [(n, 1)])
    core.setElements(weights, to: randomValues(k * 2 * m, &generator))
    core.setElements(moving, to: randomValues(k * 2 * n, &generator))
    core.loadWeights(
      weights, part: .whole, row: 0, column: 0, engine: .tensor, rowsPerPartition: 2)
    core.multiply(
      moving, columns: m, to: result, accumulate: false, row: 0, column: 0, engine: .tensor,
      rowsPerPartition: 2)
    let (a, b) = (core.elements(weights), core.elements(moving))
    /// Rows of the first half of every partition, then rows of the second.
    func stacked(_ values: [Float], _ columns: Int) -> [Float] {
      var rows: [Float] = []
      for half in 0..<2 {
        for partition in 0..<k {
          let start = (2 * partition + half) * columns
          rows += values[start..<(start + columns)]
        }
      }
      return rows
    }
    let expected = Self.product(stacked(a, m), stacked(b, n), k: 2 * k, m: m, n: n)
    #expect(core.elements(result) == expected)
    // Weights of one mode are not those of the other.
    core.multiply(
      moving, columns: m, to: pattern(.psum, .float32, partitions: 0..<m, byte: 0, [(200, 1)]),
      accumulate: false, row: 0, column: 0, engine: .tensor)
    #expect(core.elements(result).allSatisfy { $0 == 0 })
  }

  @Test func stridedOperandsAndResults() throws {
    var core = try makeCore()
    var generator = Generator(seed: 8)
    let (k, m, n) = (8, 6, 20)
    let all = pattern(.sbuf, .bfloat16, partitions: 0..<k, byte: 0, [(256, 1)])
    core.setElements(all, to: randomValues(k * 256, &generator))
    let weights = pattern(.sbuf, .bfloat16, partitions: 0..<k, byte: 40, [(m, -3)])
    let moving = pattern(.sbuf, .bfloat16, partitions: 0..<k, byte: 128, [(2, 0), (10, 2)])
    let result = pattern(.psum, .float32, partitions: 0..<m, byte: 8, [(n, 2)])
    let expected = Self.product(core.elements(weights), core.elements(moving), k: k, m: m, n: n)
    core.loadWeights(weights, part: .whole, row: 0, column: 0, engine: .tensor)
    for accumulate in [false, true] {
      core.multiply(
        moving, columns: m, to: result, accumulate: accumulate, row: 0, column: 0,
        engine: .tensor)
      #expect(core.elements(result) == expected.map { accumulate ? $0 + $0 : $0 })
    }
  }

  @Test func lowAndHighPartsMakeTheWholeValue() throws {
    var core = try makeCore()
    var generator = Generator(seed: 9)
    let weights = pattern(.sbuf, .float32, partitions: 0..<16, byte: 0, [(16, 1)])
    var values = (0..<256).map { _ in
      Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
    }
    values = values.map { $0.isFinite ? $0 : 1 }
    core.setElements(weights, to: values)
    let identity = pattern(.sbuf, .float32, partitions: 0..<16, byte: 1024, [(16, 1)])
    core.setElements(identity, to: (0..<256).map { $0 / 16 == $0 % 16 ? 1 : 0 })
    let low = pattern(.psum, .float32, partitions: 0..<16, byte: 0, [(16, 1)])
    let high = pattern(.psum, .float32, partitions: 0..<16, byte: 2048, [(16, 1)])
    for (part, place) in [(WeightPartition.low, low), (.high, high)] {
      core.loadWeights(weights, part: part, row: 0, column: 0, engine: .tensor)
      core.multiply(
        identity, columns: 16, to: place, accumulate: false, row: 0, column: 0, engine: .tensor)
    }
    let (lows, highs) = (core.elements(low), core.elements(high))
    for row in 0..<16 {
      for column in 0..<16 {
        let value = values[column * 16 + row]
        let (low, high) = (lows[row * 16 + column], highs[row * 16 + column])
        #expect(low + high == value)
        #expect(high.bitPattern & 0xFFF == 0)
      }
    }
  }

  @Test func smallTilesStandSideBySide() throws {
    var core = try makeCore()
    var generator = Generator(seed: 10)
    var expected: [Int: [Float]] = [:]
    for position in 0..<16 {
      let (row, column) = (position / 4 * 32, position % 4 * 32)
      let weights = pattern(
        .sbuf, .bfloat16, partitions: row..<(row + 32), byte: column * 2, [(32, 1)])
      core.setElements(weights, to: randomValues(1024, &generator))
      core.loadWeights(weights, part: .whole, row: row, column: column, engine: .tensor)
    }
    for position in 0..<16 {
      let (row, column) = (position / 4 * 32, position % 4 * 32)
      let weights = pattern(
        .sbuf, .bfloat16, partitions: row..<(row + 32), byte: column * 2, [(32, 1)])
      let moving = pattern(
        .sbuf, .bfloat16, partitions: row..<(row + 32), byte: 1024, [(40, 1)])
      if column == 0 { core.setElements(moving, to: randomValues(32 * 40, &generator)) }
      let result = pattern(
        .psum, .float32, partitions: column..<(column + 32), byte: row / 32 * 2048, [(40, 1)])
      core.multiply(
        moving, columns: 32, to: result, accumulate: false, row: row, column: column,
        engine: .tensor)
      expected[position] = Self.product(
        core.elements(weights), core.elements(moving), k: 32, m: 32, n: 40)
      #expect(core.elements(result) == expected[position])
    }
  }

  @Test func aLargerTileReplacesTheSmallerOnesUnderIt() throws {
    var core = try makeCore()
    let small = pattern(.sbuf, .bfloat16, partitions: 32..<64, byte: 0, [(32, 1)])
    core.setElements(small, to: Array(repeating: 1, count: 1024))
    core.loadWeights(small, part: .whole, row: 32, column: 0, engine: .tensor)
    let large = pattern(.sbuf, .bfloat16, partitions: 0..<128, byte: 256, [(128, 1)])
    core.loadWeights(large, part: .whole, row: 0, column: 0, engine: .tensor)
    let moving = pattern(.sbuf, .bfloat16, partitions: 32..<64, byte: 0, [(4, 1)])
    let result = pattern(.psum, .float32, partitions: 0..<32, byte: 0, [(4, 1)])
    core.multiply(
      moving, columns: 32, to: result, accumulate: false, row: 32, column: 0, engine: .tensor)
    #expect(core.elements(result).allSatisfy { $0 == 0 })
  }

  @Test func weightsThatWereNeverLoadedAreZero() throws {
    var core = try makeCore()
    let moving = pattern(.sbuf, .bfloat16, partitions: 0..<32, byte: 0, [(4, 1)])
    let result = pattern(.psum, .float32, partitions: 0..<32, byte: 0, [(4, 1)])
    core.setElements(moving, to: Array(repeating: 2, count: 128))
    core.setElements(result, to: Array(repeating: 3, count: 128))
    core.multiply(
      moving, columns: 32, to: result, accumulate: true, row: 0, column: 0, engine: .tensor)
    #expect(core.elements(result).allSatisfy { $0 == 3 })
    core.multiply(
      moving, columns: 32, to: result, accumulate: false, row: 0, column: 0, engine: .tensor)
    #expect(core.elements(result).allSatisfy { $0 == 0 })
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16, .float16, .float8e5m2])
  func transposesKeepEveryBit(_ format: NumberFormat) throws {
    for isPermuted in [false, true] {
      var core = try makeCore()
      var generator = Generator(seed: 11)
      let (p, f) = (96, 40)
      let data = pattern(.sbuf, format, partitions: 0..<p, byte: 0, [(f, 1)])
      let limit: UInt32 =
        format.sizeBytes == 4 ? .max : (1 << UInt32(8 * format.sizeBytes)) - 1
      let bits = (0..<(p * f)).map { _ in UInt32.random(in: 0...limit, using: &generator) }
      core.setElementBits(data, to: bits)
      let moving = pattern(.sbuf, format, partitions: 0..<p, byte: 1024, [(p, 1)])
      let source = { (column: Int) in isPermuted ? (column * 5) % p : column }
      core.setElements(
        moving, to: (0..<(p * p)).map { $0 / p == source($0 % p) ? 1 : 0 })
      let result = pattern(.psum, format, partitions: 0..<f, byte: 2048, [(p, 1)])
      core.loadPassThrough(data, row: 0, column: 0, engine: .tensor)
      core.passThrough(moving, columns: f, to: result, row: 0, column: 0, engine: .tensor)
      let expected = (0..<f).flatMap { m in (0..<p).map { bits[source($0) * f + m] } }
      #expect(core.elementBits(result) == expected)
    }
  }

  @Test func aTransposeWidensExactlyIntoFP32() throws {
    var core = try makeCore()
    let data = pattern(.sbuf, .bfloat16, partitions: 0..<4, byte: 0, [(3, 1)])
    core.setElements(data, to: (0..<12).map(Float.init))
    let moving = pattern(.sbuf, .bfloat16, partitions: 0..<4, byte: 64, [(4, 1)])
    core.setElements(moving, to: (0..<16).map { $0 / 4 == $0 % 4 ? 1 : 0 })
    let result = pattern(.psum, .float32, partitions: 0..<3, byte: 0, [(4, 1)])
    core.loadPassThrough(data, row: 0, column: 0, engine: .tensor)
    core.passThrough(moving, columns: 3, to: result, row: 0, column: 0, engine: .tensor)
    #expect(core.elements(result) == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
  }
}
