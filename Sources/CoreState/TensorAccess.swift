public import NumericFormats

/// Which elements of an HBM tensor a DMA names. The tensor is a parameter of the segment; an
/// invocation binds it to an address. Sizes and strides count elements, last dimension innermost.
public struct TensorAccess: Hashable, Sendable, BitwiseCopyable {
  /// Bytes from the beginning of the tensor to the first element.
  public var byteOffset: Int64
  /// Index of the tensor among the segment's parameters.
  public var tensor: UInt16
  /// How each element is stored.
  public var format: NumberFormat
  /// Dimensions in use, 1 to 4.
  public var dimensionCount: UInt8
  /// A sequencer register whose value (bytes) is added to the offset, or none (255).
  public var register: UInt8
  /// Elements per dimension; unused dimensions are 1.
  public var sizes: SIMD4<UInt32>
  /// Elements from one index to the next per dimension; unused dimensions are 0.
  public var strides: SIMD4<Int32>

  /// A row-major block of `rows` × `columns` elements whose rows are `rowStride` elements apart.
  @inlinable public init(
    tensor: Int, _ format: NumberFormat, byteOffset: Int, rows: Int, columns: Int, rowStride: Int
  ) {
    self.init(
      tensor: UInt16(tensor), format: format, byteOffset: Int64(byteOffset), dimensionCount: 2,
      sizes: SIMD4(UInt32(rows), UInt32(columns), 1, 1), strides: SIMD4(Int32(rowStride), 1, 0, 0))
  }

  /// An access with every field given.
  @inlinable public init(
    tensor: UInt16, format: NumberFormat, byteOffset: Int64, dimensionCount: UInt8,
    sizes: SIMD4<UInt32>, strides: SIMD4<Int32>, register: UInt8 = AccessPattern.noRegister
  ) {
    self.byteOffset = byteOffset
    self.tensor = tensor
    self.format = format
    self.dimensionCount = dimensionCount
    self.register = register
    self.sizes = sizes
    self.strides = strides
  }

  /// Elements named.
  @inlinable public var count: Int {
    Int(sizes[0]) * Int(sizes[1]) * Int(sizes[2]) * Int(sizes[3])
  }

  /// Elements in the longest run at the end of the pattern that lies without a gap.
  @inlinable public var contiguousRun: Int {
    var run = 1
    for dimension in (0..<Int(dimensionCount)).reversed() where sizes[dimension] != 1 {
      if Int(strides[dimension]) != run { break }
      run *= Int(sizes[dimension])
    }
    return run
  }

  /// Lowest and one past the highest byte touched, relative to the tensor, register at 0.
  @inlinable public var byteExtent: Range<Int> {
    var low = 0
    var high = 0
    for dimension in 0..<Int(dimensionCount) {
      let reach = (Int(sizes[dimension]) - 1) * Int(strides[dimension])
      if reach < 0 { low += reach } else { high += reach }
    }
    let size = format.sizeBytes
    return (Int(byteOffset) + low * size)..<(Int(byteOffset) + (high + 1) * size)
  }
}

/// One end of a DMA: on-chip memory or an HBM tensor.
public enum DataLocation: Hashable, Sendable, BitwiseCopyable {
  case onChip(AccessPattern)
  case hbm(TensorAccess)

  /// How each element is stored.
  @inlinable public var format: NumberFormat {
    switch self {
    case .onChip(let access): access.format
    case .hbm(let access): access.format
    }
  }

  /// Elements named in all.
  @inlinable public var count: Int {
    switch self {
    case .onChip(let access): access.columns * Int(access.partitionCount)
    case .hbm(let access): access.count
    }
  }

  /// Bytes named in all.
  @inlinable public var byteCount: Int { count * format.sizeBytes }

  /// True for an HBM tensor.
  @inlinable public var isHBM: Bool {
    if case .hbm = self { true } else { false }
  }

  /// Elements in the longest run at the end of the pattern that lies without a gap.
  @inlinable public var contiguousRun: Int {
    switch self {
    case .hbm(let access): access.contiguousRun
    case .onChip(let access):
      TensorAccess(
        tensor: 0, format: access.format, byteOffset: 0, dimensionCount: access.dimensionCount,
        sizes: SIMD4<UInt32>(truncatingIfNeeded: access.sizes),
        strides: SIMD4<Int32>(truncatingIfNeeded: access.strides)
      ).contiguousRun
    }
  }
}
