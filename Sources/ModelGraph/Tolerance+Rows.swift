extension Tolerance {
  /// Relative: exp's argument is off by a rounding of its size, the sum is a random walk.
  func softmax(row: Int) -> [Double] {
    let values = inputs[0].row(row)
    let largest = values.max() ?? 0
    let smallest = values.min() ?? 0
    let uncertain = max(
      inputs[0].absoluteUncertainty(largest), inputs[0].absoluteUncertainty(smallest))
    let walk = Self.factor * Self.sum * Double(values.count).squareRoot()
    return zip(values, Float64Interpreter.softmax(values)).map { value, probability in
      let argument = 2 * Self.sum * (abs(value) + abs(largest)) + 2 * uncertain
      return probability * (2 * middle + Self.function + walk + argument)
    }
  }

  /// Relative: the mean square is a random walk, the rest a handful of roundings.
  func rmsNormalization(row: Int, epsilon: Double) -> [Double] {
    let values = inputs[0].row(row)
    let reciprocal = RowMoments(values).reciprocalRootMeanSquare(epsilon: epsilon)
    let relative = normalizationError(count: values.count)
    return values.indices.map { column in
      let scale = abs(inputs[1][column]) * reciprocal
      return scale
        * (abs(values[column]) * relative + 2 * inputs[0].absoluteUncertainty(values[column]))
    }
  }

  /// As above, with the mean's error beside it: a large mean cancels digits.
  func layerNormalization(row: Int, epsilon: Double) -> [Double] {
    let values = inputs[0].row(row)
    let moments = RowMoments(values)
    let reciprocal = moments.reciprocalDeviation(epsilon: epsilon)
    let relative = normalizationError(count: values.count)
    let size = moments.meanSquare.squareRoot()
    let walk = Self.factor * Self.sum * Double(values.count).squareRoot()
    return values.indices.map { column in
      let scale = abs(inputs[1][column]) * reciprocal
      let centred = abs(values[column] - moments.mean)
      let mean = walk * size + 2 * Self.sum * abs(values[column])
      return scale
        * (centred * relative + mean + 2 * inputs[0].absoluteUncertainty(values[column]))
        + 2 * Self.sum * abs(inputs[2][column])
    }
  }

  private func normalizationError(count: Int) -> Double {
    middle + Self.function + Self.factor * Self.sum * Double(count).squareRoot()
  }

  /// The mean of the rows' errors: log of a random walk, and roundings of the largest logit.
  func crossEntropyLoss() -> Double {
    let logits = inputs[0]
    let walk = Self.factor * Self.sum * Double(logits.shape.columnCount).squareRoot()
    var total = 0.0
    for row in 0..<logits.shape.rowCount {
      let largest = logits.row(row).reduce(0) { max($0, abs($1)) }
      total +=
        walk + 2 * Self.function + 8 * Self.sum * largest
        + 2 * logits.absoluteUncertainty(largest)
    }
    return total / Double(max(1, logits.shape.rowCount)) * (1 + middle / Self.function)
  }

  /// The softmax's bound over the rows' count, and a rounding of the 1 at the label.
  func crossEntropyGradient(row: Int) -> [Double] {
    let rows = Double(max(1, inputs[0].shape.rowCount))
    return softmax(row: row).map { ($0 + 2 * Self.sum + middle * 0x1p-1) / rows }
  }
}
