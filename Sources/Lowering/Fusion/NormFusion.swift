import ModelGraph

extension Graph {
  /// The same graph with norms that are written out, as exporters do for older operator sets, said
  /// in one node each: x / √(mean x² + ε) · scale, and the form with the mean taken off and a bias.
  /// Steps on the way must have no reader outside. The graph holds no calls any more.
  func fusingNorms() throws(GraphError) -> Graph {
    let search = NormSearch(self)
    var found: [Int: NormMatch] = [:]
    var gone: Set<Int> = []
    // A norm with a bias ends later than the one without that it begins like.
    for place in nodes.indices.reversed() where !gone.contains(place) {
      guard let match = search.match(at: place), gone.isDisjoint(with: match.steps) else {
        continue
      }
      found[place] = match
      gone.formUnion(match.steps)
    }
    return try replacing(gone, at: Set(found.keys)) { (place, result) throws(GraphError) in
      guard let match = found[place] else { return }
      var whole = nodes[place]
      (whole.operation, whole.inputs) = (match.operation, match.inputs)
      result.append(whole)
    }
  }
}

/// A norm found in a graph; it ends with the node that it stands in place of.
struct NormMatch {
  /// All nodes that vanish, the last among them.
  var steps: Set<Int>
  var operation: ModelGraph.Operator
  var inputs: [String]
}

/// Looks for norms that are written out, from the last product or sum backwards.
struct NormSearch {
  private let walk: GraphWalk

  init(_ graph: Graph) { walk = GraphWalk(graph) }

  /// The norm that ends with a node.
  func match(at place: Int) -> NormMatch? {
    let last = walk.graph.nodes[place]
    if let (product, bias) = operands(last, .add, .elementwise(Elementwise(.add))),
      let (at, node) = walk.maker(product), let found = scaled(node, at, centres: true),
      walk.shape(bias) == walk.shape(found.inputs[1])
    {
      var whole = found
      whole.steps.insert(place)
      whole.inputs.append(bias)
      return closed(whole, last)
    }
    return scaled(last, place, centres: false).flatMap { closed($0, last) }
  }

  /// The tensor and the parameter of a sum or product of the two.
  private func operands(_ node: Node, _ plain: ModelGraph.Operator, _ other: ModelGraph.Operator)
    -> (String, parameter: String)?
  {
    guard node.operation == plain || node.operation == other else { return nil }
    for side in 0...1 {
      let parameter = node.inputs[side]
      let x = node.inputs[1 - side]
      if walk.graph.tensor(parameter)?.role == .weight, walk.shape(parameter).rank == 1,
        walk.shape(parameter)[0] == walk.shape(x).columnCount, walk.shape(x).rank > 1
      {
        return (x, parameter)
      }
    }
    return nil
  }

  /// A normalised tensor times a parameter of its last axis.
  private func scaled(_ node: Node, _ place: Int, centres: Bool) -> NormMatch? {
    guard let (n, scale) = operands(node, .multiply, .elementwise(Elementwise(.multiply))),
      let found = normalized(n), found.centres == centres
    else { return nil }
    var steps = found.steps
    steps.insert(place)
    return NormMatch(
      steps: steps,
      operation: centres
        ? .layerNormalization(epsilon: found.epsilon) : .rmsNormalization(epsilon: found.epsilon),
      inputs: [found.x, scale])
  }

  /// The match, if nobody outside reads a step of it.
  private func closed(_ match: NormMatch, _ last: Node) -> NormMatch? {
    for place in match.steps where walk.graph.nodes[place].name != last.name {
      for output in walk.graph.nodes[place].outputs {
        guard walk.isIntermediate(output),
          (walk.readers[output] ?? []).allSatisfy(match.steps.contains)
        else { return nil }
      }
    }
    guard walk.realType(match.inputs[0]) != nil,
      walk.shape(match.inputs[0]) == walk.shape(last.outputs[0])
    else { return nil }
    return match
  }

  /// X over the root of its mean square, or what is left of it without its mean.
  private struct Normalized {
    var x: String
    var centres: Bool
    var epsilon: Double
    var steps: Set<Int>
  }

  private func normalized(_ name: String) -> Normalized? {
    var steps: Set<Int> = []
    guard let (place, node) = walk.maker(uncast(name, &steps)) else { return nil }
    steps.insert(place)
    var (value, root): (String, String)
    switch node.operation {
    case .elementwise(Elementwise(.divide)): (value, root) = (node.inputs[0], node.inputs[1])
    case .multiply, .elementwise(Elementwise(.multiply)):
      guard
        let side = [0, 1].first(where: { inverse(node.inputs[$0], steps) != nil }),
        let found = inverse(node.inputs[side], steps)
      else { return nil }
      (value, root, steps) = (node.inputs[1 - side], found.root, found.steps)
    default: return nil
    }
    guard let (epsilon, square) = meanSquare(root, &steps) else { return nil }
    value = uncast(value, &steps)
    guard uncast(square, &steps) == value else { return nil }
    if let (place, node) = walk.maker(value),
      node.operation == .elementwise(Elementwise(.subtract))
    {
      var inner = steps.union([place])
      let x = uncast(node.inputs[0], &inner)
      if let mean = mean(node.inputs[1], &inner), uncast(mean, &inner) == x {
        return Normalized(x: x, centres: true, epsilon: epsilon, steps: inner)
      }
    }
    return Normalized(x: value, centres: false, epsilon: epsilon, steps: steps)
  }

  /// The tensor before conversions of its format.
  private func uncast(_ name: String, _ steps: inout Set<Int>) -> String {
    var name = name
    while let (place, node) = walk.maker(name), walk.isCopy(node) {
      steps.insert(place)
      name = node.inputs[0]
    }
    return name
  }

  /// What a tensor is one over.
  private func inverse(_ name: String, _ given: Set<Int>) -> (root: String, steps: Set<Int>)? {
    var steps = given
    guard let (place, node) = walk.maker(uncast(name, &steps)) else { return nil }
    steps.insert(place)
    switch node.operation {
    case .elementwise(Elementwise(.reciprocal)): return (node.inputs[0], steps)
    case .elementwise(Elementwise(.divide)) where walk.number(node.inputs[0]) == 1:
      return (node.inputs[1], steps)
    default: return nil
    }
  }

  /// ε and the tensor t of √(mean t² + ε).
  private func meanSquare(_ name: String, _ steps: inout Set<Int>) -> (Double, String)? {
    guard let (root, sqrt) = walk.maker(uncast(name, &steps)),
      sqrt.operation == .elementwise(Elementwise(.sqrt)),
      let (sum, add) = walk.maker(uncast(sqrt.inputs[0], &steps)),
      add.operation == .add || add.operation == .elementwise(Elementwise(.add)),
      let side = [0, 1].first(where: { walk.number(add.inputs[$0]) != nil }),
      let epsilon = walk.number(add.inputs[side]), epsilon >= 0
    else { return nil }
    steps.formUnion([root, sum])
    guard let square = mean(add.inputs[1 - side], &steps),
      let (power, node) = walk.maker(uncast(square, &steps))
    else { return nil }
    steps.insert(power)
    switch node.operation {
    case .elementwise(Elementwise(.power)) where walk.number(node.inputs[1]) == 2: break
    case .multiply where node.inputs[0] == node.inputs[1]: break
    case .elementwise(Elementwise(.multiply)) where node.inputs[0] == node.inputs[1]: break
    default: return nil
    }
    return (epsilon, node.inputs[0])
  }

  /// The tensor whose last axis a mean was taken over.
  private func mean(_ name: String, _ steps: inout Set<Int>) -> String? {
    guard let (place, node) = walk.maker(uncast(name, &steps)),
      case .reduce(let reduction) = node.operation, reduction.kind == .mean,
      reduction.keepsDimensions, let axis = reduction.axes.first, reduction.axes.count == 1,
      axis == -1 || axis == walk.shape(node.inputs[0]).rank - 1
    else { return nil }
    steps.insert(place)
    return node.inputs[0]
  }
}
