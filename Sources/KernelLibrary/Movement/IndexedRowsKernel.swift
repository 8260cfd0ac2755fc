import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Gathers rows of a table by indices, or scatters rows to it: out [i] = table [row(i)], or
/// table [row(i)] = updates [i].
///
/// An index is a tuple of numbers over the table's first axes, negative ones counted from the back:
/// row = Σ number · stride. 128 indices at a time are turned into row numbers by the vector engine;
/// GpSimd builds a descriptor per row; the rows go through SBUF. `blocks` tables that lie behind
/// each other are looked up with the same indices.
/// Bound: GpSimd's descriptors for short rows, the DMA for long ones. A row beyond the table is
/// skipped. Row numbers are computed in fp32 and must stay below 2^24.
///
/// Parameters in order: indices [count, numbers] int32, table (gathering) or updates (scattering),
/// out. Scattering writes over what out holds.
package struct IndexedRowsKernel: Kernel {
  /// Index tuples.
  package var count: Int
  /// Lengths of the axes that the tuple's numbers choose from.
  package var lengths: [Int]
  /// Elements per row.
  package var columns: Int
  /// Tables behind each other.
  package var blocks: Int
  /// Format of the rows.
  package var format: NumberFormat
  /// Writes to the table instead of reading from it.
  package var isScatter: Bool
  /// Adds to the table's rows; the indices must differ within each 128.
  package var adds = false

  /// `count` rows of tables of `lengths` rows.
  package init(
    count: Int, lengths: [Int], columns: Int, blocks: Int = 1, format: NumberFormat,
    isScatter: Bool = false
  ) {
    self.count = count
    self.lengths = lengths
    self.columns = columns
    self.blocks = blocks
    self.format = format
    self.isScatter = isScatter
  }

  private var rows: Int { lengths.reduce(1, *) }

  package var name: String {
    "\(isScatter ? "scatter" : "gather") \(blocks)x\(count) of \(rows)x\(columns) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    let table = [blocks * rows, columns]
    let list = [blocks * count, columns]
    return [
      KernelParameter("indices", [count, lengths.count], .int32),
      KernelParameter(isScatter ? "updates" : "table", isScatter ? list : table, format),
      KernelParameter("out", isScatter ? table : list, format, isScatter ? .inOut : .output),
    ]
  }

  /// Row numbers that fp32 holds exactly.
  private static let rowLimit = 1 << 24
  /// Elements of a row that one transfer takes.
  private static let columnLimit = 8192

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard rows < Self.rowLimit, count > 0, columns > 0, blocks > 0 else {
      throw unsupported("\(rows) rows", allowed: "1 to \(Self.rowLimit - 1) rows of a table")
    }
    try builder.scope { builder throws(BuilderError) in
      let width = min(columns, Self.columnLimit)
      let most = gatherBuffers(
        rowBytes: width * format.sizeBytes, freeBytes: builder.freeSBUFBytes)
      var numbers = try builder.pool("numbers", buffers: most, lengths.count, format: .int32)
      var wraps = try builder.pool("wraps", buffers: most, 2 * lengths.count, format: .float32)
      var indices = try builder.pool("row", buffers: most, 1, format: .uint32)
      var buffers = try builder.pool("rows", buffers: most, width, format: format)
      for tile in pieces(count, 128) {
        let number = numbers.next().rows(0..<tile.count)
        builder.load(number, from: tensors[0].rows(tile))
        let index = indices.next().rows(0..<tile.count)
        rowNumbers(index, number, wraps.next().rows(0..<tile.count), &builder)
        for block in 0..<blocks {
          for cut in pieces(columns, width) {
            let buffer = buffers.next()[0..<tile.count, 0..<cut.count]
            let own = block * count + tile.lowerBound..<block * count + tile.upperBound
            move(buffer, index, own, block, cut, tensors, &builder)
          }
        }
      }
    }
  }

  private func move(
    _ buffer: Tile, _ index: Tile, _ own: Range<Int>, _ block: Int, _ cut: Range<Int>,
    _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) {
    let table = isScatter ? tensors[2] : tensors[1]
    let first = table.block(rows: block * rows..<block * rows + 1, columns: cut)
    if isScatter {
      builder.load(buffer, from: tensors[1].block(rows: own, columns: cut))
      builder.scatter(
        rows: first, rowBytes: table.rowBytes, count: rows, from: buffer, index: index,
        adds: adds)
    } else {
      builder.gather(
        buffer, rows: first, rowBytes: table.rowBytes, count: rows, index: index)
      builder.store(tensors[2].block(rows: own, columns: cut), from: buffer)
    }
  }

  /// index = Σ (number, or number + length where it is negative) · stride.
  private func rowNumbers(
    _ index: Tile, _ numbers: Tile, _ scratch: Tile, _ builder: inout KernelBuilder
  ) {
    let strides = StridedSpace.denseStrides(lengths)
    for axis in lengths.indices {
      let number = numbers.columns(axis..<axis + 1)
      let wrap = scratch.columns(2 * axis..<2 * axis + 1)
      let sum = scratch.columns(2 * axis + 1..<2 * axis + 2)
      // The length where the number is negative, else 0; then both times the stride.
      builder.tensorScalar(
        wrap, number, .lessThan, .immediate(0), .multiply, .immediate(Float(lengths[axis])))
      builder.tensorTensor(wrap, number, wrap, .add)
      let isLast = axis == lengths.count - 1
      let target = isLast ? index : sum
      if axis == 0 {
        builder.tensorScalar(target, wrap, .multiply, .immediate(Float(strides[axis])))
      } else {
        let before = scratch.columns(2 * axis - 1..<2 * axis)
        builder.scalarTensorTensor(
          target, wrap, .multiply, .immediate(Float(strides[axis])), .add, before)
      }
    }
  }
}
