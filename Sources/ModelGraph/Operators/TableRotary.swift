/// Rotary embedding by tables, in ONNX's general form (opset 23): inputs X, cosines, sines and
/// optional positions. Pairs of channels are turned, the rest of a head stays.
package struct TableRotary: OperatorFamily {
  /// True when pairs are neighbours.
  package var isInterleaved: Bool
  /// Channels of a head that are turned; 0 for all.
  package var turnedChannels: Int
  /// Heads, for an input of three axes.
  package var heads: Int

  /// An embedding of these attributes.
  package init(isInterleaved: Bool = false, turnedChannels: Int = 0, heads: Int = 0) {
    self.isInterleaved = isInterleaved
    self.turnedChannels = turnedChannels
    self.heads = heads
  }

  package var name: String { "RotaryEmbedding" }
  package var inputCount: ClosedRange<Int> { 3...4 }

  private func lengths<Operand>(_ inputs: Operands<Operand>) throws(GraphError)
    -> HeadDimensions
  {
    let shape = inputs[0].shape
    var found: HeadDimensions
    if shape.rank == 4 {
      found = HeadDimensions(
        batch: shape[0], heads: shape[1], tokens: shape[2], channels: shape[3])
    } else {
      try inputs.require(
        shape.rank == 3 && heads > 0 && shape[2] % heads == 0,
        "X has four axes, or three and a count of heads")
      found = HeadDimensions(
        batch: shape[0], heads: heads, tokens: shape[1], channels: shape[2] / heads)
    }
    let turned = turnedChannels == 0 ? found.channels : turnedChannels
    try inputs.require(
      turned % 2 == 0 && turned <= found.channels
        && inputs[1].shape.columnCount == turned / 2 && inputs[2].shape == inputs[1].shape,
      "the tables have one column per pair")
    let hasPositions = inputs.optional(3) != nil
    try inputs.require(
      inputs[1].shape.rank == (hasPositions ? 2 : 3), "tables are by position or by token")
    found.channels = turned
    return found
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    _ = try lengths(inputs)
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    3 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let n = try lengths(inputs)
    let (isWide, size) = (
      view.shape.rank == 4, view.shape.rank == 4 ? view.shape[3] : view.shape[2] / heads
    )
    var values = view.allValues
    for batch in 0..<n.batch {
      for head in 0..<n.heads {
        for token in 0..<n.tokens {
          let start =
            isWide
            ? ((batch * n.heads + head) * n.tokens + token) * size
            : ((batch * n.tokens + token) * n.heads + head) * size
          let line = try line(inputs, n, batch, token)
          for pair in 0..<n.channels / 2 {
            let first = start + (isInterleaved ? 2 * pair : pair)
            let second = first + (isInterleaved ? 1 : n.channels / 2)
            let (cosine, sine) = (inputs[1][line + pair], inputs[2][line + pair])
            let (a, b) = (view[first], view[second])
            values[first] = cosine * a - sine * b
            values[second] = sine * a + cosine * b
          }
        }
      }
    }
    return [try TensorView(values, shape: view.shape, type: view.type)]
  }

  /// The first entry of the tables' row for a token.
  private func line(
    _ inputs: Operands<TensorView>, _ n: HeadDimensions, _ batch: Int, _ token: Int
  ) throws(GraphError) -> Int {
    let columns = inputs[1].shape.columnCount
    guard let positions = inputs.optional(3) else {
      let tokens = inputs[1].shape[1]
      return ((inputs[1].shape[0] == 1 ? 0 : batch) * tokens + token) * columns
    }
    let row = positions.place(
      positions.count == n.batch && positions.shape.rank == 1
        ? batch : batch * n.tokens + token)
    guard (0..<inputs[1].shape[0]).contains(row) else {
      throw .badValue(tensor: "positions", reason: "the tables have no row \(row)")
    }
    return row * columns
  }
}
