public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// Transposes every block of `side` × `side` elements within its group of `side` partitions, bits
  /// unchanged. Both patterns name the same whole blocks and have formats of one size; a pattern
  /// may be its own target.
  public mutating func transposeBlocks(
    from source: AccessPattern, to target: AccessPattern, side: Int, engine: Engine
  ) {
    rows.check(max(source.columns, side * side))
    noteWrite(target, partition: 0, engine: engine)
    for quadrant in stride(from: 0, to: Int(source.partitionCount), by: side) {
      if source.isContiguous, target.isContiguous, !keepsUnroundedValues {
        transposeDense(source, target, quadrant, side, engine)
      } else {
        transposeStrided(source, target, quadrant, side, engine)
      }
    }
  }

  /// One group of partitions, block by block through scratch memory.
  private mutating func transposeDense(
    _ source: AccessPattern, _ target: AccessPattern, _ quadrant: Int, _ side: Int,
    _ engine: Engine
  ) {
    let size = source.format.sizeBytes
    let block = unsafe UnsafeMutableRawPointer(rows.bits(.a))
    let from = unsafe UnsafeRawPointer(address(source, quadrant, engine))
    let into = unsafe address(target, quadrant, engine)
    let fromPitch = rowPitch(source)
    let intoPitch = rowPitch(target)
    for column in stride(from: 0, to: source.columns, by: side) {
      unsafe Movement.transpose(
        sizeBytes: size, from: from + column * size, pitchBytes: fromPitch, rows: side,
        columns: side, into: block, destinationPitchBytes: side * size)
      for row in 0..<side {
        unsafe (into + (row * intoPitch + column * size)).copyMemory(
          from: block + row * side * size, byteCount: side * size)
      }
    }
  }

  /// The same with gaps between elements, or in a run without rounding: the whole group is read
  /// before any of it is written.
  private mutating func transposeStrided(
    _ source: AccessPattern, _ target: AccessPattern, _ quadrant: Int, _ side: Int,
    _ engine: Engine
  ) {
    let columns = source.columns
    var block: [UInt32] = []
    for partition in 0..<side {
      loadBits(source, partition: quadrant + partition, into: .a, engine: engine)
      block += (0..<columns).map { rows.bit(.a, $0) }
    }
    for partition in 0..<side {
      for column in 0..<columns {
        let origin = (column % side) * columns + column / side * side + partition
        rows.setBit(.a, column, to: block[origin])
      }
      storeBits(.a, to: target, partition: quadrant + partition, engine: engine)
    }
  }
}
