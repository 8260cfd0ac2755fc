/// Lennard-Jones forces over neighbour lists: the inner loop of molecular dynamics. No ONNX
/// operator.
///
/// Inputs positions [particles, 4] (x, y, z and one unused) and neighbours [particles, places]; an
/// index beyond the particles marks an empty place. The force on i is Σ 24 ε (2 s¹² − s⁶) / r² ·
/// (xi − xj) with s = σ / r over neighbours nearer than the cutoff; the fourth column is zero.
package struct NeighbourForce: OperatorFamily {
  /// Depth of the potential.
  package var epsilon: Double
  /// Distance at which the potential is zero.
  package var sigma: Double
  /// Distance beyond which there is no force.
  package var cutoff: Double

  /// Forces of these parameters.
  package init(epsilon: Double, sigma: Double, cutoff: Double) {
    self.epsilon = epsilon
    self.sigma = sigma
    self.cutoff = cutoff
  }

  package var name: String { "NeighbourForce" }
  package var inputCount: ClosedRange<Int> { 2...2 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let positions = inputs[0].shape
    try inputs.require(positions.rank == 2 && positions[1] == 4, "positions are [particles, 4]")
    try inputs.require(
      inputs[1].shape.rank == 2 && inputs[1].shape[0] == positions[0],
      "neighbours are [particles, places]")
    return [inputs[0]]
  }

  /// 23 operations per pair, as molecular dynamics counts them.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    23 * inputs[1].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let x = inputs[0]
    let values = try elements(inputs, at: Array(0..<x.count))
    return [try TensorView(values, shape: x.shape, type: x.type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    indices.map { terms(inputs, $0).reduce(0, +) }
  }

  private func terms(_ inputs: Operands<TensorView>, _ index: Int) -> [Double] {
    let (particle, axis) = index.quotientAndRemainder(dividingBy: 4)
    guard axis < 3 else { return [] }
    let (x, places) = (inputs[0], inputs[1].shape[1])
    return (0..<places).compactMap { place in
      let other = Int(inputs[1][particle * places + place])
      guard other >= 0, other < x.shape[0] else { return nil }
      let difference = (0..<3).map { x[particle * 4 + $0] - x[other * 4 + $0] }
      let square = difference.reduce(0) { $0 + $1 * $1 }
      guard square < cutoff * cutoff else { return nil }
      let ratio = sigma * sigma / square
      let sixth = ratio * ratio * ratio
      return 24 * epsilon * (2 * sixth - 1) * sixth / square * difference[axis]
    }
  }

  /// A few dozen roundings of fp32 of each pair: differences of positions and seven powers of
  /// the distance pass theirs on.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    return indices.map { index in
      terms(inputs, index).reduce(0) { $0 + abs($1) } * 64 * Tolerance.sum
    }
  }
}
