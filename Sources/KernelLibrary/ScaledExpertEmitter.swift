import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the experts of a mixture in MXFP4 for up to 32 tokens.
struct ScaledExpertEmitter {
  private let kernel: ScaledExpertKernel
  private let tensors: [TensorHandle]
  private let tokens: Range<Int>
  private let routing: ExpertRouting
  private var rows: ScaledRows
  private var x: ScaledTokens
  private var hidden: ScaledTokens
  private var ring: [Matrix] = []
  private var transfers: [Transfer] = []
  private var loaded = 0
  private var used = 0
  private var gates: TilePool
  private var banks: BankPool
  private var products: BankPool
  private let sums: Tile
  private let identity: Tile

  /// A matrix of an expert on chip: numbers [128, tiles, columns] and scales [128, tiles / 4,
  /// columns].
  private struct Matrix {
    var numbers: Tile
    var scales: Tile
  }

  /// A matrix to load: the place of its numbers among the parameters, and the slot of its expert.
  private struct Transfer {
    var tensor: Int
    var slot: Int
  }

  init(
    _ kernel: ScaledExpertKernel, _ tensors: [TensorHandle], tokens: Range<Int>,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    self.tokens = tokens
    let count = tokens.count
    banks = try builder.banks("small", buffers: 2)
    let shape = ExpertLayerKernel(
      tokens: kernel.tokens, width: kernel.width, hidden: kernel.hidden, experts: kernel.experts,
      chosen: kernel.chosen)
    routing = try ExpertRouting(
      shape, logits: tensors[1], tokens: tokens, banks: &banks, keepsNumbers: true, &builder)
    rows = try ScaledRows(kernel, routing.numbers, &builder)
    identity = try builder.identity(128, .float32)
    x = try ScaledTokens("x", length: kernel.width, tokens: count, buffers: 1, &builder)
    hidden = try ScaledTokens(
      "hidden", length: kernel.hidden, tokens: count, buffers: 2, &builder)
    let outBanks = ceilDivide(ceilDivide(kernel.width, 128), 512 / count)
    var holder = try builder.banks("out", buffers: 1, banksPerBuffer: outBanks)
    sums = holder.next(columns: outBanks * 512)
    let hiddenTiles = ScaledTokens.tiles(kernel.hidden)
    let each = ceilDivide(hiddenTiles * ScaledExpertKernel.packed, 512 / count)
    products = try builder.banks("gate, up", buffers: 2, banksPerBuffer: each)
    gates = try builder.pool(
      "gate", buffers: 2, hiddenTiles * ScaledExpertKernel.packed * count, format: .float32)
    let tiles = (ScaledTokens.tiles(kernel.width), hiddenTiles)
    let numbers = max(tiles.0 * kernel.hidden, tiles.1 * kernel.width)
    let scales = max(
      ceilDivide(tiles.0, 4) * kernel.hidden, ceilDivide(tiles.1, 4) * kernel.width)
    let room = builder.freeSBUFBytes - (kernel.width * 6 + 4096)
    let bytes = 2 * numbers + scales + 2 * KernelBuilder.alignmentBytes
    for index in 0..<max(3, min(8, room / bytes)) {
      let matrix = Matrix(
        numbers: try builder.tile("numbers.\(index)", numbers, format: .uint16),
        scales: try builder.tile("scales.\(index)", scales, format: .uint8))
      // Rows beyond the last and partitions without scales are read, and must be numbers.
      for (rows, columns) in [
        (kernel.width, kernel.hidden), (kernel.hidden, kernel.width),
      ] {
        clear(matrix.numbers, rows / ScaledExpertKernel.packed, columns, &builder)
      }
      builder.memset(matrix.scales, 0)
      ring.append(matrix)
    }
  }

  /// Zeros in the quadrant of a tile's rows beyond the last.
  private func clear(
    _ numbers: Tile, _ rows: Int, _ columns: Int, _ builder: inout KernelBuilder
  ) {
    let (tiles, used) = (rows / 128, rows % 128)
    guard used % 32 != 0 else { return }
    let quadrant = used / 32 * 32
    builder.memset(
      numbers[quadrant..<quadrant + 32, tiles * columns..<(tiles + 1) * columns], 0)
  }

  mutating func emit(into builder: inout KernelBuilder) throws(BuilderError) {
    let slots = kernel.gathers ? kernel.chosen : kernel.experts
    transfers = (0..<slots).flatMap { slot in
      [2, 4, 6].map { Transfer(tensor: $0, slot: slot) }
    }
    loadTokens(&builder)
    for slot in 0..<slots {
      emitHidden(slot, &builder)
      emitDown(isFirst: slot == 0, &builder)
    }
    try store(&builder)
  }

  // MARK: Loads

  private mutating func loadTokens(_ builder: inout KernelBuilder) {
    let source = x.next()
    for (tile, range) in pieces(kernel.width / ScaledExpertKernel.packed, 128).enumerated() {
      builder.load(
        source.block(tile).rows(0..<range.count),
        from: tensors[0].access(
          offset: tokens.lowerBound * kernel.width + range.lowerBound * ScaledExpertKernel.packed,
          sizes: [range.count, tokens.count, ScaledExpertKernel.packed],
          strides: [ScaledExpertKernel.packed, kernel.width, 1]), on: .scalar)
    }
    x.quantize(source, &builder)
  }

  /// The next matrix. The one before may still be read by what comes: gate and up go together.
  private mutating func next(_ builder: inout KernelBuilder) -> Matrix {
    while loaded < min(transfers.count, used + ring.count - 1) {
      load(transfers[loaded], into: ring[loaded % ring.count], &builder)
      loaded += 1
    }
    defer { used += 1 }
    return ring[used % ring.count]
  }

  private mutating func load(_ part: Transfer, into matrix: Matrix, _ builder: inout KernelBuilder)
  {
    let (table, scales) = (tensors[part.tensor], tensors[part.tensor + 1])
    let columns = table.columns
    let each = table.rows / kernel.experts
    for (tile, range) in pieces(each, 128).enumerated() {
      let target = matrix.numbers[0..<range.count, tile * columns..<(tile + 1) * columns]
      if kernel.gathers {
        let index = rows.numbers(each, tile, slot: part.slot, &builder)
        builder.gather(target, rowsOf: table, index: index.rows(0..<range.count))
      } else {
        let first = part.slot * each + range.lowerBound
        builder.load(target, from: table.rows(first..<first + range.count))
      }
    }
    for group in 0..<ceilDivide(ceilDivide(each, 128), 4) {
      let index = rows.scales(
        each * ScaledExpertKernel.packed / ScaledExpertKernel.block, group, slot: part.slot,
        &builder)
      builder.gather(
        matrix.scales.columns(group * columns..<(group + 1) * columns), rowsOf: scales,
        index: index)
    }
  }

  // MARK: Products

  /// The products of one matrix's columns with tokens, summed over the matrix's rows.
  private func multiply(
    _ bank: Tile, _ matrix: Matrix, columns: Int, first: Int, count: Int, step: Int,
    _ tokens: ScaledTokens, accumulates: Bool, _ builder: inout KernelBuilder
  ) {
    for tile in 0..<tokens.count {
      let used = 0..<tokens.partitions(tile)
      let numbers = matrix.numbers.viewed(
        offset: tile * columns + first, sizes: [count], strides: [step])
      let scales = matrix.scales.viewed(
        offset: tile / 4 * columns + first, sizes: [count], strides: [step])
      builder.matmulMX(
        bank, stationary: numbers.rows(used).reinterpreted(as: .float4e2m1fnx4),
        stationaryScales: scales.rows(used), moving: tokens.numbers(tile),
        movingScales: tokens.scales(tile), offset: tile % 4 * 4,
        accumulates: accumulates || tile > 0)
    }
  }

  /// The hidden activations of one expert, weighted and quantised.
  private mutating func emitHidden(_ slot: Int, _ builder: inout KernelBuilder) {
    let (gate, up) = (next(&builder), next(&builder))
    let count = tokens.count
    let packed = ScaledExpertKernel.packed
    let target = hidden.next()
    let wide = products.next(columns: 512 * banksEach)
    let high = products.next(columns: 512 * banksEach)
    let work = gates.next()
    for (tile, range) in pieces(kernel.hidden / packed, 128).enumerated() {
      let own = 0..<range.count
      for place in 0..<packed {
        for (matrix, bank) in [(gate, wide), (up, high)] {
          multiply(
            part(bank, tile * packed + place).rows(own), matrix, columns: kernel.hidden,
            first: range.lowerBound * packed + place, count: range.count, step: packed, x,
            accumulates: false, &builder)
        }
      }
      for place in 0..<packed {
        let index = tile * packed + place
        let gated = work.columns(index * count..<(index + 1) * count).rows(own)
        builder.activation(gated, .silu, part(wide, index).rows(own))
        builder.tensorTensor(
          gated, gated, routing.weights.block(slot).rows(own), .multiply, on: .gpsimd)
        builder.tensorTensor(
          target.block(tile).rows(own).viewed(offset: place, sizes: [count], strides: [packed]),
          gated, part(high, index).rows(own), .multiply)
      }
    }
    hidden.quantize(target, &builder)
  }

  private var banksEach: Int {
    ceilDivide(
      ScaledTokens.tiles(kernel.hidden) * ScaledExpertKernel.packed, 512 / tokens.count)
  }

  /// The sums of a column of tokens within banks.
  private func part(_ bank: Tile, _ index: Int) -> Tile {
    let count = tokens.count
    let each = 512 / count
    let start = index / each * 512 + index % each * count
    return bank.columns(start..<start + count)
  }

  /// outᵀ += Wdᵀ · hᵀ, the sums of all experts in the same banks.
  private mutating func emitDown(isFirst: Bool, _ builder: inout KernelBuilder) {
    let down = next(&builder)
    for (number, columns) in pieces(kernel.width, 128).enumerated() {
      multiply(
        part(sums, number).rows(0..<columns.count), down, columns: kernel.width,
        first: columns.lowerBound, count: columns.count, step: 1, hidden,
        accumulates: !isFirst, &builder)
    }
  }

  /// outᵀ back to rows by token.
  private mutating func store(_ builder: inout KernelBuilder) throws(BuilderError) {
    let count = tokens.count
    let out = try builder.tile("out", partitions: count, kernel.width, format: .bfloat16)
    var turned = try builder.pool("outᵀ", buffers: 2, count, format: .float32)
    for (number, columns) in pieces(kernel.width, 128).enumerated() {
      let own = 0..<columns.count
      let tile = turned.next().rows(own)
      builder.copy(
        tile, part(sums, number).rows(own), on: number % 2 == 0 ? .scalar : .vector)
      let bank = banks.next(partitions: count, columns: columns.count)
      builder.transpose(bank, tile, identity: identity[own, own])
      builder.copy(out.columns(columns), bank)
    }
    builder.store(tensors[8].block(rows: tokens, columns: 0..<kernel.width), from: out)
  }
}

/// Activations as microscaled operands: four neighbours of a token in a packed element.
struct ScaledTokens {
  private let length: Int
  private let tokens: Int
  private var sources: TilePool
  /// [128, tiles, tokens] packed, and the scales of four tiles over each other.
  private let packedNumbers: Tile
  private let packedScales: Tile

  init(
    _ name: String, length: Int, tokens: Int, buffers: Int, _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.length = length
    self.tokens = tokens
    let tiles = Self.tiles(length)
    sources = try builder.pool(
      name, buffers: buffers, tiles, tokens * ScaledExpertKernel.packed, format: .bfloat16)
    packedNumbers = try builder.tile(
      "\(name) numbers", tiles, tokens, format: .float8e4m3fnx4)
    packedScales = try builder.tile(
      "\(name) scales", ceilDivide(tiles, 4), tokens, format: .uint8)
    builder.memset(packedScales, 0, on: .gpsimd)
    // Rows beyond the last one stay zero.
    if length / ScaledExpertKernel.packed % 128 != 0 {
      for source in sources.tiles { builder.memset(source.block(tiles - 1), 0, on: .gpsimd) }
    }
  }

  /// Tiles of 128 packed rows.
  static func tiles(_ length: Int) -> Int {
    ceilDivide(length / ScaledExpertKernel.packed, 128)
  }

  var count: Int { Self.tiles(length) }

  /// Partitions of a tile: whole quadrants.
  func partitions(_ tile: Int) -> Int {
    let rows = min(128, length / ScaledExpertKernel.packed - 128 * tile)
    return ceilDivide(rows, 32) * 32
  }

  /// A buffer [128, tiles, tokens · 4] to fill.
  mutating func next() -> Tile { sources.next() }

  func quantize(_ source: Tile, _ builder: inout KernelBuilder) {
    for tile in 0..<count {
      builder.quantizeMX(
        numbers(tile), source.block(tile).rows(0..<partitions(tile)), scales: scales(tile),
        offset: tile % 4 * 4)
    }
  }

  func numbers(_ tile: Int) -> Tile { packedNumbers.block(tile).rows(0..<partitions(tile)) }

  func scales(_ tile: Int) -> Tile { packedScales.block(tile / 4).rows(0..<partitions(tile)) }
}

/// The rows of tables that a tile of an expert's numbers, or scales, takes: one per partition.
struct ScaledRows {
  private let experts: Tile?
  /// The partition's number.
  private let place: Tile
  /// The row of scales within four tiles; far beyond all tables where a partition has none.
  private let scalePlace: Tile
  private var indices: TilePool

  /// Beyond any table of scales, and exact in fp32.
  private static let nowhere = 1 << 22

  init(_ kernel: ScaledExpertKernel, _ experts: Tile?, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.experts = experts
    indices = try builder.pool("rows", buffers: 8, 1, format: .uint32)
    place = try builder.tile("partition", 1, format: .float32)
    builder.iota(place, channelMultiplier: 1, steps: [0])
    // With r the partition within its quadrant q: 16 · (r / 4) + 4 · q + r % 4, for r below 16.
    scalePlace = try builder.tile("scale row", 1, format: .float32)
    let bits = try builder.tile("partition bits", 3, format: .int32)
    let (inner, fourth, quadrant) = (bits.columns(0..<1), bits.columns(1..<2), bits.columns(2..<3))
    builder.iota(inner, channelMultiplier: 1, steps: [0])
    builder.tensorScalar(quadrant, inner, .shiftRight, .immediate(5))
    builder.tensorScalar(inner, inner, .bitwiseAnd, .immediate(31))
    builder.tensorScalar(fourth, inner, .shiftRight, .immediate(2))
    let sum = try builder.tile("scale row part", 1, format: .float32)
    builder.tensorScalar(sum, quadrant, .multiply, .immediate(4))
    builder.tensorTensor(sum, sum, inner, .add)
    builder.scalarTensorTensor(sum, fourth, .multiply, .immediate(12), .add, sum)
    builder.tensorScalar(
      scalePlace, inner, .greaterEqual, .immediate(16), .multiply,
      .immediate(Float(Self.nowhere)))
    builder.tensorTensor(scalePlace, scalePlace, sum, .add)
  }

  /// expert · each + 128 · tile + partition.
  mutating func numbers(
    _ each: Int, _ tile: Int, slot: Int, _ builder: inout KernelBuilder
  ) -> Tile {
    let index = indices.next()
    start(index, each, 128 * tile, place, slot, &builder)
    return index
  }

  /// The same of the scales of four tiles.
  mutating func scales(
    _ each: Int, _ group: Int, slot: Int, _ builder: inout KernelBuilder
  ) -> Tile {
    let index = indices.next()
    // A row of the next expert does not belong to this one.
    let limit = each - 64 * group
    let own = indices.next().reinterpreted(as: .float32)
    builder.tensorScalar(
      own, scalePlace, .greaterEqual, .immediate(Float(limit)), .multiply,
      .immediate(Float(Self.nowhere)))
    builder.tensorTensor(own, own, scalePlace, .add)
    start(index, each, 64 * group, own, slot, &builder)
    return index
  }

  private mutating func start(
    _ index: Tile, _ each: Int, _ first: Int, _ place: Tile, _ slot: Int,
    _ builder: inout KernelBuilder
  ) {
    guard let experts else {
      builder.tensorScalar(index, place, .add, .immediate(Float(slot * each + first)))
      return
    }
    let sum = indices.next().reinterpreted(as: .float32)
    builder.tensorScalar(
      sum, experts.columns(slot..<slot + 1), .multiply, .immediate(Float(each)), .add,
      .immediate(Float(first)))
    builder.tensorTensor(index, sum, place, .add)
  }
}
