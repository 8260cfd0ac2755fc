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
  /// packed element, then the second, and so on, each times its scale, rounded to fp32.
  mutating func loadScaled(
    _ access: AccessPattern, _ format: MXFormat, scales: MXScales, partition: Int, engine: Engine
  ) {
    let count = access.columns
    rows.check(count * MXFormat.packedCount)
    loadBits(access, partition: partition, into: .a, engine: engine)
    loadBits(
      scales.access, partition: scales.partition(of: partition), into: .b, engine: engine)
    let width = UInt32(format.bitWidth)
    let codeMask: UInt32 = (1 << width) - 1
    for index in 0..<count {
      let packed = rows.bit(.a, index)
      let scale = MXScale.decode(UInt8(truncatingIfNeeded: rows.bit(.b, index)))
      for part in 0..<MXFormat.packedCount {
        let code = (packed >> (width * UInt32(part))) & codeMask
        rows[.a, part * count + index] =
          format.decode(code: UInt8(truncatingIfNeeded: code)) * scale
      }
    }
  }

  /// Quantises rows of 16-bit floats: in each group of eight partitions by four elements the scale
  /// by `MXScale.forGroup`, and the elements divided by it, four to a packed element.
  public mutating func quantize(
    _ source: AccessPattern, to target: AccessPattern, _ format: MXFormat, scales: MXScales,
    engine: Engine
  ) {
    let count = target.columns
    rows.check(source.columns)
    noteWrite(scales.access, partition: 0, engine: engine)
    for first in stride(from: 0, to: Int(source.partitionCount), by: MXFormat.groupPartitions) {
      rows.fill(.b, with: 0, count: count)
      for partition in first..<(first + MXFormat.groupPartitions) {
        load(source, partition: partition, into: .a, engine: engine)
        for index in 0..<source.columns {
          let group = index / MXFormat.packedCount
          let value = rows[.a, index].magnitude
          let largest = rows[.b, group]
          rows[.b, group] = value.isNaN || value > largest ? value : largest
        }
      }
      for group in 0..<count {
        rows.setBit(
          .c, group, to: UInt32(MXScale.forGroup(maximum: rows[.b, group], format: format)))
      }
      storeBits(.c, to: scales.access, partition: scales.partition(of: first), engine: engine)
      for partition in first..<(first + MXFormat.groupPartitions) {
        storeQuantized(source, target, format, partition, engine)
      }
    }
  }

  /// One partition divided by the scales in the third row of bits.
  private mutating func storeQuantized(
    _ source: AccessPattern, _ target: AccessPattern, _ format: MXFormat, _ partition: Int,
    _ engine: Engine
  ) {
    load(source, partition: partition, into: .a, engine: engine)
    let width = UInt32(format.bitWidth)
    for group in 0..<target.columns {
      let inverse = MXScale.inverse(UInt8(truncatingIfNeeded: rows.bit(.c, group)))
      var packed: UInt32 = 0
      for part in 0..<MXFormat.packedCount {
        let value = rows[.a, group * MXFormat.packedCount + part] * inverse
        packed |= UInt32(format.encode(value)) << (width * UInt32(part))
      }
      rows.setBit(.d, group, to: packed)
    }
    storeBits(.d, to: target, partition: partition, engine: engine)
  }
}
