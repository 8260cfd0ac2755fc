/// Arithmetic on contiguous fp32 rows, element by element.
///
/// The choice of operation is made once per row. A destination is equal to a source or disjoint
/// from it. `ArithmeticOperation.apply` and its neighbours are the scalar references.
public enum Elementwise {
  /// `destination[i] = left[i] operation right[i]`.
  public static func binary(
    _ operation: ArithmeticOperation, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int
  ) {
    let (a, b, out) = unsafe (left, right, destination)
    switch operation {
    case .bypass: unsafe mapRow(a, out, count) { $0 }
    case .add: unsafe mapRows(a, b, out, count) { $0 + $1 }
    case .subtract: unsafe mapRows(a, b, out, count) { $0 - $1 }
    case .multiply: unsafe mapRows(a, b, out, count) { $0 * $1 }
    case .divide: unsafe mapRows(a, b, out, count) { $0 / $1 }
    case .max: unsafe mapRows(a, b, out, count, maximum)
    case .min: unsafe mapRows(a, b, out, count, minimum)
    case .isEqual: unsafe mapRows(a, b, out, count) { truth($0 .== $1) }
    case .notEqual: unsafe mapRows(a, b, out, count) { truth($0 .!= $1) }
    case .greaterEqual: unsafe mapRows(a, b, out, count) { truth($0 .>= $1) }
    case .greaterThan: unsafe mapRows(a, b, out, count) { truth($0 .> $1) }
    case .lessEqual: unsafe mapRows(a, b, out, count) { truth($0 .<= $1) }
    case .lessThan: unsafe mapRows(a, b, out, count) { truth($0 .< $1) }
    case .logicalAnd: unsafe mapRows(a, b, out, count) { truth($0 .!= 0 .& $1 .!= 0) }
    case .logicalOr: unsafe mapRows(a, b, out, count) { truth($0 .!= 0 .| $1 .!= 0) }
    case .logicalXor: unsafe mapRows(a, b, out, count) { truth(($0 .!= 0) .^ ($1 .!= 0)) }
    case .power: unsafe Power.rows(a, b, out, count)
    case .absMax: unsafe mapRows(a, b, out, count) { maximum(magnitude($0), magnitude($1)) }
    case .absMin: unsafe mapRows(a, b, out, count) { minimum(magnitude($0), magnitude($1)) }
    }
  }

  /// `destination[i] = source[i] operation scalar`, or `scalar operation source[i]` when reversed.
  public static func withScalar(
    _ operation: ArithmeticOperation, _ source: UnsafePointer<Float>, _ scalar: Float,
    isReversed: Bool = false, into destination: UnsafeMutablePointer<Float>, count: Int
  ) {
    if isReversed {
      unsafe reversed(operation, source, scalar, destination, count)
    } else {
      unsafe forward(operation, source, scalar, destination, count)
    }
  }

  private static func forward(
    _ operation: ArithmeticOperation, _ row: UnsafePointer<Float>, _ scalar: Float,
    _ out: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    let s = Lanes(repeating: scalar)
    switch operation {
    case .bypass: unsafe mapRow(row, out, count) { $0 }
    case .add: unsafe mapRow(row, out, count) { $0 + s }
    case .subtract: unsafe mapRow(row, out, count) { $0 - s }
    case .multiply: unsafe mapRow(row, out, count) { $0 * s }
    case .divide: unsafe mapRow(row, out, count) { $0 / s }
    case .max: unsafe mapRow(row, out, count) { maximum($0, s) }
    case .min: unsafe mapRow(row, out, count) { minimum($0, s) }
    case .isEqual: unsafe mapRow(row, out, count) { truth($0 .== s) }
    case .notEqual: unsafe mapRow(row, out, count) { truth($0 .!= s) }
    case .greaterEqual: unsafe mapRow(row, out, count) { truth($0 .>= s) }
    case .greaterThan: unsafe mapRow(row, out, count) { truth($0 .> s) }
    case .lessEqual: unsafe mapRow(row, out, count) { truth($0 .<= s) }
    case .lessThan: unsafe mapRow(row, out, count) { truth($0 .< s) }
    case .logicalAnd: unsafe mapRow(row, out, count) { truth($0 .!= 0 .& s .!= 0) }
    case .logicalOr: unsafe mapRow(row, out, count) { truth($0 .!= 0 .| s .!= 0) }
    case .logicalXor: unsafe mapRow(row, out, count) { truth(($0 .!= 0) .^ (s .!= 0)) }
    case .power: unsafe Power.withScalar(row, scalar, false, out, count)
    case .absMax: unsafe mapRow(row, out, count) { maximum(magnitude($0), magnitude(s)) }
    case .absMin: unsafe mapRow(row, out, count) { minimum(magnitude($0), magnitude(s)) }
    }
  }

  /// Operations whose result knows the order of its operands have a loop of their own; comparisons
  /// are mirrored, and the rest commute.
  private static func reversed(
    _ operation: ArithmeticOperation, _ row: UnsafePointer<Float>, _ scalar: Float,
    _ out: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    let s = Lanes(repeating: scalar)
    switch operation {
    case .bypass: unsafe mapRow(row, out, count) { _ in s }
    case .subtract: unsafe mapRow(row, out, count) { s - $0 }
    case .divide: unsafe mapRow(row, out, count) { s / $0 }
    // Which zero wins a tie of +0 and -0 depends on the order.
    case .max: unsafe mapRow(row, out, count) { maximum(s, $0) }
    case .min: unsafe mapRow(row, out, count) { minimum(s, $0) }
    case .power: unsafe Power.withScalar(row, scalar, true, out, count)
    case .greaterEqual: unsafe forward(.lessEqual, row, scalar, out, count)
    case .greaterThan: unsafe forward(.lessThan, row, scalar, out, count)
    case .lessEqual: unsafe forward(.greaterEqual, row, scalar, out, count)
    case .lessThan: unsafe forward(.greaterThan, row, scalar, out, count)
    default: unsafe forward(operation, row, scalar, out, count)
    }
  }

  /// `destination[i] = operation(source[i])`.
  public static func unary(
    _ operation: UnaryOperation, _ source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch operation {
    case .abs: unsafe mapRow(source, destination, count, magnitude)
    case .square: unsafe mapRow(source, destination, count) { $0 * $0 }
    case .relu: unsafe mapRow(source, destination, count, VectorMath.relu)
    case .rsqrt:
      unsafe mapDoubles(source, destination, count, VectorMath.reciprocalSquareRoot)
    case .reciprocal: unsafe mapRow(source, destination, count) { 1 / $0 }
    }
  }

  /// `destination[i] = (source[i] op0 scalar0) op1 scalar1`, each result rounded to fp32.
  ///
  /// A reversed operation has the scalar on its left.
  public static func tensorScalar(
    _ first: ArithmeticOperation, _ firstScalar: Float, isFirstReversed: Bool = false,
    _ second: ArithmeticOperation, _ secondScalar: Float, isSecondReversed: Bool = false,
    from source: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int
  ) {
    if second == .bypass && !isSecondReversed {
      unsafe withScalar(
        first, source, firstScalar, isReversed: isFirstReversed, into: destination, count: count)
      return
    }
    if !isFirstReversed, !isSecondReversed,
      unsafe pair(
        first, firstScalar, second, secondScalar, from: source, into: destination, count: count)
    {
      return
    }
    unsafe forEachChunk(count) { start, length, scratch in
      unsafe withScalar(
        first, source + start, firstScalar, isReversed: isFirstReversed, into: scratch,
        count: length)
      unsafe withScalar(
        second, scratch, secondScalar, isReversed: isSecondReversed, into: destination + start,
        count: length)
    }
  }

  /// `destination[i] = (source[i] op0 scalar) op1 other[i]`, each result rounded to fp32.
  ///
  /// A reversed first operation has the scalar on its left, a reversed second one `other`.
  public static func scalarTensorTensor(
    _ first: ArithmeticOperation, _ scalar: Float, isFirstReversed: Bool = false,
    _ second: ArithmeticOperation, _ other: UnsafePointer<Float>, isSecondReversed: Bool = false,
    from source: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int
  ) {
    unsafe forEachChunk(count) { start, length, scratch in
      unsafe withScalar(
        first, source + start, scalar, isReversed: isFirstReversed, into: scratch, count: length)
      let partial = unsafe UnsafePointer(scratch)
      let left = unsafe isSecondReversed ? other + start : partial
      let right = unsafe isSecondReversed ? partial : other + start
      unsafe binary(second, left, right, into: destination + start, count: length)
    }
  }

  /// Walks a row in pieces whose scratch row stays in the first-level cache.
  private static func forEachChunk(
    _ count: Int, _ body: (Int, Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let chunk = stackScratchBytes / 4
    unsafe withStackScratch { memory in
      let scratch = unsafe memory.assumingMemoryBound(to: Float.self)
      var start = 0
      while start < count {
        let length = Swift.min(chunk, count - start)
        unsafe body(start, length, scratch)
        start += length
      }
    }
  }
}
