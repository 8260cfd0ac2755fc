/// What a workload asks of the kernel that will carry a node out; the meaning stays the same.
package struct KernelHints: Hashable, Sendable {
  /// The kernel variant by name, such as `v0`; nil leaves the choice to the lowering.
  package var variant: String?
  /// Nodes of one name are meant to run as one fused kernel.
  package var fusion: String?

  /// Hints; none by default.
  package init(variant: String? = nil, fusion: String? = nil) {
    self.variant = variant
    self.fusion = fusion
  }
}

/// One operator applied to named tensors.
package struct Node: Hashable, Sendable {
  /// Unique within its graph.
  package var name: String
  /// What it computes.
  package var operation: Operator
  /// Tensors read, in the operator's order.
  package var inputs: [String]
  /// Tensors made; one, except for a call.
  package var outputs: [String]
  /// What the workload asks of the kernel.
  package var hints: KernelHints
  /// The layer of the model that it belongs to.
  package var layer: Int?

  /// A node of these parts.
  package init(
    name: String, operation: Operator, inputs: [String], outputs: [String],
    hints: KernelHints = KernelHints(), layer: Int? = nil
  ) {
    self.name = name
    self.operation = operation
    self.inputs = inputs
    self.outputs = outputs
    self.hints = hints
    self.layer = layer
  }
}
