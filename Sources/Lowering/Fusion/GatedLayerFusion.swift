import ModelGraph

extension Graph {
  /// The same graph with gated feed-forward layers, (silu(x · gate) ∘ (x · up)) · down, as five
  /// nodes one behind the other that are meant to run as one kernel. Exporters write silu as x
  /// times its sigmoid, and the nodes in any order. The graph holds no calls any more.
  func fusingGatedLayers() throws(GraphError) -> Graph {
    let search = GatedLayerSearch(self)
    var found: [Int: GatedLayerSearch.Match] = [:]
    var gone: Set<Int> = []
    for place in nodes.indices {
      guard let match = search.match(at: place), gone.isDisjoint(with: match.steps) else {
        continue
      }
      found[place] = match
      gone.formUnion(match.steps)
    }
    return try replacing(gone, at: Set(found.keys)) { (place, result) throws(GraphError) in
      for node in found[place]?.nodes ?? [] {
        for name in node.outputs where result.tensor(name) == nil {
          if let tensor = tensor(name) { try result.declare(tensor) }
        }
        result.append(node)
      }
    }
  }
}

/// Looks for gated layers, from the last product backwards.
struct GatedLayerSearch {
  private let walk: GraphWalk

  /// A layer that ends with the node that it was found at.
  struct Match {
    /// All nodes that vanish, the last among them.
    var steps: Set<Int>
    /// What stands in their place.
    var nodes: [Node]
  }

  init(_ graph: Graph) { walk = GraphWalk(graph) }

  /// The layer that ends with a node; nil for one that is marked as such already.
  func match(at place: Int) -> Match? {
    let down = walk.graph.nodes[place]
    guard isProduct(down), down.hints == KernelHints(),
      let (gating, product) = walk.step(before: down.inputs[0]), isMultiply(product)
    else { return nil }
    for side in 0...1 {
      let (active, wide) = (product.inputs[side], product.inputs[1 - side])
      guard let (upPlace, up) = walk.step(before: wide), isProduct(up),
        let gate = activated(active), let (gatePlace, first) = walk.maker(gate.input),
        isProduct(first), first.inputs[0] == up.inputs[0], first.hints == KernelHints(),
        walk.shape(first.outputs[0]) == walk.shape(up.outputs[0]),
        walk.shape(first.inputs[0]) == walk.shape(down.outputs[0])
      else { continue }
      var nodes = [first, up, gate.node, product, down]
      nodes[2].operation = .silu
      (nodes[2].inputs, nodes[2].outputs) = ([gate.input], [active])
      (nodes[3].operation, nodes[3].inputs) = (.multiply, [active, wide])
      for number in [0, 1, 4] { nodes[number].hints = KernelHints(fusion: "gated") }
      return Match(
        steps: gate.steps.union([place, gating, upPlace, gatePlace]), nodes: nodes)
    }
    return nil
  }

  /// What silu was taken of, the node that ends with it, and all nodes that it is written with; nil
  /// where others need what these read or make.
  private func activated(_ name: String) -> (input: String, node: Node, steps: Set<Int>)? {
    guard let (place, node) = walk.step(before: name) else { return nil }
    if isSilu(node) {
      guard walk.step(before: node.inputs[0]) != nil else { return nil }
      return (node.inputs[0], node, [place])
    }
    guard isMultiply(node) else { return nil }
    for side in 0...1 {
      let input = node.inputs[1 - side]
      guard let (inner, sigmoid) = walk.step(before: node.inputs[side]), isSigmoid(sigmoid),
        sigmoid.inputs[0] == input, walk.isIntermediate(input),
        Set(walk.readers[input] ?? []) == [inner, place]
      else { continue }
      return (input, node, [place, inner])
    }
    return nil
  }

  private func isProduct(_ node: Node) -> Bool {
    guard case .matMul(false, false) = node.operation else { return false }
    return walk.graph.tensor(node.inputs[1])?.role == .weight
  }

  private func isMultiply(_ node: Node) -> Bool {
    let isOne =
      node.operation == .multiply || node.operation == .elementwise(Elementwise(.multiply))
    return isOne && walk.shape(node.inputs[0]) == walk.shape(node.inputs[1])
  }

  private func isSigmoid(_ node: Node) -> Bool {
    node.operation == .sigmoid || node.operation == .elementwise(Elementwise(.sigmoid))
  }

  private func isSilu(_ node: Node) -> Bool {
    if case .elementwise(let one) = node.operation {
      return one.function == .swish && one.alpha == 1
    }
    return node.operation == .silu
  }
}
