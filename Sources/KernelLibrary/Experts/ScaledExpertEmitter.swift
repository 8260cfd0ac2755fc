import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the experts of a mixture in MXFP4 for up to 32 tokens.
struct ScaledExpertEmitter {
  private let kernel: ScaledExpertKernel
  private let tensors: [TensorHandle]
  private let tokens: Range<Int>
  private var routing: ExpertRouting
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
    routing = try ExpertRouting(
      kernel.shape, logits: try ExpertRouting.load(tensors[1], tokens, &builder), banks: &banks,
      &builder)
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
    let slots = kernel.readsChosen ? kernel.chosen : kernel.experts
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

  /// Small transfers take longer to trigger than to move: the runs of scales take turns on two
  /// queues, those of a quadrant on one.
  private mutating func load(_ part: Transfer, into matrix: Matrix, _ builder: inout KernelBuilder)
  {
    let (table, scales) = (tensors[part.tensor], tensors[part.tensor + 1])
    let columns = table.columns
    let each = table.rows / kernel.experts
    let whole = each / 128
    if whole > 0 {
      routing.load(
        matrix.numbers.viewed(sizes: [whole, columns], strides: [columns, 1]),
        from: table.access(
          offset: 0, sizes: [128, whole, columns], strides: [columns, 128 * columns, 1]),
        of: table, slot: part.slot, &builder)
    }
    if each % 128 > 0 {
      routing.load(
        matrix.numbers[0..<each % 128, whole * columns..<(whole + 1) * columns],
        from: table.rows(128 * whole..<each), of: table, slot: part.slot, &builder)
    }
    for run in ScaleRun.all(of: each * ScaledExpertKernel.packed / ScaledExpertKernel.block) {
      routing.load(
        matrix.scales.columns(run.group * columns..<(run.group + 1) * columns)
          .rows(run.partitions),
        from: scales.access(
          offset: run.firstRow * columns,
          sizes: [run.quadrants, run.copies, run.tiles, run.rows * columns],
          strides: [4 * columns, 0, 16 * columns, 1]), of: scales, slot: part.slot,
        on: run.partitions.lowerBound / 32 % 2 == 0 ? .scalar : .sync, &builder)
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

/// Rows of scales that one transfer takes to their partitions: row 64 · g + 16 · t + 4 · q + b of
/// group g goes to partition 32 · q + 4 · t + b, and a second time to the one sixteen behind it,
/// which is not read, where all 128 partitions and with them all DMA engines take part.
package struct ScaleRun: Hashable {
  /// Four tiles whose scales lie over each other.
  package var group: Int
  /// Where the rows go.
  package var partitions: Range<Int>
  /// The first row.
  package var firstRow: Int
  /// Quadrants, one or all.
  package var quadrants = 1
  /// How often each of a quadrant's rows is written.
  package var copies = 1
  /// Tiles in each copy.
  package var tiles: Int
  /// Rows of each tile.
  package var rows: Int

  /// The runs of a matrix with that many rows of scales.
  package static func all(of count: Int) -> [ScaleRun] {
    (0..<ceilDivide(count, 64)).flatMap { group in
      if count - 64 * group < 64 { return part(group, count) }
      return [
        ScaleRun(
          group: group, partitions: 0..<128, firstRow: 64 * group, quadrants: 4, copies: 2,
          tiles: 4, rows: 4)
      ]
    }
  }

  /// The runs of a group that is not whole, quadrant by quadrant.
  private static func part(_ group: Int, _ count: Int) -> [ScaleRun] {
    var runs: [ScaleRun] = []
    for quadrant in 0..<4 {
      let first = 64 * group + 4 * quadrant
      // Tiles that have all four rows, and what the next one has.
      let whole = max(0, (count - first + 12) / 16)
      let rest = max(0, count - first - 16 * whole)
      // Transfers of one quadrant that all take one DMA engine follow each other in one ring.
      var cuts = pieces(whole, rest > 0 ? 2 : 4).map { (tiles: $0, rows: 4) }
      if rest > 0 { cuts.append((whole..<whole + 1, rest)) }
      for (tiles, rows) in cuts {
        let partition = 32 * quadrant + 4 * tiles.lowerBound
        runs.append(
          ScaleRun(
            group: group, partitions: partition..<partition + (tiles.count - 1) * 4 + rows,
            firstRow: first + 16 * tiles.lowerBound, tiles: tiles.count, rows: rows))
      }
    }
    return runs
  }
}
