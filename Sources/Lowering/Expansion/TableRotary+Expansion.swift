import KernelLibrary
import ModelGraph

extension TableRotary {
  /// The embedding over rows of whole heads, where one row of the tables belongs to each; else both
  /// halves of the turned channels by cosines and sines, joined again.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    if try !expandByRows(&expansion) { try expandByHalves(&expansion) }
  }

  /// False where rows of one table entry do not follow each other as the tables do, and for rows
  /// that are too wide to be held.
  private func expandByRows(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    let isWide = shape.rank == 4
    let channels = isWide ? shape[3] : shape[2] / heads
    let turned = turnedChannels == 0 ? channels : turnedChannels
    let places = expansion.input(3).map { expansion.shape($0) }
    let table = places ?? expansion.shape(expansion.node.inputs[1])
    // Sequences with entries of their own are one long sequence, if tokens come before heads.
    guard table.rank - (places == nil ? 1 : 0) == 2, table[0] == 1 || !isWide,
      table[1] == shape[isWide ? 2 : 1]
    else { return false }
    let width = channels * (isWide ? 1 : heads)
    guard RotaryKernel.fits(rowOf: width, expansion.type(x).storage) else { return false }
    let tokens = table[0] * table[1]
    let all = shape.elementCount / channels / (isWide ? 1 : heads)
    guard tokens > 0, all % tokens == 0 else { return false }
    let lengths = HeadDimensions(
      batch: all / tokens, heads: isWide ? 1 : heads, tokens: tokens, channels: channels)
    var rotary = RotaryEmbedding(lengths: lengths, isInterleaved: isInterleaved, angles: nil)
    rotary.turnedChannels = turned
    var inputs = [try expansion.reshape(x, [all, lengths.heads * channels])]
    for place in 1...2 {
      let table = try rows(place, &expansion)
      inputs.append(try expansion.reshape(table, [tokens, turned / 2]))
    }
    let result = try expansion.apply(
      .rotaryEmbedding(rotary), inputs, type: expansion.type(x))
    expansion.finish(try expansion.reshape(result, shape))
    return true
  }

  private func expandByHalves(_ expansion: inout NodeExpansion) throws(GraphError) {
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    let isWide = shape.rank == 4
    let split: TensorShape =
      isWide ? shape : [shape[0], shape[1], heads, shape[2] / heads]
    let own = try expansion.reshape(x, split)
    let turned = turnedChannels == 0 ? split[3] : turnedChannels
    let half = turned / 2
    let cosine = try table(1, split, half, isWide, &expansion)
    let sine = try table(2, split, half, isWide, &expansion)
    let inner = try expansion.slice(own, axis: 3, start: 0, count: turned)
    let pairs = TensorShape(Array(split.dimensions.prefix(3)) + [half])
    var (a, b): (String, String)
    if isInterleaved {
      let wide = try expansion.reshape(
        inner, TensorShape(Array(split.dimensions.prefix(3)) + [half, 2]))
      a = try expansion.reshape(
        try expansion.slice(wide, axis: 4, start: 0, count: 1), pairs)
      b = try expansion.reshape(
        try expansion.slice(wide, axis: 4, start: 1, count: 1), pairs)
    } else {
      a = try expansion.slice(inner, axis: 3, start: 0, count: half)
      b = try expansion.slice(inner, axis: 3, start: half, count: half)
    }
    let type = expansion.type(x)
    let first = try expansion.elements(
      .subtract, try expansion.elements(.multiply, a, cosine),
      try expansion.elements(.multiply, b, sine), type: type)
    let second = try expansion.elements(
      .add, try expansion.elements(.multiply, a, sine),
      try expansion.elements(.multiply, b, cosine), type: type)
    (a, b) = (first, second)
    var parts = [a, b]
    if isInterleaved {
      let wide = TensorShape(pairs.dimensions + [1])
      let joined = try expansion.joined(
        [try expansion.reshape(a, wide), try expansion.reshape(b, wide)], axis: 4)
      parts = [
        try expansion.reshape(joined, TensorShape(Array(pairs.dimensions.dropLast()) + [turned]))
      ]
    }
    if turned < split[3] {
      parts.append(
        try expansion.slice(own, axis: 3, start: turned, count: split[3] - turned))
    }
    expansion.finish(try expansion.joined(parts, axis: 3))
  }

  /// A table's rows for every token.
  private func rows(_ place: Int, _ expansion: inout NodeExpansion) throws(GraphError) -> String {
    let table = expansion.node.inputs[place]
    guard let positions = expansion.input(3) else { return table }
    return try expansion.apply(.axisGather(AxisGather(axis: 0)), [table, positions])
  }

  /// The same beside heads.
  private func table(
    _ place: Int, _ split: TensorShape, _ half: Int, _ isWide: Bool,
    _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    let rows = try rows(place, &expansion)
    let shape = expansion.shape(rows)
    let batch = shape.rank == 3 ? shape[0] : split[0]
    let tokens = shape.rank == 3 ? shape[1] : 1
    return try expansion.reshape(
      rows, isWide ? [batch, 1, tokens, half] : [batch, tokens, 1, half])
  }
}
