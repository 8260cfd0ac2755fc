import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the gradient of attention, head by head.
struct AttentionGradientEmitter {
  private let kernel: AttentionGradientKernel
  private let tensors: [TensorHandle]
  private let identity: Tile
  private let tiles: Int
  private let blocks: Int
  // One head, whole.
  private let turnedQueries: Tile
  private let turnedSlopes: Tile
  private let queryGradients: Tile
  private let keyGradients: Tile
  private let valueGradients: Tile
  // Statistics: maxima and sums of each tile of queries and block of keys.
  private let maxima: Tile
  private let sums: Tile
  private let top: Tile
  private let total: Tile
  /// Less the logarithm of each row's sum of exponentials.
  private let shifts: Tile
  /// The sums of dO · O.
  private let products: Tile
  // One block of keys.
  private var turnedKeys: TilePool
  private var turnedValues: TilePool
  private var keyRows: TilePool
  // One step.
  private var queryRows: TilePool
  private var slopeRows: TilePool
  private var outputRows: TilePool
  private var wide: TilePool
  private var biases: TilePool
  private var masked: TilePool
  private var probabilities: TilePool
  private var scoreGradients: TilePool
  private var turnedGradients: TilePool
  private var results: TilePool
  // PSUM.
  private var scoreBanks: BankPool
  private var slopeBanks: BankPool
  private var keyBanks: BankPool
  private var valueBanks: BankPool
  private var turnedBanks: BankPool
  private var queryBanks: BankPool

  /// What the products of a step read.
  private struct Live {
    var step: AttentionGradientStep
    var probabilities: Tile
    var gradients: Tile
    var queries: Tile
    var slopes: Tile
    var turned: Tile?
  }

  /// Operands of a block of keys, and where its gradients gather.
  private struct Block {
    var keys: Range<Int>
    var turnedKeys: Tile
    var turnedValues: Tile
    var rows: Tile
    var keyBank: Tile
    var valueBank: Tile
    var started: Set<Int> = []
  }

  init(
    _ kernel: AttentionGradientKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    let (size, format) = (kernel.size, kernel.format)
    let keys = AttentionGradientKernel.blockKeys
    tiles = ceilDivide(kernel.queries, 128)
    blocks = ceilDivide(kernel.keys, keys)
    let keyTiles = ceilDivide(kernel.keys, 128)
    identity = try builder.identity(128, format)
    turnedQueries = try builder.tile("Qᵀ", partitions: size, kernel.queries, format: format)
    turnedSlopes = try builder.tile("dOᵀ", partitions: size, kernel.queries, format: format)
    queryGradients = try builder.tile("dQ", tiles, size, format: .float32)
    keyGradients = try builder.tile("dK", keyTiles, size, format: .float32)
    valueGradients = try builder.tile("dV", keyTiles, size, format: .float32)
    maxima = try builder.tile("maxima", tiles, blocks, format: .float32)
    sums = try builder.tile("sums", tiles, blocks, format: .float32)
    top = try builder.tile("maximum", tiles, format: .float32)
    total = try builder.tile("sum", tiles, format: .float32)
    shifts = try builder.tile("shift", tiles, format: .float32)
    products = try builder.tile("dO·O", tiles, format: .float32)
    turnedKeys = try builder.pool("Kᵀ", buffers: 2, partitions: size, keys, format: format)
    turnedValues = try builder.pool("Vᵀ", buffers: 2, partitions: size, keys, format: format)
    keyRows = try builder.pool("K", buffers: 2, keys / 128, size, format: format)
    queryRows = try builder.pool("Q", buffers: 4, size, format: format)
    slopeRows = try builder.pool("dO", buffers: 4, size, format: format)
    outputRows = try builder.pool("O", buffers: 2, size, format: format)
    wide = try builder.pool("dO·O each", buffers: 2, size, format: .float32)
    biases = try builder.pool("bias", buffers: 4, 1, format: .float32)
    masked = try builder.pool("masked", buffers: 2, keys, format: .float32)
    probabilities = try builder.pool("P", buffers: 3, keys, format: format)
    scoreGradients = try builder.pool("dS", buffers: 3, keys, format: format)
    turnedGradients = try builder.pool("dSᵀ", buffers: 2, keys / 128, 128, format: format)
    results = try builder.pool("result", buffers: 2, keys / 128, size, format: format)
    scoreBanks = try builder.banks("scores", buffers: 2)
    slopeBanks = try builder.banks("dP", buffers: 2)
    keyBanks = try builder.banks("dK sums", buffers: 1)
    valueBanks = try builder.banks("dV sums", buffers: 1)
    turnedBanks = try builder.banks("dS turned", buffers: 1)
    queryBanks = try builder.banks("dQ sums", buffers: 1)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    for batch in 0..<kernel.batch {
      for kvHead in 0..<kernel.kvHeads {
        for member in 0..<kernel.group {
          let head = kvHead * kernel.group + member
          loadHead(batch, head, &builder)
          emitStatistics(batch, kvHead, &builder)
          emitProducts(batch, head, &builder)
          for block in 0..<blocks {
            emitBlock(block, batch, kvHead, head, &builder)
          }
          storeQueries(batch, head, &builder)
        }
      }
    }
  }

  // MARK: Where things lie

  private func queryRange(_ tile: Int) -> Range<Int> {
    tile * 128..<min(kernel.queries, tile * 128 + 128)
  }

  /// A tile of queries of one head in q, out or slope.
  private func rows(_ tensor: Int, _ batch: Int, _ head: Int, _ tile: Int) -> (
    rows: Range<Int>, columns: Range<Int>
  ) {
    let range = queryRange(tile)
    let first = batch * kernel.queries
    return (
      first + range.lowerBound..<first + range.upperBound,
      head * kernel.size..<(head + 1) * kernel.size
    )
  }

  private mutating func load(
    _ tile: Tile, _ tensor: Int, _ batch: Int, _ head: Int, _ position: Int,
    _ builder: inout KernelBuilder
  ) -> Tile {
    let place = rows(tensor, batch, head, position)
    let target = tile.rows(0..<place.rows.count)
    builder.load(
      target, from: tensors[tensor].block(rows: place.rows, columns: place.columns))
    return target
  }

  private func loadHead(_ batch: Int, _ head: Int, _ builder: inout KernelBuilder) {
    for tile in 0..<tiles {
      let place = rows(0, batch, head, tile)
      for (target, tensor) in [(turnedQueries, tensors[0]), (turnedSlopes, tensors[4])] {
        builder.loadTransposedRows(
          target.columns(queryRange(tile)), from: tensor, rows: place.rows,
          columns: place.columns)
      }
    }
  }

  private func keyRange(_ block: Int) -> Range<Int> {
    let first = block * AttentionGradientKernel.blockKeys
    return first..<min(kernel.keys, first + AttentionGradientKernel.blockKeys)
  }

  private func loadTurned(
    _ target: Tile, _ tensor: Int, _ batch: Int, _ kvHead: Int, _ keys: Range<Int>,
    _ builder: inout KernelBuilder
  ) -> Tile {
    let tile = target.columns(0..<keys.count)
    let first = batch * kernel.keys
    builder.loadTransposedRows(
      tile, from: tensors[tensor], rows: first + keys.lowerBound..<first + keys.upperBound,
      columns: kvHead * kernel.size..<(kvHead + 1) * kernel.size)
    return tile
  }

  // MARK: Statistics

  /// Scores [queries, keys] of a step; hidden ones are far below all others.
  private mutating func scores(
    _ step: AttentionGradientStep, _ keys: Tile, _ builder: inout KernelBuilder
  ) -> Tile {
    let bank = scoreBanks.next(partitions: step.rows, columns: step.width)
    builder.matmul(
      bank, stationary: turnedQueries.columns(queryRange(step.tile)),
      moving: keys.columns(0..<step.width))
    guard step.isPartial else { return bank }
    let tile = masked.next()[0..<step.rows, 0..<step.width]
    builder.copy(tile, bank)
    builder.affineSelect(
      tile, tile, .greaterEqual, start: step.distance, channelMultiplier: 1, steps: [-1],
      onFalse: PrefillMasks.lowest)
    return tile
  }

  /// Less the logarithm of each row's sum of exponentials, for all queries of the head.
  private mutating func emitStatistics(
    _ batch: Int, _ kvHead: Int, _ builder: inout KernelBuilder
  ) {
    builder.memset(maxima, PrefillMasks.lowest, on: .gpsimd)
    builder.memset(sums, 0, on: .gpsimd)
    for block in 0..<blocks {
      let keys = loadTurned(turnedKeys.next(), 1, batch, kvHead, keyRange(block), &builder)
      for step in kernel.steps(block: block) {
        let scores = scores(step, keys, &builder)
        let column = { (tile: Tile) in
          tile.block(step.tile)[0..<step.rows, block..<block + 1]
        }
        builder.tensorReduce(column(maxima), scores, .max)
        let bias = biases.next().rows(0..<step.rows)
        builder.tensorScalar(bias, column(maxima), .multiply, .immediate(-kernel.scale))
        builder.activation(
          probabilities.next()[0..<step.rows, 0..<step.width], .exp, scores,
          scale: .immediate(kernel.scale), bias: bias.pointer, sum: column(sums))
      }
    }
    builder.tensorReduce(top, maxima, .max)
    builder.tensorTensor(
      maxima, maxima, top.viewed(sizes: [tiles, blocks], strides: [1, 0]), .subtract)
    builder.activation(maxima, .exp, maxima, scale: .immediate(kernel.scale))
    builder.tensorTensor(sums, sums, maxima, .multiply)
    builder.tensorReduce(total, sums, .add)
    builder.activation(total, .log, total)
    builder.scalarTensorTensor(
      shifts, top, .multiply, .immediate(-kernel.scale), .subtract, total)
  }

  /// The sums of dO · O over the elements of the head.
  private mutating func emitProducts(
    _ batch: Int, _ head: Int, _ builder: inout KernelBuilder
  ) {
    for tile in 0..<tiles {
      let output = load(outputRows.next(), 3, batch, head, tile, &builder)
      let slope = load(slopeRows.next(), 4, batch, head, tile, &builder)
      let each = wide.next().rows(0..<output.partitions)
      builder.tensorTensor(each, output, slope, .multiply)
      builder.tensorReduce(
        products.columns(tile..<tile + 1).rows(0..<output.partitions), each, .add)
    }
  }

  // MARK: Gradients

  private mutating func emitBlock(
    _ index: Int, _ batch: Int, _ kvHead: Int, _ head: Int, _ builder: inout KernelBuilder
  ) {
    var block = open(index, batch, kvHead, &builder)
    var live: [Live] = []
    let steps = kernel.steps(block: index)
    // Scores, then products of the step before, then dQ of the one before that.
    for position in 0..<steps.count + 2 {
      if position < steps.count {
        live.append(begin(steps[position], block, batch, head, &builder))
      }
      if (1...steps.count).contains(position) {
        live[position - 1].turned = multiply(live[position - 1], &block, &builder)
      }
      if position >= 2 { finish(live[position - 2], block, isFirst: index == 0, &builder) }
    }
    close(block, batch, kvHead, head, &builder)
  }

  private mutating func open(
    _ index: Int, _ batch: Int, _ kvHead: Int, _ builder: inout KernelBuilder
  ) -> Block {
    let keys = keyRange(index)
    let rows = keyRows.next()
    for (position, cut) in pieces(keys.count, 128).enumerated() {
      let first = batch * kernel.keys + keys.lowerBound + cut.lowerBound
      builder.load(
        rows.block(position).rows(0..<cut.count),
        from: tensors[1].block(
          rows: first..<first + cut.count,
          columns: kvHead * kernel.size..<(kvHead + 1) * kernel.size))
    }
    let columns = ceilDivide(keys.count, 128) * kernel.size
    return Block(
      keys: keys, turnedKeys: loadTurned(turnedKeys.next(), 1, batch, kvHead, keys, &builder),
      turnedValues: loadTurned(turnedValues.next(), 2, batch, kvHead, keys, &builder),
      rows: rows, keyBank: keyBanks.next(columns: columns),
      valueBank: valueBanks.next(columns: columns))
  }

  /// Probabilities and their gradients, queries on partitions.
  private mutating func begin(
    _ step: AttentionGradientStep, _ block: Block, _ batch: Int, _ head: Int,
    _ builder: inout KernelBuilder
  ) -> Live {
    let queries = load(queryRows.next(), 0, batch, head, step.tile, &builder)
    let slopes = load(slopeRows.next(), 4, batch, head, step.tile, &builder)
    let scores = scores(step, block.turnedKeys, &builder)
    let probability = probabilities.next()[0..<step.rows, 0..<step.width]
    let column = step.tile..<step.tile + 1
    builder.activation(
      probability, .exp, scores, scale: .immediate(kernel.scale),
      bias: shifts[0..<step.rows, column].pointer)
    let bank = slopeBanks.next(partitions: step.rows, columns: step.width)
    builder.matmul(
      bank, stationary: turnedSlopes.columns(queryRange(step.tile)),
      moving: block.turnedValues.columns(0..<step.width))
    let gradient = scoreGradients.next()[0..<step.rows, 0..<step.width]
    builder.scalarTensorTensor(
      gradient, bank, .subtract, products[0..<step.rows, column].pointer, .multiply, probability)
    return Live(
      step: step, probabilities: probability, gradients: gradient, queries: queries,
      slopes: slopes)
  }

  /// What the step adds to dK and dV; returns dSᵀ.
  private mutating func multiply(
    _ live: Live, _ block: inout Block, _ builder: inout KernelBuilder
  ) -> Tile {
    let rows = live.step.rows
    let bank = turnedBanks.next(columns: 512, builder.turnedFormat(kernel.format))
    let turned = turnedGradients.next()
    let cuts = pieces(live.step.width, 128)
    for (position, cut) in cuts.enumerated() {
      let sums = position * kernel.size..<(position + 1) * kernel.size
      let isStarted = !block.started.insert(position).inserted
      builder.matmul(
        block.valueBank[0..<cut.count, sums], stationary: live.probabilities.columns(cut),
        moving: live.slopes, accumulates: isStarted)
      builder.matmul(
        block.keyBank[0..<cut.count, sums], stationary: live.gradients.columns(cut),
        moving: live.queries, accumulates: isStarted)
      builder.transpose(
        bank[0..<cut.count, position * 128..<position * 128 + rows], live.gradients.columns(cut),
        identity: identity[0..<rows, 0..<rows])
    }
    for (position, cut) in cuts.enumerated() {
      builder.copy(
        turned.block(position)[0..<cut.count, 0..<rows],
        bank[0..<cut.count, position * 128..<position * 128 + rows],
        on: position % 2 == 0 ? .scalar : .vector)
    }
    return turned
  }

  /// What the step adds to dQ.
  private mutating func finish(
    _ live: Live, _ block: Block, isFirst: Bool, _ builder: inout KernelBuilder
  ) {
    guard let turned = live.turned else { return }
    let bank = queryBanks.next(partitions: live.step.rows, columns: kernel.size)
    for (position, cut) in pieces(live.step.width, 128).enumerated() {
      builder.matmul(
        bank, stationary: turned.block(position)[0..<cut.count, 0..<live.step.rows],
        moving: block.rows.block(position).rows(0..<cut.count), accumulates: position > 0)
    }
    let target = queryGradients.block(live.step.tile).rows(0..<live.step.rows)
    if isFirst {
      builder.copy(target, bank)
    } else {
      builder.tensorTensor(target, target, bank, .add)
    }
  }

  // MARK: Results

  /// Adds a block's dK and dV to those of the group's heads before, and stores them after the last.
  private mutating func close(
    _ block: Block, _ batch: Int, _ kvHead: Int, _ head: Int, _ builder: inout KernelBuilder
  ) {
    let member = head - kvHead * kernel.group
    for (bank, sums, tensor, scale) in [
      (block.keyBank, keyGradients, 6, kernel.scale), (block.valueBank, valueGradients, 7, 1),
    ] {
      let output = results.next()
      for (position, cut) in pieces(block.keys.count, 128).enumerated() {
        let source = bank[
          0..<cut.count, position * kernel.size..<(position + 1) * kernel.size]
        let target = sums.block(block.keys.lowerBound / 128 + position).rows(0..<cut.count)
        if member == 0 {
          builder.copy(target, source)
        } else {
          builder.tensorTensor(target, target, source, .add)
        }
        guard member == kernel.group - 1 else { continue }
        let row = batch * kernel.keys + block.keys.lowerBound + cut.lowerBound
        store(
          target, output.block(position), scale, to: tensors[tensor], row: row,
          column: kvHead * kernel.size, &builder)
      }
    }
  }

  private mutating func storeQueries(
    _ batch: Int, _ head: Int, _ builder: inout KernelBuilder
  ) {
    for cut in pieces(tiles, 4) {
      let output = results.next()
      for tile in cut {
        let place = rows(0, batch, head, tile)
        store(
          queryGradients.block(tile).rows(0..<place.rows.count),
          output.block(tile - cut.lowerBound), kernel.scale, to: tensors[5],
          row: place.rows.lowerBound, column: place.columns.lowerBound, &builder)
      }
    }
  }

  /// Scales, rounds and stores a tile of rows.
  private func store(
    _ sums: Tile, _ output: Tile, _ scale: Float, to tensor: TensorHandle, row: Int, column: Int,
    _ builder: inout KernelBuilder
  ) {
    let rounded = output.rows(0..<sums.partitions)
    builder.activation(rounded, .identity, sums, scale: .immediate(scale))
    builder.store(
      tensor.block(
        rows: row..<row + sums.partitions, columns: column..<column + kernel.size),
      from: rounded, on: .scalar)
  }
}
