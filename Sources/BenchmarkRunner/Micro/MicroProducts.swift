import ModelGraph

/// Float64 values of the tensor engine's instructions.
enum MicroProducts {
  /// stationaryᵀ · moving, both with the contraction first; the bound of each element is
  /// 4 · u · √K · ‖column of the one‖ · ‖column of the other‖, as in `Tolerance`.
  ///
  /// In a double row both tiles hold the same two contraction rows in each partition, so that
  /// reading them one after the other pairs them rightly.
  static func product(
    _ stationary: [Double], _ moving: [Double], _ depth: Int, _ rows: Int, _ columns: Int
  ) -> [MicroElement] {
    var sums = [Double](repeating: 0, count: rows * columns)
    for k in 0..<depth {
      let line = moving[k * columns..<(k + 1) * columns]
      for row in 0..<rows {
        let weight = stationary[k * rows + row]
        for (column, value) in line.enumerated() { sums[row * columns + column] += weight * value }
      }
    }
    let weight = Tolerance.factor * Tolerance.sum * Double(depth).squareRoot()
    let left = norms(stationary, rows)
    let right = norms(moving, columns)
    return sums.enumerated().map { index, value in
      MicroElement(value, within: weight * left[index / columns] * right[index % columns])
    }
  }

  private static func norms(_ values: [Double], _ columns: Int) -> [Double] {
    var squares = [Double](repeating: 0, count: columns)
    for (index, value) in values.enumerated() { squares[index % columns] += value * value }
    return squares.map { $0.squareRoot() }
  }

  /// The transpose of a tile of `columns` columns.
  static func transpose(_ values: [Double], _ columns: Int) -> [MicroElement] {
    let rows = values.count / columns
    return (0..<values.count).map { MicroElement(values[$0 % rows * columns + $0 / rows]) }
  }
}
