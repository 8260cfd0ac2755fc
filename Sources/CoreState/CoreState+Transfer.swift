public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// Copies the i-th element of one place to the i-th element of another; formats that differ
  /// convert by way of fp32. On-chip elements come partition by partition.
  public mutating func transfer(
    from source: DataLocation, to destination: DataLocation, engine: Engine
  ) {
    if case .onChip(let access) = destination {
      noteWrite(access, partition: 0, engine: engine)
    }
    var reader = cursor(source, engine)
    var writer = cursor(destination, engine)
    move(&reader, source.format, &writer, destination.format)
  }

  private mutating func move(
    _ reader: inout ElementCursor, _ source: NumberFormat, _ writer: inout ElementCursor,
    _ destination: NumberFormat
  ) {
    while reader.remaining > 0, writer.remaining > 0 {
      let count = min(reader.run, writer.run, RowBuffers.capacity)
      if source == destination {
        unsafe Conversion.copyBits(
          sizeBytes: source.sizeBytes, from: UnsafeRawPointer(reader.address),
          sourceStride: reader.stride, into: writer.address, destinationStride: writer.stride,
          count: count)
      } else {
        unsafe Conversion.widen(
          source, from: UnsafeRawPointer(reader.address), stride: reader.stride, count: count,
          into: rows.pointer(.a))
        unsafe Conversion.narrow(
          destination, from: rows.source(.a), into: writer.address, stride: writer.stride,
          count: count)
      }
      reader.advance(count)
      writer.advance(count)
    }
  }

  /// Copies rows of a table in HBM to partitions, or partitions to rows: partition p of `onChip`
  /// meets row `index[p]`. A row number of `rowCount` or more is skipped.
  ///
  /// - Parameters:
  ///   - row: the elements of row 0; as many as a partition of `onChip` names.
  ///   - index: one row number per partition, uint32 in SBUF.
  ///   - rowStrideBytes: bytes from one row of the table to the next.
  public mutating func transferRows(
    onChip: AccessPattern, row: TensorAccess, index: AccessPattern, isScatter: Bool,
    rowStrideBytes: Int, rowCount: Int, engine: Engine
  ) {
    if !isScatter { noteWrite(onChip, partition: 0, engine: engine) }
    for partition in 0..<Int(onChip.partitionCount) {
      let number = unsafe Int(
        address(index, partition, engine).loadUnaligned(as: UInt32.self))
      guard number < rowCount else { continue }
      var shifted = row
      shifted.byteOffset += Int64(number * rowStrideBytes)
      var table = cursor(.hbm(shifted), engine)
      var lane = unsafe ElementCursor(
        address(onChip, partition, engine), onChip.format, Self.dimensions(onChip))
      if isScatter {
        move(&lane, onChip.format, &table, row.format)
      } else {
        move(&table, row.format, &lane, onChip.format)
      }
    }
  }

  /// Copies a block [F rows, P columns] to P partitions of F columns, bits unchanged.
  public mutating func transferTransposed(
    from source: DataLocation, to destination: AccessPattern, engine: Engine
  ) {
    noteWrite(destination, partition: 0, engine: engine)
    let size = destination.format.sizeBytes
    let (base, rowPitch, columnPitch) = unsafe block(source, engine)
    if columnPitch == size, destination.isContiguous {
      unsafe Movement.transpose(
        sizeBytes: size, from: base, pitchBytes: rowPitch, rows: destination.columns,
        columns: Int(destination.partitionCount), into: address(destination, 0, engine),
        destinationPitchBytes: sbuf.pitch)
      return
    }
    for partition in 0..<Int(destination.partitionCount) {
      let target = unsafe address(destination, partition, engine)
      for column in 0..<destination.columns {
        unsafe Conversion.copyBits(
          sizeBytes: size, from: base + (column * rowPitch + partition * columnPitch),
          sourceStride: 1, into: target + destination.elementOffset(of: column) * size,
          destinationStride: 1, count: 1)
      }
    }
  }

  /// The first element of a two-dimensional block and the bytes to the next row and column.
  private func block(_ location: DataLocation, _ engine: Engine)
    -> (UnsafeRawPointer, Int, Int)
  {
    let size = location.format.sizeBytes
    switch location {
    case .onChip(let access):
      return unsafe (
        UnsafeRawPointer(address(access, 0, engine)), sbuf.pitch, access.innermostStride * size
      )
    case .hbm(let access):
      return unsafe (
        UnsafeRawPointer(address(access, engine)), Int(access.strides[0]) * size,
        Int(access.strides[1]) * size
      )
    }
  }

  /// The 32-bit word that an access to HBM names.
  public func word(_ access: TensorAccess, engine: Engine) -> Int32 {
    unsafe address(access, engine).loadUnaligned(as: Int32.self)
  }

  /// True when an access whose register adds its value stays inside HBM.
  public func reaches(_ access: TensorAccess, engine: Engine) -> Bool {
    let start = Int(tensorAddress(access)) + offset(access.register, engine)
    let extent = access.byteExtent
    return start + extent.lowerBound >= 0 && start + extent.upperBound <= hbm.sizeBytes
  }

  private func tensorAddress(_ access: TensorAccess) -> Int {
    precondition(Int(access.tensor) < tensorAddresses.count, "the segment's tensors are bound")
    return tensorAddresses[Int(access.tensor)]
  }

  /// The host address of the first element. Extents inside their tensors were checked at load, and
  /// registers before the access.
  private func address(_ access: TensorAccess, _ engine: Engine) -> UnsafeMutableRawPointer {
    precondition(reaches(access, engine: engine), "the access was checked against HBM before")
    return unsafe hbm.base
      + (tensorAddress(access) + Int(access.byteOffset) + offset(access.register, engine))
  }

  private func cursor(_ location: DataLocation, _ engine: Engine) -> ElementCursor {
    switch location {
    case .onChip(let access):
      let pitch = access.space == .sbuf ? sbuf.pitch : psum.pitch
      return unsafe ElementCursor(
        address(access, 0, engine), access.format,
        [(Int(access.partitionCount), pitch)] + Self.dimensions(access))
    case .hbm(let access):
      let size = access.format.sizeBytes
      return unsafe ElementCursor(
        address(access, engine), access.format,
        (0..<Int(access.dimensionCount)).map {
          (Int(access.sizes[$0]), Int(access.strides[$0]) * size)
        })
    }
  }

  private static func dimensions(_ access: AccessPattern) -> [(Int, Int)] {
    let size = access.format.sizeBytes
    return (0..<Int(access.dimensionCount)).map {
      (Int(access.sizes[$0]), Int(access.strides[$0]) * size)
    }
  }
}
