/// One element of the data per index (ONNX GatherElements): along the axis the index says where,
/// all other places are the index's own. Inputs data, indices.
package struct ElementGather: OperatorFamily {
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int

  /// A choice along that axis.
  package init(axis: Int) { self.axis = axis }

  package var name: String { "GatherElements" }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (data, indices) = (inputs[0], inputs[1])
    let axis = try inputs.axis(self.axis, rank: data.shape.rank)
    try inputs.require(
      indices.type.isInteger && indices.shape.rank == data.shape.rank,
      "indices are whole numbers of the data's rank")
    for other in 0..<data.shape.rank where other != axis {
      try inputs.require(indices.shape[other] <= data.shape[other], "there are too many indices")
    }
    return [TensorType(indices.shape, data.type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (data, indices) = (inputs[0], inputs[1])
    let axis = try inputs.axis(self.axis, rank: data.shape.rank)
    let sources = try inputs.places(indices, along: axis, in: data.shape)
    return [try data.picked(sources, shape: indices.shape)]
  }
}

extension Operands<TensorView> {
  /// The flat index in a tensor of `shape` that each element of `indices` names along an axis.
  func places(_ indices: TensorView, along axis: Int, in shape: TensorShape) throws(GraphError)
    -> [Int]
  {
    var strides = shape.strides
    let step = strides[axis]
    strides[axis] = 0
    let chosen = try positions(indices, length: shape[axis])
    let starts = IndexMap.strided(indices.shape, strides: strides)
    return zip(starts, chosen).map { $0 + $1 * step }
  }
}

/// Slices of the data named by tuples of indices (ONNX GatherND): inputs data, indices whose last
/// axis holds the tuples.
package struct TupleGather: OperatorFamily {
  /// Leading axes that data and indices share.
  package var batchAxes: Int

  /// A choice behind so many shared axes.
  package init(batchAxes: Int = 0) { self.batchAxes = batchAxes }

  package var name: String { "GatherND" }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (data, indices) = (inputs[0].shape, inputs[1].shape)
    let tuple = indices.columnCount
    try inputs.require(
      inputs[1].type.isInteger && indices.rank > batchAxes && batchAxes >= 0
        && tuple + batchAxes <= data.rank
        && indices.dimensions.prefix(batchAxes) == data.dimensions.prefix(batchAxes),
      "the tuples do not fit the data")
    let lengths = indices.dimensions.dropLast() + data.dimensions.dropFirst(batchAxes + tuple)
    return [TensorType(TensorShape(Array(lengths)), inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (data, indices) = (inputs[0], inputs[1])
    let tuple = indices.shape.columnCount
    let inner = data.shape.dimensions.dropFirst(batchAxes + tuple).reduce(1, *)
    let batches = data.shape.dimensions.prefix(batchAxes).reduce(1, *)
    let starts = try inputs.tuples(
      indices, lengths: Array(data.shape.dimensions.dropFirst(batchAxes).prefix(tuple)))
    let perBatch = max(1, starts.count / max(1, batches))
    let batchSize = data.count / max(1, batches)
    var sources: [Int] = []
    for (number, start) in starts.enumerated() {
      let first = number / perBatch * batchSize + start * inner
      sources += first..<first + inner
    }
    let lengths =
      indices.shape.dimensions.dropLast() + data.shape.dimensions.dropFirst(batchAxes + tuple)
    return [try data.picked(sources, shape: TensorShape(Array(lengths)))]
  }
}

extension Operands<TensorView> {
  /// The flat index that each tuple of the last axis of `indices` names in axes of these lengths.
  /// Throws `badValue` for one outside.
  func tuples(_ indices: TensorView, lengths: [Int]) throws(GraphError) -> [Int] {
    let values = indices.integerValues
    let count = lengths.count
    guard count > 0 else {
      return [Int](repeating: 0, count: indices.shape.rowCount)
    }
    var result: [Int] = []
    for start in stride(from: 0, to: values.count, by: count) {
      var flat = 0
      for (axis, length) in lengths.enumerated() {
        let index = values[start + axis]
        guard index >= -Int64(length), index < Int64(length) else {
          throw .badValue(
            tensor: "indices",
            reason: "\(index) lies outside an axis of \(length) (node '\(node)')")
        }
        flat = flat * length + (index < 0 ? Int(index) + length : Int(index))
      }
      result.append(flat)
    }
    return result
  }
}
