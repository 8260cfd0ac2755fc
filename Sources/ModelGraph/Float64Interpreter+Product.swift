/// The operands of a matrix product, whatever the order in which they are stored.
struct ProductOperands {
  let a: TensorView
  let b: TensorView
  let rows: Int
  let depth: Int
  let columns: Int
  private let transposeA: Bool
  private let transposeB: Bool

  init(_ a: TensorView, _ b: TensorView, _ transposeA: Bool, _ transposeB: Bool) {
    self.a = a
    self.b = b
    self.transposeA = transposeA
    self.transposeB = transposeB
    rows = transposeA ? a.shape[1] : a.shape.rowCount
    depth = transposeA ? a.shape[0] : a.shape.columnCount
    columns = transposeB ? b.shape[0] : b.shape[1]
  }

  /// Row `row` of A.
  func rowOfA(_ row: Int) -> [Double] {
    transposeA
      ? a.vector(start: row, stride: rows, count: depth)
      : a.vector(start: row * depth, stride: 1, count: depth)
  }

  /// Column `column` of B.
  func columnOfB(_ column: Int) -> [Double] {
    transposeB
      ? b.vector(start: column * depth, stride: 1, count: depth)
      : b.vector(start: column, stride: columns, count: depth)
  }

  /// Row `row` of B: what one element of A's row is multiplied with.
  func rowOfB(_ row: Int) -> [Double] {
    transposeB
      ? b.vector(start: row, stride: depth, count: columns)
      : b.vector(start: row * columns, stride: 1, count: columns)
  }

  /// Single elements of the product, each a dot product of a row and a column.
  func elements(at indices: [Int]) -> [Double] {
    var result = [Double](repeating: 0, count: indices.count)
    let order = indices.indices.sorted { indices[$0] < indices[$1] }
    var current = -1
    var row: [Double] = []
    for position in order {
      let wanted = indices[position] / columns
      if wanted != current {
        row = rowOfA(wanted)
        current = wanted
      }
      result[position] = dot(row, columnOfB(indices[position] % columns))
    }
    return result
  }
}

/// Σ a[i] · b[i].
func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for index in 0..<min(a.count, b.count) { sum += a[index] * b[index] }
  return sum
}

/// The Euclidean norm.
func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }

extension Float64Interpreter {
  /// The whole product: one row of the result at a time.
  static func product(
    _ a: TensorView, _ b: TensorView, transposeA: Bool, transposeB: Bool
  ) -> [Double] {
    let operands = ProductOperands(a, b, transposeA, transposeB)
    let rowsOfB = (0..<operands.depth).map { operands.rowOfB($0) }
    var result: [Double] = []
    result.reserveCapacity(operands.rows * operands.columns)
    for row in 0..<operands.rows {
      let factors = operands.rowOfA(row)
      var sums = [Double](repeating: 0, count: operands.columns)
      for (factor, rowOfB) in zip(factors, rowsOfB) {
        for column in 0..<operands.columns { sums[column] += factor * rowOfB[column] }
      }
      result += sums
    }
    return result
  }
}
