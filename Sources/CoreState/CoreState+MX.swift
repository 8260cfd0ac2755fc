public import Hardware
public import NumericFormats
import VectorKernels

/// Where the scales of a microscaled operand lie: in each quadrant of 32 partitions four partitions
/// from `offset` on, one for eight partitions of data each, a scale per packed element.
public struct MXScales: Hashable, Sendable, BitwiseCopyable {
  /// Whole quadrants, as many as the data has.
  public var access: AccessPattern
  /// First partition of the scales within each quadrant: 0, 4, 8 or 12.
  public var offset: Int

  /// Scales from partition `offset` of each quadrant of `access` on.
  public init(_ access: AccessPattern, offset: Int) {
    self.access = access
    self.offset = offset
  }

  /// Partitions of a quadrant.
  private static var quadrant: Int { 32 }

  /// The partition of `access` that holds the scales of a partition of the data.
  func partition(of data: Int) -> Int {
    data / Self.quadrant * Self.quadrant + offset
      + data % Self.quadrant / MXFormat.groupPartitions
  }
}

extension CoreState {
  /// Reads a partition of microscaled data into the first row: first the first number of every
  /// packed element, then the second, and so on, each times its scale.
  mutating func loadScaled(
    _ access: AccessPattern, _ format: MXFormat, scales: MXScales, partition: Int, engine: Engine
  ) {
    let count = access.columns
    rows.check(count * MXFormat.packedCount)
    loadPacked(access, partition: partition, into: .a, engine: engine)
    loadPacked(
      scales.access, partition: scales.partition(of: partition), into: .b, engine: engine)
    unsafe MicroScaling.dequantize(
      format, from: UnsafeRawPointer(rows.bits(.a)), stride: 1, count: count,
      scales: UnsafeRawPointer(rows.bits(.b)).assumingMemoryBound(to: UInt8.self),
      into: rows.pointer(.a), rowPitch: count)
  }

  /// Quantises rows of 16-bit floats: in each group of eight partitions by four elements the scale
  /// by `MXScale.forGroup`, and the elements divided by it, four to a packed element.
  public mutating func quantize(
    _ source: AccessPattern, to target: AccessPattern, _ format: MXFormat, scales: MXScales,
    engine: Engine
  ) {
    let columns = source.columns
    rows.check(columns)
    noteWrite(scales.access, partition: 0, engine: engine)
    noteWrite(target, partition: 0, engine: engine)
    let size = target.format.sizeBytes
    let pitch = MXFormat.groupPartitions * columns
    unsafe withUnsafeTemporaryAllocation(byteCount: pitch * 4 + pitch, alignment: 64) { raw in
      guard let base = raw.baseAddress else { return }
      let values = unsafe base.assumingMemoryBound(to: Float.self)
      let codes = unsafe base + pitch * 4
      let scaleRow = unsafe UnsafeMutableRawPointer(rows.bits(.b))
        .assumingMemoryBound(to: UInt8.self)
      for first in stride(
        from: 0, to: Int(source.partitionCount), by: MXFormat.groupPartitions)
      {
        for place in 0..<MXFormat.groupPartitions {
          load(source, partition: first + place, into: .a, engine: engine)
          unsafe (values + place * columns).update(from: rows.source(.a), count: columns)
        }
        unsafe MicroScaling.quantize(
          format, from: values, rowPitch: columns, columns: columns, into: codes,
          codePitchBytes: columns, scales: scaleRow)
        storeScales(scales, of: first, engine)
        for place in 0..<MXFormat.groupPartitions {
          unsafe UnsafeMutableRawPointer(rows.bits(.a)).copyMemory(
            from: codes + place * columns, byteCount: target.columns * size)
          storePacked(target, partition: first + place, engine: engine)
        }
      }
    }
  }

  /// Stores the scales of one group of partitions from the second row of bits.
  private mutating func storeScales(_ scales: MXScales, of first: Int, _ engine: Engine) {
    unsafe UnsafeMutableRawPointer(rows.bits(.a)).copyMemory(
      from: UnsafeRawPointer(rows.bits(.b)), byteCount: scales.access.columns)
    storePacked(scales.access, partition: scales.partition(of: first), engine: engine)
  }
}
