public import NumericFormats

extension MatrixTile {
  /// Packs a widened stationary tile [k][m], rows `pitch` floats apart, into panels.
  ///
  /// `panels` has room for `stationaryFloatCount(k:m:)` floats; columns beyond m become zero.
  public static func packStationary(
    from tile: UnsafePointer<Float>, pitch: Int, k: Int, m: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<k {
      unsafe packRow(tile + row * pitch, m, row, k, panelRows, panels)
    }
  }

  /// Packs a widened moving tile [k][n], rows `pitch` floats apart, into panels.
  ///
  /// `panels` has room for `movingFloatCount(k:n:)` floats; columns beyond n become zero.
  public static func packMoving(
    from tile: UnsafePointer<Float>, pitch: Int, k: Int, n: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<k {
      unsafe packRow(tile + row * pitch, n, row, k, panelColumns, panels)
    }
  }

  /// Widens and packs a stationary tile straight from memory.
  ///
  /// Row r starts `r * rowPitchBytes` after `source`; its m elements are `stride` elements apart.
  public static func packStationary(
    _ format: NumberFormat, from source: UnsafeRawPointer, rowPitchBytes: Int, stride: Int, k: Int,
    m: Int, into panels: UnsafeMutablePointer<Float>
  ) {
    unsafe packRows(format, source, rowPitchBytes, stride, k, m, panelRows, panels)
  }

  /// Widens and packs a moving tile straight from memory; operands as in `packStationary`.
  public static func packMoving(
    _ format: NumberFormat, from source: UnsafeRawPointer, rowPitchBytes: Int, stride: Int, k: Int,
    n: Int, into panels: UnsafeMutablePointer<Float>
  ) {
    unsafe packRows(format, source, rowPitchBytes, stride, k, n, panelColumns, panels)
  }

  /// Packs one widened stationary row, for callers that gather rows themselves.
  public static func packStationaryRow(
    _ row: UnsafePointer<Float>, index: Int, k: Int, m: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    unsafe packRow(row, m, index, k, panelRows, panels)
  }

  /// Packs one widened moving row, for callers that gather rows themselves.
  public static func packMovingRow(
    _ row: UnsafePointer<Float>, index: Int, k: Int, n: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    unsafe packRow(row, n, index, k, panelColumns, panels)
  }

  private static func packRows(
    _ format: NumberFormat, _ source: UnsafeRawPointer, _ rowPitchBytes: Int, _ stride: Int,
    _ k: Int, _ columns: Int, _ width: Int, _ panels: UnsafeMutablePointer<Float>
  ) {
    guard columns > 0 else { return }
    unsafe withUnsafeTemporaryAllocation(byteCount: columns * 4, alignment: 64) { raw in
      guard let base = raw.baseAddress else { return }
      let row = unsafe base.assumingMemoryBound(to: Float.self)
      for index in 0..<k {
        unsafe Conversion.widen(
          format, from: source + index * rowPitchBytes, stride: stride, count: columns, into: row)
        unsafe packRow(row, columns, index, k, width, panels)
      }
    }
  }

  /// Spreads a row over its panels: panel p, depth `index` gets columns p * width ..< (p + 1) *
  /// width.
  @inline(__always)
  private static func packRow(
    _ row: UnsafePointer<Float>, _ columns: Int, _ index: Int, _ k: Int, _ width: Int,
    _ panels: UnsafeMutablePointer<Float>
  ) {
    var column = 0
    var target = unsafe panels + index * width
    while column + width <= columns {
      unsafe copy(row + column, width, target)
      unsafe target += panelFloats(k, width)
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
