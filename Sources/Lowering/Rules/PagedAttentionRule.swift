import KernelLibrary
import ModelGraph
import NumericFormats

/// A decoding step over a cache in pages.
struct PagedAttentionRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .pagedAttention(let attention) = node.operation else { return nil }
    let format = try plan.tensor(node.inputs[0]).format
    for name in node.inputs[1...2] + node.outputs where try plan.tensor(name).format != format {
      throw node.refused("takes queries, pages and results of one format")
    }
    guard try plan.tensor(node.inputs[3]).format == .int32 else {
      throw node.refused("page numbers are int32")
    }
    var kernel = AttentionKernel.decode(
      batch: try plan.tensor(node.inputs[0]).rowCount, keys: attention.keys,
      heads: attention.heads, kvHeads: attention.kvHeads, size: attention.size, format: format)
    kernel.pages = AttentionPages(
      tokens: attention.page, count: try plan.tensor(node.inputs[1]).shape[0])
    try plan.invoke(kernel, node.inputs + node.outputs, nodes: [node])
    return [position]
  }
}
