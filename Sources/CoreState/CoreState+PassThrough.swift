public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// Streams a permutation [K partitions, N columns] past a tile [K, M] that was loaded to be
  /// passed through: result[m, n] is the tile's element [k, m] of the k whose permutation element
  /// [k, n] differs from zero. Bits are unchanged; a wider result is widened exactly, and elements
  /// of one byte that lie two apart are written with a zero byte above them.
  ///
  /// Where the device has no such mode the tile is multiplied, with all that NaN and infinity do.
  public mutating func passThrough(
    _ moving: AccessPattern, columns: Int, to destination: AccessPattern, row: Int, column: Int,
    engine: Engine
  ) {
    let position = WeightArray.position(row: row, column: column)
    let slot = array.slots[position]
    guard slot.isRaw else {
      // Weights that were loaded for a product are multiplied: the same result but for NaN.
      multiply(
        moving, columns: columns, to: destination, accumulate: false, row: row, column: column,
        engine: engine)
      return
    }
    noteWrite(destination, partition: 0, engine: engine)
    let order = permutation(moving, depth: slot.depth, engine: engine)
    let memory = unsafe array.weightMemory(position)
    let size = slot.elementBytes
    let isIdentity = order.indices.allSatisfy { order[$0] == Int32($0) }
    let known = min(columns, slot.columns)
    if isIdentity, size > 1, destination.isContiguous, destination.format == slot.format,
      !keepsUnroundedValues
    {
      unsafe Movement.transpose(
        sizeBytes: size, from: UnsafeRawPointer(memory), pitchBytes: slot.columns * size,
        rows: order.count, columns: known, into: address(destination, 0, engine),
        destinationPitchBytes: psum.pitch)
      return
    }
    for partition in 0..<known {
      for (place, source) in order.enumerated() {
        let byte = (Int(max(0, source)) * slot.columns + partition) * size
        let bits = unsafe Self.raw(UnsafeRawPointer(memory), byte, size)
        unsafe rows.bits(.a)[place] = source < 0 ? 0 : bits
      }
      storePassed(slot.format, to: destination, partition: partition, engine: engine)
    }
  }

  /// Stores a row of raw elements as they are, or as the wider format of the result.
  private mutating func storePassed(
    _ format: NumberFormat, to destination: AccessPattern, partition: Int, engine: Engine
  ) {
    if destination.format.sizeBytes == format.sizeBytes {
      if format.sizeBytes == 1, destination.innermostStride == 2 {
        storePairs(format, to: destination, partition: partition, engine: engine)
        return
      }
      storeBits(.a, to: destination, partition: partition, engine: engine)
      return
    }
    for index in 0..<destination.columns {
      let bits = rows.bit(.a, index)
      rows[.a, index] =
        movesValues(of: format) ? Float(bitPattern: bits) : format.decode(bits)
    }
    store(.a, to: destination, partition: partition, engine: engine)
  }

  /// Stores a row of one-byte elements that lie two apart, each with a zero byte above it.
  private mutating func storePairs(
    _ format: NumberFormat, to destination: AccessPattern, partition: Int, engine: Engine
  ) {
    var wide = destination
    wide.format = .uint16
    for dimension in wide.strides.indices { wide.strides[dimension] /= 2 }
    guard movesValues(of: format) else {
      storeBits(.a, to: wide, partition: partition, engine: engine)
      return
    }
    rows.fillBits(.b, with: 0, count: destination.columns)
    storeBits(.b, to: wide, partition: partition, engine: engine)
    storeBits(.a, to: destination, partition: partition, engine: engine)
  }

  /// For each column of a permutation the row of its element that differs from zero, or -1.
  private mutating func permutation(_ moving: AccessPattern, depth: Int, engine: Engine) -> [Int32]
  {
    let offset = offset(moving.register, engine)
    if let kept = array.keptPermutation(moving, offset: offset) { return kept }
    var order = [Int32](repeating: -1, count: moving.columns)
    for partition in 0..<min(depth, Int(moving.partitionCount)) {
      load(moving, partition: partition, into: .a, engine: engine)
      for index in order.indices where rows[.a, index] != 0 { order[index] = Int32(partition) }
    }
    array.keep(order, of: moving, offset: offset)
    return order
  }
}
