import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// What happens to a finished tile of a product on its way from PSUM to HBM: scale, bias,
/// activation, residual, cast, store.
struct MatmulEpilogue {
  private let kernel: MatmulKernel
  private let out: TensorHandle
  private let residual: TensorHandle?
  private var results: TilePool
  private var sums: TilePool?
  private var residuals: TilePool?
  private var columnBias: Tile?
  private var columnBiasSource: TensorHandle?
  private var rowBias: Tile?
  private var row = Tile(.init())
  private var rowResidual: Tile?
  private var turn = 0

  private static let resultBuffers = 3

  /// Bytes per partition that the epilogue takes for blocks of that many columns.
  static func bytes(_ kernel: MatmulKernel, columns: Int) -> Int {
    let row = columns * kernel.output.sizeBytes
    return row * resultBuffers + (kernel.hasResidual ? 2 * row : 0)
      + (kernel.bias == .perColumn ? kernel.n * 4 + 2 * 512 * 4 : 0)
      + (kernel.bias == .perRow ? ceilDivide(kernel.m, 128) * 4 + 64 : 0)
  }

  init(
    _ kernel: MatmulKernel, _ tensors: [TensorHandle], columns: Int,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    out = tensors[tensors.count - 1]
    residual = kernel.hasResidual ? tensors[tensors.count - 2] : nil
    results = try builder.pool(
      "out", buffers: Self.resultBuffers, columns, format: kernel.output)
    if kernel.hasResidual {
      residuals = try builder.pool("residual", buffers: 2, columns, format: kernel.output)
    }
    if kernel.bias == .perColumn {
      sums = try builder.pool("biased", buffers: 2, 512, format: .float32)
      columnBias = try builder.tile("bias", kernel.n, format: .float32)
      columnBiasSource = tensors[2]
    }
    if kernel.bias == .perRow { try loadRowBias(tensors[2], &builder) }
  }

  /// One bias per row of out: a column per tile of rows.
  private mutating func loadRowBias(_ tensor: TensorHandle, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    let tiles = ceilDivide(kernel.m, 128)
    let bias = try builder.tile("bias", tiles, format: .float32)
    for (index, rows) in pieces(kernel.m, 128).enumerated() {
      builder.load(
        bias.columns(index..<index + 1).rows(0..<rows.count), from: tensor.rows(rows),
        on: .gpsimd)
    }
    rowBias = bias
  }

  /// What a block needs beside its operands.
  mutating func begin(_ step: MatmulStep, _ builder: inout KernelBuilder) {
    guard let columnBias, let source = columnBiasSource, step.rows.lowerBound == 0 else { return }
    builder.load(
      columnBias.columns(step.columns),
      from: source.broadcast(columns: step.columns, partitions: 128), on: .gpsimd)
  }

  /// Takes a finished tile: `rows` and `columns` count within the block.
  mutating func finish(
    _ step: MatmulStep, _ rows: Range<Int>, _ columns: Range<Int>, _ bank: Tile,
    _ builder: inout KernelBuilder
  ) {
    let first = step.rows.lowerBound + rows.lowerBound
    let outRows = first..<first + rows.count
    if columns.lowerBound == 0 { beginRow(step, outRows, &builder) }
    let target = row.columns(columns)
    let start = step.columns.lowerBound
    convert(
      bank, to: target, outRows, start + columns.lowerBound..<start + columns.upperBound,
      rowResidual?.columns(columns), &builder)
    // At the very end every tile is stored at once, so that the last store is short.
    let isEnd = step.isLastBlock && rows.upperBound == step.rows.count
    if isEnd {
      store(outRows, start + columns.lowerBound..<start + columns.upperBound, target, &builder)
    } else if columns.upperBound == step.columns.count {
      store(outRows, step.columns, row, &builder)
    }
  }

  private func store(
    _ rows: Range<Int>, _ columns: Range<Int>, _ tile: Tile, _ builder: inout KernelBuilder
  ) {
    builder.store(out.block(rows: rows, columns: columns), from: tile)
  }

  private mutating func beginRow(
    _ step: MatmulStep, _ rows: Range<Int>, _ builder: inout KernelBuilder
  ) {
    row = results.next()[0..<rows.count, 0..<step.columns.count]
    guard let residual, var pool = residuals else { return }
    let tile = pool.next()[0..<rows.count, 0..<step.columns.count]
    residuals = pool
    builder.load(tile, from: residual.block(rows: rows, columns: step.columns))
    rowResidual = tile
  }

  private mutating func convert(
    _ bank: Tile, to target: Tile, _ rows: Range<Int>, _ columns: Range<Int>, _ other: Tile?,
    _ builder: inout KernelBuilder
  ) {
    var source = bank
    if let columnBias, var pool = sums {
      let sum = pool.next()[0..<rows.count, 0..<columns.count]
      sums = pool
      let bias = columnBias[0..<rows.count, columns]
      if kernel.scale == 1 {
        let isLast = kernel.activation == nil && other == nil
        builder.tensorTensor(isLast ? target : sum, source, bias, .add)
        if isLast { return }
      } else {
        builder.scalarTensorTensor(sum, source, .multiply, .immediate(kernel.scale), .add, bias)
      }
      source = sum
    }
    applyActivation(source, to: target, rows, &builder)
    if let other { builder.tensorTensor(target, target, other, .add) }
  }

  private mutating func applyActivation(
    _ source: Tile, to target: Tile, _ rows: Range<Int>, _ builder: inout KernelBuilder
  ) {
    let scale = kernel.bias == .perColumn ? 1 : kernel.scale
    if let rowBias {
      let index = rows.lowerBound / 128
      builder.activation(
        target, kernel.activation ?? .identity, source, scale: .immediate(scale),
        bias: rowBias[0..<rows.count, index..<index + 1].pointer)
    } else if let function = kernel.activation {
      builder.activation(target, function, source, scale: .immediate(scale))
    } else if scale != 1 {
      builder.tensorScalar(target, source, .multiply, .immediate(scale))
    } else {
      turn += 1
      builder.copy(target, source, on: turn % 2 == 0 ? .scalar : .vector)
    }
  }
}
