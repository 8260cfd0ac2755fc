import ModelGraph

extension GraphBuilder {
  /// Appends what follows each sequence: the last row of each of `sequences` sequences of `tokens`
  /// rows that lie one behind the other.
  @discardableResult
  mutating func lastRows(of x: String, sequences: Int, tokens: Int, name: String)
    throws(GraphError) -> String
  {
    guard sequences > 1 else {
      return try apply(.slice(start: tokens - 1, count: 1), to: [x], name: name)
    }
    let rows = (1...sequences).map { Int64($0 * tokens - 1) }
    let view = try TensorView(integers: rows, shape: [sequences], type: .int32)
    try given(
      "\(name).rows", [sequences], role: .weight, fill: .values(TensorConstant(view)),
      type: .int32)
    return try apply(.gather, to: [x, "\(name).rows"], name: name)
  }
}
