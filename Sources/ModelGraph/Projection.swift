import NumericFormats

/// Freivalds' check of a matrix product: Y · r against A · (B · r) for a random vector r of ±1.
///
/// It sees every element of Y at the cost of reading the three matrices once. Rows of A and columns
/// of B that hold something not finite make rows and columns of Y that no sum can judge: they are
/// left out, and compared element by element alone.
package struct Projection: Hashable, Sendable {
  /// The row whose error is largest against its tolerance.
  package let worstRow: Int
  /// The error of that row.
  package let error: Double
  /// What the formula allows there: 4 · u · √K · ‖row of A‖ · ‖B‖, and 4 · u of the output's
  /// format · ‖row of Y‖, since roundings of single elements add up with random signs.
  package let tolerance: Double
  /// True when every row is within its tolerance.
  package let passed: Bool

  /// Checks a product; `output` is the device's Y. The vector follows from `seed`. Nil where no
  /// row or no column is finite.
  static func check(
    _ operands: ProductOperands, output: TensorView, rounding: Rounding, seed: UInt64
  ) -> Projection? {
    let generator = SeededGenerator(seed: seed, stream: "projection")
    let signs = (0..<operands.columns).map { generator.bits(at: $0) & 1 == 0 ? 1.0 : -1.0 }
    let leftOut = operands.columnsNotFinite
    guard leftOut.count < operands.columns else { return nil }
    func seen(_ values: [Double]) -> [Double] {
      if leftOut.isEmpty { return values }
      var values = values
      for column in leftOut { values[column] = 0 }
      return values
    }
    var sumsOfB: [Double] = []
    var squaresOfB = 0.0
    for row in 0..<operands.depth {
      let values = seen(operands.rowOfB(row))
      sumsOfB.append(dot(values, signs))
      squaresOfB += dot(values, values)
    }
    let depth = Double(operands.depth).squareRoot()
    let middle = 2 * rounding.intermediateUnit
    let uncertain = operands.a.uncertainty + operands.b.uncertainty + middle
    let weight =
      Tolerance.factor * (Tolerance.sum * depth + uncertain / depth) * squaresOfB.squareRoot()
    let unit = Tolerance.factor * rounding.outputUnit
    var worst = (row: 0, error: 0.0, tolerance: 0.0, ratio: -1.0)
    for row in 0..<operands.rows {
      let a = operands.rowOfA(row)
      guard a.allSatisfy(\.isFinite) else { continue }
      let y = seen(
        output.vector(start: row * operands.columns, stride: 1, count: operands.columns))
      let error = abs(dot(y, signs) - dot(a, sumsOfB))
      let tolerance =
        weight * norm(a) + unit * norm(y) + rounding.outputFloor
        * Double(operands.columns)
      let ratio = error.isFinite ? (error == 0 ? 0 : error / tolerance) : .infinity
      if ratio > worst.ratio { worst = (row, error, tolerance, ratio) }
    }
    guard worst.ratio >= 0 else { return nil }
    return Projection(
      worstRow: worst.row, error: worst.error, tolerance: worst.tolerance,
      passed: worst.ratio <= 1)
  }
}
