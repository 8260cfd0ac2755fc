package import CoreState
package import NumericFormats

/// A tensor in HBM that a segment works on, row-major. Transfers name blocks of it.
package struct TensorHandle: Hashable, Sendable {
  /// Index among the segment's parameters.
  package let index: Int
  /// The name in reports.
  package let name: String
  /// Elements per dimension, last dimension innermost.
  package let shape: [Int]
  /// How each element is stored.
  package let format: NumberFormat

  /// Elements of the last dimension.
  package var columns: Int { shape.last ?? 1 }
  /// Elements of all dimensions but the last.
  package var rows: Int { shape.dropLast().reduce(1, *) }
  /// Elements in all.
  package var count: Int { rows * columns }
  /// Bytes in all.
  package var sizeBytes: Int { count * format.sizeBytes }
  /// Bytes from one row to the next.
  package var rowBytes: Int { columns * format.sizeBytes }

  /// The same tensor seen with other dimensions, of which its elements may end within the last row:
  /// a part of the columns of a wider tensor, from the part's first element to its last.
  package func shaped(_ shape: [Int]) -> TensorHandle {
    TensorHandle(index: index, name: name, shape: shape, format: format)
  }

  /// Rows × columns, all leading dimensions seen as rows.
  package func block(rows: Range<Int>, columns: Range<Int>) -> TensorAccess {
    precondition(
      rows.upperBound <= self.rows && columns.upperBound <= self.columns,
      "the block lies in the tensor")
    return access(
      offset: rows.lowerBound * self.columns + columns.lowerBound,
      sizes: [rows.count, columns.count], strides: [self.columns, 1])
  }

  /// Whole rows.
  package func rows(_ range: Range<Int>) -> TensorAccess {
    block(rows: range, columns: 0..<columns)
  }

  /// One row's columns, repeated for a number of partitions.
  package func broadcast(row: Int = 0, columns: Range<Int>, partitions: Int) -> TensorAccess {
    access(
      offset: row * self.columns + columns.lowerBound, sizes: [partitions, columns.count],
      strides: [0, 1])
  }

  /// A flat run of elements seen as `partitions` equal rows.
  package func flat(offset: Int, partitions: Int, columns: Int, pitch: Int? = nil) -> TensorAccess {
    access(offset: offset, sizes: [partitions, columns], strides: [pitch ?? columns, 1])
  }

  /// Any pattern: element offset, sizes and strides in elements.
  package func access(offset: Int, sizes: [Int], strides: [Int]) -> TensorAccess {
    precondition((1...4).contains(sizes.count) && sizes.count == strides.count, "1 to 4 dimensions")
    var wide = SIMD4<UInt32>(1, 1, 1, 1)
    var steps = SIMD4<Int32>(0, 0, 0, 0)
    for (index, size) in sizes.enumerated() {
      wide[index] = UInt32(size)
      steps[index] = Int32(strides[index])
    }
    return TensorAccess(
      tensor: UInt16(index), format: format, byteOffset: Int64(offset * format.sizeBytes),
      dimensionCount: UInt8(sizes.count), sizes: wide, strides: steps)
  }
}
