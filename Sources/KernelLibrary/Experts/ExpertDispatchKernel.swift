import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
import NumericFormats

/// Deals tokens to the experts that they choose: a slot for each choice, in the order of experts
/// and within one in the order of tokens, each expert's slots filling whole blocks.
///
/// Layout: 128 tokens on partitions, experts along the row. The eight largest logits and where they
/// stand come from max8 and find_index8; comparing places with a ramp gives a row of ones and zeros
/// for each token. How many tokens before it chose the same expert is a product of these rows with
/// a triangle of ones, and with ones for the tiles before; whole numbers below 2^24 are exact.
/// A running sum over experts says where each one's blocks begin. Slots without a token keep token
/// 0, whose result nobody reads.
/// Bound: GpSimd, which writes a descriptor for each choice, and the vector engine.
///
/// Parameters in order: logits [T, E] fp32, rows [slots, 1] uint32: the token of each slot; places
/// [T, chosen] uint32: the slot of each choice; weights [T, chosen] fp32: the softmax of the chosen
/// logits; owners [blocks, 1] int32: the expert of each block.
package struct ExpertDispatchKernel: Kernel {
  /// Tokens: T.
  package var tokens: Int
  /// Experts: E, 8 to 512.
  package var experts: Int
  /// Experts of each token, at most 8.
  package var chosen: Int
  /// Tokens of a block, a power of two times 128.
  package var block: Int
  /// Blocks.
  package var blocks: Int

  /// The dealing of a layer's tokens to so many blocks.
  package init(_ layer: ExpertLayerKernel, block: Int, blocks: Int) {
    tokens = layer.tokens
    experts = layer.experts
    chosen = layer.chosen
    self.block = block
    self.blocks = blocks
  }

  package var name: String {
    "expert-dispatch \(tokens) to \(chosen) of \(experts) in \(blocks)x\(block)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("logits", [tokens, experts], .float32),
      KernelParameter("rows", [blocks * block, 1], .uint32, .output),
      KernelParameter("places", [tokens, chosen], .uint32, .output),
      KernelParameter("weights", [tokens, chosen], .float32, .output),
      KernelParameter("owners", [blocks, 1], .int32, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard (8...512).contains(experts), (1...8).contains(chosen), block % 128 == 0,
      (1...ExpertGroups.mostTokens).contains(tokens)
    else {
      throw unsupported(
        "\(tokens) tokens to \(chosen) of \(experts) experts",
        allowed: "up to \(ExpertGroups.mostTokens) tokens, 8 to 512 experts, up to 8 chosen")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try ExpertDispatchEmitter(self, tensors, &builder)
      emitter.emit(into: &builder)
    }
  }
}

/// Emits the dealing.
private struct ExpertDispatchEmitter {
  private let kernel: ExpertDispatchKernel
  private let tensors: [TensorHandle]
  private let tiles: [Range<Int>]
  /// [128, E]: 0, 1, ….
  private let ramp: Tile
  /// [128, 128]: ones where the row is before the column; and all ones.
  private let before: Tile
  private let ones: Tile
  /// [128, E]: how many tokens of the tiles so far chose each expert, on each partition.
  private let running: Tile
  /// Which expert each choice of each token is, and how many tokens before chose it: [128, tiles,
  /// chosen].
  private let choices: Tile
  private let ranks: Tile
  /// Blocks of each expert, the block behind its last, and its first slot, on each partition.
  private let blocks: Tile
  private let ends: Tile
  private let first: Tile
  private var logits: TilePool
  private var masks: TilePool
  private var rows: TilePool
  private var found: TilePool
  private var small: TilePool
  private var banks: BankPool

  init(
    _ kernel: ExpertDispatchKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    tiles = pieces(kernel.tokens, 128)
    let experts = kernel.experts
    ramp = try builder.tile("ramp", experts, format: .float32)
    builder.iota(ramp, steps: [1])
    ones = try builder.tile("ones", 128, format: .bfloat16)
    builder.memset(ones, 1, on: .gpsimd)
    before = try builder.tile("before", 128, format: .bfloat16)
    builder.affineSelect(
      before, ones, .greaterThan, channelMultiplier: -1, steps: [1], onFalse: 0)
    running = try builder.tile("running", experts, format: .bfloat16)
    builder.memset(running, 0)
    choices = try builder.tile("choices", tiles.count, kernel.chosen, format: .float32)
    ranks = try builder.tile("ranks", tiles.count, kernel.chosen, format: .float32)
    blocks = try builder.tile("blocks", experts, format: .float32)
    ends = try builder.tile("ends", experts, format: .float32)
    first = try builder.tile("first slot", experts, format: .float32)
    logits = try builder.pool("logits", buffers: 2, experts, format: .float32)
    masks = try builder.pool("mask", buffers: 2, experts, format: .bfloat16)
    rows = try builder.pool("row", buffers: 4, experts, format: .float32)
    found = try builder.pool("found", buffers: 2, 8, format: .uint32)
    small = try builder.pool("small", buffers: 4, 24, format: .float32)
    banks = try builder.banks("counts", buffers: 2)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    clearRows(&builder)
    for index in tiles.indices { choose(index, &builder) }
    findFirstSlots(&builder)
    for index in tiles.indices { place(index, &builder) }
  }

  /// Every slot begins with token 0.
  private mutating func clearRows(_ builder: inout KernelBuilder) {
    let slots = kernel.blocks * kernel.block
    // Whole rows of zeros for all partitions, as wide as a row of this kernel.
    let zeros = rows.next().reinterpreted(as: .uint32)
    builder.memset(zeros, 0, on: .gpsimd)
    for cut in pieces(slots / 128, kernel.experts) {
      builder.store(
        tensors[1].access(
          offset: cut.lowerBound, sizes: [128, cut.count], strides: [slots / 128, 1]),
        from: zeros.columns(0..<cut.count), on: .scalar)
    }
  }

  /// The experts of 128 tokens, their weights, and how many tokens before chose the same.
  private mutating func choose(_ index: Int, _ builder: inout KernelBuilder) {
    let (tile, chosen) = (tiles[index], kernel.chosen)
    let count = tile.count
    let logit = logits.next().rows(0..<count)
    builder.load(logit, from: tensors[0].rows(tile))
    let work = small.next().rows(0..<count)
    let best = work.columns(0..<8)
    builder.largestEight(best, logit)
    let number = found.next().rows(0..<count)
    builder.findEight(number, logit, values: best)
    let own = choices.block(index).rows(0..<count)
    builder.copy(own, number.columns(0..<chosen))
    weigh(tile, work, &builder)
    let mask = masks.next().rows(0..<count)
    for choice in 0..<chosen {
      let expert = own.columns(choice..<choice + 1).pointer
      if choice == 0 {
        builder.tensorScalar(mask, ramp.rows(0..<count), .isEqual, expert)
      } else {
        builder.scalarTensorTensor(mask, ramp.rows(0..<count), .isEqual, expert, .add, mask)
      }
    }
    let bank = banks.next(partitions: count, columns: kernel.experts)
    builder.matmul(bank, stationary: before[0..<count, 0..<count], moving: mask)
    if index > 0 {
      builder.matmul(
        bank, stationary: ones.columns(0..<count), moving: running, accumulates: true)
    }
    pick(bank, own, into: ranks.block(index).rows(0..<count), &builder)
    builder.tensorTensor(running.rows(0..<count), running.rows(0..<count), mask, .add)
  }

  /// The softmax of the chosen logits, which stand in front of the work columns.
  private func weigh(_ tile: Range<Int>, _ work: Tile, _ builder: inout KernelBuilder) {
    let weights = work.columns(8..<8 + kernel.chosen)
    let numbers = (16..<19).map { work.columns($0..<$0 + 1) }
    builder.tensorScalar(numbers[0], work.columns(0..<1), .multiply, .immediate(-1))
    builder.activation(
      weights, .exp, work.columns(0..<kernel.chosen), bias: numbers[0].pointer, sum: numbers[1])
    builder.reciprocal(numbers[2], numbers[1])
    builder.tensorScalar(weights, weights, .multiply, numbers[2].pointer)
    builder.store(tensors[3].rows(tile), from: weights, on: .scalar)
  }

  /// What a row says of each chosen expert.
  private mutating func pick(
    _ source: Tile, _ own: Tile, into result: Tile, _ builder: inout KernelBuilder
  ) {
    for choice in 0..<kernel.chosen {
      let column = choice..<choice + 1
      let picked = rows.next().rows(0..<own.partitions)
      builder.scalarTensorTensor(
        picked, ramp.rows(0..<own.partitions), .isEqual, own.columns(column).pointer, .multiply,
        source)
      builder.tensorReduce(result.columns(column), picked, .add)
    }
  }

  /// The first slot of each expert; stores the experts of the blocks.
  private mutating func findFirstSlots(_ builder: inout KernelBuilder) {
    let bank = banks.next(columns: kernel.experts)
    builder.matmul(bank, stationary: ones, moving: running)
    // Blocks of each expert: what is a half, less than a token, above a whole number rounds up.
    let (size, whole) = (Float(kernel.block), rows.next().reinterpreted(as: .int32))
    builder.tensorScalar(
      whole, bank, .add, .immediate(size / 2 - 0.5), .multiply, .immediate(1 / size))
    builder.copy(blocks, whole)
    builder.memset(first, 1)
    builder.scan(ends, first, .multiply, .add, blocks)
    builder.tensorTensor(first, ends, blocks, .subtract)
    builder.tensorScalar(first, first, .multiply, .immediate(size))
    for tile in pieces(kernel.blocks, 128) {
      let work = small.next().rows(0..<tile.count)
      builder.iota(
        work.columns(0..<1), start: tile.lowerBound, channelMultiplier: 1, steps: [1])
      let past = rows.next().rows(0..<tile.count)
      builder.tensorScalar(
        past, ends.rows(0..<tile.count), .lessEqual, work.columns(0..<1).pointer)
      builder.tensorReduce(work.columns(1..<2), past, .add)
      let owner = found.next().rows(0..<tile.count).columns(0..<1).reinterpreted(as: .int32)
      // Blocks behind the last are nobody's, and the last expert's.
      builder.tensorScalar(
        owner, work.columns(1..<2), .min, .immediate(Float(kernel.experts - 1)))
      builder.store(tensors[4].rows(tile), from: owner)
    }
  }

  /// The slots of 128 tokens' choices, and these tokens in them.
  private mutating func place(_ index: Int, _ builder: inout KernelBuilder) {
    let tile = tiles[index]
    let rank = ranks.block(index).rows(0..<tile.count)
    let own = choices.block(index).rows(0..<tile.count)
    let work = small.next().rows(0..<tile.count)
    let start = work.columns(0..<kernel.chosen)
    pick(first.rows(0..<tile.count), own, into: start, &builder)
    let slots = found.next().rows(0..<tile.count).columns(0..<kernel.chosen)
    builder.tensorTensor(slots, start, rank, .add)
    builder.store(tensors[2].rows(tile), from: slots)
    let token = work.columns(8..<9).reinterpreted(as: .uint32)
    builder.iota(token, start: tile.lowerBound, channelMultiplier: 1, steps: [1])
    for choice in 0..<kernel.chosen {
      builder.scatter(
        rowsOf: tensors[1], from: token, index: slots.columns(choice..<choice + 1))
    }
  }
}
