import ModelGraph
import NumericFormats

/// Looks for attention that is written out, from the product with V backwards.
struct AttentionSearch {
  private let walk: GraphWalk
  private var graph: Graph { walk.graph }

  init(_ graph: Graph) { walk = GraphWalk(graph) }

  /// All that is found; no node belongs to two.
  func matches() -> [AttentionMatch] {
    var found: [AttentionMatch] = []
    var taken: Set<Int> = []
    for place in graph.nodes.indices {
      guard let match = match(at: place), taken.isDisjoint(with: match.steps) else { continue }
      taken.formUnion(match.steps)
      found.append(match)
    }
    return found
  }

  // MARK: Steps backwards

  /// A way back through nodes that nobody else reads.
  private struct Trail {
    var tensor: String
    var steps: [Int] = []
    var factor = 1.0
  }

  /// Takes away multiplications by a number, and copies.
  private func unscaled(_ trail: Trail) -> Trail {
    var trail = trail
    while let (place, node) = walk.step(before: trail.tensor), let (input, factor) = scaling(node) {
      trail = Trail(
        tensor: input, steps: trail.steps + [place], factor: trail.factor * factor)
    }
    return trail
  }

  /// The operand and the number of a multiplication or division by one; 1 for a copy.
  private func scaling(_ node: Node) -> (String, Double)? {
    if walk.isCopy(node) { return (node.inputs[0], 1) }
    switch node.operation {
    case .multiply, .elementwise(Elementwise(.multiply)):
      if let number = walk.number(node.inputs[1]) { return (node.inputs[0], number) }
      return walk.number(node.inputs[0]).map { (node.inputs[1], $0) }
    case .elementwise(Elementwise(.divide)):
      return walk.number(node.inputs[1]).map { (node.inputs[0], 1 / $0) }
    default: return nil
    }
  }

  private func shape(_ name: String) -> TensorShape { walk.shape(name) }

  // MARK: The pattern

  private func match(at place: Int) -> AttentionMatch? {
    let last = graph.nodes[place]
    guard case .batchMatMul(let read) = last.operation, !read.transposeA, !read.transposeB,
      shape(last.inputs[0]).rank == 4, shape(last.inputs[1]).rank == 4
    else { return nil }
    let shares = unscaled(Trail(tensor: last.inputs[0], steps: [place]))
    guard shares.factor == 1, let (softmax, node) = walk.step(before: shares.tensor),
      isSoftmax(node)
    else { return nil }
    var scores = Trail(tensor: node.inputs[0], steps: shares.steps + [softmax])
    let mask = takeMask(&scores)
    scores = unscaled(scores)
    guard let (product, pair) = walk.step(before: scores.tensor),
      case .batchMatMul(let multiplied) = pair.operation, !multiplied.transposeA
    else { return nil }
    scores.steps.append(product)
    return assembled(
      scores, mask, query: unscaled(Trail(tensor: pair.inputs[0])),
      key: unscaled(Trail(tensor: pair.inputs[1])), isTurned: multiplied.transposeB, last)
  }

  private func isSoftmax(_ node: Node) -> Bool {
    switch node.operation {
    case .softmax: true
    case .axisSoftmax(let softmax):
      softmax.kind == .softmax && (softmax.axis == -1 || softmax.axis == 3)
    default: false
    }
  }

  /// The mask that is added to scores.
  private func takeMask(_ scores: inout Trail) -> String? {
    guard let (place, node) = walk.step(before: scores.tensor) else { return nil }
    switch node.operation {
    case .add, .elementwise(Elementwise(.add)): break
    default: return nil
    }
    guard let side = node.inputs.firstIndex(where: { graph.tensor($0)?.role == .weight }) else {
      return nil
    }
    scores = Trail(tensor: node.inputs[1 - side], steps: scores.steps + [place])
    return node.inputs[side]
  }

  /// One operand: where its elements come from, by heads and, where they were turned from tokens,
  /// by tokens.
  private struct Operand {
    var byHeads: Trail
    /// `headsTokens`, or `headsTransposed` of keys.
    var layout: HeadLayout
    var byTokens: Trail?
    var lengths: HeadDimensions
  }

  private func assembled(
    _ scores: Trail, _ mask: String?, query: Trail, key: Trail, isTurned: Bool, _ last: Node
  ) -> AttentionMatch? {
    guard let q = operand(query, isTurned: true), let k = operand(key, isTurned: isTurned),
      let v = operand(Trail(tensor: last.inputs[1]), isTurned: true),
      q.layout == .headsTokens, v.layout == .headsTokens, k.lengths == v.lengths,
      q.lengths.batch == k.lengths.batch, q.lengths.channels == k.lengths.channels,
      q.lengths.heads % k.lengths.heads == 0
    else { return nil }
    var trails = [q.byHeads, k.byHeads, v.byHeads]
    var (output, layout, place) = (last.outputs[0], HeadLayout.headsTokens, scores.steps[0])
    var steps = scores.steps
    // By tokens where all of them are, the result too.
    if let query = q.byTokens, let key = k.byTokens, let value = v.byTokens,
      let (next, node) = walk.onlyReader(of: output),
      node.operation == .transpose(permutation: [0, 2, 1, 3])
    {
      trails = [query, key, value]
      steps.append(next)
      (output, layout, place) = (node.outputs[0], .tokensHeads, next)
    }
    var attention = Attention(
      query: q.lengths, key: k.lengths, isCausal: false,
      scale: trails.reduce(scores.factor) { $0 * $1.factor }, queryLayout: layout,
      keyLayout: layout == .tokensHeads ? layout : k.layout, valueLayout: layout,
      outputLayout: layout)
    if let mask {
      switch ConstantMask(mask, queries: q.lengths.tokens, keys: k.lengths.tokens, graph) {
      case .open: break
      case .causal:
        attention.isCausal = true
        attention.queryOffset = k.lengths.tokens - q.lengths.tokens
      case .other: return nil
      }
    }
    let operands = trails.map(\.tensor)
    guard attention.scale > 0, trails[2].factor == 1, attention.isTaken,
      (operands + [output]).allSatisfy({ attention.hasKernel(walk.realType($0) ?? .float32) }),
      Set((operands + [output]).map { graph.tensor($0)?.format }).count == 1
    else { return nil }
    return AttentionMatch(
      place: place, steps: trails.reduce(steps) { $0 + $1.steps }, output: output,
      attention: attention, operands: operands)
  }

  /// Q, K or V; `isTurned` where its last axis holds channels.
  private func operand(_ given: Trail, isTurned: Bool) -> Operand? {
    var trail = given
    guard shape(trail.tensor).rank == 4 else { return nil }
    let wide = shape(trail.tensor)
    let (tokens, channels) = isTurned ? (wide[2], wide[3]) : (wide[3], wide[2])
    var lengths = HeadDimensions(
      batch: wide[0], heads: wide[1], tokens: tokens, channels: channels)
    if !isTurned {
      if let tokens = turned(trail, by: [0, 2, 3, 1]) {
        return Operand(
          byHeads: trail, layout: .headsTransposed, byTokens: tokens, lengths: lengths)
      }
      guard let plain = turned(trail, by: [0, 1, 3, 2]) else {
        return Operand(byHeads: trail, layout: .headsTransposed, lengths: lengths)
      }
      trail = plain
    }
    if let (shared, heads) = unrepeated(trail, lengths) {
      trail = unscaled(shared)
      lengths.heads = heads
    }
    return Operand(
      byHeads: trail, layout: .headsTokens, byTokens: turned(trail, by: [0, 2, 1, 3]),
      lengths: lengths)
  }

  /// What stood there before axes were reordered so.
  private func turned(_ trail: Trail, by permutation: [Int]) -> Trail? {
    guard let (place, node) = walk.step(before: trail.tensor),
      node.operation == .transpose(permutation: permutation)
    else { return nil }
    return unscaled(
      Trail(tensor: node.inputs[0], steps: trail.steps + [place], factor: trail.factor))
  }

  /// Keys of fewer heads that were repeated for those that share them: an axis of length 1 behind
  /// the heads, expanded and merged.
  private func unrepeated(_ trail: Trail, _ lengths: HeadDimensions) -> (Trail, heads: Int)? {
    guard let (merged, reshape) = walk.step(before: trail.tensor),
      case .reshape = reshape.operation,
      let (wide, expand) = walk.step(before: reshape.inputs[0]), case .expand = expand.operation
    else { return nil }
    let (from, to) = (shape(expand.inputs[0]), shape(expand.outputs[0]))
    let heads = to.rank == 5 ? to[1] : 0
    guard heads > 0, lengths.heads % heads == 0,
      to == [lengths.batch, heads, lengths.heads / heads, lengths.tokens, lengths.channels],
      from == [lengths.batch, heads, 1, lengths.tokens, lengths.channels]
    else { return nil }
    var found = Trail(
      tensor: expand.inputs[0], steps: trail.steps + [merged, wide], factor: trail.factor)
    let plain: TensorShape = [lengths.batch, heads, lengths.tokens, lengths.channels]
    if let (place, apart) = walk.step(before: found.tensor), case .reshape = apart.operation,
      shape(apart.inputs[0]) == plain
    {
      found.steps.append(place)
      found.tensor = apart.inputs[0]
    }
    return (found, heads)
  }
}
