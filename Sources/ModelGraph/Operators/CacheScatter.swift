/// New tokens written into a cache at a position of each sequence (ONNX TensorScatter): inputs
/// cache, update and optional positions. One position for every sequence is
/// `Operator.tensorScatter`.
package struct CacheScatter: OperatorFamily {
  /// The axis of tokens, counted from the front or, negative, from the back.
  package var axis: Int
  /// True to go on at the front when the end is reached.
  package var isCircular: Bool

  /// A write along that axis.
  package init(axis: Int = -2, isCircular: Bool = false) {
    self.axis = axis
    self.isCircular = isCircular
  }

  package var name: String { "TensorScatter" }
  package var inputCount: ClosedRange<Int> { 2...3 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (cache, update) = (inputs[0].shape, inputs[1].shape)
    let axis = try inputs.axis(self.axis, rank: cache.rank)
    var expected = cache
    expected.dimensions[axis] = update.rank == cache.rank ? update[axis] : 0
    try inputs.require(
      axis > 0 && update == expected && update[axis] <= cache[axis],
      "the update differs in another axis than \(axis), or does not fit")
    return [inputs[0]]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (cache, update) = (inputs[0], inputs[1])
    let axis = try inputs.axis(self.axis, rank: cache.shape.rank)
    let inner = cache.shape.dimensions.dropFirst(axis + 1).reduce(1, *)
    let outer = cache.shape.dimensions.prefix(axis).reduce(1, *)
    let (capacity, tokens) = (cache.shape[axis], update.shape[axis])
    var sources = Array(0..<cache.count)
    for block in 0..<outer {
      let sequence = block / max(1, outer / max(1, cache.shape[0]))
      let position = inputs.optional(2).map { $0.place(sequence) } ?? 0
      for token in 0..<tokens {
        let row = isCircular ? (position + token) % max(1, capacity) : position + token
        guard (0..<capacity).contains(row) else {
          throw .badValue(tensor: "positions", reason: "token \(row) does not fit the cache")
        }
        for element in 0..<inner {
          sources[(block * capacity + row) * inner + element] =
            cache.count + (block * tokens + token) * inner + element
        }
      }
    }
    let both = try TensorView.joined(
      [cache, update], shape: [cache.count + update.count], type: cache.type)
    return [try both.picked(sources, shape: cache.shape)]
  }
}
