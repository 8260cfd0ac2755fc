/// A · B over the last two axes, the axes before them broadcast: ONNX MatMul as NumPy's matmul.
///
/// A vector counts as one row on the left and one column on the right; the axis added for it is
/// removed from the result. With `transposeA` or `transposeB` the last two axes are stored swapped.
/// A product whose B is a matrix is `Operator.matMul`.
package struct BatchMatMul: OperatorFamily {
  /// True when A is stored `[…, K, M]`.
  package var transposeA: Bool
  /// True when B is stored `[…, N, K]`.
  package var transposeB: Bool

  /// A product of operands that are stored so.
  package init(transposeA: Bool = false, transposeB: Bool = false) {
    self.transposeA = transposeA
    self.transposeB = transposeB
  }

  package var name: String { "MatMul" }
  package var inputCount: ClosedRange<Int> { 2...2 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let plan = try plan(inputs, inputs[0].shape, inputs[1].shape)
    return [TensorType(plan.result, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let a = inputs[0].shape
    let depth = transposeA && a.rank > 1 ? a[a.rank - 2] : a.columnCount
    return 2 * depth * results[0].shape.elementCount
  }

  /// The matrices of a product one by one.
  struct Plan {
    var rows: Int
    var depth: Int
    var columns: Int
    var result: TensorShape
    /// First elements of the matrices that meet.
    var starts: [(a: Int, b: Int)]
    /// Strides of a matrix of A by row and by depth, of B by depth and by column.
    var strideA: (row: Int, depth: Int)
    var strideB: (depth: Int, column: Int)
  }

  func plan<Operand>(_ inputs: Operands<Operand>, _ a: TensorShape, _ b: TensorShape)
    throws(GraphError) -> Plan
  {
    try inputs.require(a.rank > 0 && b.rank > 0, "a scalar is no matrix")
    let wideA = a.rank == 1 ? TensorShape([1] + a.dimensions) : a
    let wideB = b.rank == 1 ? TensorShape(b.dimensions + [1]) : b
    let (swapA, swapB) = (transposeA && a.rank > 1, transposeB && b.rank > 1)
    let lastA = Array(wideA.dimensions.suffix(2))
    let lastB = Array(wideB.dimensions.suffix(2))
    let (rows, depth) = swapA ? (lastA[1], lastA[0]) : (lastA[0], lastA[1])
    let (other, columns) = swapB ? (lastB[1], lastB[0]) : (lastB[0], lastB[1])
    try inputs.require(depth == other, "the inner lengths are \(depth) and \(other)")
    let (outerA, outerB) = (
      TensorShape(Array(wideA.dimensions.dropLast(2))),
      TensorShape(Array(wideB.dimensions.dropLast(2)))
    )
    guard let outer = outerA.broadcast(with: outerB) else {
      throw inputs.failure("the outer axes do not broadcast")
    }
    let startsA = IndexMap.broadcast(outerA, to: outer).map { $0 * rows * depth }
    let startsB = IndexMap.broadcast(outerB, to: outer).map { $0 * depth * columns }
    let matrix = (a.rank == 1 ? [] : [rows]) + (b.rank == 1 ? [] : [columns])
    return Plan(
      rows: rows, depth: depth, columns: columns,
      result: TensorShape(outer.dimensions + matrix),
      starts: zip(startsA, startsB).map { ($0, $1) },
      strideA: swapA ? (1, rows) : (depth, 1), strideB: swapB ? (1, depth) : (columns, 1))
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (a, b) = (inputs[0], inputs[1])
    let plan = try plan(inputs, a.shape, b.shape)
    if a.type.isInteger { return [try whole(a, b, plan)] }
    var sums = [Double](repeating: 0, count: plan.result.elementCount)
    var start = 0
    for matrices in plan.starts {
      let right = (0..<plan.depth).map { k in
        b.vector(
          start: matrices.b + k * plan.strideB.depth, stride: plan.strideB.column,
          count: plan.columns)
      }
      for row in 0..<plan.rows {
        let left = a.vector(
          start: matrices.a + row * plan.strideA.row, stride: plan.strideA.depth,
          count: plan.depth)
        for k in 0..<plan.depth {
          let (factor, line) = (left[k], right[k])
          for column in 0..<plan.columns { sums[start + column] += factor * line[column] }
        }
        start += plan.columns
      }
    }
    return [try TensorView(sums, shape: plan.result, type: a.type)]
  }

  private func whole(_ a: TensorView, _ b: TensorView, _ plan: Plan) throws(GraphError)
    -> TensorView
  {
    let (left, right) = (a.integerValues, b.integerValues)
    var sums: [Int64] = []
    for matrices in plan.starts {
      for row in 0..<plan.rows {
        for column in 0..<plan.columns {
          var sum: Int64 = 0
          for k in 0..<plan.depth {
            sum &+=
              left[matrices.a + row * plan.strideA.row + k * plan.strideA.depth]
              &* right[matrices.b + k * plan.strideB.depth + column * plan.strideB.column]
          }
          sums.append(a.type.wrapped(sum))
        }
      }
    }
    return try TensorView(integers: sums, shape: plan.result, type: a.type)
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    let plan = try plan(inputs, inputs[0].shape, inputs[1].shape)
    return indices.map { index in
      let meeting = meeting(inputs[0], inputs[1], plan, index)
      return dot(meeting.row, meeting.column)
    }
  }

  private func meeting(_ a: TensorView, _ b: TensorView, _ plan: Plan, _ index: Int)
    -> (row: [Double], column: [Double])
  {
    let (matrix, within) = index.quotientAndRemainder(
      dividingBy: max(1, plan.rows * plan.columns))
    let (row, column) = within.quotientAndRemainder(dividingBy: max(1, plan.columns))
    return (
      a.vector(
        start: plan.starts[matrix].a + row * plan.strideA.row, stride: plan.strideA.depth,
        count: plan.depth),
      b.vector(
        start: plan.starts[matrix].b + column * plan.strideB.column, stride: plan.strideB.depth,
        count: plan.depth)
    )
  }

  /// 4 · u · √K · ‖row of A‖ · ‖column of B‖, and uncertain operands as a random walk over K.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let (a, b) = (tolerance.inputs[0], tolerance.inputs[1])
    let inputs = try Operands([TensorView?.some(a), b], of: self, node: name)
    let plan = try plan(inputs, a.shape, b.shape)
    let depth = Double(max(1, plan.depth)).squareRoot()
    let uncertain = a.uncertainty + b.uncertainty + 2 * tolerance.middle
    let weight = Tolerance.factor * (Tolerance.sum * depth + uncertain / depth)
    return indices.map { index in
      let meeting = meeting(a, b, plan, index)
      return weight * norm(meeting.row) * norm(meeting.column)
    }
  }
}
