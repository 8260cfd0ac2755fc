import KernelLibrary
import ModelGraph
import NumericFormats

/// Nodes that name the same bytes differently, or make nothing: no instruction runs.
struct ViewRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    let outputs = try node.outputs.filter { !$0.isEmpty }
      .map { (name) throws(LoweringError) in try plan.tensor(name) }
    if !outputs.isEmpty, outputs.allSatisfy({ $0.shape.elementCount == 0 }) {
      plan.nothing(node)
      return [position]
    }
    guard let name = node.inputs.first, let x = plan.graph.tensor(name), let out = outputs.first
    else { return nil }
    switch node.operation {
    case .slice(let start, _):
      plan.view(node, byteOffset: start * x.sizeBytes / max(1, x.shape.dimensions[0]))
    case .reshape: plan.view(node)
    case .parallelRegion where x.format == out.format: plan.view(node)
    case .elementwise(let elementwise) where elementwise.function == .identity: plan.view(node)
    case .cast where x.format == out.format && isSameNumber(x.type, out.type): plan.view(node)
    case .expand where x.shape.elementCount == out.shape.elementCount: plan.view(node)
    case .transpose(let permutation):
      // Axes of length 1 may stand anywhere.
      let moved = permutation.filter { x.shape[$0] != 1 }
      guard moved == moved.sorted() else { return nil }
      plan.view(node)
    case .stridedSlice(let slice):
      guard let start = contiguousStart(Boxes.slice(x.shape, slice)) else { return nil }
      plan.view(node, byteOffset: start * x.format.sizeBytes)
    case .split(let split):
      let boxes = Boxes.split(x.shape, split, outputs: node.outputs)
      let starts = boxes.compactMap { contiguousStart($0) }
      guard starts.count == boxes.count else { return nil }
      plan.views(
        node,
        zip(outputs, starts).map { ($0.name, $1 * x.format.sizeBytes) })
    default: return nil
    }
    return [position]
  }

  /// Bytes that mean the same in both types.
  private func isSameNumber(_ a: ElementType, _ b: ElementType) -> Bool {
    a == b || (a.isInteger && b.isInteger && b != .bool && a.storage.sizeBytes == 4)
      || (a.isFloat && b.isFloat && a.storage == b.storage)
  }

  /// The first element of a box whose elements follow each other in the input.
  private func contiguousStart(_ box: MoveKernel.Piece) -> Int? {
    var expected = 1
    for axis in box.sizes.indices.reversed() where box.sizes[axis] != 1 {
      if box.sourceStrides[axis] != expected { return nil }
      expected *= box.sizes[axis]
    }
    return box.sourceOffset
  }
}
