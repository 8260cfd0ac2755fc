import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Rows with one other element.
struct OneHotRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .oneHot(let oneHot) = node.operation else { return nil }
    try mark(node, oneHot, &plan)
    return [position]
  }

  /// Indices compared with a ramp along the new axis.
  private func mark(_ node: Node, _ oneHot: OneHot, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let index = try plan.tensor(node.inputs[0])
    let values = try plan.tensor(node.inputs[1])
    let output = try plan.tensor(node.outputs[0])
    let axis = output.shape.axis(oneHot.axis)
    let ramp = plan.scratch(
      "\(node.name)/ramp", sizeBytes: oneHot.depth * 4, format: .float32)
    try plan.invoke(RampKernel(count: oneHot.depth), [ramp], nodes: [])
    let shape = output.shape.dimensions
    var own = IndexMap.broadcastStrides(index.shape, to: index.shape)
    own.insert(0, at: axis)
    var along = shape.map { _ in 0 }
    along[axis] = 1
    let zeros = shape.map { _ in 0 }
    var chain = ElementChain()
    let isNegative = chain.arithmetic(.lessThan, .input(0), .constant(0))
    let wrap = chain.arithmetic(.multiply, isNegative, .constant(Float(oneHot.depth)))
    let place = chain.arithmetic(.add, wrap, .input(0))
    let isHere = chain.arithmetic(.isEqual, place, .input(1))
    chain.outputs = [chain.select(isHere, .input(3), .input(2))]
    try plan.invoke(
      ElementChainKernel(
        "one-hot", shape: shape,
        inputs: [
          .init(format: index.format, strides: own, count: index.shape.elementCount),
          .init(format: .float32, strides: along, count: oneHot.depth),
          .init(format: values.format, strides: zeros, count: 2),
          .init(format: values.format, strides: zeros, offset: 1, count: 2),
        ], chain: chain, outputs: [output.format]),
      [node.inputs[0], ramp, node.inputs[1], node.inputs[1]] + node.outputs, nodes: [node])
  }
}
