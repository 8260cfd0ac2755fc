import CoreState
import Hardware
import NumericFormats
import Testing

/// Transfers against a model that moves one element at a time.
@Suite struct TransferTests {
  /// The value of an HBM tensor's elements in order, by walking every dimension.
  private static func offsets(_ access: TensorAccess) -> [Int] {
    var offsets = [0]
    for dimension in 0..<Int(access.dimensionCount) {
      offsets = offsets.flatMap { base in
        (0..<Int(access.sizes[dimension])).map { base + $0 * Int(access.strides[dimension]) }
      }
    }
    return offsets.map { Int(access.byteOffset) + $0 * access.format.sizeBytes }
  }

  static let cases: [(onChip: [(Int, Int)], partitions: Int, hbm: [(Int, Int)])] = [
    ([(16, 1)], 4, [(4, 16), (16, 1)]),
    ([(16, 1)], 4, [(64, 1)]),
    ([(4, 8), (4, 1)], 4, [(4, 32), (16, 2)]),
    ([(16, 3)], 4, [(16, 4), (4, 1)]),
    ([(1, 1)], 8, [(8, 1)]),
    ([(6, 1)], 1, [(2, 100), (3, -1)]),
    ([(8, 1)], 2, [(16, 0)]),
    ([(12, 1)], 2, [(2, 64), (2, 16), (3, 5), (2, 1)]),
  ]

  @Test(arguments: cases.indices)
  func loadsElementByElement(_ index: Int) throws {
    let (shape, partitions, dimensions) = Self.cases[index]
    for (from, to) in [
      (NumberFormat.float32, NumberFormat.float32), (.bfloat16, .bfloat16), (.float32, .bfloat16),
      (.uint8, .float32),
    ] {
      var core = try makeCore()
      core.tensorAddresses = [128]
      core.hbm.upload((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 37) }, at: 0)
      let source = tensor(0, from, byte: 512, dimensions)
      let target = pattern(.sbuf, to, partitions: 32..<(32 + partitions), byte: 64, shape)
      let expected = Self.offsets(source).map { offset -> UInt32 in
        let bytes = core.hbm.download(UInt8.self, count: from.sizeBytes, at: 128 + offset)
        let bits = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard from != to else { return bits }
        let code = to.encode(from.decode(bits))
        return to.sizeBytes == 4 ? code : code & ((1 << UInt32(8 * to.sizeBytes)) - 1)
      }
      core.transfer(from: .hbm(source), to: .onChip(target), engine: .sync)
      #expect(core.elementBits(target) == expected, "\(from) to \(to)")
    }
  }

  @Test(arguments: cases.indices)
  func storesComeBackWhole(_ index: Int) throws {
    let (shape, partitions, dimensions) = Self.cases[index]
    guard !dimensions.contains(where: { $0.1 == 0 }) else { return }
    var core = try makeCore()
    var generator = Generator(seed: 5)
    core.tensorAddresses = [0, 4096]
    let source = pattern(.sbuf, .float16, partitions: 0..<partitions, byte: 64, shape)
    core.setElements(source, to: randomValues(source.columns * partitions, &generator))
    let place = tensor(1, .float16, byte: 2048, dimensions)
    let back = pattern(.sbuf, .float16, partitions: 0..<partitions, byte: 8192, shape)
    core.transfer(from: .onChip(source), to: .hbm(place), engine: .sync)
    core.transfer(from: .hbm(place), to: .onChip(back), engine: .sync)
    #expect(core.elementBits(back) == core.elementBits(source))
  }

  @Test func copiesWithinHBMAndWithinSBUF() throws {
    var core = try makeCore()
    core.tensorAddresses = [0]
    core.hbm.upload((0..<64).map { Float($0) }, at: 0)
    core.transfer(
      from: .hbm(tensor(0, .float32, byte: 0, [(8, 8), (8, 1)])),
      to: .hbm(tensor(0, .float32, byte: 1024, [(8, 1), (8, 8)])), engine: .gpsimd)
    let moved = core.hbm.download(Float.self, count: 64, at: 1024)
    let transposed: [Float] = (0..<64).map { index in Float(index % 8 * 8 + index / 8) }
    #expect(moved == transposed)
    let a = pattern(.sbuf, .float32, partitions: 0..<4, byte: 0, [(4, 1)])
    let b = pattern(.sbuf, .float32, partitions: 64..<68, byte: 256, [(4, 1)])
    core.setElements(a, to: (0..<16).map(Float.init))
    core.transfer(from: .onChip(a), to: .onChip(b), engine: .sync)
    #expect(core.elements(b) == (0..<16).map(Float.init))
  }

  @Test func gathersAndScattersRows() throws {
    var core = try makeCore()
    core.tensorAddresses = [0, 8192]
    core.hbm.upload((0..<100).map { Float($0) }, at: 0)
    let index = pattern(.sbuf, .uint32, partitions: 0..<4, byte: 0, [(1, 1)])
    core.setElementBits(index, to: [3, 0, 99, 7])
    let rows = pattern(.sbuf, .float32, partitions: 32..<36, byte: 64, [(10, 1)])
    core.setElements(rows, to: Array(repeating: -1, count: 40))
    let table = tensor(0, .float32, byte: 0, [(10, 1)])
    core.transferRows(
      onChip: rows, row: table, index: index, isScatter: false, rowStrideBytes: 40, rowCount: 10,
      engine: .gpsimd)
    let expected = [3, 0, nil, 7].flatMap { (row: Int?) in
      (0..<10).map { row == nil ? -1 : Float(row! * 10 + $0) }
    }
    #expect(core.elements(rows) == expected)
    let out = tensor(1, .bfloat16, byte: 0, [(10, 1)])
    core.transferRows(
      onChip: rows, row: out, index: index, isScatter: true, rowStrideBytes: 20, rowCount: 10,
      engine: .gpsimd)
    let row7 = core.hbm.download(UInt16.self, count: 10, at: 8192 + 7 * 20)
    #expect(row7.map { NumberFormat.bfloat16.decode(UInt32($0)) } == (70..<80).map(Float.init))
    let untouched = core.hbm.download(UInt16.self, count: 10, at: 8192 + 20)
    #expect(untouched.allSatisfy { $0 == 0 })
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16])
  func transposesBlocks(_ format: NumberFormat) throws {
    for rowStride in [16, 24] {
      for (destinationStride, columnStride) in [(1, 1), (2, 1), (1, 2)] {
        var core = try makeCore()
        core.tensorAddresses = [0]
        core.hbm.upload((0..<8192).map { UInt16(truncatingIfNeeded: $0) }, at: 0)
        let source = tensor(
          0, format, byte: 256, [(24, rowStride * columnStride), (16, columnStride)])
        let flat = pattern(.sbuf, format, partitions: 0..<1, byte: 4096, [(24 * 16, 1)])
        core.transfer(from: .hbm(source), to: .onChip(flat), engine: .sync)
        let block = core.elementBits(flat)
        let target = pattern(
          .sbuf, format, partitions: 32..<48, byte: 0, [(24, destinationStride)])
        core.transferTransposed(from: .hbm(source), to: target, engine: .sync)
        let expected = (0..<16).flatMap { p in (0..<24).map { f in block[f * 16 + p] } }
        #expect(core.elementBits(target) == expected)
      }
    }
  }

  @Test func timingModeHoldsRegistersOnly() throws {
    var core = try makeCore(hbmBytes: 0)
    core.setRegister(1, of: .sync, to: 7)
    let value = core.register(1, of: .sync)
    let hasData = core.hasData
    #expect(value == 7)
    #expect(!hasData)
  }
}
