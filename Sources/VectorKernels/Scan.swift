/// The running two-operand recurrence of the vector engine.
public enum Scan {
  /// `result[i] = (data0[i] op0 result[i - 1]) op1 data1[i]`, with `initial` before the first.
  ///
  /// Each step rounds to fp32; a reversed operation swaps its sides. The destination is equal to an
  /// operand or disjoint from it. Returns the last result, or `initial` for an empty row.
  @discardableResult
  public static func run(
    _ first: ArithmeticOperation, _ second: ArithmeticOperation, _ data0: UnsafePointer<Float>,
    _ data1: UnsafePointer<Float>, initial: Float, into destination: UnsafeMutablePointer<Float>,
    count: Int, isFirstReversed: Bool = false, isSecondReversed: Bool = false
  ) -> Float {
    if isFirstReversed || isSecondReversed {
      return unsafe steps(data0, data1, initial, destination, count) { left, state, right in
        let inner = isFirstReversed ? first.apply(state, left) : first.apply(left, state)
        return isSecondReversed ? second.apply(right, inner) : second.apply(inner, right)
      }
    }
    // The chain of dependent steps is what takes the time; the pairs that kernels use get a loop
    // whose step is nothing but that chain.
    switch (first, second) {
    case (.multiply, .add):
      return unsafe steps(data0, data1, initial, destination, count) { $0 * $1 + $2 }
    case (.add, .bypass):
      return unsafe steps(data0, data1, initial, destination, count) { left, state, _ in
        left + state
      }
    case (.add, .add):
      return unsafe steps(data0, data1, initial, destination, count) { $0 + $1 + $2 }
    default:
      return unsafe steps(data0, data1, initial, destination, count) {
        second.apply(first.apply($0, $1), $2)
      }
    }
  }

  /// The scalar reference of `run`.
  public static func reference(
    _ first: ArithmeticOperation, _ second: ArithmeticOperation, _ data0: UnsafePointer<Float>,
    _ data1: UnsafePointer<Float>, initial: Float, into destination: UnsafeMutablePointer<Float>,
    count: Int, isFirstReversed: Bool = false, isSecondReversed: Bool = false
  ) {
    var state = initial
    for index in 0..<Swift.max(count, 0) {
      let left = unsafe data0[index]
      let inner = isFirstReversed ? first.apply(state, left) : first.apply(left, state)
      let right = unsafe data1[index]
      state = isSecondReversed ? second.apply(right, inner) : second.apply(inner, right)
      unsafe destination[index] = state
    }
  }

  @inline(__always)
  private static func steps(
    _ data0: UnsafePointer<Float>, _ data1: UnsafePointer<Float>, _ initial: Float,
    _ destination: UnsafeMutablePointer<Float>, _ count: Int,
    _ step: (Float, Float, Float) -> Float
  ) -> Float {
    var state = initial
    var index = 0
    while index < count {
      state = unsafe step(data0[index], state, data1[index])
      unsafe destination[index] = state
      index += 1
    }
    return state
  }
}
