/// Where ranks begin to compute in parts: each takes the same input as it is, and its gradient is
/// the sum of what the parts of all ranks make of it.
///
/// The other end of such a region is an `AllReduce`, whose gradient every rank takes as it is.
/// Source: M. Shoeybi et al., Megatron-LM (arXiv 1909.08053), section 3: the operators f and g.
package struct ParallelRegion: OperatorFamily {
  /// Ranks of the group.
  package var ranks: Int

  /// A region of that many ranks.
  package init(ranks: Int) { self.ranks = ranks }

  package var name: String { "ParallelRegion" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    [inputs[0]]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    [inputs[0]]
  }
}
