import Threads

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

  /// Row `row` of B.
  func rowOfB(_ row: Int) -> [Double] { rowOfB(row, columns: 0..<columns) }

  /// A part of row `row` of B: what one element of A's row is multiplied with.
  private func rowOfB(_ row: Int, columns range: Range<Int>) -> [Double] {
    transposeB
      ? b.vector(start: range.lowerBound * depth + row, stride: depth, count: range.count)
      : b.vector(start: row * columns + range.lowerBound, stride: 1, count: range.count)
  }

  /// Columns of B that hold something not finite.
  var columnsNotFinite: [Int] {
    guard b.nonFinite != nil else { return [] }
    return (0..<columns).filter { !columnOfB($0).allSatisfy(\.isFinite) }
  }

  /// Numbers of A that `elements` keeps at most: beyond, rows are read again and again.
  private static let keptElements = 1 << 23

  /// Single elements of the product, each a dot product of a row and a column.
  ///
  /// Columns are met in order: where they are strided, neighbours share the host's cache lines.
  func elements(at indices: [Int]) -> [Double] {
    let wanted = Set(indices.map { $0 / columns })
    let keepsRows = wanted.count * depth <= Self.keptElements
    let kept =
      keepsRows ? Dictionary(uniqueKeysWithValues: wanted.map { ($0, rowOfA($0)) }) : [:]
    let rank = { (index: Int) in
      keepsRows ? index % columns * rows + index / columns : index
    }
    let order = indices.indices.sorted { rank(indices[$0]) < rank(indices[$1]) }
    return HostThreads.numbers(visiting: order, size: 32) { part in
      var (row, column) = ([Double](), [Double]())
      var current = (row: -1, column: -1)
      return part.map { position in
        let wanted = indices[position].quotientAndRemainder(dividingBy: columns)
        if wanted.quotient != current.row { row = kept[wanted.quotient] ?? rowOfA(wanted.quotient) }
        if wanted.remainder != current.column { column = columnOfB(wanted.remainder) }
        current = (wanted.quotient, wanted.remainder)
        return dot(row, column)
      }
    }
  }

  /// Columns `range` of the whole product in some rows of A, row by row; each sum is taken in the
  /// order of the depth, and a row of B is widened once for all of them.
  func block(_ rowsOfA: [[Double]], columns range: Range<Int>) -> [[Double]] {
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: range.count), count: rowsOfA.count)
    for place in 0..<depth {
      let factors = rowOfB(place, columns: range)
      for row in rowsOfA.indices { addProduct(rowsOfA[row][place], factors, to: &sums[row]) }
    }
    return sums
  }
}

/// sums[i] += factor · values[i], with as many sums as values.
private func addProduct(_ factor: Double, _ values: [Double], to sums: inout [Double]) {
  let count = values.count
  precondition(sums.count == count, "as many sums as values")
  for index in 0..<count { sums[index] += factor * values[index] }
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
  /// The whole product: some rows of A at a time, against a few columns of B on each thread.
  static func product(
    _ a: TensorView, _ b: TensorView, transposeA: Bool, transposeB: Bool
  ) -> [Double] {
    let operands = ProductOperands(a, b, transposeA, transposeB)
    let (columns, rowCount, width) = (operands.columns, 64, 512)
    let blocks = stride(from: 0, to: columns, by: width).map {
      $0..<min(columns, $0 + width)
    }
    var result = [Double](repeating: 0, count: operands.rows * columns)
    for first in stride(from: 0, to: operands.rows, by: rowCount) {
      let rows = (first..<min(operands.rows, first + rowCount)).map { operands.rowOfA($0) }
      let parts = HostThreads.map(blocks, size: 1) { $0.map { operands.block(rows, columns: $0) } }
      for (block, part) in zip(blocks, parts) {
        for row in rows.indices {
          let start = (first + row) * columns + block.lowerBound
          result.replaceSubrange(start..<start + block.count, with: part[row])
        }
      }
    }
    return result
  }
}
