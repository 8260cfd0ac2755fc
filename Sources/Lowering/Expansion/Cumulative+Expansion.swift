import ModelGraph

extension Cumulative {
  /// Running sums by doubling: after each step an element holds twice as many terms as before.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let source = expansion.node.inputs[0]
    let shape = expansion.shape(source)
    let axis = shape.axis(self.axis)
    let type = expansion.type(source)
    let neutral: Double = multiplies ? 1 : 0
    let join = ElementwiseFunction.self
    func moved(_ x: String, by distance: Int, _ expansion: inout NodeExpansion)
      throws(GraphError) -> String
    {
      var (before, after) = (shape.dimensions.map { _ in 0 }, shape.dimensions.map { _ in 0 })
      (before[axis], after[axis]) =
        isReversed ? (-distance, distance) : (distance, -distance)
      return try expansion.apply(
        .pad(Pad(before: before, after: after, value: neutral)), [x])
    }
    var sums = isExclusive ? try moved(source, by: 1, &expansion) : source
    var distance = 1
    while distance < shape[axis] {
      sums = try expansion.elements(
        multiplies ? join.multiply : join.add, sums,
        try moved(sums, by: distance, &expansion), type: type.isInteger ? type : .float32)
      distance *= 2
    }
    expansion.finish(sums)
  }
}
