public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// Reads the elements that a pattern names in one of its partitions into a scratch row, as fp32.
  public mutating func load(
    _ access: AccessPattern, partition: Int, into row: Row, engine: Engine
  ) {
    unsafe loadValues(access, partition: partition, into: rows.pointer(row), engine: engine)
  }

  /// The same, to room for a row.
  func loadValues(
    _ access: AccessPattern, partition: Int, into target: UnsafeMutablePointer<Float>,
    engine: Engine
  ) {
    rows.check(access.columns)
    let base = unsafe UnsafeRawPointer(address(access, partition, engine))
    if access.isContiguous {
      unsafe widen(access.format, from: base, stride: 1, count: access.columns, into: target)
    } else if access.isIndirect {
      unsafe gatherValues(access, partition: partition, into: target, engine: engine)
    } else {
      unsafe widen(access.format, from: base, access.runs, into: target)
    }
  }

  /// Writes a scratch row to the elements that a pattern names in one of its partitions, cast.
  public mutating func store(
    _ row: Row, to access: AccessPattern, partition: Int, engine: Engine
  ) {
    rows.check(access.columns)
    noteWrite(access, partition: partition, engine: engine)
    if partition == 0 { storedPatterns &+= 1 }
    if case .stochastic = rounding, !keepsUnroundedValues {
      storeStochastically(row, to: access, partition: partition, engine: engine)
      return
    }
    unsafe storeValues(rows.source(row), to: access, partition: partition, engine: engine)
  }

  /// Writes values to the elements that a pattern names in one of its partitions, to nearest.
  func storeValues(
    _ source: UnsafePointer<Float>, to access: AccessPattern, partition: Int, engine: Engine
  ) {
    let base = unsafe address(access, partition, engine)
    if access.isContiguous {
      unsafe narrow(access.format, from: source, into: base, stride: 1, count: access.columns)
    } else if access.isIndirect {
      unsafe scatterValues(source, to: access, partition: partition, engine: engine)
    } else {
      unsafe narrow(access.format, from: source, into: base, access.runs)
    }
  }

  /// Each element takes the random bits of its place in the pattern, so that neither strides nor
  /// the order of partitions matter; the next pattern takes other bits.
  private func storeStochastically(
    _ row: Row, to access: AccessPattern, partition: Int, engine: Engine
  ) {
    let source = unsafe rows.source(row)
    let base = unsafe address(access, partition, engine)
    let first = partition * RowBuffers.capacity
    var read = 0
    forEachRun(access, partition: partition, engine: engine) { elementOffset, count in
      unsafe Conversion.narrow(
        access.format, from: source + read, into: base + elementOffset * access.format.sizeBytes,
        stride: access.innermostStride, count: count, rounding: rounding, pass: storedPatterns,
        firstIndex: UInt32(truncatingIfNeeded: first + read))
      read += count
    }
  }

  /// The first element that a pattern names in one of its partitions, as fp32.
  public func scalar(_ access: AccessPattern, partition: Int, engine: Engine) -> Float {
    var value: Float = 0
    unsafe withUnsafeMutablePointer(to: &value) { target in
      unsafe widen(
        access.format, from: UnsafeRawPointer(address(access, partition, engine)), stride: 1,
        count: 1, into: target)
    }
    return value
  }

  /// Copies elements without a change of bits: both patterns have formats of one size.
  public mutating func copyBits(
    from source: AccessPattern, to target: AccessPattern, partition: Int, engine: Engine
  ) {
    let size = source.format.sizeBytes
    precondition(size == target.format.sizeBytes, "both formats have one size")
    if source.isContiguous, target.isContiguous {
      noteWrite(target, partition: partition, engine: engine)
      unsafe copyElements(
        sizeBytes: size, from: UnsafeRawPointer(address(source, partition, engine)),
        sourceStride: 1, into: address(target, partition, engine), targetStride: 1,
        count: min(source.columns, target.columns))
      return
    }
    if movesValues(of: source.format), source.format == target.format {
      loadBits(source, partition: partition, into: .a, engine: engine)
      storeBits(.a, to: target, partition: partition, engine: engine)
      return
    }
    loadPacked(source, partition: partition, engine: engine)
    storePacked(target, partition: partition, engine: engine)
  }

  /// Reads the raw elements of a partition, one after the other, into a row of bits.
  func loadPacked(
    _ access: AccessPattern, partition: Int, into row: Row = .a, engine: Engine
  ) {
    rows.check(access.columns)
    let size = access.format.sizeBytes
    let target = unsafe UnsafeMutableRawPointer(rows.bits(row))
    let base = unsafe UnsafeRawPointer(address(access, partition, engine))
    var written = 0
    forEachRun(access, partition: partition, engine: engine) { elementOffset, count in
      unsafe Conversion.copyBits(
        sizeBytes: size, from: base + elementOffset * size, sourceStride: access.innermostStride,
        into: target + written * size, destinationStride: 1, count: count)
      written += count
    }
  }

  /// Writes the raw elements of the first row of bits to a partition.
  mutating func storePacked(_ access: AccessPattern, partition: Int, engine: Engine) {
    noteWrite(access, partition: partition, engine: engine)
    let size = access.format.sizeBytes
    let source = unsafe UnsafeRawPointer(rows.bits(.a))
    let base = unsafe address(access, partition, engine)
    var read = 0
    forEachRun(access, partition: partition, engine: engine) { elementOffset, count in
      unsafe Conversion.copyBits(
        sizeBytes: size, from: source + read * size, sourceStride: 1,
        into: base + elementOffset * size, destinationStride: access.innermostStride, count: count)
      read += count
    }
  }

  /// Tells the tensor engine's cache of widened tiles that SBUF changes: once per pattern, since
  /// every instruction begins with the first partition.
  @inline(__always)
  mutating func noteWrite(_ access: AccessPattern, partition: Int, engine: Engine) {
    guard access.space == .sbuf, partition == 0 else { return }
    array.noteWrite(access, offset: offset(access.register, engine))
  }
}

extension AccessPattern {
  /// The elements of one partition: runs along the innermost dimension.
  @inline(__always)
  var runs: ElementRuns {
    let outer = Int(dimensionCount) - 1
    var counts = SIMD4<Int>(1, 1, 1, 1)
    var steps = SIMD4<Int>(0, 0, 0, 0)
    for dimension in 0..<outer {
      counts[3 - outer + dimension] = Int(sizes[dimension])
      steps[3 - outer + dimension] = Int(strides[dimension])
    }
    return ElementRuns(
      count: innermostSize, stride: innermostStride,
      outerCounts: (counts[0], counts[1], counts[2]),
      outerStrides: (steps[0], steps[1], steps[2]))
  }

  /// Calls `body` with the element offset of each innermost run, in order.
  @inline(__always)
  func forEachRun(_ body: (Int) -> Void) { runs.forEach(body) }

  /// The offset, in elements, of the `index`-th element in order.
  @inlinable public func elementOffset(of index: Int) -> Int {
    var rest = index
    var offset = 0
    for dimension in (0..<Int(dimensionCount)).reversed() {
      let size = Int(sizes[dimension])
      offset += (rest % size) * Int(strides[dimension])
      rest /= size
    }
    return offset
  }
}
