import CoreState
import Hardware
package import InstructionSet
package import KernelBuilder
import NumericFormats

/// Updates that meet the rows that indices name by a sum, product, minimum or maximum (ONNX
/// ScatterND and ScatterElements with a reduction), in fp32.
///
/// Layout: 128 updates at a time. Transfers write rows one over the other, so updates of one row
/// are joined first: the matrix of equal indices chooses from a copy of the updates on every
/// partition, and the vector engine joins what it chose; the row is gathered, joined with that and
/// scattered, by equal indices with equal results. The next 128 wait for it. Bound: the vector
/// engine, two passes over 128 elements for each update.
///
/// Parameters in order: indices [count] int32, negative ones counted from the back, updates [count,
/// columns], out [rows, columns], whose rows are joined with what they hold.
package struct ScatterReduceKernel: Kernel {
  /// Updates.
  package var count: Int
  /// Rows that they can meet.
  package var rows: Int
  /// Elements of a row.
  package var columns: Int
  /// How two elements meet: add, multiply, max or min.
  package var operation: ALUOperation

  /// So many updates of rows.
  package init(count: Int, rows: Int, columns: Int, _ operation: ALUOperation) {
    self.count = count
    self.rows = rows
    self.columns = columns
    self.operation = operation
  }

  package var name: String {
    "scatter-\(operation.text) \(count) to \(rows)x\(columns)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("indices", [count, 1], .int32),
      KernelParameter("updates", [count, columns], .float32),
      KernelParameter("out", [rows, columns], .float32, .inOut),
    ]
  }

  /// Row numbers that fp32 holds exactly.
  private static let rowLimit = 1 << 24
  /// Elements of a row that are joined at a time.
  private static let columnLimit = 16

  /// What meets any element without changing it.
  private var neutral: Float {
    switch operation {
    case .multiply: 1
    case .max: -.infinity
    case .min: .infinity
    default: 0
    }
  }

  /// Tiles that rotate.
  private struct Buffers {
    var numbers: TilePool
    var wraps: TilePool
    var indices: TilePool
    var all: TilePool
    var same: TilePool
    var updates: TilePool
    var joined: TilePool
    var rows: TilePool
    let neutral: Tile
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard rows < Self.rowLimit, rows > 0, count > 0, columns > 0 else {
      throw unsupported("\(rows) rows", allowed: "1 to \(Self.rowLimit - 1) rows of a table")
    }
    try builder.scope { builder throws(BuilderError) in
      let width = min(columns, Self.columnLimit)
      var buffers = Buffers(
        numbers: try builder.pool("numbers", buffers: 2, 1, format: .int32),
        wraps: try builder.pool("row", buffers: 2, 1, format: .float32),
        indices: try builder.pool("index", buffers: 2, 1, format: .uint32),
        all: try builder.pool("all numbers", buffers: 2, 128, format: .int32),
        same: try builder.pool("same", buffers: 2, 128, format: .float32),
        updates: try builder.pool("updates", buffers: 2, 128, width, format: .float32),
        joined: try builder.pool("joined", buffers: 2, width, format: .float32),
        rows: try builder.pool("rows", buffers: 2, width, format: .float32),
        neutral: try builder.tile("neutral", 1, format: .float32))
      builder.memset(buffers.neutral, neutral)
      for tile in pieces(count, 128) {
        let (index, same) = match(tile, tensors[0], &buffers, &builder)
        for cut in pieces(columns, width) {
          join(tile, cut, index, same, tensors, &buffers, &builder)
        }
      }
    }
  }

  /// The rows of 128 updates, and where any two of them are the same.
  private func match(
    _ tile: Range<Int>, _ numbers: TensorHandle, _ buffers: inout Buffers,
    _ builder: inout KernelBuilder
  ) -> (index: Tile, same: Tile) {
    let own = buffers.numbers.next().rows(0..<tile.count)
    builder.load(own, from: numbers.rows(tile))
    let all = buffers.all.next()[0..<tile.count, 0..<tile.count]
    builder.load(
      all,
      from: numbers.access(
        offset: tile.lowerBound, sizes: [tile.count, tile.count], strides: [0, 1]),
      on: .scalar)
    let row = buffers.wraps.next().rows(0..<tile.count)
    wrap(own, into: row, &builder)
    let index = buffers.indices.next().rows(0..<tile.count)
    builder.copy(index, row)
    let same = buffers.same.next()[0..<tile.count, 0..<tile.count]
    wrap(all, into: same, &builder)
    builder.tensorScalar(same, same, .isEqual, row.pointer)
    return (index, same)
  }

  /// Numbers in fp32, negative ones counted from the back.
  private func wrap(_ numbers: Tile, into rows: Tile, _ builder: inout KernelBuilder) {
    builder.tensorScalar(
      rows, numbers, .lessThan, .immediate(0), .multiply, .immediate(Float(self.rows)))
    builder.tensorTensor(rows, numbers, rows, .add)
  }

  private func join(
    _ tile: Range<Int>, _ cut: Range<Int>, _ index: Tile, _ same: Tile,
    _ tensors: [TensorHandle], _ buffers: inout Buffers, _ builder: inout KernelBuilder
  ) {
    let (count, width) = (tile.count, cut.count)
    let updates = buffers.updates.next().rows(0..<count).viewed(
      sizes: [count, width], strides: [width, 1])
    builder.load(
      updates,
      from: tensors[1].access(
        offset: tile.lowerBound * columns + cut.lowerBound, sizes: [count, count, width],
        strides: [0, columns, 1]))
    builder.select(
      updates, predicate: same.viewed(sizes: [count, width], strides: [1, 0]), onTrue: updates,
      onFalse: buffers.neutral.rows(0..<count).viewed(sizes: [count, width], strides: [0, 0]))
    let joined = buffers.joined.next()[0..<count, 0..<width]
    builder.tensorReduce(
      joined, updates.viewed(sizes: [width, count], strides: [1, width]), operation)
    let rows = buffers.rows.next()[0..<count, 0..<width]
    let first = tensors[2].block(rows: 0..<1, columns: cut)
    builder.gather(
      rows, rows: first, rowBytes: tensors[2].rowBytes, count: self.rows, index: index)
    builder.tensorTensor(rows, rows, joined, operation)
    builder.scatter(
      rows: first, rowBytes: tensors[2].rowBytes, count: self.rows, from: rows, index: index)
  }
}
