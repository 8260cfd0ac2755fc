extension Conversion {
  /// Gathers the two-byte elements of all runs of a row, one after the other and unchanged; what is
  /// read and written is theirs alone.
  static func gatherHalves(
    _ source: UnsafeRawPointer, _ runs: ElementRuns, into destination: UnsafeMutableRawPointer
  ) {
    var target = unsafe destination
    switch runs.stride {
    case 1 where runs.count >= 4:
      runs.forEach { offset in
        unsafe copyHalves(source + 2 &* offset, runs.count, target)
        unsafe target += 2 &* runs.count
      }
    case 2 where runs.count > 8:
      runs.forEach { offset in
        unsafe everyOtherHalf(source + 2 &* offset, runs.count, target)
        unsafe target += 2 &* runs.count
      }
    default:
      runs.forEach { offset in
        unsafe copyBits(
          sizeBytes: 2, from: source + 2 &* offset, sourceStride: runs.stride, into: target,
          destinationStride: 1, count: runs.count)
        unsafe target += 2 &* runs.count
      }
    }
  }

  /// The last vector lies over some elements that are done. At least four elements.
  @inline(__always)
  private static func copyHalves(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutableRawPointer
  ) {
    guard count >= 8 else {
      let last = 2 &* (count &- 4)
      let end = unsafe (source + last).loadUnaligned(as: SIMD4<UInt16>.self)
      unsafe destination.storeBytes(
        of: source.loadUnaligned(as: SIMD4<UInt16>.self), as: SIMD4<UInt16>.self)
      unsafe (destination + last).storeBytes(of: end, as: SIMD4<UInt16>.self)
      return
    }
    var index = 0
    while index < count {
      let byte = 2 &* min(index, count &- 8)
      unsafe (destination + byte).storeBytes(
        of: (source + byte).loadUnaligned(as: SIMD8<UInt16>.self), as: SIMD8<UInt16>.self)
      index &+= 8
    }
  }

  /// Elements are the lower halves of words; the last ones the upper halves of the words two bytes
  /// before, so that nothing behind them is read. More than eight elements.
  @inline(__always)
  private static func everyOtherHalf(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutableRawPointer
  ) {
    let last = count &- 8
    var first = 0
    while first < last {
      let words = unsafe (source + 4 &* first).loadUnaligned(as: SIMD8<UInt32>.self)
      unsafe (destination + 2 &* first).storeBytes(
        of: SIMD8<UInt16>(truncatingIfNeeded: words), as: SIMD8<UInt16>.self)
      first &+= 8
    }
    let words = unsafe (source + (4 &* last &- 2)).loadUnaligned(as: SIMD8<UInt32>.self)
    unsafe (destination + 2 &* last).storeBytes(
      of: SIMD8<UInt16>(truncatingIfNeeded: words &>> 16), as: SIMD8<UInt16>.self)
  }
}
