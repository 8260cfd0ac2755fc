public import NumericFormats

/// Rows of elements in any format to and from the fp32 that every engine computes in.
///
/// The loops are branch-free scalar code that the compiler turns into full-width vectors when the
/// elements are contiguous. `NumberFormat.decode` and `encode` are their scalar reference.
public enum Conversion {
  /// Widens `count` elements to fp32.
  ///
  /// `stride` is in elements, from one to the next; 0 broadcasts one element and a negative one
  /// walks down. The caller proves that all elements touched lie in memory it owns; any alignment
  /// will do. Integers of four bytes round to the nearest fp32.
  public static func widen(
    _ format: NumberFormat, from source: UnsafeRawPointer, stride: Int, count: Int,
    into destination: UnsafeMutablePointer<Float>
  ) {
    if stride == 1 {
      unsafe widenSteps(format, source, 1, count, destination)
    } else {
      unsafe widenSteps(format, source, stride, count, destination)
    }
  }

  /// Narrows `count` fp32 values into a format, with the rounding of `NumberFormat.encode`.
  ///
  /// `stride` is in elements; with 0 the last value stays. Source and destination are disjoint,
  /// or the same address with a four-byte format and stride 1.
  public static func narrow(
    _ format: NumberFormat, from source: UnsafePointer<Float>,
    into destination: UnsafeMutableRawPointer, stride: Int, count: Int
  ) {
    if format.isInteger {
      unsafe narrowIntegers(format, source, destination, stride, count)
    } else if stride == 1 {
      unsafe narrowSteps(format, source, destination, 1, count)
    } else {
      unsafe narrowSteps(format, source, destination, stride, count)
    }
  }

  /// The codes of fp32 values in a format whose elements are as large as `Code`.
  public static func codes<Code: FixedWidthInteger & BitwiseCopyable>(
    _ format: NumberFormat, of values: [Float]
  ) -> [Code] {
    precondition(format.sizeBytes == MemoryLayout<Code>.size, "codes have the format's size")
    return unsafe [Code](unsafeUninitializedCapacity: values.count) { codes, count in
      count = values.count
      guard let target = codes.baseAddress else { return }
      unsafe values.withUnsafeBufferPointer { source in
        guard let first = source.baseAddress else { return }
        unsafe narrow(
          format, from: first, into: UnsafeMutableRawPointer(target), stride: 1, count: values.count
        )
      }
    }
  }

  /// Copies elements without looking at them: what an engine does when both formats are the same.
  ///
  /// Strides are in elements of `sizeBytes` (1, 2 or 4). Rows are disjoint or identical.
  public static func copyBits(
    sizeBytes: Int, from source: UnsafeRawPointer, sourceStride: Int,
    into destination: UnsafeMutableRawPointer, destinationStride: Int, count: Int
  ) {
    guard count > 0 else { return }
    if sourceStride == 1 && destinationStride == 1 {
      unsafe destination.copyMemory(from: source, byteCount: count * sizeBytes)
      return
    }
    switch sizeBytes {
    case 1:
      unsafe copySteps(UInt8.self, source, sourceStride, destination, destinationStride, count)
    case 2:
      unsafe copySteps(UInt16.self, source, sourceStride, destination, destinationStride, count)
    default:
      unsafe copySteps(UInt32.self, source, sourceStride, destination, destinationStride, count)
    }
  }

  @inline(__always)
  private static func copySteps<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafeRawPointer, _ sourceStride: Int,
    _ destination: UnsafeMutableRawPointer, _ destinationStride: Int, _ count: Int
  ) {
    let size = MemoryLayout<Element>.size
    var index = 0
    while index < count {
      let element = unsafe source.loadUnaligned(
        fromByteOffset: index &* sourceStride &* size, as: type)
      unsafe destination.storeBytes(
        of: element, toByteOffset: index &* destinationStride &* size, as: type)
      index &+= 1
    }
  }
}
