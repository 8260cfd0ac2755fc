public import Hardware
import NumericFormats
import VectorKernels

/// The part of each weight that a pass of the tensor engine multiplies by.
public enum WeightPartition: UInt8, Sendable, BitwiseCopyable {
  /// The value itself.
  case whole
  /// An fp32 value less its high part.
  case low
  /// An fp32 value with the low 12 bits of its mantissa cleared.
  case high
}

extension CoreState {
  /// Loads weights [K partitions, M columns] at a tile position, widened and packed.
  ///
  /// TF32 weights are rounded to TF32 first. With two rows per partition the pattern is [K, 2, M]:
  /// element (p, i) is contraction row i · K + p; the four numbers of a packed element are four
  /// rows in the same way.
  public mutating func loadWeights(
    _ source: AccessPattern, part: WeightPartition, row: Int, column: Int, engine: Engine,
    rowsPerPartition: Int = 1, scales: MXScales? = nil
  ) {
    let partitions = Int(source.partitionCount)
    let depth = partitions * rowsPerPartition
    let columns = scales == nil ? source.columns / rowsPerPartition : source.columns
    let position = WeightArray.position(row: row, column: column)
    array.setSlot(
      WeightArray.Slot(
        depth: depth, rowsPerPartition: rowsPerPartition, columns: columns,
        format: source.format), row: row, column: column)
    let panels = unsafe array.weightMemory(position).assumingMemoryBound(to: Float.self)
    if part == .whole, rowsPerPartition == 1, isPlain(source, scales) {
      unsafe MatrixTile.packStationary(
        source.format, from: address(source, 0, engine), rowPitchBytes: rowPitch(source),
        source.packedRuns, k: depth, into: panels)
      array.measureWeights(position)
      return
    }
    for partition in 0..<partitions {
      loadOperand(source, scales, partition: partition, engine: engine)
      if part != .whole { rows.splitPart(.a, high: part == .high, count: source.columns) }
      for index in 0..<rowsPerPartition {
        unsafe MatrixTile.packStationaryRow(
          rows.source(.a) + index * columns, index: index * partitions + partition, k: depth,
          m: columns, into: panels)
      }
    }
    array.measureWeights(position)
  }

  /// Loads a tile [K partitions, M columns] whose bits a transpose passes through.
  public mutating func loadPassThrough(
    _ source: AccessPattern, row: Int, column: Int, engine: Engine
  ) {
    guard transposeIsExact else {
      loadWeights(source, part: .whole, row: row, column: column, engine: engine)
      return
    }
    let depth = Int(source.partitionCount)
    let columns = source.columns
    // A run without rounding passes values through, in the four bytes of fp32.
    let isValue = movesValues(of: source.format)
    let size = isValue ? 4 : source.format.sizeBytes
    array.setSlot(
      WeightArray.Slot(
        depth: depth, columns: columns, format: source.format, isRaw: true, elementBytes: size),
      row: row, column: column)
    let memory = unsafe array.weightMemory(WeightArray.position(row: row, column: column))
    for partition in 0..<depth {
      if isValue {
        unsafe loadValues(
          source, partition: partition,
          into: (memory + partition * columns * size).assumingMemoryBound(to: Float.self),
          engine: engine)
        continue
      }
      let base = unsafe UnsafeRawPointer(address(source, partition, engine))
      var written = partition * columns * size
      forEachRun(source, partition: partition, engine: engine) { elementOffset, count in
        unsafe Conversion.copyBits(
          sizeBytes: size, from: base + elementOffset * size,
          sourceStride: source.innermostStride, into: memory + written, destinationStride: 1,
          count: count)
        written += count * size
      }
    }
  }

  /// True where the rows of an operand can be widened and packed as they lie.
  func isPlain(_ access: AccessPattern, _ scales: MXScales?) -> Bool {
    scales == nil && !keepsUnroundedValues && !access.isIndirect
  }

  /// Reads one partition of an operand of a product into the first row.
  private mutating func loadOperand(
    _ access: AccessPattern, _ scales: MXScales?, partition: Int, engine: Engine
  ) {
    if let scales, let format = access.format.packedFormat {
      loadScaled(access, format, scales: scales, partition: partition, engine: engine)
    } else {
      announce(access, partition: partition + CacheHint.rowsAhead, engine)
      load(access, partition: partition, into: .a, engine: engine)
    }
  }

  private func announce(_ access: AccessPattern, partition: Int, _ engine: Engine) {
    guard partition < Int(access.partitionCount) else { return }
    unsafe CacheHint.willRead(
      address(access, partition, engine), byteCount: access.columns * access.format.sizeBytes)
  }

  /// Streams a moving tile [K partitions, N columns] past the weights of a tile position: weightsᵀ
  /// · moving is written to PSUM [M partitions, N columns], or added to it.
  ///
  /// Each product accumulates k upward by fused multiply-add from zero. Where weights were never
  /// loaded they are zero, and so are moving rows that are not there. With two rows per partition
  /// the pattern is [K, 2, N]. A result in bf16 is added in fp32 and rounded again.
  public mutating func multiply(
    _ moving: AccessPattern, columns: Int, to destination: AccessPattern, accumulate: Bool,
    row: Int, column: Int, engine: Engine, rowsPerPartition: Int = 1, scales: MXScales? = nil
  ) {
    let position = WeightArray.position(row: row, column: column)
    let slot = array.slots[position]
    // A tile that was loaded to be passed through, or in another mode, holds no weights.
    let isUsable = !slot.isRaw && slot.rowsPerPartition == rowsPerPartition
    let known = isUsable ? min(columns, slot.columns) : 0
    let depth = slot.depth
    noteWrite(destination, partition: 0, engine: engine)
    if known < columns, !accumulate { clear(destination, from: known, engine) }
    guard known > 0 else { return }
    if slot.isIdentity, scales == nil,
      takeMoving(moving, depth: depth, to: destination, accumulate: accumulate, engine: engine)
    {
      return
    }
    let tile = unsafe movingTile(
      moving, past: slot, rowsPerPartition: rowsPerPartition, scales: scales, engine: engine)
    let panels = unsafe UnsafePointer(
      array.weightMemory(position).assumingMemoryBound(to: Float.self))
    let count = destination.columns
    let target = unsafe address(destination, 0, engine)
    if destination.format == .float32, !destination.isIndirect, UInt(bitPattern: target) % 4 == 0 {
      let c = unsafe target.assumingMemoryBound(to: Float.self)
      if destination.isContiguous {
        unsafe MatrixTile.multiply(
          stationary: panels, moving: tile, k: depth, m: known, n: count, into: c,
          cPitch: psum.pitch / 4, accumulate: accumulate)
        return
      }
      if destination.namesEachOnce {
        storedPatterns &+= 1
        unsafe MatrixTile.multiply(
          stationary: panels, moving: tile, k: depth, m: known, into: c, cPitch: psum.pitch / 4,
          runs: destination.runs, accumulate: accumulate)
        return
      }
    }
    unsafe withUnsafeTemporaryAllocation(byteCount: known * count * 4, alignment: 64) { raw in
      guard let base = raw.baseAddress else { return }
      let product = unsafe base.assumingMemoryBound(to: Float.self)
      unsafe MatrixTile.multiply(
        stationary: panels, moving: tile, k: depth, m: known, n: count, into: product,
        cPitch: count, accumulate: false)
      for partition in 0..<known {
        unsafe add(
          product + partition * count, to: destination, partition, accumulate: accumulate, engine)
      }
    }
  }

  /// Writes one row of a product to a strided pattern, or adds it.
  private mutating func add(
    _ product: UnsafePointer<Float>, to destination: AccessPattern, _ partition: Int,
    accumulate: Bool, _ engine: Engine
  ) {
    let count = destination.columns
    rows.check(count)
    unsafe rows.pointer(.a).update(from: product, count: count)
    if accumulate {
      load(destination, partition: partition, into: .b, engine: engine)
      rows.binary(.add, .b, .a, into: .a, count: count)
    }
    store(.a, to: destination, partition: partition, engine: engine)
  }

  /// Writes zero to the rows of a result that no weights reach.
  private mutating func clear(_ destination: AccessPattern, from first: Int, _ engine: Engine) {
    rows.fill(.a, with: 0, count: destination.columns)
    for partition in first..<Int(destination.partitionCount) {
      store(.a, to: destination, partition: partition, engine: engine)
    }
  }

  /// The widened, packed form of a moving tile with as many rows as the weights; rows that it lacks
  /// are zero.
  private mutating func movingTile(
    _ moving: AccessPattern, past slot: WeightArray.Slot, rowsPerPartition: Int, scales: MXScales?,
    engine: Engine
  ) -> UnsafePointer<Float> {
    let depth = slot.depth
    let count = scales == nil ? moving.columns / rowsPerPartition : moving.columns
    precondition(array.fits(depth: depth, columns: count), "the moving tile was checked at load")
    let (index, isFresh) = array.entry(
      moving, offset: offset(moving.register, engine), depth: depth,
      rowsPerPartition: rowsPerPartition)
    let tile = unsafe array.tileMemory(index)
    // Scales and offsets may have changed where the data has not.
    guard
      !isFresh || scales != nil || moving.isIndirect || !array.entry(index, suits: slot)
    else {
      return unsafe UnsafePointer(tile)
    }
    let partitions = depth / rowsPerPartition
    if rowsPerPartition == 1, Int(moving.partitionCount) >= depth, isPlain(moving, scales) {
      // Once more with all rows in the rare case that zeros count.
      for dropsZeros in [true, false] {
        let least = unsafe MatrixTile.packMoving(
          moving.format, from: address(moving, 0, engine), rowPitchBytes: rowPitch(moving),
          moving.packedRuns, k: depth, dropsZeros: dropsZeros, into: tile)
        array.noteEntry(index, least: dropsZeros ? least : nil)
        if array.entry(index, suits: slot) { break }
      }
      return unsafe UnsafePointer(tile)
    }
    array.noteEntry(index, least: nil)
    unsafe MatrixTile.listAllRows(k: depth, n: count, into: tile)
    for partition in 0..<partitions {
      if partition < Int(moving.partitionCount) {
        loadOperand(moving, scales, partition: partition, engine: engine)
      } else {
        rows.fill(.a, with: 0, count: count * rowsPerPartition)
      }
      for part in 0..<rowsPerPartition {
        unsafe MatrixTile.packMovingRow(
          rows.source(.a) + part * count, index: part * partitions + partition, k: depth,
          n: count, into: tile)
      }
    }
    return unsafe UnsafePointer(tile)
  }
}

extension AccessPattern {
  /// True where no element is named twice for sure: each stride leads past what the smaller ones
  /// reach.
  fileprivate var namesEachOnce: Bool {
    let dimensions = (0..<Int(dimensionCount)).filter { sizes[$0] > 1 }
      .map { (size: Int(sizes[$0]), stride: abs(Int(strides[$0]))) }
      .sorted { $0.stride < $1.stride }
    var reach = 0
    for dimension in dimensions {
      guard dimension.stride > reach else { return false }
      reach += dimension.stride * (dimension.size - 1)
    }
    return true
  }

  /// The elements of one partition, as one run where they lie side by side.
  fileprivate var packedRuns: ElementRuns { isContiguous ? ElementRuns(count: columns) : runs }
}
