import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// What transfers that add, transpose and pick do, against loops over elements in float64.
@Suite struct TransferEffectTests {
  private static let formats: [NumberFormat] = [.float32, .bfloat16, .float16, .int32, .uint8]

  private func table(
    _ format: NumberFormat, byte: Int, _ dimensions: [(Int, Int)]
  ) -> TensorAccess {
    var sizes = SIMD4<UInt32>(repeating: 1)
    var strides = SIMD4<Int32>(repeating: 0)
    for (index, (size, stride)) in dimensions.enumerated() {
      sizes[index] = UInt32(size)
      strides[index] = Int32(stride)
    }
    return TensorAccess(
      tensor: 0, format: format, byteOffset: Int64(byte), dimensionCount: UInt8(dimensions.count),
      sizes: sizes, strides: strides)
  }

  /// Elements of HBM as an access names them.
  private func values(_ core: borrowing CoreState, _ access: TensorAccess) -> [Double] {
    offsets(access).map { byte in
      let size = access.format.sizeBytes
      let bytes = core.hbm.download(UInt8.self, count: size, at: byte)
      let bits = bytes.enumerated().reduce(UInt32(0)) {
        $0 | UInt32($1.element) << UInt32(8 * $1.offset)
      }
      return Double(access.format.decode(bits))
    }
  }

  private func offsets(_ access: TensorAccess) -> [Int] {
    var offsets = [Int(access.byteOffset)]
    for dimension in 0..<Int(access.dimensionCount) {
      let step = Int(access.strides[dimension]) * access.format.sizeBytes
      offsets = offsets.flatMap { base in
        (0..<Int(access.sizes[dimension])).map { base + $0 * step }
      }
    }
    return offsets
  }

  private func fill(_ core: borrowing CoreState, _ access: TensorAccess, _ values: [Float]) {
    for (byte, value) in zip(offsets(access), values) {
      let bits = access.format.encode(value)
      let bytes = (0..<access.format.sizeBytes).map {
        UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0))
      }
      core.hbm.upload(bytes, at: byte)
    }
  }

  private func encoded(_ values: [Double], _ format: NumberFormat) -> [Float] {
    values.map { format.decode(format.encode(Float($0))) }
  }

  @Test(arguments: UInt64(1)...40)
  func sumsOfManySources(_ seed: UInt64) throws {
    var generator = Generator(seed: seed)
    var core = try makeCore()
    core.tensorAddresses = [0]
    let count = Int.random(in: 1...16, using: &generator)
    let (rows, columns) = (
      Int.random(in: 1...32, using: &generator), Int.random(in: 1...24, using: &generator)
    )
    var sources: [ScaledLocation] = []
    var expected = Array(repeating: 0.0, count: rows * columns)
    for index in 0..<count {
      let format = Self.formats.randomElement(using: &generator)!
      // Whole numbers and scales that are powers of two: sums are exact in any order.
      let numbers = (0..<rows * columns).map { _ in
        Float(Int.random(in: 0...100, using: &generator))
      }
      let scale = Float([1, 2, 0.5, -1].randomElement(using: &generator)!)
      if Bool.random(using: &generator) {
        let place = sbuf(format, columns, partitions: 0..<rows, byte: 4096 + 128 * index)
        core.setElements(place, to: numbers)
        sources.append(ScaledLocation(.onChip(place), scale: scale))
      } else {
        let place = table(format, byte: index * 4096, [(rows, columns + 3), (columns, 1)])
        fill(core, place, numbers)
        sources.append(ScaledLocation(.hbm(place), scale: scale))
      }
      for place in expected.indices { expected[place] += Double(numbers[place] * scale) }
    }
    let result = sbuf(.float32, columns, partitions: 0..<rows)
    let instruction = Operation.dmaCompute(DMACompute(.onChip(result), sumOf: sources))
    #expect(fault(instruction, .sync) == nil)
    instruction.execute(on: &core, engine: .sync)
    #expect(core.elements(result).map(Double.init) == expected)
    let shape = try #require(instruction.transferShape(on: .trainium2, engine: .sync))
    #expect(shape.isStored && !shape.isSoftware)
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16], [NumberFormat.float32, .float16])
  func transfersAdd(_ source: NumberFormat, _ destination: NumberFormat) throws {
    var core = try makeCore()
    core.tensorAddresses = [0]
    var generator = Generator(seed: 8)
    let place = sbuf(source, 12, partitions: 0..<8)
    let memory = table(destination, byte: 64, [(8, 20), (12, 1)])
    core.setElements(place, to: randomValues(96, &generator))
    fill(core, memory, randomValues(96, &generator))
    let before = values(core, memory)
    let added = core.elements(place).map(Double.init)
    var transfer = DMADirect(.hbm(memory), from: .onChip(place))
    transfer.accumulate = true
    #expect(fault(.dma(transfer), .sync) == nil)
    Operation.dma(transfer).execute(on: &core, engine: .sync)
    let sums = encoded(zip(before, added).map(+), destination)
    #expect(values(core, memory).map { Float($0) } == sums)
  }

  @Test(arguments: [false, true], UInt64(1)...10)
  func rowsAreReadModifiedAndWritten(_ isScatter: Bool, _ seed: UInt64) throws {
    var core = try makeCore()
    core.tensorAddresses = [0]
    var generator = Generator(seed: seed)
    let (lanes, columns, rows) = (16, 6, 40)
    let place = sbuf(.float32, columns, partitions: 0..<lanes)
    let index = sbuf(.uint32, 1, partitions: 0..<lanes, byte: 512)
    let whole = table(.float32, byte: 0, [(rows, columns), (columns, 1)])
    let first = table(.float32, byte: 0, [(columns, 1)])
    core.setElements(place, to: randomValues(lanes * columns, &generator))
    fill(core, whole, randomValues(rows * columns, &generator))
    let order = (0..<rows).shuffled(using: &generator).prefix(lanes).map(UInt32.init)
    core.setElementBits(index, to: order)
    var expected = values(core, whole)
    var lane = core.elements(place).map(Double.init)
    for (partition, row) in order.enumerated() {
      for column in 0..<columns {
        let (from, into) = (partition * columns + column, Int(row) * columns + column)
        if isScatter {
          expected[into] = Double(Float(expected[into]) + Float(lane[from]))
        } else {
          lane[from] = Double(Float(lane[from]) + Float(expected[into]))
        }
      }
    }
    let (a, b) = (DataLocation.onChip(place), DataLocation.hbm(first))
    var transfer = DMAIndirect(
      isScatter ? b : a, from: isScatter ? a : b, index: index, isScatter: isScatter,
      rowStrideBytes: 4 * columns, rowCount: rows)
    transfer.accumulate = true
    transfer.refusesOutOfBounds = true
    let instruction = Operation.dmaIndirect(transfer)
    #expect(fault(instruction, .gpsimd) == nil)
    try instruction.checkRegisters(on: core, engine: .gpsimd)
    instruction.execute(on: &core, engine: .gpsimd)
    #expect(values(core, whole) == expected)
    #expect(core.elements(place).map(Double.init) == lane)
  }

  @Test func rowsBeyondTheTableAndTwinsAreFaults() throws {
    var core = try makeCore()
    core.tensorAddresses = [0]
    let index = sbuf(.uint32, 1, partitions: 0..<4, byte: 512)
    var transfer = DMAIndirect(
      .hbm(table(.float32, byte: 0, [(2, 1)])), from: .onChip(sbuf(.float32, 2, partitions: 0..<4)),
      index: index, isScatter: true, rowStrideBytes: 8, rowCount: 9)
    transfer.refusesOutOfBounds = true
    core.setElementBits(index, to: [1, 9, 1, 3])
    #expect(
      throws: Fault(
        "DMA_INDIRECT", operand: "index", .value(found: "row 9", allowed: "0 to 8"),
        engine: .gpsimd)
    ) { try Self.check(.dmaIndirect(transfer), core) }
    core.setElementBits(index, to: [1, 8, 1, 3])
    try Self.check(.dmaIndirect(transfer), core)
    transfer.accumulate = true
    #expect(
      throws: Fault(
        "DMA_INDIRECT", operand: "index",
        .value(found: "row 1 twice", allowed: "row numbers that differ"), engine: .gpsimd)
    ) { try Self.check(.dmaIndirect(transfer), core) }
  }

  private static func check(
    _ operation: Operation, _ core: borrowing CoreState, _ engine: Engine = .gpsimd
  ) throws(Fault) {
    try operation.checkRegisters(on: core, engine: engine)
  }

  /// Axes (1,0), (2,1,0) and (3,1,2,0) from HBM and from SBUF.
  @Test(arguments: [[5, 7], [4, 3, 9], [6, 2, 3, 8], [1, 16, 32], [16, 1, 1, 128]])
  func axesAreTransposed(_ sizes: [Int]) throws {
    var core = try makeCore(hbmBytes: 1 << 18)
    core.tensorAddresses = [0]
    let count = sizes.reduce(1, *)
    let (first, last) = (sizes[0], sizes[sizes.count - 1])
    let middle = count / first / last
    var dimensions: [(Int, Int)] = []
    for size in sizes.reversed() {
      let stride = dimensions.last.map { $0.0 * $0.1 + ($0.1 == 1 ? 3 : 0) } ?? 1
      dimensions.append((size, stride))
    }
    let memory = table(.bfloat16, byte: 32, dimensions.reversed())
    let chip = pattern(
      .sbuf, .bfloat16, partitions: 0..<first, byte: 8192,
      Array(dimensions.dropLast().reversed()))
    let numbers = (0..<count).map { Float($0 % 199) }
    fill(core, memory, numbers)
    core.setElements(chip, to: numbers)
    for source in [DataLocation.hbm(memory), .onChip(chip)] {
      let result = sbuf(.bfloat16, count / last, partitions: 0..<last)
      let instruction = Operation.dmaTranspose(DMATranspose(result, from: source))
      #expect(fault(instruction, .sync) == nil)
      instruction.execute(on: &core, engine: .sync)
      var expected: [Float] = []
      for l in 0..<last {
        for m in 0..<middle {
          for f in 0..<first { expected.append(numbers[(f * middle + m) * last + l]) }
        }
      }
      #expect(core.elements(result) == expected)
    }
  }

  @Test(arguments: UInt64(1)...10)
  func pickedRowsAreTransposed(_ seed: UInt64) throws {
    var core = try makeCore(hbmBytes: 1 << 18)
    core.tensorAddresses = [0]
    var generator = Generator(seed: seed)
    let width = [1, 32, 100, 128].randomElement(using: &generator)!
    let (lanes, columns, rows) = (
      [16, 32, 48].randomElement(using: &generator)!, Int.random(in: 1...3, using: &generator), 30
    )
    let whole = table(.float16, byte: 0, [(rows, width + 2), (width, 1)])
    fill(core, whole, randomValues(rows * width, &generator))
    let from = values(core, whole)
    let index = sbuf(.uint32, columns, partitions: 0..<lanes, byte: 4096)
    let order = (0..<lanes * columns).map { _ in UInt32.random(in: 0..<32, using: &generator) }
    core.setElementBits(index, to: order)
    let result = sbuf(.float16, lanes * columns, partitions: 0..<width)
    let kept = Float(-1)
    core.setElements(result, to: Array(repeating: kept, count: width * lanes * columns))
    var transfer = DMAGatherTranspose(
      result, rowsOf: table(.float16, byte: 0, [(width, 1)]), index: index,
      rowStrideBytes: 2 * (width + 2), rowCount: rows)
    #expect(fault(.dmaGatherTranspose(transfer), .gpsimd) == nil)
    Operation.dmaGatherTranspose(transfer).execute(on: &core, engine: .gpsimd)
    let found = core.elements(result)
    for place in 0..<lanes * columns {
      let row = Int(order[place % lanes * columns + place / lanes])
      for lane in 0..<width {
        let expected = row < rows ? Float(from[row * width + lane]) : kept
        #expect(found[lane * lanes * columns + place] == expected)
      }
    }
    transfer.refusesOutOfBounds = true
    let isStray = order.contains { $0 >= 30 }
    do {
      try Self.check(.dmaGatherTranspose(transfer), core)
      #expect(!isStray)
    } catch { #expect(isStray) }
  }

  @Test func registersBeyondTheirBoundMoveNothingOrAreFaults() throws {
    var core = try makeCore()
    core.tensorAddresses = [0]
    var row = table(.float32, byte: 0, [(4, 1)])
    row.register = 6
    fill(core, table(.float32, byte: 0, [(8, 1)]), (0..<8).map(Float.init))
    let place = sbuf(.float32, 4, partitions: 0..<1)
    var transfer = DMADirect(.onChip(place), from: .hbm(row))
    transfer.bound = 16
    for (value, isLegal) in [(0, true), (16, true), (20, false), (-4, false)] {
      core.setRegister(6, of: .sync, to: Int32(value))
      transfer.skipsOutOfBounds = false
      if isLegal {
        try Self.check(.dma(transfer), core, .sync)
      } else {
        #expect(
          throws: Fault(
            "DMA_DIRECT2D", operand: "bound",
            .value(found: "a register beyond it", allowed: "0 to 16"), engine: .sync)
        ) { try Self.check(.dma(transfer), core, .sync) }
      }
      transfer.skipsOutOfBounds = true
      try Self.check(.dma(transfer), core, .sync)
      core.setElements(place, to: [9, 9, 9, 9])
      Operation.dma(transfer).execute(on: &core, engine: .sync)
      let first = Float(value / 4)
      #expect(
        core.elements(place) == (isLegal ? (0..<4).map { first + Float($0) } : [9, 9, 9, 9]))
    }
    #expect(
      throws: Fault(
        "DMA_DIRECT2D", operand: "src", .outOfBounds(found: 32, limit: 31), engine: .sync)
    ) {
      try Operation.dma(transfer).checkTensorBounds(
        [TensorParameter(name: "t", sizeBytes: 31)], rules(.dma(transfer), .sync))
    }
  }

  @Test func registersAreStoredAndLoaded() throws {
    var core = try makeCore()
    core.tensorAddresses = [128]
    let places: [DataLocation] = [
      .hbm(table(.int32, byte: 8, [(1, 1)])),
      .onChip(sbuf(.uint32, 1, partitions: 64..<65, byte: 12)),
    ]
    for (index, place) in places.enumerated() {
      let value = Int32(-1000 - index)
      core.setRegister(5, of: .scalar, to: value)
      Operation.tensorStore(TensorStore(place, from: 5)).execute(on: &core, engine: .scalar)
      Operation.tensorLoad(TensorLoad(9, from: place)).execute(on: &core, engine: .scalar)
      #expect(core.register(9, of: .scalar) == value)
    }
    #expect(core.hbm.download(Int32.self, count: 1, at: 136) == [-1000])
  }

  @Test func registerArithmetic() throws {
    var core = try makeCore()
    for (operation, a, b, expected) in [
      (RegisterArithmetic.xor, 12, 10, 6), (.min, -3, 2, -3), (.max, -3, 2, 2), (.add, 1, 2, 3),
      (.subtract, 1, 2, -1), (.multiply, -4, 5, -20), (.shiftLeft, 1, 31, Int(Int32.min)),
      (.shiftRight, -1, 28, 15), (.and, 12, 10, 8), (.or, 12, 10, 14),
    ] {
      core.setRegister(1, of: .sync, to: Int32(a))
      Operation.register(.arithmetic(2, 1, operation, .immediate(Int32(b))))
        .execute(on: &core, engine: .sync)
      #expect(core.register(2, of: .sync) == Int32(expected))
    }
  }

  /// Two cores that exchange tiles: what a model of a logical core does.
  @Test func coresExchangeTiles() throws {
    let cores = [try Half(), try Half()]
    var generator = Generator(seed: 3)
    let place = sbuf(.bfloat16, 10, partitions: 0..<32)
    let other = sbuf(.bfloat16, 10, partitions: 0..<32, byte: 512)
    var sent: [[UInt32]] = []
    for index in 0..<2 {
      cores[index].core.setElements(place, to: randomValues(320, &generator))
      sent.append(cores[index].core.elementBits(place))
    }
    let pair = (0..<2).map { SendReceive(other, sending: place, to: 1 - $0, from: 1 - $0) }
    let messages = (0..<2).map { pair[$0].message(from: cores[$0].core, engine: .sync) }
    for index in 0..<2 {
      #expect(messages[index].receiver == 1 - index)
      #expect(pair[index].deliver(messages[1 - index], to: &cores[index].core, engine: .sync))
      #expect(cores[index].core.elementBits(other) == sent[1 - index])
      var stranger = messages[1 - index]
      stranger.pipe = 4
      #expect(!pair[index].deliver(stranger, to: &cores[index].core, engine: .sync))
    }
  }

  private final class Half {
    var core: CoreState
    init() throws { core = try makeCore() }
  }
}
