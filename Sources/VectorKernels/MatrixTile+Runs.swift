extension MatrixTile {
  /// As `multiply`, into rows of C that have gaps: column i of the product meets the i-th element
  /// of a row that `runs` names, of n.
  public static func multiply(
    stationary: UnsafePointer<Float>, moving: UnsafePointer<Float>, k: Int, m: Int,
    into c: UnsafeMutablePointer<Float>, cPitch: Int, runs: ElementRuns, accumulate: Bool
  ) {
    let n = runs.total
    unsafe withUnsafeTemporaryAllocation(byteCount: max(m * n * 4, 1), alignment: 64) { raw in
      guard let base = raw.baseAddress else { return }
      let product = unsafe base.assumingMemoryBound(to: Float.self)
      unsafe multiply(
        stationary: stationary, moving: moving, k: k, m: m, n: n, into: product, cPitch: n,
        accumulate: false)
      var source = unsafe UnsafePointer(product)
      for row in 0..<m {
        runs.forEach { offset in
          unsafe spread(source, c + (row &* cPitch &+ offset), runs, accumulate)
          unsafe source += runs.count
        }
      }
    }
  }

  /// Writes dense elements to those of one run, or adds them on the right.
  @inline(__always)
  private static func spread(
    _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ runs: ElementRuns,
    _ accumulate: Bool
  ) {
    guard runs.stride == 1 else {
      for index in 0..<runs.count {
        let place = unsafe target + index &* runs.stride
        unsafe place.pointee = accumulate ? place.pointee + source[index] : source[index]
      }
      return
    }
    var index = 0
    while index &+ 8 <= runs.count {
      unsafe spreadStep(SIMD8<Float>.self, source + index, target + index, accumulate)
      index &+= 8
    }
    if index &+ 4 <= runs.count {
      unsafe spreadStep(SIMD4<Float>.self, source + index, target + index, accumulate)
      index &+= 4
    }
    while index < runs.count {
      unsafe target[index] = accumulate ? target[index] + source[index] : source[index]
      index &+= 1
    }
  }

  @inline(__always)
  private static func spreadStep<Vector: SIMD & BitwiseCopyable>(
    _: Vector.Type, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
    _ accumulate: Bool
  ) where Vector.Scalar == Float {
    let place = UnsafeMutableRawPointer(target)
    let new = unsafe UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
    let sum = unsafe accumulate ? place.loadUnaligned(as: Vector.self) + new : new
    unsafe place.storeBytes(of: sum, as: Vector.self)
  }
}
