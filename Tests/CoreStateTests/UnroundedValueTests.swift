import CoreState
import Hardware
import NumericFormats
import Testing

/// Runs that keep fp32 behind every stored element.
@Suite struct UnroundedValueTests {
  /// Formats that lose bits of fp32, and one that does not.
  static let formats: [NumberFormat] = [
    .bfloat16, .float16, .tensorFloat32, .float8e4m3, .float8e5m2, .float8e3m4, .float32,
  ]

  private func unroundedCore() throws -> CoreState {
    var core = try makeCore()
    try core.keepUnroundedValues()
    core.tensorAddresses = [256, 4096, 8192]
    return core
  }

  /// Values that no narrow format holds.
  private func values(_ count: Int, seed: UInt64 = 3) -> [Float] {
    var generator = Generator(seed: seed)
    return randomValues(count, &generator)
  }

  private func store(_ values: [Float], _ access: AccessPattern, _ core: inout CoreState) {
    let columns = access.columns
    for partition in 0..<Int(access.partitionCount) {
      for column in 0..<columns { core.rows[.a, column] = values[partition * columns + column] }
      core.store(.a, to: access, partition: partition, engine: .vector)
    }
  }

  private func load(_ access: AccessPattern, _ core: inout CoreState) -> [Float] {
    (0..<Int(access.partitionCount)).flatMap { partition in
      core.load(access, partition: partition, into: .b, engine: .vector)
      return (0..<access.columns).map { core.rows[.b, $0] }
    }
  }

  @Test(arguments: formats)
  func storedValuesComeBackWholeAndCodesAreTheUsualOnes(_ format: NumberFormat) throws {
    for dimensions in [[(24, 1)], [(24, 3)], [(4, 16), (6, 2)], [(6, -2)]] {
      var plain = try makeCore()
      var core = try unroundedCore()
      let access = pattern(.sbuf, format, partitions: 32..<36, byte: 64, dimensions)
      let values = values(access.columns * 4)
      store(values, access, &plain)
      store(values, access, &core)
      #expect(load(access, &core) == values && core.elements(access) == values)
      #expect(core.elementBits(access) == plain.elementBits(access))
      #expect((load(access, &plain) == values) == (format == .float32))
      #expect(core.scalar(access, partition: 1, engine: .vector) == values[access.columns])
    }
  }

  @Test func valuesInTheMemoriesBeforehandAreTheirCodes() throws {
    var core = try unroundedCore()
    let access = pattern(.sbuf, .bfloat16, partitions: 0..<2, byte: 0, [(8, 1)])
    let codes: [UInt32] = (0x3F81..<0x3F91).map { UInt32($0) }
    core.setElementBits(access, to: codes)
    let expected: [Float] = codes.map { NumberFormat.bfloat16.decode($0) }
    #expect(load(access, &core) == expected)
  }

  @Test func whatIsWrittenAsBitsOrReadInAnotherFormatIsItsBits() throws {
    var core = try unroundedCore()
    let halves = pattern(.sbuf, .bfloat16, partitions: 0..<1, byte: 0, [(8, 1)])
    let integers = pattern(.sbuf, .uint16, partitions: 0..<1, byte: 0, [(8, 1)])
    let words = pattern(.sbuf, .float32, partitions: 0..<1, byte: 0, [(4, 1)])
    let values = values(8)
    store(values, halves, &core)
    let codes = core.elementBits(halves)
    #expect(core.elementBits(integers) == codes)
    let numbers: [Float] = codes.map { Float($0) }
    #expect(load(integers, &core) == numbers)
    let pairs: [Float] = (0..<4).map { (word: Int) -> Float in
      Float(bitPattern: codes[2 * word] | codes[2 * word + 1] << 16)
    }
    #expect(load(words, &core) == pairs)
    let changed: [UInt32] = codes.map { $0 ^ 0x40 }
    core.setElementBits(integers, to: changed)
    let expected: [Float] = changed.map { NumberFormat.bfloat16.decode($0) }
    #expect(load(halves, &core) == expected)
  }

  @Test(arguments: formats)
  func transfersTakeValuesAlong(_ format: NumberFormat) throws {
    var core = try unroundedCore()
    let first = pattern(.sbuf, format, partitions: 0..<4, byte: 0, [(16, 1)])
    let second = pattern(.sbuf, format, partitions: 64..<68, byte: 512, [(4, 12), (4, 3)])
    let away = tensor(0, format, byte: 8, [(4, 32), (16, 2)])
    let values = values(64)
    store(values, first, &core)
    core.transfer(from: .onChip(first), to: .hbm(away), engine: .sync)
    core.transfer(from: .hbm(away), to: .onChip(second), engine: .sync)
    #expect(load(second, &core) == values)
    let dense = tensor(1, .float16, byte: 0, [(64, 1)])
    core.transfer(from: .onChip(second), to: .hbm(dense), engine: .sync)
    #expect(core.hbmValues(.float16, count: 64, at: 4096) == values)
    // Words of two elements move what stands behind both.
    guard format.sizeBytes == 2 else { return }
    let pairs = pattern(.sbuf, .uint32, partitions: 0..<4, byte: 0, [(8, 1)])
    let target = pattern(.sbuf, .uint32, partitions: 32..<36, byte: 96, [(8, 1)])
    core.transfer(from: .onChip(pairs), to: .onChip(target), engine: .sync)
    let moved = pattern(.sbuf, format, partitions: 32..<36, byte: 96, [(16, 1)])
    #expect(load(moved, &core) == values)
  }

  @Test func sumsOfTransfersAreNotRounded() throws {
    var core = try unroundedCore()
    let a = pattern(.sbuf, .bfloat16, partitions: 0..<2, byte: 0, [(8, 1)])
    let b = pattern(.sbuf, .bfloat16, partitions: 0..<2, byte: 64, [(8, 1)])
    let sum = pattern(.sbuf, .bfloat16, partitions: 0..<2, byte: 128, [(8, 1)])
    let (left, right) = (values(16, seed: 1), values(16, seed: 2))
    store(left, a, &core)
    store(right, b, &core)
    core.transferSum(
      of: [ScaledLocation(.onChip(a)), ScaledLocation(.onChip(b), scale: 0.5)],
      to: .onChip(sum), engine: .sync)
    let expected: [Float] = zip(left, right).map { (a: Float, b: Float) -> Float in a + b * 0.5 }
    #expect(load(sum, &core) == expected)
  }

  @Test func transposesTakeValuesAlong() throws {
    var core = try unroundedCore()
    let block = pattern(.sbuf, .bfloat16, partitions: 0..<32, byte: 0, [(64, 1)])
    let values = values(32 * 64)
    store(values, block, &core)
    core.transposeBlocks(from: block, to: block, side: 32, engine: .vector)
    let blocks = (0..<32 * 64).map { index -> Float in
      let (row, column) = (index / 64, index % 64)
      return values[column % 32 * 64 + column / 32 * 32 + row]
    }
    #expect(load(block, &core) == blocks)

    let away = tensor(0, .bfloat16, byte: 0, [(16, 8), (8, 1)])
    let flat = pattern(.sbuf, .bfloat16, partitions: 0..<16, byte: 256, [(8, 1)])
    store(Array(values.prefix(128)), flat, &core)
    core.transfer(from: .onChip(flat), to: .hbm(away), engine: .sync)
    let turned = pattern(.sbuf, .bfloat16, partitions: 0..<8, byte: 512, [(16, 1)])
    core.transferTransposed(from: .hbm(away), to: turned, engine: .sync)
    let columns: [Float] = (0..<128).map { (index: Int) -> Float in
      values[index % 16 * 8 + index / 16]
    }
    #expect(load(turned, &core) == columns)
  }

  @Test(arguments: [NumberFormat.bfloat16, .float8e4m3])
  func theTensorEnginePassesValuesThrough(_ format: NumberFormat) throws {
    var core = try unroundedCore()
    let data = pattern(.sbuf, format, partitions: 0..<3, byte: 0, [(4, 1)])
    let identity = pattern(.sbuf, format, partitions: 0..<3, byte: 64, [(3, 1)])
    let step = format.sizeBytes == 1 ? 2 : 1
    let result = pattern(.psum, format, partitions: 0..<4, byte: 0, [(3, step)])
    let values = values(12)
    store(values, data, &core)
    core.setElements(identity, to: [1, 0, 0, 0, 1, 0, 0, 0, 1])
    core.loadPassThrough(data, row: 0, column: 0, engine: .tensor)
    core.passThrough(identity, columns: 4, to: result, row: 0, column: 0, engine: .tensor)
    let expected: [Float] = (0..<12).map { (index: Int) -> Float in
      values[index % 3 * 4 + index / 3]
    }
    #expect(load(result, &core) == expected)
  }

  @Test func productsUseTheValuesOfBothOperands() throws {
    var core = try unroundedCore()
    let stationary = pattern(.sbuf, .bfloat16, partitions: 0..<2, byte: 0, [(2, 1)])
    let moving = pattern(.sbuf, .bfloat16, partitions: 0..<2, byte: 64, [(2, 1)])
    let result = pattern(.psum, .bfloat16, partitions: 0..<2, byte: 0, [(2, 1)])
    let (a, b) = (values(4, seed: 5), values(4, seed: 6))
    store(a, stationary, &core)
    store(b, moving, &core)
    core.loadWeights(stationary, part: .whole, row: 0, column: 0, engine: .tensor)
    core.multiply(
      moving, columns: 2, to: result, accumulate: false, row: 0, column: 0, engine: .tensor)
    let expected: [Float] = (0..<4).map { (index: Int) -> Float in
      let (m, n) = (index / 2, index % 2)
      let first: Float = a[m] * b[n]
      return first.addingProduct(a[2 + m], b[2 + n])
    }
    #expect(load(result, &core) == expected)
  }

  @Test func integersRoundAsEver() throws {
    var core = try unroundedCore()
    let access = pattern(.sbuf, .int8, partitions: 0..<1, byte: 0, [(4, 1)])
    store([1.4, 2.5, -3.6, 200], access, &core)
    #expect(load(access, &core) == [1, 2, -4, 127])
  }

  @Test func anOverflowIsAValueToo() throws {
    var core = try unroundedCore()
    let access = pattern(.sbuf, .float8e4m3, partitions: 0..<1, byte: 0, [(2, 1)])
    store([1e6, -1e-9], access, &core)
    #expect(load(access, &core) == [1e6, -1e-9])
  }
}
