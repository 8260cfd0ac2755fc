public import NumericFormats

/// Rows whose elements lie in runs. Runs are often short (a row of an image), so the formats that
/// models use go eight or four elements at a time, the last ones of a run over some that are done.
extension Conversion {
  /// Widens all runs of a row to consecutive fp32 values; see `widen` of one run.
  public static func widen(
    _ format: NumberFormat, from source: UnsafeRawPointer, _ runs: ElementRuns,
    into destination: UnsafeMutablePointer<Float>
  ) {
    switch format {
    case .bfloat16 where runs.stride == 1 && runs.count >= 4:
      var target = UnsafeMutableRawPointer(destination)
      runs.forEach { offset in
        unsafe widenHalves(source + 2 &* offset, runs.count, target)
        unsafe target += 4 &* runs.count
      }
    case .bfloat16 where runs.stride == 2 && runs.count > 4:
      var target = UnsafeMutableRawPointer(destination)
      runs.forEach { offset in
        unsafe widenEveryOther(source + 2 &* offset, runs.count, target)
        unsafe target += 4 &* runs.count
      }
    case .float32 where runs.stride == 1 && runs.count >= 4:
      var target = UnsafeMutableRawPointer(destination)
      runs.forEach { offset in
        unsafe copyWords(source + 4 &* offset, runs.count, target)
        unsafe target += 4 &* runs.count
      }
    default:
      var target = unsafe destination
      runs.forEach { offset in
        unsafe widen(
          format, from: source + offset * format.sizeBytes, stride: runs.stride,
          count: runs.count, into: target)
        unsafe target += runs.count
      }
    }
  }

  /// Narrows consecutive fp32 values into all runs of a row; see `narrow` of one run.
  public static func narrow(
    _ format: NumberFormat, from source: UnsafePointer<Float>,
    into destination: UnsafeMutableRawPointer, _ runs: ElementRuns
  ) {
    switch format {
    case .bfloat16 where runs.stride == 1 && runs.count >= 4:
      var from = unsafe UnsafeRawPointer(source)
      runs.forEach { offset in
        unsafe narrowHalves(from, destination + 2 &* offset, runs.count)
        unsafe from += 4 &* runs.count
      }
    case .float32 where runs.stride == 1 && runs.count >= 4:
      var from = unsafe UnsafeRawPointer(source)
      runs.forEach { offset in
        unsafe quietWords(from, destination + 4 &* offset, runs.count)
        unsafe from += 4 &* runs.count
      }
    default:
      var from = unsafe source
      runs.forEach { offset in
        unsafe narrow(
          format, from: from, into: destination + offset * format.sizeBytes,
          stride: runs.stride, count: runs.count)
        unsafe from += runs.count
      }
    }
  }

  /// bf16 codes are the upper halves of fp32 patterns. At least four elements.
  @inline(__always)
  private static func widenHalves(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutableRawPointer
  ) {
    guard count >= 8 else {
      unsafe widenFour(source, destination)
      unsafe widenFour(source + 2 &* (count &- 4), destination + 4 &* (count &- 4))
      return
    }
    var index = 0
    while index < count {
      let first = min(index, count &- 8)
      let codes = unsafe (source + 2 &* first).loadUnaligned(as: SIMD8<UInt16>.self)
      unsafe (destination + 4 &* first).storeBytes(
        of: SIMD8<UInt32>(truncatingIfNeeded: codes) &<< 16, as: SIMD8<UInt32>.self)
      index &+= 8
    }
  }

  @inline(__always)
  private static func widenFour(
    _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer
  ) {
    let codes = unsafe source.loadUnaligned(as: SIMD4<UInt16>.self)
    unsafe destination.storeBytes(
      of: SIMD4<UInt32>(truncatingIfNeeded: codes) &<< 16, as: SIMD4<UInt32>.self)
  }

  /// Every other bf16 code is the lower half of a word; for the last ones it is the upper half of
  /// the word two bytes before, so that nothing behind them is read. More than four elements.
  @inline(__always)
  private static func widenEveryOther(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutableRawPointer
  ) {
    let last = count &- 4
    var first = 0
    while first < last {
      let words = unsafe (source + 4 &* first).loadUnaligned(as: SIMD4<UInt32>.self)
      unsafe (destination + 4 &* first).storeBytes(of: words &<< 16, as: SIMD4<UInt32>.self)
      first &+= 4
    }
    let words = unsafe (source + (4 &* last &- 2)).loadUnaligned(as: SIMD4<UInt32>.self)
    unsafe (destination + 4 &* last).storeBytes(
      of: words & 0xFFFF_0000, as: SIMD4<UInt32>.self)
  }

  /// Moves fp32 values as they are. At least four elements.
  @inline(__always)
  private static func copyWords(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutableRawPointer
  ) {
    var index = 0
    while index < count {
      let byte = 4 &* min(index, count &- 4)
      unsafe (destination + byte).storeBytes(
        of: (source + byte).loadUnaligned(as: SIMD4<UInt32>.self), as: SIMD4<UInt32>.self)
      index &+= 4
    }
  }

  /// The way back, rounded. At least four elements.
  @inline(__always)
  private static func narrowHalves(
    _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer, _ count: Int
  ) {
    guard count >= 8 else {
      unsafe narrowFour(source, destination)
      unsafe narrowFour(source + 4 &* (count &- 4), destination + 2 &* (count &- 4))
      return
    }
    var index = 0
    while index < count {
      let first = min(index, count &- 8)
      unsafe narrowFour(source + 4 &* first, destination + 2 &* first)
      unsafe narrowFour(source + 4 &* (first &+ 4), destination + 2 &* (first &+ 4))
      index &+= 8
    }
  }

  /// Moves fp32 values, NaNs as the quiet one. At least four elements.
  @inline(__always)
  private static func quietWords(
    _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer, _ count: Int
  ) {
    var index = 0
    while index < count {
      let byte = 4 &* min(index, count &- 4)
      let values = unsafe (source + byte).loadUnaligned(as: SIMD4<Float>.self)
      let bits = unsafe unsafeBitCast(values, to: SIMD4<UInt32>.self)
      unsafe (destination + byte).storeBytes(
        of: bits.replacing(with: 0x7FC0_0000, where: values .!= values), as: SIMD4<UInt32>.self)
      index &+= 4
    }
  }

  /// `bfloat16Code` of four values.
  @inline(__always)
  private static func narrowFour(
    _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer
  ) {
    let values = unsafe source.loadUnaligned(as: SIMD4<Float>.self)
    let bits = unsafe unsafeBitCast(values, to: SIMD4<UInt32>.self)
    let rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
    let codes = rounded.replacing(with: 0x7FC0, where: values .!= values)
    unsafe destination.storeBytes(
      of: SIMD4<UInt16>(truncatingIfNeeded: codes), as: SIMD4<UInt16>.self)
  }
}
