import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Shares along an axis and norms from an axis on: by rows where a kernel takes them, in several
/// passes otherwise.
struct NormalizationRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .axisSoftmax(let softmax): try shares(node, softmax, &plan)
    case .axisNormalization(let norm): try self.norm(node, norm, &plan)
    case .lpNormalization(let norm): try lengths(node, norm, &plan)
    default: return nil
    }
    return [position]
  }

  private func shares(_ node: Node, _ softmax: AxisSoftmax, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    guard softmax.kind != .hardmax else { throw node.refused("no kernel makes a hardmax yet") }
    let x = try plan.tensor(node.inputs[0])
    let output = try plan.tensor(node.outputs[0])
    let range =
      softmax.mergesAxes
      ? AxisRange(x.shape, from: softmax.axis) : AxisRange(x.shape, axis: softmax.axis)
    if softmax.kind == .softmax, range.inner == 1, x.format == output.format {
      do {
        try plan.invoke(
          SoftmaxKernel(rows: range.outer, columns: range.reduced, format: x.format),
          node.inputs + node.outputs, nodes: [node])
        return
      } catch .kernel {}
    }
    try LogSumExp(node, range, input: x.format).appendShares(
      from: node.inputs[0], to: node.outputs[0], logarithm: softmax.kind == .logSoftmax,
      nodes: [node], &plan)
  }

  private func norm(_ node: Node, _ norm: AxisNormalization, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let x = try plan.tensor(node.inputs[0])
    let range = AxisRange(x.shape, from: norm.axis)
    let (rows, columns) = (range.outer, range.reduced)
    let parameters = node.inputs.dropFirst().filter { !$0.isEmpty }
    var fitsRows = node.outputs.dropFirst().allSatisfy(\.isEmpty)
    for name in parameters {
      let tensor = try plan.tensor(name)
      fitsRows =
        fitsRows && tensor.format == x.format && tensor.shape.elementCount == columns
    }
    let format = try plan.tensor(node.outputs[0]).format
    fitsRows = fitsRows && format == x.format
    if fitsRows, parameters.count == (norm.centres ? 2 : 1) {
      do {
        let tensors = [node.inputs[0]] + parameters + [node.outputs[0]]
        if norm.centres {
          try plan.invoke(
            LayerNormKernel(
              rows: rows, columns: columns, epsilon: Float(norm.epsilon), format: x.format),
            tensors, nodes: [node])
        } else {
          try plan.invoke(
            RMSNormKernel(
              rows: rows, columns: columns, epsilon: Float(norm.epsilon), format: x.format),
            tensors, nodes: [node])
        }
        return
      } catch .kernel {}
    }
    try MomentPasses(
      name: node.name, shape: x.shape.dimensions, reduced: range, format: x.format,
      epsilon: Float(norm.epsilon), centres: norm.centres
    ).append(node, parameters: parameters, &plan)
  }
}

extension NormalizationRule {
  /// Each element over the norm of its axis; a row of zeros stays one.
  private func lengths(_ node: Node, _ norm: LpNormalization, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let x = try plan.tensor(node.inputs[0])
    let range = AxisRange(x.shape, axis: norm.axis)
    let length = plan.scratch(
      "\(node.name)/length", sizeBytes: range.results * 4, format: .float32)
    var kernel = ReduceKernel(
      outer: range.outer, reduced: range.reduced, inner: range.inner, .sum, input: x.format,
      output: .float32)
    kernel.first = norm.power == 1 ? .abs : .square
    kernel.last = norm.power == 1 ? nil : .sqrt
    try plan.invoke(kernel, [node.inputs[0], length], nodes: [])
    let shape = [range.outer, range.reduced, range.inner]
    var chain = ElementChain()
    let divisor = chain.arithmetic(.max, .input(1), .constant(.leastNormalMagnitude))
    chain.outputs = [chain.arithmetic(.divide, .input(0), divisor)]
    try plan.invoke(
      ElementChainKernel(
        "over-norm", shape: shape,
        inputs: [
          .init(format: x.format, shape, repeatedTo: shape),
          .init(format: .float32, [range.outer, 1, range.inner], repeatedTo: shape),
        ], chain: chain, outputs: [try plan.tensor(node.outputs[0]).format]),
      [node.inputs[0], length] + node.outputs, nodes: [node])
  }
}

/// A norm in passes: mean, what is left of each element, its mean square, and the scaled result.
struct MomentPasses {
  var name: String
  /// The shape that scale and bias are repeated to.
  var shape: [Int]
  /// The elements that one mean joins.
  var reduced: AxisRange
  var format: NumberFormat
  var epsilon: Float
  var centres: Bool

  private var box: [Int] { [reduced.outer, reduced.reduced, reduced.inner] }
  private var whole: ElementChainKernel.Input { .init(format: format, box, repeatedTo: box) }
  private var rest: ElementChainKernel.Input { .init(format: .float32, box, repeatedTo: box) }
  private var repeated: ElementChainKernel.Input {
    .init(format: .float32, [reduced.outer, 1, reduced.inner], repeatedTo: box)
  }

  private func mean(_ input: NumberFormat, squares: Bool) -> ReduceKernel {
    var kernel = ReduceKernel(
      outer: reduced.outer, reduced: reduced.reduced, inner: reduced.inner, .sum, input: input,
      output: .float32)
    kernel.first = squares ? .square : nil
    kernel.scale = 1 / Float(reduced.reduced)
    return kernel
  }

  /// Appends the passes; further outputs receive the means and the reciprocal deviations.
  func append(_ node: Node, parameters: [String], _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let results = reduced.results * 4
    var centred = node.inputs[0]
    var centredFormat = format
    if centres {
      let means =
        further(node, 1)
        ?? plan.scratch(
          "\(name)/mean", sizeBytes: results, format: .float32)
      try plan.invoke(mean(format, squares: false), [node.inputs[0], means], nodes: [])
      centred = plan.scratch(
        "\(name)/centred", sizeBytes: results * reduced.reduced, format: .float32)
      centredFormat = .float32
      var chain = ElementChain()
      chain.outputs = [chain.arithmetic(.subtract, .input(0), .input(1))]
      try plan.invoke(
        ElementChainKernel(
          "centre", shape: box, inputs: [whole, repeated], chain: chain, outputs: [.float32]),
        [node.inputs[0], means, centred], nodes: [])
    }
    let squares = plan.scratch("\(name)/squares", sizeBytes: results, format: .float32)
    try plan.invoke(mean(centredFormat, squares: true), [centred, squares], nodes: [])
    let scales =
      further(node, 2)
      ?? plan.scratch(
        "\(name)/scale", sizeBytes: results, format: .float32)
    var root = ElementChain()
    let moved = root.arithmetic(.add, .input(0), .constant(epsilon))
    root.outputs = [root.function(.rsqrt, moved)]
    let flat = [reduced.results]
    try plan.invoke(
      ElementChainKernel(
        "rsqrt", shape: flat, inputs: [.init(format: .float32, flat, repeatedTo: flat)],
        chain: root, outputs: [.float32]), [squares, scales], nodes: [])
    try finish(node, centred, centredFormat, scales, parameters, &plan)
  }

  private func further(_ node: Node, _ index: Int) -> String? {
    node.outputs.count > index && !node.outputs[index].isEmpty ? node.outputs[index] : nil
  }

  /// centred · scale · gamma + beta, over the axes of the tensor.
  private func finish(
    _ node: Node, _ centred: String, _ format: NumberFormat, _ scales: String,
    _ parameters: [String], _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    var chain = ElementChain()
    var value = chain.arithmetic(.multiply, .input(0), .input(1))
    // One scale per row: the axes that are normalised repeat it.
    var inputs = [
      ElementChainKernel.Input(format: format, shape, repeatedTo: shape), scaleInput,
    ]
    for (index, name) in parameters.enumerated() {
      let tensor = try plan.tensor(name)
      inputs.append(
        .init(format: tensor.format, tensor.shape.dimensions, repeatedTo: shape))
      value = chain.arithmetic(index == 0 ? .multiply : .add, value, .input(inputs.count - 1))
    }
    chain.outputs = [value]
    try plan.invoke(
      ElementChainKernel(
        "norm", shape: shape, inputs: inputs, chain: chain,
        outputs: [try plan.tensor(node.outputs[0]).format]),
      [centred, scales] + parameters + [node.outputs[0]], nodes: [node])
  }

  /// The rows' scales along the tensor's own axes: those before the normalised ones walk them.
  private var scaleInput: ElementChainKernel.Input {
    var strides = [Int](repeating: 0, count: shape.count)
    var step = 1
    var behind = shape.reduce(1, *)
    var leading = 0
    // The leading axes whose product is the number of rows.
    while leading < shape.count, behind > reduced.reduced {
      behind /= shape[leading]
      leading += 1
    }
    for axis in (0..<leading).reversed() {
      strides[axis] = shape[axis] == 1 ? 0 : step
      step *= shape[axis]
    }
    return .init(format: .float32, strides: strides, count: reduced.results)
  }
}
