import KernelLibrary
import ModelGraph

/// State that a graph replaces: where nobody needs the old values any more the new ones are written
/// over them, elsewhere they are copied at the end.
extension LoweringPlan {
  /// True when nodes at `positions`, which look at each element by itself, may write a tensor over
  /// the state that it updates: same bytes, and nobody else will read the old values.
  func mayReplace(_ name: String, reading positions: [Int]) -> Bool {
    guard let tensor = graph.tensor(name), let old = tensor.updates,
      let state = graph.tensor(old), state.shape == tensor.shape, state.format == tensor.format
    else { return false }
    return isRead(old, besides: Set(positions))
  }

  /// True when every reader of a tensor, and of the views of it, is done or among `positions`.
  private func isRead(_ name: String, besides positions: Set<Int>) -> Bool {
    (readers[name] ?? []).allSatisfy { position in
      if positions.contains(position) { return true }
      guard done[position] else { return false }
      return !isView(graph.nodes[position])
        || graph.nodes[position].outputs.allSatisfy { isRead($0, besides: positions) }
    }
  }

  /// Writes a tensor over the state that it updates, or, where both are kept, only notes that.
  mutating func replace(_ name: String, _ state: String) {
    if keepsIntermediates {
      replaced.insert(name)
    } else {
      alias(name, to: state)
    }
  }

  /// Copies what did not get into its state's place.
  mutating func storeState() throws(LoweringError) {
    for tensor in graph.tensors {
      guard let state = tensor.updates, !sharesMemory(tensor.name, state),
        !replaced.contains(tensor.name)
      else { continue }
      let operand = MoveKernel.Operand(count: tensor.shape.elementCount, format: tensor.format)
      try invoke(
        MoveKernel(
          "store", inputs: [operand], outputs: [operand],
          pieces: [.init(.input(0), sizes: [operand.count], from: [1], to: [1])]),
        [
          tensor.name,
          // A check reads the old values: the same bytes go elsewhere, in the same time.
          keepsIntermediates
            ? scratch("\(state) stored", sizeBytes: tensor.sizeBytes, format: tensor.format)
            : state,
        ], nodes: [])
    }
  }
}
