extension Elementwise {
  /// `destination[i] = (source[i] op0 s) op1 t` in one pass, for the pairs that kernels use most:
  /// scales with an offset, bounds on both sides. Each result is rounded to fp32, as in two passes.
  ///
  /// - Returns: false for any other pair, of which nothing is done.
  static func pair(
    _ first: ArithmeticOperation, _ firstScalar: Float, _ second: ArithmeticOperation,
    _ secondScalar: Float, from source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int
  ) -> Bool {
    let (s, t) = (Lanes(repeating: firstScalar), Lanes(repeating: secondScalar))
    let (row, out) = unsafe (source, destination)
    switch (first, second) {
    case (.multiply, .add): unsafe mapRow(row, out, count) { $0 * s + t }
    case (.multiply, .subtract): unsafe mapRow(row, out, count) { $0 * s - t }
    case (.multiply, .multiply): unsafe mapRow(row, out, count) { $0 * s * t }
    case (.multiply, .max): unsafe mapRow(row, out, count) { maximum($0 * s, t) }
    case (.multiply, .min): unsafe mapRow(row, out, count) { minimum($0 * s, t) }
    case (.add, .multiply): unsafe mapRow(row, out, count) { ($0 + s) * t }
    case (.add, .max): unsafe mapRow(row, out, count) { maximum($0 + s, t) }
    case (.add, .min): unsafe mapRow(row, out, count) { minimum($0 + s, t) }
    case (.subtract, .multiply): unsafe mapRow(row, out, count) { ($0 - s) * t }
    case (.max, .min): unsafe mapRow(row, out, count) { minimum(maximum($0, s), t) }
    case (.min, .max): unsafe mapRow(row, out, count) { maximum(minimum($0, s), t) }
    default: return false
    }
    return true
  }
}
