/// Slices of an axis, chosen by indices (ONNX Gather): inputs data, indices; negative indices count
/// from the back. A gather of rows of a matrix is `Operator.gather`.
package struct AxisGather: OperatorFamily {
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int

  /// A choice along that axis.
  package init(axis: Int) { self.axis = axis }

  package var name: String { "Gather" }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    let axis = try inputs.axis(self.axis, rank: shape.rank)
    try inputs.require(inputs[1].type.isInteger, "the indices are \(inputs[1].type.name)")
    let lengths =
      shape.dimensions.prefix(axis) + inputs[1].shape.dimensions
      + shape.dimensions.dropFirst(axis + 1)
    return [TensorType(TensorShape(Array(lengths)), inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (view, shape) = (inputs[0], inputs[0].shape)
    let axis = try inputs.axis(self.axis, rank: shape.rank)
    let chosen = try inputs.positions(inputs[1], length: shape[axis])
    let inner = shape.dimensions.dropFirst(axis + 1).reduce(1, *)
    let outer = shape.dimensions.prefix(axis).reduce(1, *)
    var sources: [Int] = []
    sources.reserveCapacity(outer * chosen.count * inner)
    for block in 0..<outer {
      for index in chosen {
        let start = (block * shape[axis] + index) * inner
        sources += start..<start + inner
      }
    }
    let lengths =
      shape.dimensions.prefix(axis) + inputs[1].shape.dimensions
      + shape.dimensions.dropFirst(axis + 1)
    return [try view.picked(sources, shape: TensorShape(Array(lengths)))]
  }
}

extension Operands<TensorView> {
  /// Indices into an axis, negative ones counted from the back. Throws `badValue` for one outside.
  package func positions(_ indices: TensorView, length: Int) throws(GraphError) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(indices.count)
    for index in indices.integerValues {
      guard index >= -Int64(length), index < Int64(length) else {
        throw .badValue(
          tensor: "indices",
          reason: "\(index) lies outside an axis of \(length) (node '\(node)')")
      }
      result.append(index < 0 ? Int(index) + length : Int(index))
    }
    return result
  }
}
