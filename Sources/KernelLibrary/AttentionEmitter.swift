import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits attention as a pipeline of three stages.
struct AttentionEmitter {
  let kernel: AttentionKernel
  private let units: [AttentionUnit]
  private var operands: AttentionOperands
  private var masks: AttentionMasks
  private let identity: Tile
  // What a unit leaves for the next stage.
  private var scores: BankPool
  private var probabilities: TilePool
  private var transposedBanks: BankPool
  private var transposed: TilePool
  private var products: BankPool
  private var statistics: TilePool
  // What rows keep from block to block.
  private var accumulators: TilePool
  private var outputs: TilePool

  /// What the stages of a unit hand on.
  private struct Live {
    var statistics: Tile
    var probabilities: Tile
    var transposed: Tile
    var accumulator: Tile
    var groupIndex: Int
  }
  private var live: [Live] = []
  private var output: Tile?

  /// Columns of the statistics of a unit.
  private enum Column: Int { case maximum, bias, rescale, sum, total, inverse }

  init(_ kernel: AttentionKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    units = kernel.units()
    identity = try builder.identity(128, kernel.format)
    masks = try AttentionMasks(kernel, identity: identity, &builder)
    operands = try AttentionOperands(kernel, tensors, &builder)
    let width = AttentionKernel.blockKeys
    scores = try builder.banks("scores", buffers: 2, banksPerBuffer: 2)
    probabilities = try builder.pool("P", buffers: 4, width, format: kernel.format)
    transposedBanks = try builder.banks("P transposed", buffers: 2)
    transposed = try builder.pool("P transposed", buffers: 3, 8, 128, format: kernel.format)
    products = try builder.banks("PV", buffers: 2)
    statistics = try builder.pool("statistics", buffers: 10, 6, format: .float32)
    accumulators = try builder.pool("accumulator", buffers: 6, kernel.size, format: .float32)
    let perRow = kernel.isDecode ? kernel.size : kernel.group * kernel.size
    outputs = try builder.pool("out", buffers: 3, perRow, format: kernel.format)
  }

  /// Steps from a unit's scores to its transposes: when the scores of unit i find their banks free,
  /// the exponential of unit i − 2 is done, and so the transposes wait for nothing more.
  private static let transposeLag = 2
  /// Steps from a unit's scores to its product with V: the copy of Pᵀ was then emitted before the
  /// exponential that the scores of this step wait for.
  static let productLag = 4

  mutating func emit(into builder: inout KernelBuilder) {
    let each = operands.unitsPerGroup
    for group in 0..<operands.groupsAhead where group * each < units.count {
      operands.load(units[group * each], &builder)
    }
    // A stage that runs later in a step belongs to an earlier unit.
    for step in 0..<units.count + Self.productLag {
      if step < units.count { emitScores(step, &builder) }
      let turned = step - Self.transposeLag
      if turned >= 0, turned < units.count { emitTransposes(turned, &builder) }
      if step >= Self.productLag { emitProduct(step - Self.productLag, &builder) }
      prefetch(after: step, &builder)
    }
  }

  /// K, V and Q of the next group come while a group is computed: as soon as no stage that is still
  /// to be emitted needs the buffers that they go to.
  private mutating func prefetch(after step: Int, _ builder: inout KernelBuilder) {
    let each = operands.unitsPerGroup
    guard step < units.count, step % each == min(Self.productLag - 1, each - 1) else { return }
    let next = (step / each + operands.groupsAhead) * each
    if next < units.count { operands.load(units[next], &builder) }
  }

  private func column(_ tile: Tile, _ column: Column) -> Tile {
    tile.columns(column.rawValue..<column.rawValue + 1)
  }

  /// Scores, their maximum and their exponential.
  private mutating func emitScores(_ index: Int, _ builder: inout KernelBuilder) {
    let unit = units[index]
    let previous = unit.isFirst ? nil : live.last
    let count = unit.rows.count
    let bank = scores.next(partitions: count, columns: unit.keys.count)
    let query = operands.query(unit.rows, unit.groupIndex)
    for cut in pieces(unit.keys.count, 512) {
      let keys = unit.keys.lowerBound + cut.lowerBound..<unit.keys.lowerBound + cut.upperBound
      builder.matmul(
        bank.columns(cut), stationary: query, moving: operands.keys(keys, unit.groupIndex))
    }
    masks.apply(to: bank, unit, &builder)
    let current = Live(
      statistics: statistics.next().rows(0..<count),
      probabilities: probabilities.next()[0..<count, 0..<unit.keys.count],
      transposed: transposed.next(),
      accumulator: previous?.accumulator ?? accumulators.next().rows(0..<count),
      groupIndex: unit.groupIndex)
    emitExponential(unit, bank, current, previous, &builder)
    live.append(current)
  }

  private func emitExponential(
    _ unit: AttentionUnit, _ bank: Tile, _ current: Live, _ previous: Live?,
    _ builder: inout KernelBuilder
  ) {
    // bias = −scale · maximum, so that larger maxima are smaller biases.
    let maximum = column(current.statistics, .maximum)
    let bias = column(current.statistics, .bias)
    let sum = column(current.statistics, .sum)
    builder.tensorReduce(maximum, bank, .max)
    if let previous {
      let before = column(previous.statistics, .bias)
      builder.tensorScalar(
        bias, maximum, .multiply, .immediate(-kernel.scale), .min, before.pointer)
      builder.activation(
        column(current.statistics, .rescale), .exp, before, scale: .immediate(-1),
        bias: bias.pointer)
    } else {
      builder.tensorScalar(bias, maximum, .multiply, .immediate(-kernel.scale))
    }
    builder.activation(
      current.probabilities, .exp, bank, scale: .immediate(kernel.scale), bias: bias.pointer,
      sum: sum)
  }

  /// Pᵀ: keys on partitions, in tiles of 128.
  private mutating func emitTransposes(_ index: Int, _ builder: inout KernelBuilder) {
    let unit = units[index]
    let current = live[index]
    let count = unit.rows.count
    let tiles = pieces(unit.keys.count, 128)
    let bank = transposedBanks.next(columns: 8 * 128, kernel.format).shaped(8, 128)
    for (position, tile) in tiles.enumerated() {
      builder.transpose(
        bank.block(position)[0..<tile.count, 0..<count],
        current.probabilities.columns(tile), identity: identity[0..<count, 0..<count])
    }
    // Both engines that read PSUM take part.
    let full = tiles.filter { $0.count == 128 }.count
    let engine = index % 3 == 0 ? Engine.vector : .scalar
    if full > 0 {
      builder.copy(
        current.transposed.blocks(0..<full).columns(0..<count),
        bank.blocks(0..<full).columns(0..<count), on: engine)
    }
    if full < tiles.count {
      let rest = tiles[full].count
      builder.copy(
        current.transposed.block(full)[0..<rest, 0..<count],
        bank.block(full)[0..<rest, 0..<count], on: engine)
    }
  }

  /// P · V, added to the rescaled output of earlier blocks; the last block divides and stores.
  private mutating func emitProduct(_ index: Int, _ builder: inout KernelBuilder) {
    let unit = units[index]
    let current = live[index]
    let count = unit.rows.count
    let bank = products.next(partitions: count, columns: kernel.size)
    for (position, tile) in pieces(unit.keys.count, 128).enumerated() {
      let keyTile = unit.keys.lowerBound / 128 + position
      builder.matmul(
        bank, stationary: current.transposed.block(position)[0..<tile.count, 0..<count],
        moving: operands.values(keyTile, tile.count, unit.groupIndex), accumulates: position > 0)
    }
    // The sum of the first block is the total so far.
    let sum = column(current.statistics, .sum)
    let total = unit.isFirst ? sum : column(current.statistics, .total)
    let isOnly = unit.isFirst && unit.isLast
    if !unit.isFirst {
      let before = live[index - 1].statistics
      let rescale = column(current.statistics, .rescale).pointer
      builder.scalarTensorTensor(
        total, column(before, units[index - 1].isFirst ? .sum : .total), .multiply, rescale, .add,
        sum)
      builder.scalarTensorTensor(
        current.accumulator, current.accumulator, .multiply, rescale, .add, bank)
    } else if !isOnly {
      builder.copy(current.accumulator, bank)
    }
    guard unit.isLast else { return }
    let inverse = column(current.statistics, .inverse)
    builder.reciprocal(inverse, total)
    finish(unit, isOnly ? bank : current.accumulator, inverse, &builder)
  }

  private mutating func finish(
    _ unit: AttentionUnit, _ source: Tile, _ inverse: Tile, _ builder: inout KernelBuilder
  ) {
    let rows = unit.rows
    let size = kernel.size
    guard let head = rows.head else {
      let out = outputs.next().rows(0..<rows.count)
      builder.tensorScalar(out, source, .multiply, inverse.pointer)
      operands.storeDecode(rows, from: out, &builder)
      return
    }
    if head == 0 || output == nil { output = outputs.next().rows(0..<rows.count) }
    guard let output else { return }
    builder.tensorScalar(
      output.columns(head * size..<(head + 1) * size), source, .multiply, inverse.pointer)
    if head == kernel.group - 1 { operands.store(rows, from: output, &builder) }
  }
}
