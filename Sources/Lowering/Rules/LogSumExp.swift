import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Kernels around the sum of exponentials along an axis, largest element first: for axes that are
/// not the last and rows that SBUF does not hold, where several passes are the way.
struct LogSumExp {
  private let name: String
  private let range: AxisRange
  private let input: NumberFormat

  init(_ node: Node, _ range: AxisRange, input: NumberFormat) {
    name = node.name
    self.range = range
    self.input = input
  }

  private var shape: [Int] { [range.outer, range.reduced, range.inner] }

  /// x as it lies.
  private var whole: ElementChainKernel.Input {
    .init(format: input, shape, repeatedTo: shape)
  }

  /// One value for all of the axis.
  private var repeated: ElementChainKernel.Input {
    .init(format: .float32, [range.outer, 1, range.inner], repeatedTo: shape)
  }

  /// max(x) and Σ exp(x − max) along the axis.
  private func sums(of x: String, _ plan: inout LoweringPlan) throws(LoweringError)
    -> (largest: String, sum: String, exponentials: String)
  {
    let results = range.results * 4
    let largest = plan.scratch("\(name)/largest", sizeBytes: results, format: .float32)
    try plan.invoke(
      ReduceKernel(
        outer: range.outer, reduced: range.reduced, inner: range.inner, .maximum, input: input,
        output: .float32), [x, largest], nodes: [])
    let exponentials = plan.scratch(
      "\(name)/exponentials", sizeBytes: results * range.reduced, format: .float32)
    var chain = ElementChain()
    let less = chain.arithmetic(.subtract, .input(0), .input(1))
    chain.outputs = [chain.function(.exp, less)]
    try plan.invoke(
      ElementChainKernel(
        "exp", shape: shape, inputs: [whole, repeated], chain: chain, outputs: [.float32]),
      [x, largest, exponentials], nodes: [])
    let sum = plan.scratch("\(name)/sum", sizeBytes: results, format: .float32)
    try plan.invoke(
      ReduceKernel(
        outer: range.outer, reduced: range.reduced, inner: range.inner, .sum, input: .float32,
        output: .float32), [exponentials, sum], nodes: [])
    return (largest, sum, exponentials)
  }

  /// log Σ exp(x).
  func append(
    from x: String, to out: String, nodes: [Node], _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let parts = try sums(of: x, &plan)
    var chain = ElementChain()
    chain.outputs = [
      chain.arithmetic(.add, chain.function(.log, .input(1)), .input(0))
    ]
    let flat = [range.results]
    let own = ElementChainKernel.Input(format: .float32, flat, repeatedTo: flat)
    try plan.invoke(
      ElementChainKernel(
        "log-sum-exp", shape: flat, inputs: [own, own], chain: chain,
        outputs: [try plan.tensor(out).format]), [parts.largest, parts.sum, out], nodes: nodes)
  }

  /// exp(x − max) / Σ, or x − max − log Σ.
  func appendShares(
    from x: String, to out: String, logarithm: Bool, nodes: [Node], _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let parts = try sums(of: x, &plan)
    let format = try plan.tensor(out).format
    var chain = ElementChain()
    if logarithm {
      let less = chain.arithmetic(.subtract, .input(0), .input(1))
      chain.outputs = [
        chain.arithmetic(.subtract, less, chain.function(.log, .input(2)))
      ]
      try plan.invoke(
        ElementChainKernel(
          "log-softmax", shape: shape, inputs: [whole, repeated, repeated], chain: chain,
          outputs: [format]), [x, parts.largest, parts.sum, out], nodes: nodes)
    } else {
      chain.outputs = [chain.arithmetic(.divide, .input(0), .input(1))]
      try plan.invoke(
        ElementChainKernel(
          "softmax", shape: shape,
          inputs: [.init(format: .float32, shape, repeatedTo: shape), repeated], chain: chain,
          outputs: [format]), [parts.exponentials, parts.sum, out], nodes: nodes)
    }
  }
}
