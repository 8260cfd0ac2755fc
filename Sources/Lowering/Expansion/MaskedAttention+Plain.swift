import KernelLibrary
import ModelGraph

extension MaskedAttention {
  /// Attention that the kernel of whole heads takes, which never stores the scores: no mask but a
  /// causal one, no padding, no cap, operands of two bytes. False where it is something else.
  func expandPlain(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let names = expansion.node.inputs
    guard !expansion.wants(3), expansion.input(6) == nil,
      expansion.input(4) == nil || expansion.input(5) != nil
    else { return false }
    let type = expansion.type(names[0])
    guard type == .bfloat16 || type == .float16, expansion.type(names[1]) == type,
      expansion.type(names[2]) == type,
      expansion.input(4).map({ expansion.type($0) == type }) ?? true,
      expansion.input(5).map({ expansion.type($0) == type }) ?? true
    else { return false }
    let types = (0..<6).map { place in
      expansion.input(place).map { TensorType(expansion.shape($0), expansion.type($0)) }
    }
    let n = try lengths(Operands(types, of: self, node: expansion.node.name))
    var own = self
    switch expansion.input(3).map({
      ConstantMask($0, queries: n.queries, keys: n.total, expansion.graph)
    }) {
    case nil, .open: break
    // Each query sees the keys up to its own: as many as there are queries before the end.
    case .causal where leftWindow < 0 && rightWindow < 0: own.isCausal = true
    default: return false
    }
    let isWide = expansion.shape(names[0]).rank == 4
    let isApart = isWide || n.past > 0 || expansion.wants(1) || expansion.wants(2)
    guard let plain = own.plain(n, hasFourAxes: isApart), plain.hasKernel(type),
      plain.scale > 0, plain.isTaken
    else { return false }
    try write(plain, n, isWide: isWide, isApart: isApart, &expansion)
    return true
  }

  private func write(
    _ plain: Attention, _ n: Lengths, isWide: Bool, isApart: Bool, _ expansion: inout NodeExpansion
  ) throws(GraphError) {
    let names = expansion.node.inputs
    var operands: [String] = []
    for (name, (heads, tokens, channels)) in zip(
      names,
      [
        (n.queryHeads, n.queries, n.channels), (n.keyHeads, n.keys, n.channels),
        (n.keyHeads, n.keys, n.valueChannels),
      ])
    {
      guard !isWide else {
        operands.append(name)
        continue
      }
      guard isApart else {
        operands.append(try expansion.reshape(name, [n.batch * tokens, heads * channels]))
        continue
      }
      let split = try expansion.reshape(name, [n.batch, tokens, heads, channels])
      operands.append(try expansion.transpose(split, [0, 2, 1, 3]))
    }
    for (place, past) in [(1, 4), (2, 5)] {
      if let past = expansion.input(past) {
        operands[place] = try expansion.joined([past, operands[place]], axis: 2)
      }
    }
    expansion.finish(operands[1], as: 1)
    expansion.finish(operands[2], as: 2)
    let result = try expansion.apply(
      .attention(plain), operands, type: expansion.type(names[0]))
    let shape = expansion.shape(expansion.node.outputs[0])
    if isWide || !isApart {
      return expansion.finish(try expansion.reshape(result, shape))
    }
    let turned = try expansion.transpose(result, [0, 2, 1, 3])
    expansion.finish(try expansion.reshape(turned, shape))
  }
}

extension Attention {
  /// True where the kernel takes these lengths: the last queries of a sequence, and windows only of
  /// more queries than a decoding step.
  var isTaken: Bool {
    let isLast = queryOffset == key.tokens - query.tokens
    let isDecode =
      query.tokens <= AttentionKernel.mostDecodeQueries && query.tokens * groupSize <= 128
    return (!isCausal || isLast && key.tokens >= query.tokens) && !(window != nil && isDecode)
  }
}
