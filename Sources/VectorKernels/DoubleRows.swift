/// How many elements are converted to fp64 at a time; two such rows stay in the first-level cache.
private let chunkCount = 256

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

  @inline(__always)
  func apply(_ count: Int, _ function: (Int) -> Doubles) {
    var index = 0
    while index < count {
      let value = function(index)
      unsafe UnsafeMutableRawPointer(base + index).storeBytes(of: value, as: Doubles.self)
      index &+= 8
    }
  }

  /// The one rounding to fp32.
  @inline(__always)
  func round(_ count: Int, into destination: UnsafeMutablePointer<Float>) {
    var index = 0
    while index < count {
      unsafe destination[index] = Float(base[index])
      index &+= 1
    }
  }
}

/// Calls the body for each piece of a row, with two rows of fp64 scratch.
@inline(__always)
func forEachDoubleChunk(
  _ count: Int, _ body: (Int, Int, DoubleScratch, DoubleScratch) -> Void
) {
  unsafe withUnsafeTemporaryAllocation(byteCount: 2 * chunkCount * 8, alignment: 64) { raw in
    guard let memory = raw.baseAddress else { return }
    let base = unsafe memory.assumingMemoryBound(to: Double.self)
    let first = unsafe DoubleScratch(base)
    let second = unsafe DoubleScratch(base + chunkCount)
    var start = 0
    while start < count {
      let length = min(chunkCount, count - start)
      body(start, length, first, second)
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
  forEachDoubleChunk(count) { start, length, row, _ in
    row.fill(length) { unsafe source[start &+ $0] }
    row.apply(length) { function(row.lanes($0)) }
    unsafe row.round(length, into: destination + start)
  }
}

/// The rows of `ArithmeticOperation.power`.
enum Power {
  static func rows(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
    _ destination: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    forEachDoubleChunk(count) { start, length, bases, exponents in
      bases.fill(length) { unsafe left[start &+ $0] }
      exponents.fill(length) { unsafe right[start &+ $0] }
      bases.apply(length) { VectorMath.power(bases.lanes($0), exponents.lanes($0)) }
      unsafe bases.round(length, into: destination + start)
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
