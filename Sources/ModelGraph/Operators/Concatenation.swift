/// Tensors one behind the other along an axis (ONNX Concat).
package struct Concatenation: OperatorFamily {
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int

  /// Joins along that axis.
  package init(axis: Int) { self.axis = axis }

  package var name: String { "Concat" }
  package var inputCount: ClosedRange<Int> { 1...Int.max }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    let axis = try inputs.axis(self.axis, rank: shape.rank)
    for input in inputs.present.dropFirst() {
      try inputs.require(
        input.shape.rank == shape.rank && input.type == inputs[0].type,
        "the inputs differ in rank or type")
      var other = input.shape
      other.dimensions[axis] = shape[axis]
      try inputs.require(other == shape, "the inputs differ in another axis than \(axis)")
      shape.dimensions[axis] += input.shape[axis]
    }
    return [TensorType(shape, inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let parts = inputs.present
    var shape = parts[0].shape
    let axis = try inputs.axis(self.axis, rank: shape.rank)
    shape.dimensions[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let outer = shape.dimensions.prefix(axis).reduce(1, *)
    var starts: [Int] = []
    var total = 0
    for part in parts {
      starts.append(total)
      total += part.count
    }
    var sources: [Int] = []
    sources.reserveCapacity(total)
    for block in 0..<outer {
      for (part, start) in zip(parts, starts) {
        let length = part.count / max(1, outer)
        sources += start + block * length..<start + (block + 1) * length
      }
    }
    let joined = try TensorView.joined(parts, shape: [total], type: parts[0].type)
    return [try joined.picked(sources, shape: shape)]
  }
}

/// One tensor cut along an axis into several (ONNX Split).
package struct Split: OperatorFamily {
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int
  /// The length of each piece.
  package var lengths: [Int]

  /// Cuts of these lengths.
  package init(axis: Int, lengths: [Int]) {
    self.axis = axis
    self.lengths = lengths
  }

  package var name: String { "Split" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let input = inputs[0]
    let axis = try inputs.axis(self.axis, rank: input.shape.rank)
    try inputs.require(
      lengths.reduce(0, +) == input.shape[axis] && lengths.allSatisfy { $0 >= 0 },
      "\(lengths) does not add up to \(input.shape[axis])")
    return lengths.map { length in
      var shape = input.shape
      shape.dimensions[axis] = length
      return TensorType(shape, input.type)
    }
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    let strides = view.shape.strides
    var pieces: [TensorView] = []
    var start = 0
    for length in lengths {
      var shape = view.shape
      shape.dimensions[axis] = length
      let map = IndexMap.strided(shape, strides: strides, offset: start * strides[axis])
      pieces.append(try view.picked(map, shape: shape))
      start += length
    }
    return pieces
  }
}
