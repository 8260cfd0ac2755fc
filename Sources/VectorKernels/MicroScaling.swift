public import NumericFormats

/// Groups of microscaling (MX) numbers to and from fp32.
///
/// A memory element packs four numbers, the first in the lowest bits; eight partitions of one
/// element each make a group with one scale byte.
public enum MicroScaling {
  /// Quantises eight partitions: `columns` fp32 values of each become columns / 4 packed elements,
  /// and every four columns get one scale byte.
  ///
  /// Partition p starts `rowPitch` floats after the one before, its packed row `codePitchBytes`
  /// after the one before. `columns` is a multiple of 4. Scale: `MXScale.forGroup`; the values are
  /// divided by it, which is exact, and rounded by `MXFormat.encode`.
  public static func quantize(
    _ format: MXFormat, from rows: UnsafePointer<Float>, rowPitch: Int, columns: Int,
    into codes: UnsafeMutableRawPointer, codePitchBytes: Int, scales: UnsafeMutablePointer<UInt8>
  ) {
    precondition(columns % MXFormat.packedCount == 0, "whole packed elements")
    unsafe withUnsafeTemporaryAllocation(byteCount: columns * 4, alignment: 64) { raw in
      guard columns > 0, let base = raw.baseAddress else { return }
      let largest = unsafe base.assumingMemoryBound(to: UInt32.self)
      unsafe largestMagnitudes(rows, rowPitch, columns, largest)
      unsafe groupScales(format, largest, columns, scales)
      let inverses = unsafe UnsafePointer(base.assumingMemoryBound(to: Float.self))
      let step = SaturatingStep(format.layout)
      for partition in 0..<MXFormat.groupPartitions {
        let row = unsafe rows + partition * rowPitch
        let target = unsafe codes + partition * codePitchBytes
        if format.bitWidth == 4 {
          unsafe packNibbles(step, row, inverses, columns, target)
        } else {
          unsafe packBytes(step, row, inverses, columns, target)
        }
      }
    }
  }

  /// The largest magnitude of each column, as a bit pattern: in that order NaN is above infinity.
  private static func largestMagnitudes(
    _ rows: UnsafePointer<Float>, _ pitch: Int, _ columns: Int,
    _ largest: UnsafeMutablePointer<UInt32>
  ) {
    unsafe largest.initialize(repeating: 0, count: columns)
    for partition in 0..<MXFormat.groupPartitions {
      let row = unsafe rows + partition * pitch
      for column in 0..<columns {
        let magnitude = unsafe row[column].bitPattern & 0x7FFF_FFFF
        let before = unsafe largest[column]
        unsafe largest[column] = magnitude > before ? magnitude : before
      }
    }
  }

  /// Writes the scale byte of every four columns, and one divided by it over their magnitudes.
  private static func groupScales(
    _ format: MXFormat, _ largest: UnsafeMutablePointer<UInt32>, _ columns: Int,
    _ scales: UnsafeMutablePointer<UInt8>
  ) {
    // An fp32 exponent field is a scale byte with the same bias; below it all clamp to byte 0.
    let lowered = Int32(format.largestExponent - 1)
    for group in 0..<(columns / MXFormat.packedCount) {
      let first = group * MXFormat.packedCount
      let maximum = unsafe max(
        max(largest[first], largest[first + 1]), max(largest[first + 2], largest[first + 3]))
      let field = Int32(truncatingIfNeeded: maximum &>> 23)
      let finite = UInt8(truncatingIfNeeded: max(field &- lowered, 0))
      let scale = field == 0xFF ? MXScale.notANumber : finite
      unsafe scales[group] = scale
      let inverse = MXScale.inverse(scale).bitPattern
      for column in first..<(first + MXFormat.packedCount) { unsafe largest[column] = inverse }
    }
  }

  @inline(__always)
  private static func packBytes(
    _ step: SaturatingStep, _ row: UnsafePointer<Float>, _ inverses: UnsafePointer<Float>,
    _ columns: Int, _ target: UnsafeMutableRawPointer
  ) {
    var column = 0
    while column < columns {
      let code = unsafe step.narrow(row[column] * inverses[column])
      unsafe target.storeBytes(
        of: UInt8(truncatingIfNeeded: code), toByteOffset: column, as: UInt8.self)
      column &+= 1
    }
  }

  @inline(__always)
  private static func packNibbles(
    _ step: SaturatingStep, _ row: UnsafePointer<Float>, _ inverses: UnsafePointer<Float>,
    _ columns: Int, _ target: UnsafeMutableRawPointer
  ) {
    var byte = 0
    while byte < columns / 2 {
      let low = unsafe step.narrow(row[2 &* byte] * inverses[2 &* byte])
      let high = unsafe step.narrow(row[2 &* byte &+ 1] * inverses[2 &* byte &+ 1])
      unsafe target.storeBytes(
        of: UInt8(truncatingIfNeeded: low | (high &<< 4)), toByteOffset: byte, as: UInt8.self)
      byte &+= 1
    }
  }

  /// The scalar reference of `quantize`.
  public static func quantizeReference(
    _ format: MXFormat, from rows: UnsafePointer<Float>, rowPitch: Int, columns: Int,
    into codes: UnsafeMutableRawPointer, codePitchBytes: Int, scales: UnsafeMutablePointer<UInt8>
  ) {
    for group in 0..<(columns / MXFormat.packedCount) {
      let first = group * MXFormat.packedCount
      var maximum: Float = 0
      for index in 0..<(MXFormat.groupPartitions * MXFormat.packedCount) {
        let (partition, number) = index.quotientAndRemainder(dividingBy: MXFormat.packedCount)
        let value = unsafe rows[partition * rowPitch + first + number].magnitude
        maximum = value > maximum || value.isNaN ? value : maximum
        if maximum.isNaN { break }
      }
      let scale = MXScale.forGroup(maximum: maximum, format: format)
      unsafe scales[group] = scale
      let bytes = format.bitWidth * MXFormat.packedCount / 8
      for partition in 0..<MXFormat.groupPartitions {
        var element: UInt32 = 0
        for number in 0..<MXFormat.packedCount {
          let value = unsafe rows[partition * rowPitch + first + number]
          let code = format.encode(value * MXScale.inverse(scale))
          element |= UInt32(code) << UInt32(number * format.bitWidth)
        }
        for byte in 0..<bytes {
          unsafe codes.storeBytes(
            of: UInt8(truncatingIfNeeded: element >> UInt32(8 * byte)),
            toByteOffset: partition * codePitchBytes + group * bytes + byte, as: UInt8.self)
        }
      }
    }
  }
}
