#if TRNBENCH_AVX512
  extension MatrixTile {
    /// Columns of the stationary tile in one panel: sixteen sums of one register each hide the
    /// latency of an addition, and the operands' numbers are repeated as they are read.
    public static var panelRows: Int { 16 }

    /// Columns of the moving tile in one panel: the fewer, the more of its rows are zero.
    public static var panelColumns: Int { 16 }

    private typealias Register = SIMD16<Float>
    private typealias Half = SIMD8<Float>

    /// One output tile; every accumulator is a local so that it lives in a register.
    static func wholeTile(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel,
      _ c: UnsafeMutablePointer<Float>, _ pitch: Int, _ accumulate: Bool
    ) {
      var (s0, s1, s2, s3) = (Register(), Register(), Register(), Register())
      var (s4, s5, s6, s7) = (Register(), Register(), Register(), Register())
      var (s8, s9, s10, s11) = (Register(), Register(), Register(), Register())
      var (s12, s13, s14, s15) = (Register(), Register(), Register(), Register())
      var b = unsafe UnsafeRawPointer(moving.rows)
      for index in unsafe 0..<moving.count {
        let a = unsafe stationary + moving.place(index)
        let row = unsafe b.loadUnaligned(as: Register.self)
        unsafe s0.addProduct(Register(repeating: a[0]), row)
        unsafe s1.addProduct(Register(repeating: a[1]), row)
        unsafe s2.addProduct(Register(repeating: a[2]), row)
        unsafe s3.addProduct(Register(repeating: a[3]), row)
        unsafe s4.addProduct(Register(repeating: a[4]), row)
        unsafe s5.addProduct(Register(repeating: a[5]), row)
        unsafe s6.addProduct(Register(repeating: a[6]), row)
        unsafe s7.addProduct(Register(repeating: a[7]), row)
        unsafe s8.addProduct(Register(repeating: a[8]), row)
        unsafe s9.addProduct(Register(repeating: a[9]), row)
        unsafe s10.addProduct(Register(repeating: a[10]), row)
        unsafe s11.addProduct(Register(repeating: a[11]), row)
        unsafe s12.addProduct(Register(repeating: a[12]), row)
        unsafe s13.addProduct(Register(repeating: a[13]), row)
        unsafe s14.addProduct(Register(repeating: a[14]), row)
        unsafe s15.addProduct(Register(repeating: a[15]), row)
        unsafe b += 64
      }
      unsafe finish(s0, c + 0 * pitch, accumulate)
      unsafe finish(s1, c + 1 * pitch, accumulate)
      unsafe finish(s2, c + 2 * pitch, accumulate)
      unsafe finish(s3, c + 3 * pitch, accumulate)
      unsafe finish(s4, c + 4 * pitch, accumulate)
      unsafe finish(s5, c + 5 * pitch, accumulate)
      unsafe finish(s6, c + 6 * pitch, accumulate)
      unsafe finish(s7, c + 7 * pitch, accumulate)
      unsafe finish(s8, c + 8 * pitch, accumulate)
      unsafe finish(s9, c + 9 * pitch, accumulate)
      unsafe finish(s10, c + 10 * pitch, accumulate)
      unsafe finish(s11, c + 11 * pitch, accumulate)
      unsafe finish(s12, c + 12 * pitch, accumulate)
      unsafe finish(s13, c + 13 * pitch, accumulate)
      unsafe finish(s14, c + 14 * pitch, accumulate)
      unsafe finish(s15, c + 15 * pitch, accumulate)
    }

    /// The left half of a tile into scratch rows of `panelColumns`: narrow moving tiles are common.
    static func leftHalfTile(
      _ stationary: UnsafePointer<Float>, _ moving: MovingPanel,
      _ c: UnsafeMutablePointer<Float>
    ) {
      let pitch = panelColumns
      var (s0, s1, s2, s3) = (Half(), Half(), Half(), Half())
      var (s4, s5, s6, s7) = (Half(), Half(), Half(), Half())
      var (s8, s9, s10, s11) = (Half(), Half(), Half(), Half())
      var (s12, s13, s14, s15) = (Half(), Half(), Half(), Half())
      var b = unsafe UnsafeRawPointer(moving.rows)
      for index in unsafe 0..<moving.count {
        let a = unsafe stationary + moving.place(index)
        let row = unsafe b.loadUnaligned(as: Half.self)
        unsafe s0.addProduct(Half(repeating: a[0]), row)
        unsafe s1.addProduct(Half(repeating: a[1]), row)
        unsafe s2.addProduct(Half(repeating: a[2]), row)
        unsafe s3.addProduct(Half(repeating: a[3]), row)
        unsafe s4.addProduct(Half(repeating: a[4]), row)
        unsafe s5.addProduct(Half(repeating: a[5]), row)
        unsafe s6.addProduct(Half(repeating: a[6]), row)
        unsafe s7.addProduct(Half(repeating: a[7]), row)
        unsafe s8.addProduct(Half(repeating: a[8]), row)
        unsafe s9.addProduct(Half(repeating: a[9]), row)
        unsafe s10.addProduct(Half(repeating: a[10]), row)
        unsafe s11.addProduct(Half(repeating: a[11]), row)
        unsafe s12.addProduct(Half(repeating: a[12]), row)
        unsafe s13.addProduct(Half(repeating: a[13]), row)
        unsafe s14.addProduct(Half(repeating: a[14]), row)
        unsafe s15.addProduct(Half(repeating: a[15]), row)
        unsafe b += 64
      }
      unsafe finish(s0, c + 0 * pitch)
      unsafe finish(s1, c + 1 * pitch)
      unsafe finish(s2, c + 2 * pitch)
      unsafe finish(s3, c + 3 * pitch)
      unsafe finish(s4, c + 4 * pitch)
      unsafe finish(s5, c + 5 * pitch)
      unsafe finish(s6, c + 6 * pitch)
      unsafe finish(s7, c + 7 * pitch)
      unsafe finish(s8, c + 8 * pitch)
      unsafe finish(s9, c + 9 * pitch)
      unsafe finish(s10, c + 10 * pitch)
      unsafe finish(s11, c + 11 * pitch)
      unsafe finish(s12, c + 12 * pitch)
      unsafe finish(s13, c + 13 * pitch)
      unsafe finish(s14, c + 14 * pitch)
      unsafe finish(s15, c + 15 * pitch)
    }

    @inline(__always)
    private static func finish(
      _ sum: Register, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
    ) {
      let row = UnsafeMutableRawPointer(c)
      let old = unsafe accumulate ? row.loadUnaligned(as: Register.self) : Register()
      unsafe row.storeBytes(of: accumulate ? old + sum : sum, as: Register.self)
    }

    @inline(__always)
    private static func finish(_ sum: Half, _ c: UnsafeMutablePointer<Float>) {
      unsafe UnsafeMutableRawPointer(c).storeBytes(of: sum, as: Half.self)
    }
  }
#endif
