import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Shifts to the right of numbers with a sign. Engines shift zeros in from the left, so negative
/// numbers are shifted as their complements: ((x ^ m) >> y) ^ m with m of ones where x < 0.
struct SignedShiftRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .elementwise(let elementwise) = node.operation,
      elementwise.function == .bitShiftRight
    else { return nil }
    let output = try plan.tensor(node.outputs[0])
    guard output.type.integerRange?.isSigned == true else { return nil }
    var mask = ElementChain()
    let isNegative = mask.arithmetic(.lessThan, .input(0), .constant(0))
    mask.outputs = [mask.arithmetic(.multiply, isNegative, .constant(-1))]
    let ones = plan.scratch(
      "\(node.name)/sign", sizeBytes: output.sizeBytes, format: output.format)
    try step("sign", mask, [node.inputs[0]], to: ones, output, [], &plan)
    let positive = plan.scratch(
      "\(node.name)/positive", sizeBytes: output.sizeBytes, format: output.format)
    try step(
      "complement", bits(.bitwiseXor), [node.inputs[0], ones], to: positive, output, [], &plan)
    let shifted = plan.scratch(
      "\(node.name)/shifted", sizeBytes: output.sizeBytes, format: output.format)
    try step(
      "shift", bits(.shiftRight), [positive, node.inputs[1]], to: shifted, output, [], &plan)
    try step(
      "complement", bits(.bitwiseXor), [shifted, ones], to: output.name, output, [node], &plan)
    return [position]
  }

  private func bits(_ operation: ALUOperation) -> ElementChain {
    var chain = ElementChain()
    chain.outputs = [chain.arithmetic(operation, .input(0), .input(1))]
    return chain
  }

  /// One kernel over the output's elements; scratch memory has its shape and format.
  private func step(
    _ label: String, _ chain: ElementChain, _ inputs: [String], to target: String,
    _ output: TensorDeclaration, _ nodes: [Node], _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let shape = output.shape.dimensions
    let operands = inputs.map { name in
      let tensor = plan.graph.tensor(name)
      return ElementChainKernel.Input(
        format: tensor?.format ?? output.format, tensor?.shape.dimensions ?? shape,
        repeatedTo: shape)
    }
    try plan.invoke(
      ElementChainKernel(
        label, shape: shape, inputs: operands, chain: chain, outputs: [output.format]),
      inputs + [target], nodes: nodes)
  }
}
