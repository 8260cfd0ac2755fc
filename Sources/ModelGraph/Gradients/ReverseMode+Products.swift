/// Matrix products, alone and side by side.
extension ReverseMode {
  /// Y = A·B: dA = dY·Bᵀ and dB = Aᵀ·dY, each in the way in which its factor is stored.
  mutating func product(
    _ node: Node, _ gradient: String, transposeA: Bool, transposeB: Bool
  ) throws(GraphError) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    if isActive(a) {
      let part =
        transposeA
        ? try made(
          .matMul(transposeA: transposeB, transposeB: true), b, gradient, format: gradientFormat(a))
        : try made(
          .matMul(transposeA: false, transposeB: !transposeB), gradient, b,
          format: gradientFormat(a))
      try contribute(part, to: a)
    }
    guard isActive(b) else { return }
    // Leading axes of A count as rows.
    let columns = shape(gradient).columnCount
    let slope = try reshaped(gradient, to: [shape(gradient).rowCount, columns])
    let left = try reshaped(a, to: [shape(a).rowCount, shape(a).columnCount])
    let part =
      transposeB
      ? try made(
        .matMul(transposeA: true, transposeB: transposeA), slope, left, format: gradientFormat(b))
      : try made(
        .matMul(transposeA: !transposeA, transposeB: false), left, slope, format: gradientFormat(b))
    try contribute(part, to: b)
  }

  /// alpha · A · B + beta · C: a product of a scaled gradient, and C's own.
  mutating func gemm(_ gemm: Gemm, _ node: Node, _ gradient: String) throws(GraphError) {
    let scaled =
      gemm.alpha == 1 ? gradient : try element(.multiply, gradient, constant(gemm.alpha))
    try product(node, scaled, transposeA: gemm.transposeA, transposeB: gemm.transposeB)
    guard node.inputs.count > 2, isActive(node.inputs[2]) else { return }
    let part = gemm.beta == 1 ? gradient : try element(.multiply, gradient, constant(gemm.beta))
    try contribute(part, to: node.inputs[2])
  }

  /// The gradient takes the operand's place, and the operand's labels are the result's.
  mutating func einsum(_ einsum: Einsum, _ node: Node, _ gradient: String) throws(GraphError) {
    let text = einsum.equation.filter { $0 != " " }
    let sides = text.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2, sides[0].last == "-", !text.contains(".") else {
      throw missingRule(node, "only equations with an arrow and without dots have a rule")
    }
    let result = String(sides[1])
    let terms = sides[0].dropLast().split(separator: ",", omittingEmptySubsequences: false)
    for (place, input) in node.inputs.enumerated() where isActive(input) {
      var others = terms.map(String.init)
      let own = others.remove(at: place)
      let known = Set(result + others.joined())
      guard Set(own).count == own.count, own.allSatisfy(known.contains) else {
        throw missingRule(node, "labels that stand in one operand alone have no rule")
      }
      var operands = node.inputs
      operands[place] = gradient
      others.insert(result, at: place)
      let equation = "\(others.joined(separator: ","))->\(own)"
      try contribute(made(.einsum(Einsum(equation)), operands), to: input)
    }
  }

  /// As `product` for the matrices of the last two axes; repeated ones add up.
  mutating func batchProduct(_ product: BatchMatMul, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (a, b) = (node.inputs[0], node.inputs[1])
    guard shape(a).rank > 1, shape(b).rank > 1 else {
      throw missingRule(node, "a vector has no rule; give it an axis of length 1")
    }
    if isActive(a) {
      let part =
        product.transposeA
        ? try made(
          .batchMatMul(BatchMatMul(transposeA: product.transposeB, transposeB: true)), b, gradient)
        : try made(
          .batchMatMul(BatchMatMul(transposeB: !product.transposeB)), gradient, b)
      try contribute(part, to: a)
    }
    guard isActive(b) else { return }
    let part =
      product.transposeB
      ? try made(
        .batchMatMul(BatchMatMul(transposeA: true, transposeB: product.transposeA)), gradient, a)
      : try made(.batchMatMul(BatchMatMul(transposeA: !product.transposeA)), a, gradient)
    try contribute(part, to: b)
  }
}
