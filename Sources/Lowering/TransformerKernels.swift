import KernelLibrary
import ModelGraph

extension AttentionKernel {
  /// Takes a window over: a decoding step looks at its keys alone, other kernels mask the rest.
  mutating func take(window: Int?) {
    guard let window, window < keys else { return }
    guard queries == 1 else {
      self.window = window
      return
    }
    capacity = keys
    firstKey = keys - window
    keys = window
  }
}

extension ExpertLayerKernel {
  /// The kernel of a layer, from the shapes of its tokens, logits and first weights.
  init(_ layer: ExpertLayer, x: TensorDeclaration, logits: TensorDeclaration, up: TensorDeclaration)
  {
    self.init(
      tokens: x.rowCount, width: x.shape.columnCount, hidden: up.shape.columnCount,
      experts: logits.shape.columnCount, chosen: layer.chosen, format: x.format)
  }
}
