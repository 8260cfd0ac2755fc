import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits attention of many queries: the maxima of each row first, then everything else with keys on
/// partitions.
struct PrefillAttention {
  let kernel: AttentionKernel
  private let blocks: [AttentionBlock]
  private let steps: [AttentionStep]
  private let pieces: [AttentionPiece]
  /// For each block the index of its first step, and one past its last piece.
  private let firstSteps: [Int]
  private let pieceEnds: [Int]
  private var operands: PrefillOperands
  private let masks: PrefillMasks
  private let identity: Tile
  private let ones: Tile
  // Maxima.
  private var scores: BankPool
  private var maxima: TilePool
  private var parts: TilePool
  private var negatives: TilePool
  private var biases: TilePool
  // Probabilities.
  private var transposedScores: BankPool
  private var probabilities: TilePool
  // Outputs.
  private var products: BankPool
  private var inverses: TilePool
  private var outputs: TilePool
  private let tilesPerBank: Int
  // What has been emitted.
  private var loadedGroups = 0
  private var loadedBlocks = 0
  private var nextPiece = 0
  private var nextNegative = 0
  private var nextBias = 0
  private var nextProduct = 0
  private var liveMaxima: [Int: Tile] = [:]
  private var liveParts: [Int: Tile] = [:]
  private var liveBiases: [Int: Tile] = [:]
  private var liveProbabilities: [Int: Tile] = [:]
  private var open: [Tile] = []

  /// Steps by which the maxima of a block are there before it begins.
  static let lead = 6
  /// Steps by which their transpose comes before it begins.
  private static let biasLead = 2
  /// Steps from the scores of a tile of keys to its product with V.
  private static let productLag = 3
  /// Keys over which one maximum is taken: a bank of PSUM.
  private static let pieceKeys = 512
  /// Key heads that are loaded before their maxima are taken.
  private static let groupsAhead = 2
  /// Blocks whose maxima may be taken ahead.
  private static let blocksAhead = 8
  /// Bytes of SBUF beside those of K, V and Q.
  static let reservedBytes = 36 << 10

  init(_ kernel: AttentionKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    blocks = kernel.blocks()
    let schedule = PrefillSchedule(blocks, pieceKeys: Self.pieceKeys)
    steps = schedule.steps
    pieces = schedule.pieces
    firstSteps = schedule.firstSteps
    pieceEnds = schedule.pieceEnds
    identity = try builder.identity(128, .bfloat16)
    masks = try PrefillMasks(kernel, blocks, identity: identity, &builder)
    ones = try builder.tile("ones", partitions: 3, 128, format: .bfloat16)
    builder.memset(ones, 1, on: .gpsimd)
    operands = try PrefillOperands(
      kernel, tensors, stepsPerGroup: steps.count / max(1, kernel.batch * kernel.kvHeads), &builder)
    let tiles = AttentionKernel.blockTiles
    let columns = tiles * 128
    let banks = ceilDivide(tiles, 512 / (kernel.size + 1))
    tilesPerBank = ceilDivide(tiles, banks)
    // Outputs of wide heads take half of PSUM: one set of them.
    products = try builder.banks(
      "PV", buffers: kernel.size > 128 ? 1 : 2, banksPerBuffer: banks)
    transposedScores = try builder.banks("scores transposed", buffers: builder.freeBanks / 2)
    scores = try builder.banks("scores", buffers: builder.freeBanks)
    let ahead = Self.blocksAhead + 2
    maxima = try builder.pool(
      "maxima", buffers: ahead, tiles, schedule.mostPieces, format: .float32)
    negatives = try builder.pool("negative maxima", buffers: ahead, 2, tiles, format: .float32)
    parts = try builder.pool("parts of maxima", buffers: ahead, tiles, 3, format: .bfloat16)
    biases = try builder.pool("bias", buffers: 4, partitions: 3, columns, format: .bfloat16)
    probabilities = try builder.pool("P transposed", buffers: 6, columns, format: kernel.format)
    inverses = try builder.pool("inverse", buffers: 4, tiles, format: .float32)
    outputs = try builder.pool("out", buffers: 3, tiles, kernel.size, format: kernel.format)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    for index in steps.indices {
      let block = steps[index].block
      require(block, &builder)
      emitScores(index, &builder)
      pace(at: index, &builder)
      if index >= Self.productLag { emitProducts(through: index - Self.productLag, &builder) }
    }
    emitProducts(through: steps.count - 1, &builder)
  }

  // MARK: Order

  /// Everything that must stand before a block's first step.
  private mutating func require(_ block: Int, _ builder: inout KernelBuilder) {
    while nextPiece < pieceEnds[block] {
      if !prepare(pieces[nextPiece].block, current: block, &builder) {
        emitProducts(through: firstSteps[block] - 1, &builder)
        continue
      }
      emitMaximum(&builder)
    }
    while nextNegative <= block { emitNegative(&builder) }
    while nextBias <= block { emitBias(&builder) }
  }

  /// Spreads the maxima of later blocks over the steps, and makes biases when they are due.
  private mutating func pace(at step: Int, _ builder: inout KernelBuilder) {
    let current = steps[step].block
    let last = min(blocks.count - 1, current + Self.blocksAhead)
    var quota = 0
    if current < last {
      for block in current + 1...last where pieceEnds[block] > nextPiece {
        let room = max(1, firstSteps[block] - Self.lead - step)
        quota = max(quota, ceilDivide(pieceEnds[block] - nextPiece, room))
      }
    }
    for _ in 0..<quota where nextPiece < pieces.count {
      guard prepare(pieces[nextPiece].block, current: current, &builder) else { break }
      emitMaximum(&builder)
    }
    while nextNegative < blocks.count, nextNegative <= last, pieceEnds[nextNegative] <= nextPiece {
      emitNegative(&builder)
    }
    while nextBias < nextNegative, firstSteps[nextBias] - Self.biasLead <= step {
      emitBias(&builder)
    }
  }

  /// Loads what the maxima of a block read, and something ahead; false when a buffer is still to be
  /// read by products that have not been emitted.
  private mutating func prepare(_ block: Int, current: Int, _ builder: inout KernelBuilder) -> Bool
  {
    let group = blocks[block].groupIndex
    let held = nextProduct < steps.count ? blocks[steps[nextProduct].block].groupIndex : group
    let ahead = min(
      held + operands.groupBuffers, group + Self.groupsAhead + 1, kernel.batch * kernel.kvHeads)
    while loadedGroups < ahead {
      if loadedGroups == 0 { loadQueries(through: block, current: current, &builder) }
      operands.open(group: loadedGroups)
      loadedGroups += 1
      // Later groups come whole, while the one before is computed.
      if loadedGroups > 1 {
        operands.load(group: loadedGroups - 1, through: kernel.keys, &builder)
      }
    }
    if loadedGroups > group {
      let piece = pieces[nextPiece]
      operands.load(
        group: group, through: blocks[piece.block].tiles[piece.tile].keys.upperBound, &builder)
    }
    loadQueries(through: block + 2, current: current, &builder)
    return loadedGroups > group && loadedBlocks > block
  }

  private mutating func loadQueries(
    through block: Int, current: Int, _ builder: inout KernelBuilder
  ) {
    let held = nextProduct < steps.count ? steps[nextProduct].block : current
    let last = min(block, blocks.count - 1, min(held, current) + operands.queryBuffers - 1)
    while loadedBlocks <= last {
      operands.load(blocks[loadedBlocks], index: loadedBlocks, &builder)
      loadedBlocks += 1
    }
  }

  // MARK: Maxima

  /// Scores with queries on partitions, and their maximum.
  private mutating func emitMaximum(_ builder: inout KernelBuilder) {
    let piece = pieces[nextPiece]
    nextPiece += 1
    let block = blocks[piece.block]
    let tile = block.tiles[piece.tile]
    let count = tile.queries.count
    if liveMaxima[piece.block] == nil {
      liveMaxima[piece.block] = maxima.next()
      liveMaxima[piece.block - Self.blocksAhead - 2] = nil
    }
    guard let target = liveMaxima[piece.block] else { return }
    let bank = scores.next(partitions: count, columns: piece.keys.count)
    for part in 0..<operands.parts {
      builder.matmul(
        bank, stationary: operands.query(piece.block, tile.columns, part: part),
        moving: operands.keys(piece.keys, block.groupIndex, part: part), accumulates: part > 0)
    }
    masks.apply(to: bank, tile, keys: piece.keys, &builder)
    builder.tensorReduce(
      target.block(piece.tile)[0..<count, piece.position..<piece.position + 1], bank, .max)
  }

  /// The negative maximum of each row as a sum of three bf16 numbers, which holds every bit of it.
  private mutating func emitNegative(_ builder: inout KernelBuilder) {
    let index = nextNegative
    nextNegative += 1
    let block = blocks[index]
    guard let found = liveMaxima[index] else { return }
    let count = block.tiles[0].queries.count
    let isUniform = block.tiles.allSatisfy { $0.queries.count == count }
    let rows = isUniform ? count : 128
    let work = negatives.next()
    let negative = work.block(0)[0..<rows, 0..<block.tiles.count]
    let rest = work.block(1)[0..<rows, 0..<block.tiles.count]
    if !isUniform { builder.memset(negative, 0, on: .gpsimd) }
    for (position, tile) in block.tiles.enumerated() {
      let pieces = ceilDivide(tile.keys.count, Self.pieceKeys)
      builder.tensorReduce(
        negative.columns(position..<position + 1).rows(0..<tile.queries.count),
        found.block(position)[0..<tile.queries.count, 0..<pieces], .max, negate: true)
    }
    let all = parts.next()
    let part = { (number: Int) in
      all.viewed(offset: number, sizes: [block.tiles.count], strides: [3]).rows(0..<rows)
    }
    builder.copy(part(0), negative, on: .gpsimd)
    builder.tensorTensor(rest, negative, part(0), .subtract, on: .gpsimd)
    builder.copy(part(1), rest, on: .gpsimd)
    builder.tensorTensor(part(2), rest, part(1), .subtract, on: .gpsimd)
    liveParts[index] = all
    liveParts[index - Self.blocksAhead - 2] = nil
  }

  /// The three parts as rows: [3, rows of the block].
  private mutating func emitBias(_ builder: inout KernelBuilder) {
    let index = nextBias
    nextBias += 1
    let block = blocks[index]
    guard let all = liveParts[index] else { return }
    let bank = scores.next(
      partitions: 3, columns: block.rows, builder.turnedFormat(.bfloat16))
    for (position, tile) in block.tiles.enumerated() {
      let count = tile.queries.count
      builder.transpose(
        bank.columns(tile.columns), all.block(position).rows(0..<count),
        identity: identity[0..<count, 0..<count])
    }
    let bias = biases.next().columns(0..<block.rows)
    builder.copy(bias, bank, on: .scalar)
    liveBiases[index] = bias
    liveBiases[index - 4] = nil
  }

  // MARK: Probabilities and outputs

  /// Scores with keys on partitions, less the maximum of their row, and their exponential.
  private mutating func emitScores(_ index: Int, _ builder: inout KernelBuilder) {
    let step = steps[index]
    let block = blocks[step.block]
    let keys = step.keyTile * 128..<min(kernel.keys, step.keyTile * 128 + 128)
    let tiles = block.tiles(seeing: step.keyTile)
    guard let bias = liveBiases[step.block], let first = tiles.first, let last = tiles.last else {
      return
    }
    let columns = first.columns.lowerBound..<last.columns.upperBound
    let bank = transposedScores.next(partitions: keys.count, columns: columns.count)
    builder.matmul(
      bank, stationary: ones.columns(0..<keys.count), moving: bias.columns(columns))
    for part in 0..<operands.parts {
      builder.matmul(
        bank, stationary: operands.keys(keys, block.groupIndex, part: part),
        moving: operands.query(step.block, columns, part: part), accumulates: true)
    }
    let target = probabilities.next().rows(0..<keys.count)
    builder.activation(
      target.columns(columns), .exp, bank, scale: .immediate(kernel.scale))
    masks.clear(target, tiles, keyTile: step.keyTile, &builder)
    liveProbabilities[index] = target
  }

  private mutating func emitProducts(through last: Int, _ builder: inout KernelBuilder) {
    while nextProduct <= last {
      emitProduct(nextProduct, &builder)
      nextProduct += 1
    }
  }

  /// Pᵀ's rows times V, and times ones: outputs before their division, and the sums.
  private mutating func emitProduct(_ index: Int, _ builder: inout KernelBuilder) {
    let step = steps[index]
    let block = blocks[step.block]
    guard let source = liveProbabilities.removeValue(forKey: index) else { return }
    if index == firstSteps[step.block] { openBanks(block) }
    let count = min(kernel.keys - step.keyTile * 128, 128)
    let values = operands.values(step.keyTile, count, block.groupIndex)
    for (position, tile) in block.tiles.enumerated() where tile.keyTiles.contains(step.keyTile) {
      builder.matmul(
        open[position], stationary: source.columns(tile.columns), moving: values,
        accumulates: step.keyTile > tile.keyTiles.lowerBound)
    }
    if step.isLast { finish(block, &builder) }
  }

  private mutating func openBanks(_ block: AttentionBlock) {
    let width = kernel.size + 1
    let bank = products.next(columns: 512 * ceilDivide(AttentionKernel.blockTiles, tilesPerBank))
    open = block.tiles.indices.map { position in
      let start = position / tilesPerBank * 512 + position % tilesPerBank * width
      return bank.columns(start..<start + width).rows(0..<block.tiles[position].queries.count)
    }
  }

  /// Divides by the sums and stores; as many tiles in one instruction as share a bank.
  private mutating func finish(_ block: AttentionBlock, _ builder: inout KernelBuilder) {
    let size = kernel.size
    let inverse = inverses.next()
    let output = outputs.next()
    let count = block.tiles[0].queries.count
    let isUniform = block.tiles.allSatisfy { $0.queries.count == count }
    for cut in KernelLibrary.pieces(block.tiles.count, isUniform ? tilesPerBank : 1) {
      let rows = 0..<block.tiles[cut.lowerBound].queries.count
      let shape = [cut.count, size]
      let source = open[cut.lowerBound]
      let inverses = inverse.columns(cut).rows(rows)
      builder.reciprocal(
        inverses, source.viewed(offset: size, sizes: [cut.count], strides: [size + 1]))
      builder.tensorTensor(
        output.blocks(cut).rows(rows), source.viewed(sizes: shape, strides: [size + 1, 1]),
        inverses.viewed(sizes: shape, strides: [1, 0]), .multiply)
    }
    operands.store(block, from: output, &builder)
  }
}

/// The steps and pieces of all blocks, in order.
struct PrefillSchedule {
  private(set) var steps: [AttentionStep] = []
  private(set) var pieces: [AttentionPiece] = []
  private(set) var firstSteps: [Int] = []
  private(set) var pieceEnds: [Int] = []
  /// The most pieces of one tile.
  private(set) var mostPieces = 1

  init(_ blocks: [AttentionBlock], pieceKeys: Int) {
    for (index, block) in blocks.enumerated() {
      firstSteps.append(steps.count)
      for keyTile in block.keyTiles {
        steps.append(
          AttentionStep(
            block: index, keyTile: keyTile, isLast: keyTile == block.keyTiles.upperBound - 1))
      }
      for (position, tile) in block.tiles.enumerated() {
        let cuts = KernelLibrary.pieces(tile.keys.count, pieceKeys)
        mostPieces = max(mostPieces, cuts.count)
        for (number, cut) in cuts.enumerated() {
          pieces.append(
            AttentionPiece(
              block: index, tile: position, position: number,
              keys: tile.keys.lowerBound + cut.lowerBound..<tile.keys.lowerBound + cut.upperBound))
        }
      }
      pieceEnds.append(pieces.count)
    }
  }
}
