public import NumericFormats

/// The two on-chip memories that engines address by partition.
public enum MemorySpace: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case sbuf, psum

  /// The vendor's noun, in lower case.
  public var name: String { self == .sbuf ? "sbuf" : "psum" }
}

/// Which elements of SBUF or PSUM an operand names: the same free-dimension pattern in each of
/// `partitionCount` partitions. Sizes and strides count elements; the last used dimension is the
/// innermost. Stride 0 broadcasts, negative strides walk backwards.
///
/// Source: NKI programming model, access patterns (up to four free dimensions, 16-bit sizes and
/// signed 16-bit strides).
public struct AccessPattern: Hashable, Sendable, BitwiseCopyable {
  /// Bytes from the beginning of the partition to the first element.
  public var byteOffset: UInt32
  /// First partition, 0 to 127.
  public var startPartition: UInt8
  /// Partitions named, 1 to 128.
  public var partitionCount: UInt8
  /// Which memory.
  public var space: MemorySpace
  /// How each element is stored.
  public var format: NumberFormat
  /// Free dimensions in use, 1 to 4.
  public var dimensionCount: UInt8
  /// A sequencer register whose value (bytes) is added to the offset, or `noRegister`.
  public var register: UInt8
  /// Elements per partition of the view that offsets in memory point into, the sizes being those of
  /// what is taken of it; 0 for a pattern that names its elements itself.
  public var viewColumns: UInt16
  /// Where the offsets of an indirect view begin; see `indexByte` and `indexPartition`.
  @usableFromInline var indexPlace: UInt32
  /// Elements per free dimension; unused dimensions are 1.
  public var sizes: SIMD4<UInt16>
  /// Elements from one index to the next per free dimension; unused dimensions are 0.
  public var strides: SIMD4<Int16>

  /// The value of `register` that means: a fixed address.
  public static let noRegister: UInt8 = 255
  /// The most free dimensions that an instruction encodes.
  public static let maximumDimensions = 4

  /// A dense pattern of `columns` elements at `byteOffset` in each partition.
  @inlinable public init(
    _ space: MemorySpace, _ format: NumberFormat, partitions: Range<Int> = 0..<128,
    byteOffset: Int, columns: Int
  ) {
    self.init(
      space: space, format: format, startPartition: UInt8(partitions.lowerBound),
      partitionCount: UInt8(partitions.count), byteOffset: UInt32(byteOffset), dimensionCount: 1,
      sizes: SIMD4(UInt16(columns), 1, 1, 1), strides: SIMD4(1, 0, 0, 0))
  }

  /// A pattern with every field given.
  @inlinable public init(
    space: MemorySpace, format: NumberFormat, startPartition: UInt8, partitionCount: UInt8,
    byteOffset: UInt32, dimensionCount: UInt8, sizes: SIMD4<UInt16>, strides: SIMD4<Int16>,
    register: UInt8 = AccessPattern.noRegister
  ) {
    self.byteOffset = byteOffset
    self.startPartition = startPartition
    self.partitionCount = partitionCount
    self.space = space
    self.format = format
    self.dimensionCount = dimensionCount
    self.register = register
    viewColumns = 0
    indexPlace = 0
    self.sizes = sizes
    self.strides = strides
  }

  /// An operand that is not there yet: one fp32 element at the beginning of SBUF.
  @inlinable public init() {
    self.init(.sbuf, .float32, partitions: 0..<1, byteOffset: 0, columns: 1)
  }

  /// Elements per partition.
  @inlinable public var columns: Int {
    Int(sizes[0]) * Int(sizes[1]) * Int(sizes[2]) * Int(sizes[3])
  }

  /// The same of a pattern that nobody has checked, and whether the product is too large to be
  /// told.
  public var countedColumns: (count: Int, overflows: Bool) {
    var count = 1
    for size in [sizes[0], sizes[1], sizes[2], sizes[3]] {
      let (product, overflows) = count.multipliedReportingOverflow(by: Int(size))
      if overflows { return (0, true) }
      count = product
    }
    return (count, false)
  }

  /// Elements from one innermost index to the next.
  @inlinable public var innermostStride: Int { Int(strides[Int(dimensionCount) - 1]) }

  /// Elements along the innermost dimension.
  @inlinable public var innermostSize: Int { Int(sizes[Int(dimensionCount) - 1]) }

  /// True when the elements of a partition follow each other without a gap.
  @inlinable public var isContiguous: Bool {
    guard viewColumns == 0 else { return false }
    var expected = 1
    for dimension in (0..<Int(dimensionCount)).reversed() where sizes[dimension] != 1 {
      if Int(strides[dimension]) != expected { return false }
      expected *= Int(sizes[dimension])
    }
    return true
  }

  /// Lowest and one past the highest byte that the pattern touches in a partition, register at 0:
  /// of an indirect view all that its offsets may name.
  @inlinable public var byteExtent: Range<Int> {
    guard viewColumns == 0 else {
      return Int(byteOffset)..<(Int(byteOffset) + Int(viewColumns) * format.sizeBytes)
    }
    var low = 0
    var high = 0
    for dimension in 0..<Int(dimensionCount) {
      let reach = (Int(sizes[dimension]) - 1) * Int(strides[dimension])
      if reach < 0 { low += reach } else { high += reach }
    }
    let size = format.sizeBytes
    let start = Int(byteOffset) + low * size
    return start..<(Int(byteOffset) + (high + 1) * size)
  }

  /// The partitions named.
  @inlinable public var partitions: Range<Int> {
    Int(startPartition)..<(Int(startPartition) + Int(partitionCount))
  }

  /// True when both patterns could touch a byte in common; exact for dense patterns, on the safe
  /// side for strided ones.
  @inlinable public func mayOverlap(_ other: AccessPattern) -> Bool {
    space == other.space && partitions.overlaps(other.partitions)
      && byteExtent.overlaps(other.byteExtent)
  }
}
