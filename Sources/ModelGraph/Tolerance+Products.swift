import Threads

extension Tolerance {
  /// 4 · u · √K · ‖row of A‖ · ‖column of B‖, and uncertain operands as a random walk over K.
  func product(_ transposeA: Bool, _ transposeB: Bool, at indices: [Int]) -> [Double] {
    let operands = ProductOperands(inputs[0], inputs[1], transposeA, transposeB)
    let depth = Double(operands.depth)
    let uncertain = inputs[0].uncertainty + inputs[1].uncertainty + 2 * middle
    let weight = Self.factor * (Self.sum * depth.squareRoot() + uncertain / depth.squareRoot())
    let rowNorms = Self.norms(of: Set(indices.map { $0 / operands.columns })) {
      operands.rowOfA($0)
    }
    let columnNorms = Self.norms(of: Set(indices.map { $0 % operands.columns })) {
      operands.columnOfB($0)
    }
    return indices.map { index in
      weight * rowNorms[index / operands.columns]! * columnNorms[index % operands.columns]!
    }
  }

  /// The norms of these rows or columns, met in order: neighbours share the host's cache lines.
  private static func norms(of places: Set<Int>, _ vector: @Sendable (Int) -> [Double])
    -> [Int: Double]
  {
    let order = places.sorted()
    let norms = HostThreads.map(order, size: 32) { $0.map { norm(vector($0)) } }
    return Dictionary(uniqueKeysWithValues: zip(order, norms))
  }

  /// Scores meet like the rows and columns of a product; their error is a relative error of the
  /// probabilities, which then meet V.
  func attention(_ attention: Attention, at indices: [Int]) -> [Double] {
    Float64Interpreter.byAttentionRow(attention, inputs, at: indices) { row, channel in
      attentionBound(row, channel: channel)
    }
  }

  private func attentionBound(_ row: AttentionRow, channel: Int) -> Double {
    let values = row.values(inputs[2], channel: channel)
    let magnitude = zip(row.probabilities, values).reduce(0) { $0 + $1.0 * abs($1.1) }
    let walk = norm(zip(row.probabilities, values).map { $0 * $1 })
    let channels = Double(row.query.count).squareRoot()
    // The largest score stands in for the norm of the key that meets the query: for keys of one
    // size it is a fair share of ‖q‖ · ‖k‖, and the range covers exp's argument as well.
    let range = row.scores.reduce(0) { max($0, abs($1)) }
    let meeting = norm(row.query) * largestKey(row) * abs(row.attention.scale)
    let uncertain = (inputs[0].uncertainty + inputs[1].uncertainty) / channels
    let score =
      Self.factor * (Self.sum * channels + uncertain) * meeting + 4 * Self.sum * range
    let sums = Self.factor * Self.sum * Double(values.count).squareRoot()
    return (2 * score + Self.function + sums) * magnitude
      + Self.factor * (middle + inputs[2].uncertainty) * walk
  }

  /// An upper estimate of the norms of the visible keys from the first, the middle and the last.
  private func largestKey(_ row: AttentionRow) -> Double {
    let attention = row.attention
    let last = row.probabilities.count - 1
    return [0, last / 2, last].map { token in
      let at = HeadPosition(
        batch: row.at.batch, head: row.keyHead, token: row.first + token, channel: 0)
      return norm(
        inputs[1].vector(
          start: attention.keyLayout.index(of: at, in: attention.key),
          stride: attention.keyLayout.channelStride(in: attention.key),
          count: row.query.count))
    }.max() ?? 0
  }
}
