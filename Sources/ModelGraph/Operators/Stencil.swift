/// One step of a star-shaped stencil over a grid [planes, rows, columns]: centre · x + neighbour ·
/// (the sum of the six neighbours), zero outside. A discrete heat equation; no ONNX operator.
package struct Stencil: OperatorFamily {
  /// The weight of the point itself.
  package var centre: Double
  /// The weight of each neighbour.
  package var neighbour: Double

  /// A stencil of these weights.
  package init(centre: Double, neighbour: Double) {
    self.centre = centre
    self.neighbour = neighbour
  }

  package var name: String { "Stencil" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape.rank == 3, "the grid is [planes, rows, columns]")
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    8 * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let x = inputs[0]
    let values = try elements(inputs, at: Array(0..<x.count))
    return [try TensorView(values, shape: x.shape, type: x.type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    indices.map { terms(inputs[0], $0).reduce(0, +) }
  }

  private func terms(_ x: TensorView, _ index: Int) -> [Double] {
    let (rows, columns) = (x.shape[1], x.shape[2])
    let at = [index / (rows * columns), index / columns % rows, index % columns]
    let steps = [rows * columns, columns, 1]
    var list = [centre * x[index]]
    for axis in 0..<3 {
      if at[axis] > 0 { list.append(neighbour * x[index - steps[axis]]) }
      if at[axis] + 1 < x.shape[axis] { list.append(neighbour * x[index + steps[axis]]) }
    }
    return list
  }

  /// Weights are rounded to the format of x, sums kept in fp32.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let x = tolerance.inputs[0]
    let unit = Roundoff.unit(of: x.format)
    return indices.map { index in
      let terms = terms(x, index)
      let size = terms.reduce(0) { $0 + abs($1) }
      return Tolerance.factor * Tolerance.sum * Double(terms.count).squareRoot() * norm(terms)
        + unit * size
    }
  }
}
