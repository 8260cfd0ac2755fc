import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits cross-entropy for tiles of rows.
struct CrossEntropyEmitter {
  private let kernel: CrossEntropyKernel
  private let tensors: [TensorHandle]
  private let chunks: [Range<Int>]
  private let weights: Tile
  private let rowStarts: Tile
  private var inputs: TilePool
  private var scratch: TilePool
  private var outputs: TilePool
  private var statistics: TilePool
  private var targets: TilePool
  private var indices: TilePool
  private var picks: TilePool
  private var corrections: TilePool
  private let total: Tile
  private let result: Tile

  /// Columns of the statistics of a tile of rows.
  private enum Column: Int, CaseIterable {
    case maximum, chunkMaximum, negativeMaximum, rescale, sum, chunkSum, picked, loss, shift
    case logarithm, target
  }

  /// One pass over a chunk of a tile of rows.
  private struct Pass {
    var rows: Range<Int>
    var chunk: Int
    var isGradient: Bool
  }

  init(_ kernel: CrossEntropyKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    chunks = pieces(kernel.classes, kernel.chunk)
    let width = min(kernel.classes, kernel.chunk)
    weights = try builder.tile("1/rows", 1, format: .float32)
    builder.memset(weights, 1 / Float(kernel.rows))
    // Where each partition's row begins, in elements of the tile of rows.
    rowStarts = try builder.tile("row starts", 1, format: .float32)
    builder.iota(rowStarts, channelMultiplier: kernel.classes, steps: [0])
    inputs = try builder.pool("logits", buffers: 4, width, format: kernel.format)
    scratch = try builder.pool("exponentials", buffers: 2, width, format: .bfloat16)
    outputs = try builder.pool("gradient", buffers: 3, width, format: kernel.gradient)
    // Two columns per quantity, used in turn from chunk to chunk.
    statistics = try builder.pool(
      "statistics", buffers: 4, 2, Column.allCases.count, format: .float32)
    targets = try builder.pool("target", buffers: 4, 1, format: .int32)
    indices = try builder.pool("index", buffers: 4, 1, format: .uint32)
    picks = try builder.pool("target logit", buffers: 4, 1, format: kernel.format)
    corrections = try builder.pool("correction", buffers: 4, 1, format: kernel.gradient)
    var banks = try builder.banks("loss", buffers: 1)
    total = banks.next(partitions: 1, columns: 1)
    result = try builder.tile("loss", partitions: 1, 1, format: .float32)
  }

  private func column(_ tile: Tile, _ column: Column, _ turn: Int = 0) -> Tile {
    tile.block(turn % 2).columns(column.rawValue..<column.rawValue + 1)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    var passes: [Pass] = []
    for rows in pieces(kernel.rows, 128) {
      passes += chunks.indices.map { Pass(rows: rows, chunk: $0, isGradient: false) }
      passes += chunks.indices.map { Pass(rows: rows, chunk: $0, isGradient: true) }
    }
    // A single chunk is still there for its gradient.
    let isSingle = chunks.count == 1
    var loaded: [Tile] = []
    var table = statistics.next()
    var index = Tile(.init())
    let ahead = isSingle ? 4 : 3
    for (position, pass) in passes.enumerated() {
      while loaded.count < min(passes.count, position + ahead) {
        let next = passes[loaded.count]
        loaded.append(isSingle && next.isGradient ? loaded.last! : load(next, &builder))
      }
      if !pass.isGradient {
        if pass.chunk == 0 {
          table = statistics.next().rows(0..<pass.rows.count)
          index = indices.next().rows(0..<pass.rows.count)
          pick(pass.rows, table, index, &builder)
        }
        accumulate(loaded[position], pass.chunk, table, &builder)
        if pass.chunk == chunks.count - 1 { finishRows(pass.rows, table, &builder) }
      } else {
        emitGradient(loaded[position], pass, table, &builder)
        if pass.chunk == chunks.count - 1 { correct(pass.rows, table, index, &builder) }
      }
    }
    builder.copy(result, total)
    builder.store(tensors[2].rows(0..<1), from: result)
  }

  private mutating func load(_ pass: Pass, _ builder: inout KernelBuilder) -> Tile {
    let chunk = chunks[pass.chunk]
    let tile = inputs.next()[0..<pass.rows.count, 0..<chunk.count]
    builder.load(tile, from: tensors[0].block(rows: pass.rows, columns: chunk))
    return tile
  }

  /// The rows' place in a tensor of single elements.
  private func elements(_ tensor: TensorHandle, _ rows: Range<Int>) -> TensorAccess {
    tensor.access(offset: rows.lowerBound * tensor.columns, sizes: [1, 1], strides: [1, 1])
  }

  /// The target logit of each row: GpSimd fetches single elements.
  private mutating func pick(
    _ rows: Range<Int>, _ table: Tile, _ index: Tile, _ builder: inout KernelBuilder
  ) {
    let target = targets.next().rows(0..<rows.count)
    builder.load(target, from: tensors[1].rows(rows), on: .gpsimd)
    // Exact: a tile of rows has fewer than 2²⁴ elements.
    builder.tensorTensor(index, rowStarts.rows(0..<rows.count), target, .add)
    let logit = picks.next()[0..<rows.count, 0..<1]
    builder.gather(
      logit, elements: elements(tensors[0], rows), count: rows.count * kernel.classes,
      index: index)
    builder.copy(column(table, .picked), logit)
  }

  /// Takes a chunk into the running maximum and sum.
  private mutating func accumulate(
    _ logits: Tile, _ turn: Int, _ table: Tile, _ builder: inout KernelBuilder
  ) {
    let maximum = column(table, .maximum, turn)
    let negative = column(table, .negativeMaximum, turn)
    if turn == 0 {
      builder.tensorReduce(maximum, logits, .max)
    } else {
      let own = column(table, .chunkMaximum)
      builder.tensorReduce(own, logits, .max)
      builder.tensorTensor(maximum, own, column(table, .maximum, turn - 1), .max)
    }
    builder.tensorScalar(negative, maximum, .multiply, .immediate(-1))
    let sum = column(table, .sum, turn)
    builder.activation(
      scratch.next()[0..<logits.partitions, 0..<logits.columns], .exp, logits,
      bias: negative.pointer, sum: turn == 0 ? sum : column(table, .chunkSum, turn))
    guard turn > 0 else { return }
    builder.activation(
      column(table, .rescale, turn), .exp, column(table, .maximum, turn - 1),
      bias: negative.pointer)
    // The chunk before this one is added now: the vector engine would otherwise wait for the scalar
    // engine before it could go on with the next maximum.
    addSum(turn - 1, table, &builder)
  }

  /// Adds a chunk's sum to the rescaled sum of those before it.
  private func addSum(_ turn: Int, _ table: Tile, _ builder: inout KernelBuilder) {
    guard turn > 0 else { return }
    builder.scalarTensorTensor(
      column(table, .sum, turn), column(table, .sum, turn - 1), .multiply,
      column(table, .rescale, turn).pointer, .add, column(table, .chunkSum, turn))
  }

  /// log Σ exp + maximum − target logit, summed over rows, and the shift of the gradient.
  private func finishRows(
    _ rows: Range<Int>, _ table: Tile, _ builder: inout KernelBuilder
  ) {
    let turn = chunks.count - 1
    addSum(turn, table, &builder)
    let logarithm = column(table, .logarithm)
    builder.activation(logarithm, .log, column(table, .sum, turn))
    builder.tensorTensor(logarithm, logarithm, column(table, .maximum, turn), .add)
    let loss = column(table, .loss)
    builder.tensorTensor(loss, logarithm, column(table, .picked), .subtract)
    builder.matmul(
      total, stationary: loss, moving: weights.rows(0..<table.partitions),
      accumulates: rows.lowerBound > 0)
    // exp(x + shift) = softmax(x) / rows.
    builder.tensorScalar(
      column(table, .shift), logarithm, .multiply, .immediate(-1), .subtract,
      .immediate(Self.logarithm(of: kernel.rows)))
  }

  private mutating func emitGradient(
    _ logits: Tile, _ pass: Pass, _ table: Tile, _ builder: inout KernelBuilder
  ) {
    let out = outputs.next()[0..<pass.rows.count, 0..<logits.columns]
    builder.activation(out, .exp, logits, bias: column(table, .shift).pointer)
    builder.store(
      tensors[3].block(rows: pass.rows, columns: chunks[pass.chunk]), from: out)
  }

  /// Subtracts 1 / rows at the target of each row: GpSimd writes single elements.
  private mutating func correct(
    _ rows: Range<Int>, _ table: Tile, _ index: Tile, _ builder: inout KernelBuilder
  ) {
    let target = column(table, .target)
    builder.activation(target, .exp, column(table, .picked), bias: column(table, .shift).pointer)
    let value = corrections.next()[0..<rows.count, 0..<1]
    builder.tensorScalar(value, target, .subtract, .immediate(1 / Float(kernel.rows)))
    builder.scatter(
      elements: elements(tensors[3], rows), count: rows.count * kernel.classes, from: value,
      index: index)
  }

  /// log of a whole number, by halving and a series.
  private static func logarithm(of count: Int) -> Float {
    let power = Double(count).exponent
    let rest = Double(count).significand
    let z = (rest - 1) / (rest + 1)
    var sum = 0.0
    var term = z
    for index in 0..<40 {
      sum += term / Double(2 * index + 1)
      term *= z * z
    }
    return Float(2 * sum + Double(power) * 0.693_147_180_559_945_309)
  }
}
