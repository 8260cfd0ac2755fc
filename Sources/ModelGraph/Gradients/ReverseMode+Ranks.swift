/// Operators between the ranks that hold parts of a model: what adds up forwards is handed on as it
/// is backwards, and the other way round.
extension ReverseMode {
  mutating func sumOverRanks(_ node: Node, _ gradient: String) throws(GraphError) {
    try contribute(gradient, to: node.inputs[0])
  }

  /// Named after the part, so that other derivatives are called as in the whole model.
  mutating func parallelRegion(_ region: ParallelRegion, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let sum = try combined(
      .allReduce(AllReduce(ranks: region.ranks)), gradient, name: "\(gradient).sum")
    try contribute(sum, to: node.inputs[0])
  }
}
