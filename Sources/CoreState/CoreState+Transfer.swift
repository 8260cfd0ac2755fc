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
      announce(reader, count * source.sizeBytes)
      announce(writer, count * destination.sizeBytes)
      if source == destination {
        unsafe copyElements(
          sizeBytes: source.sizeBytes, from: UnsafeRawPointer(reader.address),
          sourceStride: reader.stride, into: writer.address, targetStride: writer.stride,
          count: count)
      } else {
        unsafe widen(
          source, from: UnsafeRawPointer(reader.address), stride: reader.stride, count: count,
          into: rows.pointer(.a))
        unsafe narrow(
          destination, from: rows.source(.a), into: writer.address, stride: writer.stride,
          count: count)
      }
      reader.advance(count)
      writer.advance(count)
    }
  }

  /// Tells the host's caches of a run that a transfer meets soon: rows lie pages apart.
  @inline(__always)
  private func announce(_ cursor: ElementCursor, _ byteCount: Int) {
    guard byteCount >= Self.announcedBytes, let run = unsafe cursor.soon else { return }
    unsafe CacheHint.willRead(run, byteCount: byteCount)
  }

  /// Shorter runs cost less than the hint.
  private static let announcedBytes = 128

  /// Copies rows of a table in HBM to partitions, or partitions to rows: partition p of `onChip`
  /// meets row `index[p]`. A row number of `rowCount` or more is skipped.
  ///
  /// - Parameters:
  ///   - row: the elements of row 0; as many as a partition of `onChip` names.
  ///   - index: one row number per partition, uint32 in SBUF.
  ///   - rowStrideBytes: bytes from one row of the table to the next.
  ///   - adds: adds to what is there, in fp32, instead of replacing it.
  public mutating func transferRows(
    onChip: AccessPattern, row: TensorAccess, index: AccessPattern, isScatter: Bool,
    rowStrideBytes: Int, rowCount: Int, adds: Bool = false, engine: Engine
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
      switch (isScatter, adds) {
      case (true, false): move(&lane, onChip.format, &table, row.format)
      case (false, false): move(&table, row.format, &lane, onChip.format)
      case (true, true): moveAdding(&lane, onChip.format, &table, row.format)
      case (false, true): moveAdding(&table, row.format, &lane, onChip.format)
      }
    }
  }

  /// Copies rows of a table in HBM to the columns of partitions: column i of `destination` is the
  /// row `indices[i]`, an element to each partition, bits unchanged. Row numbers of `rowCount` and
  /// more are skipped.
  public mutating func transferRowsTransposed(
    to destination: AccessPattern, row: TensorAccess, indices: [UInt32], rowStrideBytes: Int,
    rowCount: Int, engine: Engine
  ) {
    noteWrite(destination, partition: 0, engine: engine)
    let size = destination.format.sizeBytes
    for (column, number) in indices.enumerated() where Int(number) < rowCount {
      var shifted = row
      shifted.byteOffset += Int64(Int(number) * rowStrideBytes)
      var table = cursor(.hbm(shifted), engine)
      let byte = destination.elementOffset(of: column) * size
      for partition in 0..<Int(destination.partitionCount) {
        let target = unsafe address(destination, partition, engine) + byte
        unsafe copyElements(
          sizeBytes: size, from: UnsafeRawPointer(table.address), sourceStride: 1, into: target,
          targetStride: 1, count: 1)
        table.advance(1)
      }
    }
  }

  /// Copies a block [F rows, …, P columns] to P partitions of […, F] elements, bits unchanged: the
  /// first and the last dimension change places.
  public mutating func transferTransposed(
    from source: DataLocation, to destination: AccessPattern, engine: Engine
  ) {
    noteWrite(destination, partition: 0, engine: engine)
    let size = destination.format.sizeBytes
    let (base, dimensions) = unsafe block(source, engine)
    guard dimensions.count == 2 else {
      unsafe transferTransposed(base, dimensions, to: destination, engine)
      return
    }
    let (blockPitch, columnPitch) = (dimensions[0].step, dimensions[1].step)
    if columnPitch == size, destination.isContiguous, !keepsUnroundedValues {
      unsafe Movement.transpose(
        sizeBytes: size, from: base, pitchBytes: blockPitch, rows: destination.columns,
        columns: Int(destination.partitionCount), into: address(destination, 0, engine),
        destinationPitchBytes: rowPitch(destination))
      return
    }
    for partition in 0..<Int(destination.partitionCount) {
      let target = unsafe address(destination, partition, engine)
      var column = unsafe base + partition * columnPitch
      destination.forEachRun { elementOffset in
        unsafe copyElements(
          sizeBytes: size, from: column, sourceStride: blockPitch / size,
          into: target + elementOffset * size, targetStride: destination.innermostStride,
          count: destination.innermostSize)
        unsafe column += destination.innermostSize * blockPitch
      }
    }
  }

  /// The same for blocks with dimensions between the first and the last, which keep their order:
  /// each of their places is a block of two dimensions.
  private func transferTransposed(
    _ base: UnsafeRawPointer, _ dimensions: [(size: Int, step: Int)],
    to destination: AccessPattern, _ engine: Engine
  ) {
    let size = destination.format.sizeBytes
    let (rows, columnPitch) = (dimensions[0].size, dimensions.last!.step)
    let isPlain = columnPitch == size && destination.isContiguous && !keepsUnroundedValues
    for place in 0..<destination.columns / rows {
      var block = unsafe base
      var rest = place
      for (count, step) in dimensions.dropFirst().dropLast().reversed() {
        unsafe block += rest % count * step
        rest /= count
      }
      if isPlain {
        unsafe Movement.transpose(
          sizeBytes: size, from: block, pitchBytes: dimensions[0].step, rows: rows,
          columns: Int(destination.partitionCount),
          into: address(destination, 0, engine) + place * rows * size,
          destinationPitchBytes: rowPitch(destination))
        continue
      }
      for partition in 0..<Int(destination.partitionCount) {
        let target = unsafe address(destination, partition, engine)
        for row in 0..<rows {
          unsafe copyElements(
            sizeBytes: size, from: block + (row * dimensions[0].step + partition * columnPitch),
            sourceStride: 1,
            into: target + destination.elementOffset(of: place * rows + row) * size,
            targetStride: 1, count: 1)
        }
      }
    }
  }

  /// The first element of a block, and its dimensions with the bytes from one index to the next;
  /// the partitions of SBUF are the first dimension.
  private func block(_ location: DataLocation, _ engine: Engine)
    -> (UnsafeRawPointer, [(size: Int, step: Int)])
  {
    let size = location.format.sizeBytes
    switch location {
    case .onChip(let access):
      return unsafe (
        UnsafeRawPointer(address(access, 0, engine)),
        [(size: Int(access.partitionCount), step: rowPitch(access))]
          + Self.dimensions(access).map { (size: $0.0, step: $0.1) }
      )
    case .hbm(let access):
      return unsafe (
        UnsafeRawPointer(address(access, engine)),
        (0..<Int(access.dimensionCount)).map {
          (size: Int(access.sizes[$0]), step: Int(access.strides[$0]) * size)
        }
      )
    }
  }

  /// The 32-bit word that an access to HBM names.
  public func word(_ access: TensorAccess, engine: Engine) -> Int32 {
    unsafe address(access, engine).loadUnaligned(as: Int32.self)
  }

  /// Sets the 32-bit word that an access to HBM names.
  public mutating func setWord(_ access: TensorAccess, to value: Int32, engine: Engine) {
    unsafe address(access, engine).storeBytes(of: value, as: Int32.self)
  }

  /// The row numbers of an index: column after column, each from the first partition to the last.
  public func indices(_ access: AccessPattern, engine: Engine) -> [UInt32] {
    let partitions = Int(access.partitionCount)
    let columns = access.columns
    let bits = elementBits(access, engine: engine)
    return (0..<partitions * columns).map { bits[$0 % partitions * columns + $0 / partitions] }
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

  func cursor(_ location: DataLocation, _ engine: Engine) -> ElementCursor {
    switch location {
    case .onChip(let access):
      return unsafe ElementCursor(
        address(access, 0, engine), access.format,
        [(Int(access.partitionCount), rowPitch(access))] + Self.dimensions(access))
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
