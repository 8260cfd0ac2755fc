import KernelLibrary
import ModelGraph
import NumericFormats

/// Boxes that no better box covers.
struct SuppressionRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .boxSuppression(let choice) = node.operation else { return nil }
    let boxes = try plan.tensor(node.inputs[0])
    let scores = try plan.tensor(node.inputs[1])
    guard boxes.format == scores.format, !boxes.format.isInteger else {
      throw node.refused("takes boxes and scores of one floating-point format")
    }
    var kernel = BoxSuppressionKernel(
      batch: boxes.shape[0], classes: scores.shape[1], boxes: boxes.shape[1], most: choice.most,
      overlap: Float(choice.overlap), least: choice.least.map { Float($0) }, format: boxes.format)
    kernel.isCentred = choice.isCentred
    try plan.invoke(kernel, node.inputs + node.outputs, nodes: [node])
    return [position]
  }
}
