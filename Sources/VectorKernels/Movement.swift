/// Moving elements without computing: fills, gathers and transposes, by element size alone.
public enum Movement {
  /// Writes `count` copies of an element of 1, 2 or 4 bytes, `stride` elements apart.
  ///
  /// `bits` holds the element in its low bytes.
  public static func fill(
    _ bits: UInt32, sizeBytes: Int, into destination: UnsafeMutableRawPointer, stride: Int,
    count: Int
  ) {
    switch sizeBytes {
    case 1: unsafe fillSteps(UInt8(truncatingIfNeeded: bits), destination, stride, count)
    case 2: unsafe fillSteps(UInt16(truncatingIfNeeded: bits), destination, stride, count)
    default: unsafe fillSteps(bits, destination, stride, count)
    }
  }

  /// `destination[i] = source[indices[i]]` for elements of 1, 2 or 4 bytes.
  ///
  /// An index of `sourceCount` or more leaves its destination as it was. Returns how many indices
  /// were in range.
  @discardableResult
  public static func gather(
    sizeBytes: Int, from source: UnsafeRawPointer, sourceCount: Int,
    indices: UnsafePointer<UInt32>, count: Int, into destination: UnsafeMutableRawPointer
  ) -> Int {
    switch sizeBytes {
    case 1: unsafe gatherSteps(UInt8.self, source, sourceCount, indices, count, destination)
    case 2: unsafe gatherSteps(UInt16.self, source, sourceCount, indices, count, destination)
    default: unsafe gatherSteps(UInt32.self, source, sourceCount, indices, count, destination)
    }
  }

  /// Copies row `indices[i]` of a table to row i of the destination.
  ///
  /// Rows have `rowBytes` bytes; pitches are in bytes. An index of `rowCount` or more leaves its
  /// row as it was. Returns how many indices were in range.
  @discardableResult
  public static func gatherRows(
    from table: UnsafeRawPointer, rowCount: Int, pitchBytes: Int, rowBytes: Int,
    indices: UnsafePointer<UInt32>, count: Int, into destination: UnsafeMutableRawPointer,
    destinationPitchBytes: Int
  ) -> Int {
    var found = 0
    for index in 0..<max(count, 0) {
      let row = unsafe Int(indices[index])
      guard row < rowCount else { continue }
      unsafe (destination + index * destinationPitchBytes)
        .copyMemory(from: table + row * pitchBytes, byteCount: rowBytes)
      found += 1
    }
    return found
  }

  /// Copies elements of 1, 2 or 4 bytes where the predicate is set: bit-exact, no conversion.
  ///
  /// `isReversed` copies where it is not set.
  public static func copyWhere(
    _ predicate: UnsafePointer<Float>, isReversed: Bool = false, sizeBytes: Int,
    from source: UnsafeRawPointer, into destination: UnsafeMutableRawPointer, count: Int
  ) {
    switch sizeBytes {
    case 1: unsafe copySteps(UInt8.self, predicate, isReversed, source, destination, count)
    case 2: unsafe copySteps(UInt16.self, predicate, isReversed, source, destination, count)
    default: unsafe copySteps(UInt32.self, predicate, isReversed, source, destination, count)
    }
  }

  @inline(__always)
  private static func fillSteps<Element: BitwiseCopyable>(
    _ element: Element, _ destination: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
  ) {
    let step = stride &* MemoryLayout<Element>.size
    var index = 0
    while index < count {
      unsafe destination.storeBytes(of: element, toByteOffset: index &* step, as: Element.self)
      index &+= 1
    }
  }

  @inline(__always)
  private static func gatherSteps<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafeRawPointer, _ sourceCount: Int,
    _ indices: UnsafePointer<UInt32>, _ count: Int, _ destination: UnsafeMutableRawPointer
  ) -> Int {
    let size = MemoryLayout<Element>.size
    var found = 0
    for index in 0..<max(count, 0) {
      let from = unsafe Int(indices[index])
      guard from < sourceCount else { continue }
      let element = unsafe source.loadUnaligned(fromByteOffset: from * size, as: type)
      unsafe destination.storeBytes(of: element, toByteOffset: index * size, as: type)
      found += 1
    }
    return found
  }

  @inline(__always)
  private static func copySteps<Element: BitwiseCopyable>(
    _ type: Element.Type, _ predicate: UnsafePointer<Float>, _ isReversed: Bool,
    _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer, _ count: Int
  ) {
    let size = MemoryLayout<Element>.size
    var index = 0
    while index < count {
      if unsafe (predicate[index] != 0) != isReversed {
        let element = unsafe source.loadUnaligned(fromByteOffset: index &* size, as: type)
        unsafe destination.storeBytes(of: element, toByteOffset: index &* size, as: type)
      }
      index &+= 1
    }
  }
}
