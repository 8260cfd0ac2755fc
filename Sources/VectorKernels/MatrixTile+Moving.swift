public import NumericFormats

/// One panel of a packed moving tile: how many of the tile's rows it has, where in a stationary
/// panel each of them finds its partners, and the rows themselves.
@unsafe struct MovingPanel {
  /// Rows that the panel has.
  let count: Int
  private let places: UnsafePointer<Int32>
  /// The first of the rows, which follow each other.
  let rows: UnsafePointer<Float>
  private let base: UnsafePointer<Float>

  @inline(__always)
  init(_ base: UnsafePointer<Float>, _ k: Int) {
    let list = unsafe UnsafeRawPointer(base).assumingMemoryBound(to: Int32.self)
    unsafe self.base = base
    unsafe count = Int(list[0])
    unsafe places = list + 1
    unsafe rows = base + MatrixTile.listFloats(k)
  }

  /// Floats from the beginning of a stationary panel to what the row meets.
  @inline(__always)
  func place(_ index: Int) -> Int { unsafe Int(places[index]) }

  /// The panel so many floats further on.
  @inline(__always)
  func neighbour(_ floats: Int, _ k: Int) -> MovingPanel { unsafe MovingPanel(base + floats, k) }
}

extension MatrixTile {
  /// Room for the list at the beginning of a moving panel: whole cache lines.
  @inline(__always)
  static func listFloats(_ k: Int) -> Int { (k + 1 + 15) / 16 * 16 }

  /// Steps of eight columns that cover a panel's row.
  @inline(__always)
  static var movingSteps: Int { (panelColumns + 7) / 8 }

  /// Floats from one moving panel to the next; rows are written in steps of eight floats, of which
  /// the last ones of the last row may reach behind it.
  @inline(__always)
  static func movingPanelFloats(_ k: Int) -> Int {
    listFloats(k) + k * panelColumns + (8 - panelColumns % 8) % 8
  }

  /// Widens and packs a moving tile straight from memory; operands as in `packStationary`, with
  /// room for `movingFloatCount(k:n:)` floats.
  ///
  /// Where `dropsZeros` is set, rows of a panel that hold nothing but zeros may be left out, which
  /// changes no product that `zerosAddNothing` vouches for. Returns the bits of the smallest
  /// magnitude beside zero, as `Magnitudes.least` has them; fewer rows are left out than could be
  /// where the last step of a row reaches into the next panel.
  @discardableResult
  public static func packMoving(
    _ format: NumberFormat, from source: UnsafeRawPointer, rowPitchBytes: Int, _ runs: ElementRuns,
    k: Int, dropsZeros: Bool = false, into panels: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let rows = unsafe Rows(first: source, pitchBytes: rowPitchBytes, count: k, runs: runs)
    let packer = unsafe MovingPacker(panels, k: k, n: runs.total, keepsAll: !dropsZeros)
    guard runs.total > 0 else { return Magnitudes.none.least }
    let padded = (runs.total + panelColumns + 15) * 4
    return unsafe withUnsafeTemporaryAllocation(byteCount: padded, alignment: 64) { raw in
      guard let scratch = raw.baseAddress else { return Magnitudes.none.least }
      unsafe scratch.initializeMemory(as: UInt8.self, repeating: 0, count: padded)
      return unsafe format == .bfloat16
        ? packer.packHalves(rows, scratch) : packer.packWords(format, rows, scratch)
    }
  }

  /// Makes every panel of a moving tile have all rows, for callers that then pack them one by one.
  public static func listAllRows(k: Int, n: Int, into panels: UnsafeMutablePointer<Float>) {
    for panel in 0..<panelCount(n, panelColumns) {
      let list = unsafe UnsafeMutableRawPointer(panels + panel * movingPanelFloats(k))
        .assumingMemoryBound(to: Int32.self)
      unsafe list[0] = Int32(k)
      for row in 0..<k { unsafe list[row + 1] = Int32(row * panelRows) }
    }
  }

  /// Packs one widened moving row, for callers that gather rows themselves, in any order, once all
  /// rows are listed.
  public static func packMovingRow(
    _ row: UnsafePointer<Float>, index: Int, k: Int, n: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    unsafe packRow(
      row, n, index, movingPanelFloats(k), panelColumns, panels + listFloats(k))
  }
}

/// Packs the rows of a moving tile in order, and lists those that a panel keeps.
@unsafe private struct MovingPacker {
  private let panels: UnsafeMutablePointer<Float>
  private let k: Int
  private let n: Int
  private let keepsAll: Bool

  init(_ panels: UnsafeMutablePointer<Float>, k: Int, n: Int, keepsAll: Bool) {
    unsafe self.panels = panels
    unsafe self.k = k
    unsafe self.n = n
    unsafe self.keepsAll = keepsAll
    for panel in 0..<MatrixTile.panelCount(n, MatrixTile.panelColumns) {
      unsafe UnsafeMutableRawPointer(panels + panel * MatrixTile.movingPanelFloats(k))
        .storeBytes(of: 0, as: Int32.self)
    }
  }

  /// Rows of bf16, which are the upper halves of fp32 patterns. `scratch` holds a row and zeros
  /// behind it.
  func packHalves(
    _ rows: MatrixTile.Rows, _ scratch: UnsafeMutableRawPointer
  ) -> UInt32 {
    var least = SIMD8<Int16>(repeating: .max)
    for row in unsafe 0..<k {
      unsafe rows.announce(row + CacheHint.rowsAhead, 2)
      let address = unsafe rows.first + row * rows.pitchBytes
      let isDense = unsafe rows.areDense
      if !isDense { unsafe Conversion.gatherHalves(address, rows.runs, into: scratch) }
      var source = unsafe isDense ? address : UnsafeRawPointer(scratch)
      var panel = unsafe UnsafeMutableRawPointer(panels)
      var left = unsafe n
      while left > 0 {
        if left < MatrixTile.movingSteps * 8, isDense {
          // The row ends here, and what is behind it is not ours to read.
          unsafe scratch.copyMemory(from: source, byteCount: left * 2)
          unsafe source = UnsafeRawPointer(scratch)
        }
        let target = unsafe self.target(panel, row)
        var seen = SIMD8<UInt16>()
        for step in 0..<MatrixTile.movingSteps {
          let codes = unsafe source.loadUnaligned(fromByteOffset: step * 16, as: SIMD8<UInt16>.self)
          let sizes = codes & 0x7FFF
          seen |= sizes
          // Zero becomes the largest; differences of numbers without a sign bit do not overflow.
          let below = SIMD8<Int16>(truncatingIfNeeded: (sizes &- 1) & 0x7FFF)
          let difference = below &- least
          least &+= difference & (difference &>> 15)
          unsafe target.storeBytes(
            of: SIMD8<UInt32>(truncatingIfNeeded: codes) &<< 16, toByteOffset: step * 32,
            as: SIMD8<UInt32>.self)
        }
        let words = unsafe unsafeBitCast(seen, to: SIMD2<UInt64>.self)
        unsafe keep(panel, words[0] | words[1] != 0)
        unsafe source += MatrixTile.panelColumns * 2
        unsafe panel += MatrixTile.movingPanelFloats(k) * 4
        left -= MatrixTile.panelColumns
      }
    }
    return (UInt32(least.min()) &+ 1) &<< 16
  }

  /// Rows of any other format, widened to fp32 where they are not.
  func packWords(
    _ format: NumberFormat, _ rows: MatrixTile.Rows, _ scratch: UnsafeMutableRawPointer
  ) -> UInt32 {
    let wide = unsafe scratch.assumingMemoryBound(to: Float.self)
    var least = SIMD8<Int32>(repeating: .max)
    for row in unsafe 0..<k {
      unsafe rows.announce(row + CacheHint.rowsAhead, format.sizeBytes)
      unsafe Conversion.widen(
        format, from: rows.first + row * rows.pitchBytes, rows.runs, into: wide)
      var source = UnsafeRawPointer(scratch)
      var panel = unsafe UnsafeMutableRawPointer(panels)
      for _ in unsafe 0..<MatrixTile.panelCount(n, MatrixTile.panelColumns) {
        let target = unsafe self.target(panel, row)
        var seen = SIMD8<UInt32>()
        for step in 0..<MatrixTile.movingSteps {
          let bits = unsafe source.loadUnaligned(fromByteOffset: step * 32, as: SIMD8<UInt32>.self)
          let sizes = bits & 0x7FFF_FFFF
          seen |= sizes
          let below = SIMD8<Int32>(truncatingIfNeeded: (sizes &- 1) & 0x7FFF_FFFF)
          let difference = below &- least
          least &+= difference & (difference &>> 31)
          unsafe target.storeBytes(of: bits, toByteOffset: step * 32, as: SIMD8<UInt32>.self)
        }
        let words = unsafe unsafeBitCast(seen, to: SIMD4<UInt64>.self)
        unsafe keep(panel, words[0] | words[1] | words[2] | words[3] != 0)
        unsafe source += MatrixTile.panelColumns * 4
        unsafe panel += MatrixTile.movingPanelFloats(k) * 4
      }
    }
    return UInt32(least.min()) &+ 1
  }

  /// Where a panel's next row goes; its place is noted, and counts once the row is kept.
  @inline(__always)
  private func target(_ panel: UnsafeMutableRawPointer, _ row: Int) -> UnsafeMutableRawPointer {
    let list = unsafe panel.assumingMemoryBound(to: Int32.self)
    let count = unsafe Int(list[0])
    unsafe list[count &+ 1] = Int32(truncatingIfNeeded: row &* MatrixTile.panelRows)
    let floats = unsafe MatrixTile.listFloats(k) &+ count &* MatrixTile.panelColumns
    return unsafe panel + floats &* 4
  }

  @inline(__always)
  private func keep(_ panel: UnsafeMutableRawPointer, _ isKept: Bool) {
    let list = unsafe panel.assumingMemoryBound(to: Int32.self)
    unsafe list[0] &+= isKept || keepsAll ? 1 : 0
  }
}
