#if TRNBENCH_NEON && !TRNBENCH_AVX512
  extension MatrixTile {
    /// Columns of the stationary tile in one panel: 24 accumulators of four lanes fit the
    /// 32 registers.
    public static var panelRows: Int { 8 }

    /// Columns of the moving tile in one panel.
    public static var panelColumns: Int { 12 }

    private typealias Register = SIMD4<Float>

    /// One output tile; every accumulator is a local so that it lives in a register.
    static func wholeTile(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel,
      _ c: UnsafeMutablePointer<Float>, _ pitch: Int, _ accumulate: Bool
    ) {
      var (s00, s10, s20, s30) = (Register(), Register(), Register(), Register())
      var (s40, s50, s60, s70) = (Register(), Register(), Register(), Register())
      var (s01, s11, s21, s31) = (Register(), Register(), Register(), Register())
      var (s41, s51, s61, s71) = (Register(), Register(), Register(), Register())
      var (s02, s12, s22, s32) = (Register(), Register(), Register(), Register())
      var (s42, s52, s62, s72) = (Register(), Register(), Register(), Register())
      var b = unsafe UnsafeRawPointer(moving.rows)
      for index in unsafe 0..<moving.count {
        let a = unsafe stationary + moving.place(index)
        let b0 = unsafe b.loadUnaligned(as: Register.self)
        let b1 = unsafe b.loadUnaligned(fromByteOffset: 16, as: Register.self)
        let b2 = unsafe b.loadUnaligned(fromByteOffset: 32, as: Register.self)
        let a0 = unsafe Register(repeating: a[0])
        s00.addProduct(a0, b0)
        s01.addProduct(a0, b1)
        s02.addProduct(a0, b2)
        let a1 = unsafe Register(repeating: a[1])
        s10.addProduct(a1, b0)
        s11.addProduct(a1, b1)
        s12.addProduct(a1, b2)
        let a2 = unsafe Register(repeating: a[2])
        s20.addProduct(a2, b0)
        s21.addProduct(a2, b1)
        s22.addProduct(a2, b2)
        let a3 = unsafe Register(repeating: a[3])
        s30.addProduct(a3, b0)
        s31.addProduct(a3, b1)
        s32.addProduct(a3, b2)
        let a4 = unsafe Register(repeating: a[4])
        s40.addProduct(a4, b0)
        s41.addProduct(a4, b1)
        s42.addProduct(a4, b2)
        let a5 = unsafe Register(repeating: a[5])
        s50.addProduct(a5, b0)
        s51.addProduct(a5, b1)
        s52.addProduct(a5, b2)
        let a6 = unsafe Register(repeating: a[6])
        s60.addProduct(a6, b0)
        s61.addProduct(a6, b1)
        s62.addProduct(a6, b2)
        let a7 = unsafe Register(repeating: a[7])
        s70.addProduct(a7, b0)
        s71.addProduct(a7, b1)
        s72.addProduct(a7, b2)
        unsafe b += 48
      }
      unsafe finish(s00, s01, s02, c + 0 * pitch, accumulate)
      unsafe finish(s10, s11, s12, c + 1 * pitch, accumulate)
      unsafe finish(s20, s21, s22, c + 2 * pitch, accumulate)
      unsafe finish(s30, s31, s32, c + 3 * pitch, accumulate)
      unsafe finish(s40, s41, s42, c + 4 * pitch, accumulate)
      unsafe finish(s50, s51, s52, c + 5 * pitch, accumulate)
      unsafe finish(s60, s61, s62, c + 6 * pitch, accumulate)
      unsafe finish(s70, s71, s72, c + 7 * pitch, accumulate)
    }

    /// The left half of a tile into scratch rows of `panelColumns`: narrow moving tiles are common.
    static func leftHalfTile(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel,
      _ c: UnsafeMutablePointer<Float>
    ) {
      let pitch = panelColumns
      var (s00, s10, s20, s30) = (Register(), Register(), Register(), Register())
      var (s40, s50, s60, s70) = (Register(), Register(), Register(), Register())
      var (s01, s11, s21, s31) = (Register(), Register(), Register(), Register())
      var (s41, s51, s61, s71) = (Register(), Register(), Register(), Register())
      var b = unsafe UnsafeRawPointer(moving.rows)
      for index in unsafe 0..<moving.count {
        let a = unsafe stationary + moving.place(index)
        let b0 = unsafe b.loadUnaligned(as: Register.self)
        let b1 = unsafe b.loadUnaligned(fromByteOffset: 16, as: Register.self)
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
        let a6 = unsafe Register(repeating: a[6])
        s60.addProduct(a6, b0)
        s61.addProduct(a6, b1)
        let a7 = unsafe Register(repeating: a[7])
        s70.addProduct(a7, b0)
        s71.addProduct(a7, b1)
        unsafe b += 48
      }
      unsafe finish(s00, s01, c + 0 * pitch, false)
      unsafe finish(s10, s11, c + 1 * pitch, false)
      unsafe finish(s20, s21, c + 2 * pitch, false)
      unsafe finish(s30, s31, c + 3 * pitch, false)
      unsafe finish(s40, s41, c + 4 * pitch, false)
      unsafe finish(s50, s51, c + 5 * pitch, false)
      unsafe finish(s60, s61, c + 6 * pitch, false)
      unsafe finish(s70, s71, c + 7 * pitch, false)
    }

    @inline(__always)
    private static func finish(
      _ sum0: Register, _ sum1: Register, _ sum2: Register, _ c: UnsafeMutablePointer<Float>,
      _ accumulate: Bool
    ) {
      let row = UnsafeMutableRawPointer(c)
      let old0 = unsafe accumulate ? row.loadUnaligned(as: Register.self) : Register()
      let new0 = accumulate ? old0 + sum0 : sum0
      unsafe row.storeBytes(of: new0, as: Register.self)
      let old1 =
        unsafe accumulate ? row.loadUnaligned(fromByteOffset: 16, as: Register.self) : Register()
      let new1 = accumulate ? old1 + sum1 : sum1
      unsafe row.storeBytes(of: new1, toByteOffset: 16, as: Register.self)
      let old2 =
        unsafe accumulate ? row.loadUnaligned(fromByteOffset: 32, as: Register.self) : Register()
      let new2 = accumulate ? old2 + sum2 : sum2
      unsafe row.storeBytes(of: new2, toByteOffset: 32, as: Register.self)
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
        unsafe accumulate ? row.loadUnaligned(fromByteOffset: 16, as: Register.self) : Register()
      let new1 = accumulate ? old1 + sum1 : sum1
      unsafe row.storeBytes(of: new1, toByteOffset: 16, as: Register.self)
    }
  }
#endif
