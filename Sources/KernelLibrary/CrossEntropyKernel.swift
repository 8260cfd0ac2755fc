import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Mean cross-entropy of logits against target classes, and its gradient:
/// loss = mean over rows of (log Σ exp(x) − x[target]); gradient = (softmax(x) − onehot) / rows.
///
/// Layout: rows on partitions. Classes are walked in chunks that fit SBUF, with a running maximum
/// and a running sum that is rescaled when the maximum grows; with more than one chunk the logits
/// are read a second time for the gradient. The target's place is where a row of class numbers equals
/// it. The sum of the losses over partitions is a product with a column of 1 / rows.
/// Bound: the vector engine, about five passes per element.
///
/// Parameters in order: logits [rows, classes], target [rows, 1] int32, loss [1, 1] fp32,
/// gradient [rows, classes].
package struct CrossEntropyKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Classes: fewer than 2²⁴.
  package var classes: Int
  /// Format of logits.
  package var format: NumberFormat
  /// Format of the gradient.
  package var gradient: NumberFormat
  /// Classes that are handled at a time.
  package var chunk = 2048

  /// The loss of [rows, classes] logits.
  package init(
    rows: Int, classes: Int, format: NumberFormat = .bfloat16, gradient: NumberFormat? = nil
  ) {
    self.rows = rows
    self.classes = classes
    self.format = format
    self.gradient = gradient ?? format
  }

  package var name: String { "cross-entropy \(rows)x\(classes) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("logits", [rows, classes], format),
      KernelParameter("target", [rows, 1], .int32),
      KernelParameter("loss", [1, 1], .float32, .output),
      KernelParameter("gradient", [rows, classes], gradient, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard classes < 1 << 24 else {
      throw unsupported("\(classes) classes", allowed: "fewer than 16,777,216")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try CrossEntropyEmitter(self, tensors, &builder)
      for tile in pieces(rows, 128) { emitter.emit(tile, into: &builder) }
      emitter.finish(into: &builder)
    }
  }
}

/// Emits cross-entropy for tiles of rows.
struct CrossEntropyEmitter {
  private let kernel: CrossEntropyKernel
  private let tensors: [TensorHandle]
  private let chunks: [Range<Int>]
  private let numbers: Tile
  private let weights: Tile
  private var inputs: TilePool
  private var scratch: TilePool
  private var outputs: TilePool
  private var statistics: TilePool
  private var targets: TilePool
  private let total: Tile
  private let result: Tile

  /// Columns of the statistics of a tile of rows.
  private enum Column: Int {
    case target, maximum, chunkMaximum, negativeMaximum, rescale, sum, chunkSum, picked, chunkPicked
    case inverse, loss, shifted
    static let count = 12
  }

  init(_ kernel: CrossEntropyKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    chunks = pieces(kernel.classes, kernel.chunk)
    let width = min(kernel.classes, kernel.chunk)
    numbers = try builder.tile("class numbers", width, format: .float32)
    builder.iota(numbers, steps: [1])
    weights = try builder.tile("1/rows", 1, format: .float32)
    builder.memset(weights, 1 / Float(kernel.rows))
    inputs = try builder.pool("logits", buffers: 3, width, format: kernel.format)
    scratch = try builder.pool("scratch", buffers: 3, width, format: .float32)
    outputs = try builder.pool("gradient", buffers: 2, width, format: kernel.gradient)
    // Two columns per quantity, used in turn from chunk to chunk.
    statistics = try builder.pool(
      "statistics", buffers: 3, 2, Column.count, format: .float32)
    targets = try builder.pool("target", buffers: 3, 1, format: .int32)
    var banks = try builder.banks("loss", buffers: 1)
    total = banks.next(partitions: 1, columns: 1)
    result = try builder.tile("loss", partitions: 1, 1, format: .float32)
  }

  private func column(_ tile: Tile, _ column: Column, _ turn: Int = 0) -> Tile {
    tile.block(turn % 2).columns(column.rawValue..<column.rawValue + 1)
  }

  mutating func emit(_ rows: Range<Int>, into builder: inout KernelBuilder) {
    let table = statistics.next().rows(0..<rows.count)
    let target = targets.next().rows(0..<rows.count)
    builder.load(target, from: tensors[1].rows(rows), on: .scalar)
    builder.copy(column(table, .target), target)
    var logits = Tile(.init())
    for (turn, chunk) in chunks.enumerated() {
      logits = load(rows, chunk, &builder)
      accumulate(logits, chunk, turn, table, &builder)
    }
    let last = chunks.count - 1
    finishRows(table, last, isFirst: rows.lowerBound == 0, isLast: rows.upperBound == kernel.rows, &builder)
    for chunk in chunks {
      // A single chunk is still there.
      if chunks.count > 1 { logits = load(rows, chunk, &builder) }
      emitGradient(logits, rows, chunk, last, table, &builder)
    }
  }

  private mutating func load(
    _ rows: Range<Int>, _ chunk: Range<Int>, _ builder: inout KernelBuilder
  ) -> Tile {
    let tile = inputs.next()[0..<rows.count, 0..<chunk.count]
    builder.load(tile, from: tensors[0].block(rows: rows, columns: chunk))
    return tile
  }

  /// The target's number within a chunk: no class of another chunk equals it.
  private func shifted(
    _ table: Tile, _ chunk: Range<Int>, _ turn: Int, _ builder: inout KernelBuilder
  ) -> Tile {
    guard chunk.lowerBound > 0 else { return column(table, .target) }
    let place = column(table, .shifted, turn)
    builder.tensorScalar(
      place, column(table, .target), .subtract, .immediate(Float(chunk.lowerBound)))
    return place
  }

  /// Takes a chunk into the running maximum, sum and target logit.
  private mutating func accumulate(
    _ logits: Tile, _ chunk: Range<Int>, _ turn: Int, _ table: Tile,
    _ builder: inout KernelBuilder
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
    let exponentials = scratch.next()[0..<logits.partitions, 0..<chunk.count]
    let sum = column(table, .sum, turn)
    builder.activation(
      exponentials, .exp, logits, bias: negative.pointer,
      sum: turn == 0 ? sum : column(table, .chunkSum))
    if turn > 0 {
      let rescale = column(table, .rescale)
      builder.activation(
        rescale, .exp, column(table, .maximum, turn - 1), bias: negative.pointer)
      builder.scalarTensorTensor(
        sum, column(table, .sum, turn - 1), .multiply, rescale.pointer, .add,
        column(table, .chunkSum))
    }
    let masked = scratch.next()[0..<logits.partitions, 0..<chunk.count]
    builder.scalarTensorTensor(
      masked, numbers[0..<logits.partitions, 0..<chunk.count], .isEqual,
      shifted(table, chunk, turn, &builder).pointer, .multiply, logits)
    let picked = column(table, .picked, turn)
    builder.tensorReduce(turn == 0 ? picked : column(table, .chunkPicked), masked, .add)
    if turn > 0 {
      builder.tensorTensor(
        picked, column(table, .picked, turn - 1), column(table, .chunkPicked), .add)
    }
  }

  /// log Σ exp + maximum − target logit, and what the gradient needs.
  private func finishRows(
    _ table: Tile, _ turn: Int, isFirst: Bool, isLast: Bool, _ builder: inout KernelBuilder
  ) {
    let loss = column(table, .loss)
    builder.activation(loss, .log, column(table, .sum, turn))
    builder.tensorTensor(loss, loss, column(table, .maximum, turn), .add)
    builder.tensorTensor(loss, loss, column(table, .picked, turn), .subtract)
    builder.matmul(
      total, stationary: loss, moving: weights.rows(0..<table.partitions), accumulates: !isFirst)
    let inverse = column(table, .inverse)
    builder.reciprocal(inverse, column(table, .sum, turn))
    builder.tensorScalar(inverse, inverse, .multiply, .immediate(1 / Float(kernel.rows)))
  }

  private mutating func emitGradient(
    _ logits: Tile, _ rows: Range<Int>, _ chunk: Range<Int>, _ turn: Int, _ table: Tile,
    _ builder: inout KernelBuilder
  ) {
    let exponentials = scratch.next()[0..<rows.count, 0..<chunk.count]
    builder.activation(
      exponentials, .exp, logits, bias: column(table, .negativeMaximum, turn).pointer)
    let oneHot = scratch.next()[0..<rows.count, 0..<chunk.count]
    builder.tensorScalar(
      oneHot, numbers[0..<rows.count, 0..<chunk.count], .isEqual,
      shifted(table, chunk, turn, &builder).pointer, .multiply, .immediate(1 / Float(kernel.rows)))
    let out = outputs.next()[0..<rows.count, 0..<chunk.count]
    builder.scalarTensorTensor(
      out, exponentials, .multiply, column(table, .inverse).pointer, .subtract, oneHot)
    builder.store(tensors[3].block(rows: rows, columns: chunk), from: out, on: .scalar)
  }

  mutating func finish(into builder: inout KernelBuilder) {
    builder.copy(result, total)
    builder.store(tensors[2].rows(0..<1), from: result)
  }
}
