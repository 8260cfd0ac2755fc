import KernelLibrary
import ModelGraph
import NumericFormats

/// Products of many matrices, vectors among them.
struct BatchedProductRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .batchMatMul(let product) = node.operation else { return nil }
    let a = try plan.tensor(node.inputs[0])
    let b = try plan.tensor(node.inputs[1])
    let output = try plan.tensor(node.outputs[0])
    guard a.format == b.format, !a.format.isInteger, a.format.sizeBytes > 1 else {
      throw node.refused(
        "operands of \(a.format.name) and \(b.format.name); the tensor engine takes two of one "
          + "real format")
    }
    let left = MatrixStack(a.shape, swaps: product.transposeA, isLeft: true)
    let right = MatrixStack(b.shape, swaps: product.transposeB, isLeft: false)
    guard let outer = left.outer.broadcast(with: right.outer) else {
      throw node.refused("the outer axes do not broadcast")
    }
    let tensors = node.inputs + node.outputs
    if right.outer.elementCount == 1, !left.swaps {
      // One matrix on the right: the rows of all matrices on the left follow each other.
      let kernel = MatmulKernel(
        m: left.outer.elementCount * left.rows, k: left.columns, n: right.columns,
        input: a.format, output: output.format, lhs: .contractionColumns,
        rhs: right.swaps ? .contractionColumns : .contractionRows)
      try plan.invoke(kernel, tensors, nodes: [node])
      return [position]
    }
    var kernel = BatchedMatmulKernel(
      m: left.rows, k: left.columns, n: right.columns,
      lhsMatrices: IndexMap.broadcast(left.outer, to: outer),
      rhsMatrices: IndexMap.broadcast(right.outer, to: outer), input: a.format,
      output: output.format)
    kernel.lhsLayout = left.swaps ? .contractionRows : .contractionColumns
    kernel.rhsLayout = right.swaps ? .contractionColumns : .contractionRows
    if kernel.fits {
      try plan.invoke(kernel, tensors, nodes: [node])
    } else {
      try oneByOne(kernel, node, &plan)
    }
    return [position]
  }

  /// Matrices that SBUF does not hold whole: the kernel of one product again and again.
  private func oneByOne(
    _ batch: BatchedMatmulKernel, _ node: Node, _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let kernel = MatmulKernel(
      m: batch.m, k: batch.k, n: batch.n, input: batch.input, output: batch.output,
      lhs: batch.lhsLayout, rhs: batch.rhsLayout)
    let count = batch.lhsMatrices.count
    for product in 0..<count {
      let parts = [
        (node.inputs[0], batch.lhsMatrices[product], batch.m * batch.k, batch.input),
        (node.inputs[1], batch.rhsMatrices[product], batch.k * batch.n, batch.input),
        (node.outputs[0], product, batch.m * batch.n, batch.output),
      ]
      let names = parts.map { name, index, count, format in
        plan.part(
          of: name, byteOffset: index * count * format.sizeBytes,
          sizeBytes: count * format.sizeBytes)
      }
      try plan.invoke(kernel, names, nodes: product == count - 1 ? [node] : [])
    }
  }
}

/// A tensor as matrices behind each other.
struct MatrixStack {
  /// The axes before the last two.
  let outer: TensorShape
  /// Rows of a matrix as the product sees it.
  let rows: Int
  /// Columns of a matrix as the product sees it.
  let columns: Int
  /// The last two axes are stored swapped.
  let swaps: Bool

  /// A vector is one row on the left and one column on the right.
  init(_ shape: TensorShape, swaps: Bool, isLeft: Bool) {
    let wide =
      shape.rank > 1 ? shape.dimensions : isLeft ? [1] + shape.dimensions : shape.dimensions + [1]
    outer = TensorShape(Array(wide.dropLast(2)))
    let last = Array(wide.suffix(2))
    self.swaps = swaps && shape.rank > 1
    rows = self.swaps ? last[1] : last[0]
    columns = self.swaps ? last[0] : last[1]
  }
}
