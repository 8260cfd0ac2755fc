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

  /// Floats from one moving panel to the next; rows are written sixteen floats at a time, of which
  /// the last ones of the last row may reach behind it.
  @inline(__always)
  static func movingPanelFloats(_ k: Int) -> Int {
    listFloats(k) + k * panelColumns + (laneCount - panelColumns)
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
    return unsafe format == .bfloat16
      ? MovingPacker.packHalves(rows, keepsAll: !dropsZeros, panels)
      : MovingPacker.packWords(format, rows, keepsAll: !dropsZeros, panels)
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
