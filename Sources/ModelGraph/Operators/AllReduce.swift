/// The sum over the ranks of a group, each of which holds a part of a model: every rank contributes
/// its input and receives the sum.
///
/// ONNX has no operators between ranks; this is ONNX Runtime's `AllReduce`. One rank by itself does
/// not know what the others contribute: a run's sums are checked against the parts of all ranks.
package struct AllReduce: OperatorFamily {
  /// Ranks of the group.
  package var ranks: Int

  /// A sum over that many ranks.
  package init(ranks: Int) { self.ranks = ranks }

  package var name: String { "AllReduce" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(!inputs[0].type.isInteger, "sums over ranks are of real numbers")
    return [inputs[0]]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    throw inputs.failure("needs what \(ranks - 1) other ranks contribute: evaluate the whole model")
  }

  /// The additions belong to the products whose parts are added.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int { 0 }
}
