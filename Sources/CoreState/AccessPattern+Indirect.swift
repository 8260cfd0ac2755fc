public import NumericFormats

/// Views whose elements are named by offsets in memory: gathered where an operand is read,
/// scattered where it is written.
///
/// The offsets are uint16, in elements from the view's first one. Groups of partitions, 16 for the
/// vector, scalar and GpSimd engines and 32 for the tensor engine, share theirs: element i of every
/// partition of a group lies at the offset in the group's partition i mod G, column i / G of the
/// index.
///
/// Source: NKI language reference, NkiTensor.indirect (SDK 2.31, NeuronCore-v4 and later), and its
/// example kernel for tensor indirection.
extension AccessPattern {
  /// How offsets are stored.
  public static let offsetFormat = NumberFormat.uint16
  /// The furthest byte of a partition that the place of an index can name.
  public static let lastIndexByte = 1 << 24 - 1

  /// True for a view that offsets in memory point into.
  @inlinable public var isIndirect: Bool { viewColumns != 0 }

  /// Byte of each partition of SBUF at which the offsets begin.
  public var indexByte: Int { Int(indexPlace & 0xFF_FFFF) }

  /// First partition of the offsets.
  public var indexPartition: Int { Int(indexPlace >> 24) }

  /// `count` elements of each partition of this dense pattern, at the offsets that begin at
  /// `byte` of partition `partition` and those after it.
  public func indirect(count: Int, indexByte byte: Int, partition: Int) -> AccessPattern {
    precondition(count >= 0 && count <= Int(UInt16.max), "a dimension has 16 bits")
    var view = self
    view.viewColumns = UInt16(clamping: columns)
    view.dimensionCount = 1
    view.sizes = SIMD4(UInt16(count), 1, 1, 1)
    view.strides = SIMD4(1, 0, 0, 0)
    view.setIndex(byte: byte, partition: partition)
    return view
  }

  /// The same through an index that begins where a pattern does.
  public func indirect(count: Int, index: AccessPattern) -> AccessPattern {
    indirect(
      count: count, indexByte: Int(index.byteOffset), partition: Int(index.startPartition))
  }

  /// Names where the offsets begin.
  public mutating func setIndex(byte: Int, partition: Int) {
    precondition(byte >= 0 && byte <= Self.lastIndexByte, "a byte of a partition")
    indexPlace = UInt32(byte) | UInt32(UInt8(partition)) << 24
  }

  /// The offsets that an engine reads whose groups have `group` partitions.
  public func index(group: Int) -> AccessPattern {
    var index = AccessPattern(
      .sbuf, Self.offsetFormat, byteOffset: indexByte, columns: (columns + group - 1) / group)
    index.startPartition = UInt8(truncatingIfNeeded: indexPartition)
    index.partitionCount = partitionCount
    return index
  }
}
