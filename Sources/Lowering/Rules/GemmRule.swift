import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// alpha · A · B + beta · C.
struct GemmRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .gemm(let gemm) = node.operation else { return nil }
    let a = try plan.tensor(node.inputs[0])
    let b = try plan.tensor(node.inputs[1])
    guard a.format == b.format, !a.format.isInteger, a.format.sizeBytes > 1 else {
      throw node.refused("operands of \(a.format.name) and \(b.format.name)")
    }
    let (rows, depth) = gemm.transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    let columns = gemm.transposeB ? b.shape[0] : b.shape[1]
    var kernel = MatmulKernel(
      m: rows, k: depth, n: columns, input: a.format,
      output: try plan.tensor(node.outputs[0]).format,
      lhs: gemm.transposeA ? .contractionRows : .contractionColumns,
      rhs: gemm.transposeB ? .contractionColumns : .contractionRows)
    kernel.scale = Float(gemm.alpha)
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else {
      try plan.invoke(kernel, Array(node.inputs.prefix(2)) + node.outputs, nodes: [node])
      return [position]
    }
    let c = try plan.tensor(node.inputs[2])
    if gemm.beta == 1, c.format == .float32, c.shape.elementCount == columns,
      c.shape.columnCount == columns
    {
      kernel.bias = .perColumn
      try plan.invoke(kernel, node.inputs + node.outputs, nodes: [node])
    } else {
      try add(c, gemm, to: kernel, node, &plan)
    }
    return [position]
  }

  /// The product in fp32, and C repeated beside it.
  private func add(
    _ c: TensorDeclaration, _ gemm: Gemm, to product: MatmulKernel, _ node: Node,
    _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    var kernel = product
    kernel.output = .float32
    let shape = [kernel.m, kernel.n]
    let scratch = plan.scratch(
      "\(node.name)/product", sizeBytes: kernel.m * kernel.n * 4, format: .float32)
    try plan.invoke(kernel, Array(node.inputs.prefix(2)) + [scratch], nodes: [])
    var chain = ElementChain()
    let scaled = chain.arithmetic(.multiply, .input(1), .constant(Float(gemm.beta)))
    chain.outputs = [chain.arithmetic(.add, scaled, .input(0))]
    try plan.invoke(
      ElementChainKernel(
        "gemm-add", shape: shape,
        inputs: [
          .init(format: .float32, shape, repeatedTo: shape),
          .init(format: c.format, c.shape.dimensions, repeatedTo: shape),
        ], chain: chain, outputs: [product.output]), [scratch, c.name] + node.outputs,
      nodes: [node])
  }
}
