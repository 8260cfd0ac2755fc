/// A triangle of each matrix of the last two axes, zero elsewhere (ONNX Trilu).
package struct Triangle: OperatorFamily {
  /// True to keep the upper triangle.
  package var keepsUpper: Bool
  /// The diagonal that bounds it: 0 the main one, positive ones above.
  package var diagonal: Int

  /// A triangle up to that diagonal.
  package init(keepsUpper: Bool, diagonal: Int = 0) {
    self.keepsUpper = keepsUpper
    self.diagonal = diagonal
  }

  package var name: String { "Trilu" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape.rank >= 2, "a matrix has two axes")
    return [inputs[0]]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let (rows, columns) = (view.shape[view.shape.rank - 2], view.shape.columnCount)
    let sources = (0..<view.count).map { index in
      let (row, column) = (index / columns % rows, index % columns)
      let isKept = keepsUpper ? column - row >= diagonal : column - row <= diagonal
      return isKept ? index : -1
    }
    return [try view.picked(sources, shape: view.shape)]
  }
}

/// Rows of zeros with one other value where an index says (ONNX OneHot): inputs indices, and the
/// pair of values for off and on.
package struct OneHot: OperatorFamily {
  /// The length of the new axis.
  package var depth: Int
  /// Where the new axis stands in the result, counted from the front or, negative, from the back.
  package var axis: Int

  /// A new axis of that length.
  package init(depth: Int, axis: Int = -1) {
    self.depth = depth
    self.axis = axis
  }

  package var name: String { "OneHot" }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    var lengths = inputs[0].shape.dimensions
    let axis = try inputs.axis(self.axis, rank: lengths.count + 1)
    try inputs.require(
      inputs[1].shape.elementCount == 2 && depth >= 0, "values are a pair, off and on")
    lengths.insert(depth, at: axis)
    return [TensorType(TensorShape(lengths), inputs[1].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    var lengths = inputs[0].shape.dimensions
    let axis = try inputs.axis(self.axis, rank: lengths.count + 1)
    lengths.insert(depth, at: axis)
    let shape = TensorShape(lengths)
    // Reals are cut to whole numbers; indices outside the range make a row of off.
    let chosen = inputs[0].integerValues.map { $0 < 0 ? Int($0) + depth : Int($0) }
    var strides = inputs[0].shape.strides
    strides.insert(0, at: axis)
    let owners = IndexMap.strided(shape, strides: strides)
    let inner = lengths.dropFirst(axis + 1).reduce(1, *)
    let sources = owners.enumerated().map { index, owner in
      chosen[owner] == index / inner % depth ? 1 : 0
    }
    return [try inputs[1].picked(sources, shape: shape)]
  }
}

/// Sums or products of all elements up to each one along an axis (ONNX CumSum and CumProd).
package struct Cumulative: OperatorFamily {
  /// True for products.
  package var multiplies: Bool
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int
  /// True to leave the element itself out.
  package var isExclusive: Bool
  /// True to start at the end.
  package var isReversed: Bool

  /// Running sums or products along that axis.
  package init(
    multiplies: Bool = false, axis: Int, isExclusive: Bool = false, isReversed: Bool = false
  ) {
    self.multiplies = multiplies
    self.axis = axis
    self.isExclusive = isExclusive
    self.isReversed = isReversed
  }

  package var name: String { multiplies ? "CumProd" : "CumSum" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    _ = try inputs.axis(axis, rank: inputs[0].shape.rank)
    return [inputs[0]]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    let lanes = AxisLane.all(view.shape, axis: axis)
    if view.type.isInteger {
      let join: (Int64, Int64) -> Int64 = multiplies ? { $0 &* $1 } : { $0 &+ $1 }
      let values = running(view.integerValues, lanes, multiplies ? 1 : 0) {
        view.type.wrapped(join($0, $1))
      }
      return [try TensorView(integers: values, shape: view.shape, type: view.type)]
    }
    let values = running(view.allValues, lanes, multiplies ? 1.0 : 0) {
      multiplies ? $0 * $1 : $0 + $1
    }
    return [try TensorView(values, shape: view.shape, type: view.type)]
  }

  private func running<Number>(
    _ values: [Number], _ lanes: [AxisLane], _ start: Number, _ join: (Number, Number) -> Number
  ) -> [Number] {
    var result = values
    for lane in lanes {
      var total = start
      for step in 0..<lane.count {
        let place = isReversed ? lane.count - 1 - step : step
        let index = lane.start + place * lane.stride
        let next = join(total, values[index])
        result[index] = isExclusive ? total : next
        total = next
      }
    }
    return result
  }
}
