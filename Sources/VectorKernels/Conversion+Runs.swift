public import NumericFormats

/// Rows whose elements lie in runs. Runs are often short (a row of an image), so the formats that
/// models use go eight elements at a time, the last eight of a run over some that are done.
extension Conversion {
  /// Widens all runs of a row to consecutive fp32 values; see `widen` of one run.
  public static func widen(
    _ format: NumberFormat, from source: UnsafeRawPointer, _ runs: ElementRuns,
    into destination: UnsafeMutablePointer<Float>
  ) {
    switch format {
    case .bfloat16 where runs.goInEights:
      unsafe eachEight(runs, source, 2, UnsafeMutableRawPointer(destination), 4) { from, to in
        let codes = unsafe from.loadUnaligned(as: SIMD8<UInt16>.self)
        unsafe to.storeBytes(
          of: SIMD8<UInt32>(truncatingIfNeeded: codes) &<< 16, as: SIMD8<UInt32>.self)
      }
    case .float32 where runs.goInEights:
      unsafe eachEight(runs, source, 4, UnsafeMutableRawPointer(destination), 4) { from, to in
        unsafe to.storeBytes(
          of: from.loadUnaligned(as: SIMD8<UInt32>.self), as: SIMD8<UInt32>.self)
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
    case .bfloat16 where runs.goInEights:
      unsafe eachEight(runs, destination, 2, UnsafeRawPointer(source), 4) { to, from in
        let values = unsafe from.loadUnaligned(as: SIMD8<Float>.self)
        unsafe to.storeBytes(of: bfloat16Codes(values), as: SIMD8<UInt16>.self)
      }
    case .float32 where runs.goInEights:
      unsafe eachEight(runs, destination, 4, UnsafeRawPointer(source), 4) { to, from in
        let values = unsafe from.loadUnaligned(as: SIMD8<Float>.self)
        let quiet = SIMD8<UInt32>(repeating: 0x7FC0_0000)
        unsafe to.storeBytes(
          of: quiet.replacing(
            with: unsafeBitCast(values, to: SIMD8<UInt32>.self), where: values .== values),
          as: SIMD8<UInt32>.self)
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

  /// `bfloat16Code` of eight values.
  @inline(__always)
  private static func bfloat16Codes(_ values: SIMD8<Float>) -> SIMD8<UInt16> {
    let bits = unsafe unsafeBitCast(values, to: SIMD8<UInt32>.self)
    let rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
    let quiet = SIMD8<UInt32>(repeating: 0x7FC0)
    return SIMD8<UInt16>(
      truncatingIfNeeded: quiet.replacing(with: rounded, where: values .== values))
  }

  /// Calls `body` with where eight elements lie in the runs, and where in the consecutive row.
  @inline(__always)
  private static func eachEight<Runs: Strideable, Row: Strideable>(
    _ runs: ElementRuns, _ memory: Runs, _ memoryBytes: Int, _ row: Row, _ rowBytes: Int,
    _ body: (Runs, Row) -> Void
  ) where Runs.Stride == Int, Row.Stride == Int {
    var next = row
    runs.forEach { offset in
      let first = memory.advanced(by: offset &* memoryBytes)
      var index = 0
      while index < runs.count {
        let from = min(index, runs.count &- 8)
        body(
          first.advanced(by: from &* memoryBytes), next.advanced(by: from &* rowBytes))
        index &+= 8
      }
      next = next.advanced(by: runs.count &* rowBytes)
    }
  }
}

extension ElementRuns {
  /// Runs without gaps that are long enough for eight elements at a time.
  @inline(__always)
  fileprivate var goInEights: Bool { stride == 1 && count >= 8 }
}
