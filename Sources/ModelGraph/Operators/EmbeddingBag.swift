/// Embedding bags over several tables: for each bag and table the sum of the rows that the bag
/// names, all tables' sums side by side (torch EmbeddingBag, mode sum; ONNX has no such operator).
///
/// Inputs indices [bags, Σ lengths], one table [rows, columns] per length, and with `hasLeading` a
/// tensor [bags, columns] that goes in front. An index outside its table marks an empty place. Rows
/// may be longer than what is summed: an optimiser's state stands behind the weights then.
package struct EmbeddingBag: OperatorFamily {
  /// Places of a bag for each table.
  package var lengths: [Int]
  /// True when a tensor goes in front of the sums: the dense features of DLRM.
  package var hasLeading: Bool

  /// True when places may be empty; a promise to kernels, which then need not look.
  package var isRagged: Bool

  /// Elements of a row that are summed; nil for whole rows.
  package var width: Int?

  /// Bags of these lengths.
  package init(
    lengths: [Int], hasLeading: Bool = false, isRagged: Bool = true, width: Int? = nil
  ) {
    self.lengths = lengths
    self.isRagged = isRagged
    self.hasLeading = hasLeading
    self.width = width
  }

  package var name: String { "EmbeddingBag" }
  package var inputCount: ClosedRange<Int> {
    let count = 1 + lengths.count + (hasLeading ? 1 : 0)
    return count...count
  }
  /// Places per bag.
  package var places: Int { lengths.reduce(0, +) }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let indices = inputs[0].shape
    try inputs.require(!lengths.isEmpty && lengths.allSatisfy { $0 > 0 }, "a bag has places")
    try inputs.require(
      indices.rank == 2 && indices[1] == places, "indices are [bags, \(places)]")
    let whole = inputs[1].shape.columnCount
    let columns = width ?? whole
    try inputs.require((1...whole).contains(columns), "a row has no \(columns) elements")
    for table in 1...lengths.count {
      try inputs.require(
        inputs[table].shape.rank == 2 && inputs[table].shape[1] == whole,
        "every table is [rows, \(whole)]")
    }
    if hasLeading {
      try inputs.require(
        inputs[lengths.count + 1].shape == [indices[0], columns],
        "the leading tensor is [\(indices[0]), \(columns)]")
    }
    let pieces = lengths.count + (hasLeading ? 1 : 0)
    return [TensorType([indices[0], pieces * columns], inputs[1].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let columns = width ?? inputs[1].shape.columnCount
    return inputs[0].shape[0] * (places - lengths.count) * columns
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let columns = width ?? inputs[1].shape.columnCount
    let shape: TensorShape = [
      inputs[0].shape[0], (lengths.count + (hasLeading ? 1 : 0)) * columns,
    ]
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: inputs[1].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    terms(inputs, indices).map { $0.reduce(0, +) }
  }

  /// The elements that each element of the result adds up.
  private func terms(_ inputs: Operands<TensorView>, _ indices: [Int]) -> [[Double]] {
    let columns = width ?? inputs[1].shape.columnCount
    let front = hasLeading ? 1 : 0
    let width = (lengths.count + front) * columns
    let starts = lengths.indices.map { lengths[..<$0].reduce(0, +) }
    return indices.map { index in
      let (bag, place) = index.quotientAndRemainder(dividingBy: width)
      let (piece, column) = place.quotientAndRemainder(dividingBy: columns)
      if piece < front { return [inputs[lengths.count + 1][bag * columns + column]] }
      let table = piece - front
      let view = inputs[table + 1]
      return (0..<lengths[table]).compactMap { step in
        let row = inputs[0][bag * places + starts[table] + step]
        return row >= 0 && row < Double(view.shape[0])
          ? view[Int(row) * view.shape[1] + column] : nil
      }
    }
  }

  /// 4 · u · √L · ‖terms‖ for a sum of L rows.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    return terms(inputs, indices).map { terms in
      let depth = Double(max(1, terms.count)).squareRoot()
      return Tolerance.factor * (Tolerance.sum * depth + tolerance.middle / depth) * norm(terms)
    }
  }
}
