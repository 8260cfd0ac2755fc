public import NumericFormats

extension MatrixTile {
  /// Widens and packs a stationary tile straight from memory.
  ///
  /// Row r starts `r * rowPitchBytes` after `source`; its m elements lie in `runs`. `panels` has
  /// room for `stationaryFloatCount(k:m:)` floats; columns beyond m become zero.
  public static func packStationary(
    _ format: NumberFormat, from source: UnsafeRawPointer, rowPitchBytes: Int, _ runs: ElementRuns,
    k: Int, into panels: UnsafeMutablePointer<Float>
  ) {
    let rows = unsafe Rows(first: source, pitchBytes: rowPitchBytes, count: k, runs: runs)
    unsafe packRows(format, rows, panels)
  }

  /// Packs one widened stationary row, for callers that gather rows themselves, in any order.
  public static func packStationaryRow(
    _ row: UnsafePointer<Float>, index: Int, k: Int, m: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    unsafe packRow(row, m, index, panelFloats(k, panelRows), panelRows, panels)
  }

  /// Where the rows of a tile lie.
  @unsafe struct Rows {
    var first: UnsafeRawPointer
    var pitchBytes: Int
    var count: Int
    var runs: ElementRuns

    var columns: Int { unsafe runs.total }
    /// Every row is dense.
    var areDense: Bool { unsafe runs.stride == 1 && runs.total == runs.count }

    /// Rows of several runs span more bytes than they hold; the first ones are what is missed.
    @inline(__always)
    func announce(_ row: Int, _ sizeBytes: Int) {
      guard unsafe row < count else { return }
      unsafe CacheHint.willRead(first + row * pitchBytes, byteCount: columns * sizeBytes)
    }
  }

  @inline(__always)
  private static func packRows(
    _ format: NumberFormat, _ rows: Rows, _ panels: UnsafeMutablePointer<Float>
  ) {
    switch format {
    case .float32 where unsafe rows.areDense:
      unsafe packSteps(rows, 4, panelRows, panels) {
        unsafe $0.loadUnaligned(as: SIMD8<Float>.self)
      } one: {
        unsafe $0.loadUnaligned(as: Float.self)
      }
    case .bfloat16 where unsafe rows.areDense:
      unsafe packSteps(rows, 2, panelRows, panels) {
        let codes = unsafe $0.loadUnaligned(as: SIMD8<UInt16>.self)
        return unsafe unsafeBitCast(
          SIMD8<UInt32>(truncatingIfNeeded: codes) &<< 16, to: SIMD8<Float>.self)
      } one: {
        Float(bitPattern: UInt32(unsafe $0.loadUnaligned(as: UInt16.self)) &<< 16)
      }
    default: unsafe packWidened(format, rows, panelRows, panels)
    }
  }

  /// Packs rows in order, by closures that widen eight elements and one.
  ///
  /// A panel's row is written eight floats at a time, and the last eight may reach into the panel's
  /// next row, which is written later, or into the cache line behind the panel.
  @inline(__always)
  private static func packSteps(
    _ rows: Rows, _ sizeBytes: Int, _ width: Int, _ panels: UnsafeMutablePointer<Float>,
    eight: (UnsafeRawPointer) -> SIMD8<Float>, one: (UnsafeRawPointer) -> Float
  ) {
    let steps = (width + 7) / 8
    for row in unsafe 0..<rows.count {
      unsafe rows.announce(row + CacheHint.rowsAhead, sizeBytes)
      var source = unsafe rows.first + row * rows.pitchBytes
      var target = unsafe panels + row * width
      var left = unsafe rows.columns
      while left > 0 {
        if left >= steps * 8 {
          for step in 0..<steps {
            unsafe UnsafeMutableRawPointer(target + step * 8).storeBytes(
              of: eight(source + step * 8 * sizeBytes), as: SIMD8<Float>.self)
          }
        } else {
          for lane in 0..<width {
            unsafe target[lane] = lane < left ? one(source + lane * sizeBytes) : 0
          }
        }
        unsafe source += width * sizeBytes
        unsafe target += panelFloats(rows.count, width)
        left -= width
      }
    }
  }

  /// Packs rows that are widened one by one.
  private static func packWidened(
    _ format: NumberFormat, _ rows: Rows, _ width: Int, _ panels: UnsafeMutablePointer<Float>
  ) {
    guard unsafe rows.columns > 0 else { return }
    unsafe withUnsafeTemporaryAllocation(byteCount: rows.columns * 4, alignment: 64) { raw in
      guard let base = raw.baseAddress else { return }
      let row = unsafe base.assumingMemoryBound(to: Float.self)
      for index in unsafe 0..<rows.count {
        unsafe rows.announce(index + CacheHint.rowsAhead, format.sizeBytes)
        unsafe Conversion.widen(
          format, from: rows.first + index * rows.pitchBytes, rows.runs, into: row)
        unsafe packRow(
          row, rows.columns, index, panelFloats(rows.count, width), width, panels)
      }
    }
  }

  /// Spreads a row over its panels: panel p, depth `index` gets columns p * width ..< (p + 1) *
  /// width.
  @inline(__always)
  static func packRow(
    _ row: UnsafePointer<Float>, _ columns: Int, _ index: Int, _ panelStep: Int, _ width: Int,
    _ panels: UnsafeMutablePointer<Float>
  ) {
    var column = 0
    var target = unsafe panels + index * width
    while column + width <= columns {
      unsafe copy(row + column, width, target)
      unsafe target += panelStep
      column += width
    }
    guard column < columns else { return }
    for lane in 0..<width {
      unsafe target[lane] = column + lane < columns ? row[column + lane] : 0
    }
  }

  /// Moves the floats of one panel row, an even number that is known where this is inlined.
  @inline(__always)
  private static func copy(
    _ source: UnsafePointer<Float>, _ width: Int, _ target: UnsafeMutablePointer<Float>
  ) {
    let from = unsafe UnsafeRawPointer(source)
    let to = UnsafeMutableRawPointer(target)
    var byte = 0
    while byte + 16 <= width * 4 {
      unsafe to.storeBytes(
        of: from.loadUnaligned(fromByteOffset: byte, as: SIMD4<Float>.self), toByteOffset: byte,
        as: SIMD4<Float>.self)
      byte += 16
    }
    while byte < width * 4 {
      unsafe to.storeBytes(
        of: from.loadUnaligned(fromByteOffset: byte, as: SIMD2<Float>.self), toByteOffset: byte,
        as: SIMD2<Float>.self)
      byte += 8
    }
  }
}
