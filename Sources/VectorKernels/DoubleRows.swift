/// Bytes of aligned scratch in the 1,024 that Swift places on the stack; more, or an alignment
/// asked of the allocation itself, would cost a call of the allocator per row.
let stackScratchBytes = 960

/// Calls the body with `stackScratchBytes` bytes of stack, aligned to a cache line.
@inline(__always)
func withStackScratch(_ body: (UnsafeMutableRawPointer) -> Void) {
  unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { raw in
    // At most 48 bytes are skipped, which leaves 976.
    if let base = raw.baseAddress { unsafe body(base.alignedUp(toMultipleOf: 64)) }
  }
}

/// A row of fp64 scratch, its length a multiple of the lanes of `Doubles`.
@safe
struct DoubleScratch {
  private let base: UnsafeMutablePointer<Double>

  fileprivate init(_ base: UnsafeMutablePointer<Double>) { unsafe self.base = base }

  /// Exact, and vectorised by the compiler; elements past `count` become 1, a value that no
  /// function finds difficult.
  @inline(__always)
  func fill(_ count: Int, _ value: (Int) -> Float) {
    var index = 0
    while index < count {
      unsafe base[index] = Double(value(index))
      index &+= 1
    }
    while index & 7 != 0 {
      unsafe base[index] = 1
      index &+= 1
    }
  }

  @inline(__always)
  func lanes(_ index: Int) -> Doubles {
    unsafe UnsafeRawPointer(base + index).loadUnaligned(as: Doubles.self)
  }
}

/// Writes eight results at a time, rounded to fp32: the one rounding of the whole function.
@inline(__always)
func storeRounded(
  _ count: Int, _ destination: UnsafeMutablePointer<Float>, _ function: (Int) -> Doubles
) {
  var index = 0
  while index < count {
    let value = SIMD8<Float>(function(index))
    if index &+ 8 <= count {
      unsafe UnsafeMutableRawPointer(destination + index)
        .storeBytes(of: value, as: SIMD8<Float>.self)
    } else {
      for lane in 0..<(count &- index) { unsafe destination[index &+ lane] = value[lane] }
    }
    index &+= 8
  }
}

/// Calls the body for each piece of a row that `rows` rows of fp64 scratch on the stack can hold.
@inline(__always)
func forEachDoubleChunk(
  _ count: Int, rows: Int, _ body: (Int, Int, DoubleScratch, DoubleScratch) -> Void
) {
  unsafe withStackScratch { memory in
    let base = unsafe memory.assumingMemoryBound(to: Double.self)
    // A multiple of the lanes, because the last step of a chunk may write a whole register.
    let chunkCount = stackScratchBytes / (64 * rows) * 8
    let first = unsafe DoubleScratch(base)
    let last = unsafe DoubleScratch(base + chunkCount * (rows - 1))
    var start = 0
    while start < count {
      let length = min(chunkCount, count - start)
      body(start, length, first, last)
      start += length
    }
  }
}

/// Applies a function in fp64 to a row of fp32; the destination is the source or disjoint from it.
@inline(__always)
func mapDoubles(
  _ source: UnsafePointer<Float>, _ destination: UnsafeMutablePointer<Float>, _ count: Int,
  _ function: (Doubles) -> Doubles
) {
  forEachDoubleChunk(count, rows: 1) { start, length, row, _ in
    row.fill(length) { unsafe source[start &+ $0] }
    unsafe storeRounded(length, destination + start) { function(row.lanes($0)) }
  }
}

/// The rows of `ArithmeticOperation.power`.
enum Power {
  static func rows(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
    _ destination: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    forEachDoubleChunk(count, rows: 2) { start, length, bases, exponents in
      bases.fill(length) { unsafe left[start &+ $0] }
      exponents.fill(length) { unsafe right[start &+ $0] }
      unsafe storeRounded(length, destination + start) {
        VectorMath.power(bases.lanes($0), exponents.lanes($0))
      }
    }
  }

  static func withScalar(
    _ source: UnsafePointer<Float>, _ scalar: Float, _ isReversed: Bool,
    _ destination: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    let operand = Doubles(repeating: Double(scalar))
    if isReversed {
      unsafe mapDoubles(source, destination, count) { VectorMath.power(operand, $0) }
    } else {
      unsafe mapDoubles(source, destination, count) { VectorMath.power($0, operand) }
    }
  }
}
