extension Movement {
  /// Writes the transpose of a block of `rows` by `columns` elements of 1, 2 or 4 bytes.
  ///
  /// Pitches are in bytes from row to row; the destination has `columns` rows of `rows` elements
  /// and is disjoint from the source. Blocks of 16 by 16 go through registers, the edges one by
  /// one.
  public static func transpose(
    sizeBytes: Int, from source: UnsafeRawPointer, pitchBytes: Int, rows: Int, columns: Int,
    into destination: UnsafeMutableRawPointer, destinationPitchBytes: Int
  ) {
    switch sizeBytes {
    case 1:
      unsafe blocks(
        UInt8.self, source, pitchBytes, rows, columns, destination, destinationPitchBytes)
    case 2:
      unsafe blocks(
        UInt16.self, source, pitchBytes, rows, columns, destination, destinationPitchBytes)
    default:
      unsafe blocks(
        UInt32.self, source, pitchBytes, rows, columns, destination, destinationPitchBytes)
    }
  }

  @inline(__always)
  private static func blocks<Element: SIMDScalar & BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafeRawPointer, _ pitch: Int, _ rows: Int, _ columns: Int,
    _ destination: UnsafeMutableRawPointer, _ destinationPitch: Int
  ) {
    let size = MemoryLayout<Element>.size
    let side = 16
    unsafe withUnsafeTemporaryAllocation(of: SIMD16<Element>.self, capacity: 32) { buffer in
      guard let scratch = buffer.baseAddress else { return }
      for row in stride(from: 0, to: rows, by: side) {
        for column in stride(from: 0, to: columns, by: side) {
          let from = unsafe source + (row * pitch + column * size)
          let to = unsafe destination + (column * destinationPitch + row * size)
          if row + side <= rows && column + side <= columns {
            unsafe wholeBlock(from, pitch, to, destinationPitch, scratch)
          } else {
            let (height, width) = (min(side, rows - row), min(side, columns - column))
            unsafe edgeBlock(type, from, pitch, height, width, to, destinationPitch)
          }
        }
      }
    }
  }

  private static func edgeBlock<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafeRawPointer, _ pitch: Int, _ rows: Int, _ columns: Int,
    _ destination: UnsafeMutableRawPointer, _ destinationPitch: Int
  ) {
    let size = MemoryLayout<Element>.size
    for row in 0..<rows {
      for column in 0..<columns {
        let element = unsafe source.loadUnaligned(
          fromByteOffset: row * pitch + column * size, as: type)
        unsafe destination.storeBytes(
          of: element, toByteOffset: column * destinationPitch + row * size, as: type)
      }
    }
  }

  /// Four rounds of interleaving row i with row i + 8.
  ///
  /// Each round moves one bit of the column number from the lane to the row, so that after four the
  /// two have changed places. `scratch` has room for 32 rows.
  @inline(__always)
  private static func wholeBlock<Element: SIMDScalar & BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ pitch: Int, _ destination: UnsafeMutableRawPointer,
    _ destinationPitch: Int, _ scratch: UnsafeMutablePointer<SIMD16<Element>>
  ) {
    typealias Row = SIMD16<Element>
    var (from, to) = unsafe (scratch, scratch + 16)
    for row in 0..<16 {
      unsafe from[row] = (source + row * pitch).loadUnaligned(as: Row.self)
    }
    for _ in 0..<4 {
      for row in 0..<8 {
        let (upper, lower) = unsafe (from[row], from[row + 8])
        var low = Row()
        low.evenHalf = upper.lowHalf
        low.oddHalf = lower.lowHalf
        var high = Row()
        high.evenHalf = upper.highHalf
        high.oddHalf = lower.highHalf
        unsafe to[2 * row] = low
        unsafe to[2 * row + 1] = high
      }
      unsafe swap(&from, &to)
    }
    for row in 0..<16 {
      unsafe (destination + row * destinationPitch).storeBytes(of: from[row], as: Row.self)
    }
  }
}
