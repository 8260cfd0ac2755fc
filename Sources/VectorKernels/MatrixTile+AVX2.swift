#if !TRNBENCH_AVX512 && !TRNBENCH_NEON
  import CPrefetch

  extension MatrixTile {
    /// Columns of the stationary tile in one panel: twelve accumulators of eight lanes
    /// and three operands fit the sixteen registers.
    public static var panelRows: Int { 6 }

    /// Columns of the moving tile in one panel.
    public static var panelColumns: Int { 16 }

    private typealias Register = SIMD8<Float>

    /// One output tile; every accumulator is a local so that it lives in a register.
    static func wholeTile(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel,
      _ c: UnsafeMutablePointer<Float>, _ pitch: Int, _ accumulate: Bool
    ) {
      var (s00, s10, s20, s30) = (Register(), Register(), Register(), Register())
      var (s40, s50) = (Register(), Register())
      var (s01, s11, s21, s31) = (Register(), Register(), Register(), Register())
      var (s41, s51) = (Register(), Register())
      // What is added to lies in rows pages apart, and is met only when all products are summed.
      if accumulate {
        for row in 0..<panelRows { unsafe prefetch_to_read(c + row * pitch) }
      }
      var b = unsafe UnsafeRawPointer(moving.rows)
      for index in unsafe 0..<moving.count {
        let a = unsafe stationary + moving.place(index)
        let b0 = unsafe b.loadUnaligned(as: Register.self)
        let b1 = unsafe b.loadUnaligned(fromByteOffset: 32, as: Register.self)
        let a0 = unsafe Register(repeating: a[0])
        s00.addProduct(a0, b0)
        s01.addProduct(a0, b1)
        let a1 = unsafe Register(repeating: a[1])
        s10.addProduct(a1, b0)
        s11.addProduct(a1, b1)
        let a2 = unsafe Register(repeating: a[2])
        s20.addProduct(a2, b0)
        s21.addProduct(a2, b1)
        let a3 = unsafe Register(repeating: a[3])
        s30.addProduct(a3, b0)
        s31.addProduct(a3, b1)
        let a4 = unsafe Register(repeating: a[4])
        s40.addProduct(a4, b0)
        s41.addProduct(a4, b1)
        let a5 = unsafe Register(repeating: a[5])
        s50.addProduct(a5, b0)
        s51.addProduct(a5, b1)
        unsafe b += 64
      }
      unsafe finish(s00, s01, c + 0 * pitch, accumulate)
      unsafe finish(s10, s11, c + 1 * pitch, accumulate)
      unsafe finish(s20, s21, c + 2 * pitch, accumulate)
      unsafe finish(s30, s31, c + 3 * pitch, accumulate)
      unsafe finish(s40, s41, c + 4 * pitch, accumulate)
      unsafe finish(s50, s51, c + 5 * pitch, accumulate)
    }

    /// Two rows, which 128 leave after panels of six, against two moving panels at once: one panel
    /// alone keeps only four sums under way, half of what the processor can. They are computed at
    /// the second panel of a pair, if both have all rows; true where that happened or will.
    static func lastRows(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel, _ k: Int, _ rows: Int,
      _ column: Int, _ n: Int, _ c: UnsafeMutablePointer<Float>, _ pitch: Int, _ accumulate: Bool
    ) -> Bool {
      guard rows == 2, column + panelColumns <= n, unsafe moving.count == k else { return false }
      let step = movingPanelFloats(k)
      if column / panelColumns % 2 == 0 {
        return unsafe column + 2 * panelColumns <= n && moving.neighbour(step, k).count == k
      }
      guard unsafe moving.neighbour(-step, k).count == k else { return false }
      unsafe twoRowPair(
        stationary, moving.rows - step, step * 4, k, c - panelColumns, pitch, accumulate)
      return true
    }

    private static func twoRowPair(
      _ stationary: UnsafePointer<Float>, _ moving: UnsafePointer<Float>, _ panelBytes: Int,
      _ k: Int, _ c: UnsafeMutablePointer<Float>, _ pitch: Int, _ accumulate: Bool
    ) {
      var (s00, s10, s01, s11) = (Register(), Register(), Register(), Register())
      var (s02, s12, s03, s13) = (Register(), Register(), Register(), Register())
      var a = unsafe stationary
      var b = unsafe UnsafeRawPointer(moving)
      for _ in 0..<k {
        let b0 = unsafe b.loadUnaligned(as: Register.self)
        let b1 = unsafe b.loadUnaligned(fromByteOffset: 32, as: Register.self)
        let b2 = unsafe b.loadUnaligned(fromByteOffset: panelBytes, as: Register.self)
        let b3 = unsafe b.loadUnaligned(fromByteOffset: panelBytes + 32, as: Register.self)
        let a0 = unsafe Register(repeating: a[0])
        s00.addProduct(a0, b0)
        s01.addProduct(a0, b1)
        s02.addProduct(a0, b2)
        s03.addProduct(a0, b3)
        let a1 = unsafe Register(repeating: a[1])
        s10.addProduct(a1, b0)
        s11.addProduct(a1, b1)
        s12.addProduct(a1, b2)
        s13.addProduct(a1, b3)
        unsafe a += 6
        unsafe b += 64
      }
      unsafe finish(s00, s01, c, accumulate)
      unsafe finish(s02, s03, c + panelColumns, accumulate)
      unsafe finish(s10, s11, c + pitch, accumulate)
      unsafe finish(s12, s13, c + pitch + panelColumns, accumulate)
    }

    /// The left half of a tile into scratch rows of `panelColumns`: narrow moving tiles are common.
    static func leftHalfTile(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel,
      _ c: UnsafeMutablePointer<Float>
    ) {
      let pitch = panelColumns
      var (s00, s10, s20, s30) = (Register(), Register(), Register(), Register())
      var (s40, s50) = (Register(), Register())
      var b = unsafe UnsafeRawPointer(moving.rows)
      for index in unsafe 0..<moving.count {
        let a = unsafe stationary + moving.place(index)
        let b0 = unsafe b.loadUnaligned(as: Register.self)
        let a0 = unsafe Register(repeating: a[0])
        s00.addProduct(a0, b0)
        let a1 = unsafe Register(repeating: a[1])
        s10.addProduct(a1, b0)
        let a2 = unsafe Register(repeating: a[2])
        s20.addProduct(a2, b0)
        let a3 = unsafe Register(repeating: a[3])
        s30.addProduct(a3, b0)
        let a4 = unsafe Register(repeating: a[4])
        s40.addProduct(a4, b0)
        let a5 = unsafe Register(repeating: a[5])
        s50.addProduct(a5, b0)
        unsafe b += 64
      }
      unsafe finish(s00, c + 0 * pitch, false)
      unsafe finish(s10, c + 1 * pitch, false)
      unsafe finish(s20, c + 2 * pitch, false)
      unsafe finish(s30, c + 3 * pitch, false)
      unsafe finish(s40, c + 4 * pitch, false)
      unsafe finish(s50, c + 5 * pitch, false)
    }

    @inline(__always)
    private static func finish(
      _ sum0: Register, _ sum1: Register, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
    ) {
      let row = UnsafeMutableRawPointer(c)
      let old0 = unsafe accumulate ? row.loadUnaligned(as: Register.self) : Register()
      let new0 = accumulate ? old0 + sum0 : sum0
      unsafe row.storeBytes(of: new0, as: Register.self)
      let old1 =
        unsafe accumulate ? row.loadUnaligned(fromByteOffset: 32, as: Register.self) : Register()
      let new1 = accumulate ? old1 + sum1 : sum1
      unsafe row.storeBytes(of: new1, toByteOffset: 32, as: Register.self)
    }

    @inline(__always)
    private static func finish(
      _ sum0: Register, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
    ) {
      let row = UnsafeMutableRawPointer(c)
      let old0 = unsafe accumulate ? row.loadUnaligned(as: Register.self) : Register()
      let new0 = accumulate ? old0 + sum0 : sum0
      unsafe row.storeBytes(of: new0, as: Register.self)
    }
  }
#endif
