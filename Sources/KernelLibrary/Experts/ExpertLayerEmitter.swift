import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the experts of a mixture for up to 64 tokens.
struct ExpertLayerEmitter {
  private let kernel: ExpertLayerKernel
  private let operands: ExpertOperands
  private let tokens: Range<Int>
  private var routing: ExpertRouting
  private let x: FewRows
  private let identity: Tile
  private var ring: TilePool
  private let ringBuffers: Int
  private var banks: BankPool
  private var products: BankPool
  private let sums: Tile
  /// How the columns of the sums are cut into tiles.
  private let outCut: EvenCut
  /// Turns the sums of few tokens, all columns of one at once.
  private var turned: TurnedSums?
  private var gates: TilePool
  private var hiddens: TilePool
  /// Tiles of F of a block: their sums for gate and up fit two halves of the open banks.
  private let blockTiles: Int
  private var transfers: [Transfer] = []
  private var loaded: [Tile] = []
  private var used = 0

  /// Weights that take a buffer of the ring: some tiles of D (gate and up) or F (down) for a block
  /// of F.
  private struct Transfer {
    var tensor: Int
    var slot: Int
    var tiles: Range<Int>
    var block: Range<Int>
  }

  /// Bytes per partition of a buffer of the ring.
  private static let bufferBytes = 28 << 10

  init(
    _ kernel: ExpertLayerKernel, _ operands: ExpertOperands, tokens: Range<Int>,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.operands = operands
    self.tokens = tokens
    let count = tokens.count
    banks = try builder.banks("small", buffers: 2)
    let logits: Tile
    if let norm = operands.norm, let router = operands.router {
      // The first loads of the queue, which a kernel before may take along.
      let weights = try Self.load(router: router, kernel, &builder)
      x = try FewRows(
        operands.x, layout: .contractionColumns, rows: count, depth: kernel.width, norm: norm,
        &builder)
      logits = try Self.route(x, weights, &banks, &builder)
      builder.store(operands.logits.rows(tokens), from: logits, on: .scalar)
    } else {
      logits = try ExpertRouting.load(operands.logits, tokens, &builder)
      x = try FewRows(
        operands.x, layout: .contractionColumns, first: tokens.lowerBound, rows: count,
        depth: kernel.width, &builder)
    }
    routing = try ExpertRouting(kernel, logits: logits, banks: &banks, &builder)
    let (rows, size) = (kernel.rows, kernel.format.sizeBytes)
    identity = try builder.identity(128, .float32)
    let even = EvenCut(kernel.width)
    // Token by token, or tile by tile: whichever are much fewer.
    let isTurned = TurnedSums.takes(rows: count, even) && 4 * count <= even.count
    if isTurned {
      turned = try TurnedSums(rows: count, tiles: even.count, format: kernel.format, &builder)
    }
    outCut = isTurned ? even : EvenCut(whole: 128, of: kernel.width)
    let outTiles = outCut.count
    let outBanks = ceilDivide(outTiles, 512 / count)
    let sumBanks = try builder.banks("out", buffers: 1, banksPerBuffer: outBanks)
    var holder = sumBanks
    sums = holder.next(columns: outBanks * 512)
    // Gate and up of a block take a bank or more each.
    let each = max(1, min(2, builder.freeBanks / 2))
    products = try builder.banks("gate, up", buffers: 2, banksPerBuffer: each)
    let hiddenTiles = kernel.hidden / rows.hidden
    let most = min(hiddenTiles, each * (512 / count))
    blockTiles = (1...most).last { hiddenTiles % $0 == 0 } ?? 1
    gates = try builder.pool("gate", buffers: 2, blockTiles * count, format: .float32)
    hiddens = try builder.pool(
      "hidden", buffers: 2, blockTiles, count, format: kernel.format)
    let longest = max(blockTiles * rows.hidden, kernel.width) * size
    let bytes = max(Self.bufferBytes, longest)
    ringBuffers = max(2, min(8, (builder.freeSBUFBytes - (kernel.width * 4 + 4096)) / bytes))
    ring = try builder.pool("weights", buffers: ringBuffers, bytes / size, format: kernel.format)
  }

  /// The router's weights, with the same rows on a partition as a token's elements.
  private static func load(
    router: TensorHandle, _ kernel: ExpertLayerKernel, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let cut = EvenCut(kernel.width)
    let weights = try builder.tile(
      "router", partitions: cut.size, cut.count, kernel.experts, format: kernel.format)
    builder.load(
      weights,
      from: router.access(
        offset: 0, sizes: [cut.size, cut.count, kernel.experts],
        strides: [cut.count * kernel.experts, kernel.experts, 1]))
    return weights
  }

  /// The router's product of normalised tokens.
  private static func route(
    _ x: FewRows, _ weights: Tile, _ banks: inout BankPool, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let experts = weights.innermost
    let logits = try builder.tile(
      "logits", partitions: x.rows, experts, format: .float32)
    let bank = banks.next(partitions: x.rows, columns: experts)
    for k in 0..<x.cut.count {
      builder.matmul(bank, stationary: x.tile(k), moving: weights.block(k), accumulates: k > 0)
    }
    builder.copy(logits, bank)
    return logits
  }

  /// Where the outputs of a tile of D lie among the sums.
  private func sum(_ tile: Int, _ columns: Int) -> Tile {
    let count = tokens.count
    let each = 512 / count
    return sums.columns(
      tile / each * 512 + tile % each * count..<tile / each * 512 + tile % each * count + count
    ).rows(0..<columns)
  }

  mutating func emit(into builder: inout KernelBuilder) throws(BuilderError) {
    let slots = kernel.readsChosen ? kernel.chosen : kernel.experts
    let work = (0..<slots).flatMap { slot in
      pieces(kernel.hidden / kernel.rows.hidden, blockTiles).map { (slot: slot, block: $0) }
    }
    // The product with down comes one block later, so that the hidden activations are there.
    for index in 0...work.count {
      if index < work.count { transfers += hiddenTransfers(work[index].slot, work[index].block) }
      if index > 0 { transfers += downTransfers(work[index - 1].slot, work[index - 1].block) }
    }
    var waiting: Tile?
    for index in 0...work.count {
      let hidden =
        index < work.count ? emitHidden(work[index].slot, work[index].block, &builder) : nil
      if let waiting { emitDown(waiting, work[index - 1].block, isFirst: index == 1, &builder) }
      waiting = hidden
    }
    try store(&builder)
  }

  private func hiddenTransfers(_ slot: Int, _ block: Range<Int>) -> [Transfer] {
    widthCuts(block).flatMap { tiles in
      [0, 1].map { Transfer(tensor: $0, slot: slot, tiles: tiles, block: block) }
    }
  }

  private func downTransfers(_ slot: Int, _ block: Range<Int>) -> [Transfer] {
    downCuts(block).map { Transfer(tensor: 2, slot: slot, tiles: $0, block: block) }
  }

  /// Tiles of D that come together for a block of F.
  private func widthCuts(_ block: Range<Int>) -> [Range<Int>] {
    pieces(
      kernel.width / kernel.rows.width,
      max(1, ring.tiles[0].columns / (block.count * kernel.rows.hidden)))
  }

  /// Tiles of F that come together.
  private func downCuts(_ block: Range<Int>) -> [Range<Int>] {
    pieces(block.count, max(1, ring.tiles[0].columns / kernel.width)).map {
      block.lowerBound + $0.lowerBound..<block.lowerBound + $0.upperBound
    }
  }

  private mutating func next(_ builder: inout KernelBuilder) -> Tile {
    while loaded.count < min(transfers.count, used + ringBuffers) {
      let buffer = ring.next()
      load(transfers[loaded.count], into: buffer, &builder)
      loaded.append(buffer)
    }
    defer { used += 1 }
    return loaded[used]
  }

  private mutating func load(
    _ part: Transfer, into buffer: Tile, _ builder: inout KernelBuilder
  ) {
    let table = operands.weights[part.tensor]
    if part.tensor == 2 {
      // Consecutive rows of down: one run per partition.
      let run = part.tiles.lowerBound * kernel.width..<part.tiles.upperBound * kernel.width
      let rows = kernel.rows.hidden
      routing.load(
        buffer[0..<rows, 0..<run.count], from: table.block(rows: 0..<rows, columns: run),
        of: table, slot: part.slot, &builder)
      return
    }
    let columns = part.block.count * kernel.rows.hidden
    let start = part.block.lowerBound * kernel.rows.hidden
    let rows = kernel.rows.width
    routing.load(
      buffer.viewed(sizes: [part.tiles.count, columns], strides: [columns, 1]).rows(0..<rows),
      from: table.access(
        offset: part.tiles.lowerBound * kernel.hidden + start,
        sizes: [rows, part.tiles.count, columns], strides: [table.columns, kernel.hidden, 1]),
      of: table, slot: part.slot, &builder)
  }

  /// hᵀ of a block of F: tile i of partition p is hidden element p · tiles + i of the block.
  private mutating func emitHidden(
    _ slot: Int, _ block: Range<Int>, _ builder: inout KernelBuilder
  ) -> Tile {
    let (rows, count) = (kernel.rows, tokens.count)
    let columns = block.count * rows.hidden
    let gateBank = products.next(partitions: rows.hidden, columns: 512 * banksEach)
    let upBank = products.next(partitions: rows.hidden, columns: 512 * banksEach)
    for tiles in widthCuts(block) {
      for bank in [gateBank, upBank] {
        let weights = next(&builder)
        for (place, k) in tiles.enumerated() {
          let moving = x.tile(k)
          for tile in 0..<block.count {
            builder.matmul(
              part(bank, tile),
              stationary: weights.viewed(
                offset: place * columns + tile, sizes: [rows.hidden], strides: [block.count]
              ).rows(0..<rows.width), moving: moving, accumulates: k > 0)
          }
        }
      }
    }
    let gate = gates.next().rows(0..<rows.hidden)
    let hidden = hiddens.next().blocks(0..<block.count).rows(0..<rows.hidden)
    for tiles in pieces(block.count, 512 / count) {
      let shape = [tiles.count, count]
      let run = tiles.lowerBound * count..<tiles.upperBound * count
      let source = part(gateBank, tiles.lowerBound).viewed(sizes: [run.count], strides: [1])
      builder.activation(gate.columns(run), .silu, source)
      let weight = routing.weights.block(slot).viewed(sizes: shape, strides: [0, 1])
        .rows(0..<rows.hidden)
      let gated = gate.columns(run).viewed(sizes: shape, strides: [count, 1])
      builder.tensorTensor(gated, gated, weight, .multiply, on: .gpsimd)
      builder.tensorTensor(
        hidden.blocks(tiles), gated,
        part(upBank, tiles.lowerBound).viewed(sizes: shape, strides: [count, 1]), .multiply)
    }
    return hidden
  }

  private var banksEach: Int { ceilDivide(blockTiles, 512 / tokens.count) }

  /// The sums of a tile of F within a bank.
  private func part(_ bank: Tile, _ tile: Int) -> Tile {
    let count = tokens.count
    let each = 512 / count
    let start = tile / each * 512 + tile % each * count
    return bank.columns(start..<start + count)
  }

  /// outᵀ += Wdᵀ · hᵀ, the sums of all experts in the same banks.
  private mutating func emitDown(
    _ hidden: Tile, _ block: Range<Int>, isFirst: Bool, _ builder: inout KernelBuilder
  ) {
    var accumulates = !isFirst
    for tiles in downCuts(block) {
      let weights = next(&builder)
      for (place, tile) in tiles.enumerated() {
        let start = place * kernel.width
        for (number, columns) in pieces(kernel.width, outCut.size).enumerated() {
          builder.matmul(
            sum(number, columns.count),
            stationary: weights[
              0..<kernel.rows.hidden, start + columns.lowerBound..<start + columns.upperBound],
            moving: hidden.block(tile - block.lowerBound), accumulates: accumulates)
        }
        accumulates = true
      }
    }
  }

  /// outᵀ back to rows by token.
  private mutating func store(_ builder: inout KernelBuilder) throws(BuilderError) {
    let count = tokens.count
    if turned != nil {
      try turned?.store(
        sums.columns(0..<outCut.count * count), outCut, to: operands.out,
        first: tokens.lowerBound, over: &banks, &builder)
      return
    }
    let cuts = pieces(kernel.width, outCut.size)
    let wide = try builder.tile("out transposed", cuts.count, count, format: .float32)
    for (number, columns) in cuts.enumerated() {
      builder.copy(
        wide.block(number).rows(0..<columns.count), sum(number, columns.count),
        on: number % 2 == 0 ? .scalar : .vector)
    }
    let out = try builder.tile("out", partitions: count, kernel.width, format: kernel.format)
    for group in pieces(cuts.count, 4) {
      let bank = banks.next(partitions: count, columns: 512)
      let start = cuts[group.lowerBound].lowerBound
      let range = start..<cuts[group.upperBound - 1].upperBound
      for number in group {
        let columns = cuts[number]
        builder.transpose(
          bank.columns(columns.lowerBound - start..<columns.upperBound - start),
          wide.block(number).rows(0..<columns.count),
          identity: identity[0..<columns.count, 0..<columns.count])
      }
      builder.copy(out.columns(range), bank.columns(0..<range.count))
    }
    builder.store(operands.out.block(rows: tokens, columns: 0..<kernel.width), from: out)
  }
}
