/// The tensor engine's product on the host: C = A^T B or C += A^T B in fp32.
///
/// For each output element the products accumulate k upward by fused multiply-add from +0, and the
/// sum is then stored in, or added to, C. Both operands come widened to fp32 and packed: the
/// stationary one into panels of `panelRows` columns of A, the moving one into panels of
/// `panelColumns` columns of B, each panel k-major, so that the inner loop reads both straight
/// through. A packed moving tile can be kept and met by many stationary ones. Rows of its panels
/// that hold nothing but zeros may be left out: each panel lists those that it has.
public enum MatrixTile {
  /// Floats that the packed form of a stationary tile [k][m] takes.
  public static func stationaryFloatCount(k: Int, m: Int) -> Int {
    panelCount(m, panelRows) * panelFloats(k, panelRows)
  }

  /// Floats that the packed form of a moving tile [k][n] takes.
  public static func movingFloatCount(k: Int, n: Int) -> Int {
    panelCount(n, panelColumns) * movingPanelFloats(k)
  }

  /// C[m][n] (rows `cPitch` floats apart) = or += the product of two packed tiles.
  ///
  /// `stationary` holds `stationaryFloatCount(k:m:)` floats, `moving` `movingFloatCount(k:n:)`.
  /// With k = 0 the product is +0. C overlaps neither operand.
  public static func multiply(
    stationary: UnsafePointer<Float>, moving: UnsafePointer<Float>, k: Int, m: Int, n: Int,
    into c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
  ) {
    // One moving panel stays in the first-level cache while all stationary panels pass, and each of
    // them has a share of the next one fetched.
    let share = linesAhead(k, m)
    var column = 0
    while column < n {
      let panel = unsafe MovingPanel(moving + column / panelColumns * movingPanelFloats(k), k)
      var next = unsafe moving + (column / panelColumns + 1) * movingPanelFloats(k)
      let columns = min(panelColumns, n - column)
      var row = 0
      while row < m {
        let stationaryPanel = unsafe stationary + row / panelRows * panelFloats(k, panelRows)
        let target = unsafe c + (row * cPitch + column)
        let rows = min(panelRows, m - row)
        unsafe CacheHint.willRead(next, lineCount: share)
        unsafe next += share * CacheHint.lineFloats
        if rows == panelRows && columns == panelColumns {
          unsafe wholeTile(stationaryPanel, panel, target, cPitch, accumulate)
        } else if unsafe !lastRows(
          stationaryPanel, panel, k, rows, column, n, target, cPitch, accumulate)
        {
          unsafe edgeTile(stationaryPanel, panel, rows, columns, target, cPitch, accumulate)
        }
        row += panelRows
      }
      column += panelColumns
    }
  }

  /// Floats from one stationary panel to the next: a cache line more than a panel has, for a row is
  /// spread over all panels when it is packed, and at a power of two apart all of them would meet
  /// in one set of the first-level cache.
  static func panelFloats(_ k: Int, _ width: Int) -> Int { k * width + 16 }

  /// Cache lines of the next moving panel for each of the stationary panels; where those are few,
  /// no more at once than the processor keeps under way.
  private static func linesAhead(_ k: Int, _ m: Int) -> Int {
    let lines = movingPanelFloats(k) / CacheHint.lineFloats
    return min(16, panelCount(lines, max(1, panelCount(m, panelRows))))
  }

  static func panelCount(_ size: Int, _ panel: Int) -> Int { (size + panel - 1) / panel }

  #if TRNBENCH_AVX512 || TRNBENCH_NEON
    /// Panels divide the 128 rows of the array here: none are left that need a tile of their own.
    @inline(__always)
    private static func lastRows(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel, _ k: Int, _ rows: Int,
      _ column: Int, _ n: Int, _ c: UnsafeMutablePointer<Float>, _ pitch: Int, _ accumulate: Bool
    ) -> Bool { false }
  #endif

  /// Computes a whole tile beside C and moves over the part that exists.
  private static func edgeTile(
    _ stationary: UnsafePointer<Float>, _ moving: MovingPanel, _ rows: Int, _ columns: Int,
    _ c: UnsafeMutablePointer<Float>, _ cPitch: Int, _ accumulate: Bool
  ) {
    unsafe withUnsafeTemporaryAllocation(
      byteCount: panelRows * panelColumns * 4, alignment: 16
    ) { raw in
      guard let base = raw.baseAddress else { return }
      let scratch = unsafe base.assumingMemoryBound(to: Float.self)
      if columns <= panelColumns / 2 {
        unsafe leftHalfTile(stationary, moving, scratch)
      } else {
        unsafe wholeTile(stationary, moving, scratch, panelColumns, false)
      }
      for row in 0..<rows {
        let source = unsafe scratch + row * panelColumns
        let target = unsafe c + row * cPitch
        for column in 0..<columns {
          unsafe target[column] = accumulate ? target[column] + source[column] : source[column]
        }
      }
    }
  }

  /// The scalar reference of `multiply`, on operands that are not packed: A is [k][m] and B [k][n],
  /// rows `aPitch` and `bPitch` floats apart.
  public static func multiplyReference(
    _ a: UnsafePointer<Float>, aPitch: Int, _ b: UnsafePointer<Float>, bPitch: Int, k: Int, m: Int,
    n: Int, into c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
  ) {
    for row in 0..<m {
      for column in 0..<n {
        var sum: Float = 0
        for depth in 0..<k {
          unsafe sum.addProduct(a[depth * aPitch + row], b[depth * bPitch + column])
        }
        let index = row * cPitch + column
        unsafe c[index] = accumulate ? c[index] + sum : sum
      }
    }
  }
}
