import CoreState
import Hardware
import KernelBuilder
import NumericFormats

/// Emits the pieces of a move.
struct MoveEmitter {
  private let kernel: MoveKernel
  private let tensors: [TensorHandle]
  private var blocks: TilePool?
  private var constants: [Float: Tile] = [:]
  private var turn = 0

  /// Columns of a transposed block: rows of 4 KiB and more on the way back.
  private static let blockColumns = 2048
  /// Elements of a constant that one partition holds.
  private static let constantColumns = 512

  init(_ kernel: MoveKernel, _ tensors: [TensorHandle]) {
    self.kernel = kernel
    self.tensors = tensors
  }

  mutating func emit(_ piece: MoveKernel.Piece, into builder: inout KernelBuilder)
    throws(BuilderError)
  {
    let output = tensors[kernel.inputs.count + piece.output]
    let space = StridedSpace(
      sizes: piece.sizes, strides: [piece.sourceStrides, piece.outputStrides],
      offsets: [piece.sourceOffset, piece.outputOffset])
    switch piece.source {
    case .constant(let value):
      var constant = space
      constant.strides[0] = constant.strides[0].map { _ in 0 }
      try fill(constant.collapsed(), value, output, &builder)
    case .input(let index):
      let collapsed = space.collapsed()
      let input = tensors[index]
      if let axes = transposedAxes(collapsed, input) {
        try transpose(collapsed, axes, input, output, &builder)
      } else {
        for part in boxes(collapsed, dimensions: 4) {
          builder.copyTensor(
            access(part, 1, output), from: access(part, 0, input), on: queue())
        }
      }
    }
  }

  private mutating func queue() -> Engine {
    turn += 1
    return turn % 2 == 0 ? .scalar : .sync
  }

  private func access(_ space: StridedSpace, _ side: Int, _ handle: TensorHandle) -> TensorAccess {
    handle.access(offset: space.offsets[side], sizes: space.sizes, strides: space.strides[side])
  }

  /// Boxes of at most so many axes: outer ones are walked.
  private func boxes(_ space: StridedSpace, dimensions: Int) -> [StridedSpace] {
    guard space.sizes.count > dimensions else { return [space] }
    return (0..<space.sizes[0]).flatMap { index in
      var part = space.part(0, index..<index + 1)
      part.sizes.removeFirst()
      for side in part.strides.indices { part.strides[side].removeFirst() }
      return boxes(part, dimensions: dimensions)
    }
  }

  /// The contiguous axis of each side, when they differ and both are long enough to be worth it.
  private func transposedAxes(_ space: StridedSpace, _ input: TensorHandle)
    -> (source: Int, output: Int)?
  {
    guard [2, 4].contains(input.format.sizeBytes),
      let source = space.sizes.indices.first(where: { space.strides[0][$0] == 1 }),
      let output = space.sizes.indices.first(where: { space.strides[1][$0] == 1 }),
      source != output, space.strides[0][output] > 0, space.sizes[output] >= 16
    else { return nil }
    return (source, output)
  }

  /// Blocks [rows, columns] of the source, columns contiguous, become [columns, rows].
  private mutating func transpose(
    _ space: StridedSpace, _ axes: (source: Int, output: Int), _ input: TensorHandle,
    _ output: TensorHandle, _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    if blocks == nil {
      blocks = try builder.pool(
        "block", buffers: 4, Self.blockColumns, format: input.format)
    }
    guard var pool = blocks else { return }
    defer { blocks = pool }
    let chunks = space.sizes.indices.map {
      $0 == axes.source ? 128 : $0 == axes.output ? Self.blockColumns : 1
    }
    for block in cuts(space, chunks) {
      let (rows, columns) = (block.sizes[axes.output], block.sizes[axes.source])
      let tile = pool.next()[0..<columns, 0..<rows]
      load(tile, block, axes, input, &builder)
      builder.store(
        output.access(
          offset: block.offsets[1], sizes: [columns, rows],
          strides: [block.strides[1][axes.source], 1]), from: tile, on: .scalar)
    }
  }

  /// The DMA transposes whole groups of 16 rows; what is left is read element by element.
  private func load(
    _ tile: Tile, _ block: StridedSpace, _ axes: (source: Int, output: Int),
    _ input: TensorHandle, _ builder: inout KernelBuilder
  ) {
    let (rows, columns) = (block.sizes[axes.output], block.sizes[axes.source])
    let pitch = block.strides[0][axes.output]
    let whole = rows / 16 * 16
    if whole > 0 {
      builder.loadTransposed(
        tile.columns(0..<whole),
        from: input.access(
          offset: block.offsets[0], sizes: [whole, columns], strides: [pitch, 1]))
    }
    if whole < rows {
      builder.load(
        tile.columns(whole..<rows),
        from: input.access(
          offset: block.offsets[0] + whole * pitch, sizes: [columns, rows - whole],
          strides: [1, pitch]))
    }
  }

  /// The loops cut into blocks of at most `chunks` iterations per axis.
  private func cuts(_ space: StridedSpace, _ chunks: [Int]) -> [StridedSpace] {
    var list = [space]
    for axis in space.sizes.indices {
      list = list.flatMap { part in
        pieces(space.sizes[axis], chunks[axis]).map { part.part(axis, $0) }
      }
    }
    return list
  }

  /// A box of one number.
  private mutating func fill(
    _ space: StridedSpace, _ value: Float, _ output: TensorHandle,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    let column: Tile
    if let known = constants[value] {
      column = known
    } else {
      column = try builder.tile(
        "constant \(value)", Self.constantColumns, format: output.format)
      builder.memset(column, value)
      constants[value] = column
    }
    let tilings = StridedTiling.best(
      space, sizesBytes: [0, output.format.sizeBytes], passes: 0,
      columnLimit: Self.constantColumns)
    for tile in tilings.flatMap(\.tiles) {
      builder.store(
        tile.access(1, of: output), from: tile.filled(1, column), on: queue())
    }
  }
}
