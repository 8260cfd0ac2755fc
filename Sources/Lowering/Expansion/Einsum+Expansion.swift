import ModelGraph

extension Einsum {
  /// One operand as sums and a change of axes, two as products of matrices; false for more, and for
  /// diagonals of axes that are not neighbours.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let names = expansion.node.inputs
    guard names.count <= 2 else { return false }
    let types = names.map { name in
      TensorType?.some(TensorType(expansion.shape(name), expansion.type(name)))
    }
    guard types.allSatisfy({ $0?.type.isFloat == true }) else { return false }
    let named = try labels(Operands(types, of: self, node: expansion.node.name))
    var operands: [LabelledTensor] = []
    for (name, own) in zip(names, named.operands) {
      var operand = LabelledTensor(name: name, labels: own)
      guard try operand.takeDiagonals(&expansion) else { return false }
      operands.append(operand)
    }
    for index in operands.indices {
      let others = index == 0 ? operands.dropFirst() : operands.prefix(1)
      let needed = Set(named.result).union(others.flatMap(\.labels))
      try operands[index].sum(without: needed, &expansion)
    }
    var result = operands[0]
    if operands.count == 2 {
      // A length of 1 repeats; products want the length itself.
      guard LabelledTensor.agree(operands, expansion) else { return false }
      result = try result.times(operands[1], for: named.result, &expansion)
    }
    try result.order(as: named.result, &expansion)
    expansion.finish(result.name)
    return true
  }
}

/// A tensor whose axes have labels.
private struct LabelledTensor {
  var name: String
  var labels: [String]

  /// True where no label has two lengths.
  static func agree(_ operands: [LabelledTensor], _ expansion: NodeExpansion) -> Bool {
    var lengths: [String: Int] = [:]
    for operand in operands {
      let shape = expansion.shape(operand.name)
      for (axis, label) in operand.labels.enumerated() {
        if let known = lengths[label], known != shape[axis] { return false }
        lengths[label] = shape[axis]
      }
    }
    return true
  }

  /// Neighbour axes of one label become their diagonal; false for such axes further apart.
  mutating func takeDiagonals(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    while let axis = labels.indices.dropLast().first(where: { labels[$0] == labels[$0 + 1] }) {
      var lengths = expansion.shape(name).dimensions
      let size = lengths[axis]
      guard lengths.remove(at: axis + 1) == size else { return false }
      lengths[axis] = size * size
      name = try expansion.reshape(name, TensorShape(lengths))
      name = try expansion.slice(name, axis: axis, start: 0, count: size, step: size + 1)
      labels.remove(at: axis + 1)
    }
    return Set(labels).count == labels.count
  }

  /// Sums over the axes that nobody needs.
  mutating func sum(without needed: Set<String>, _ expansion: inout NodeExpansion)
    throws(GraphError)
  {
    let axes = labels.indices.filter { !needed.contains(labels[$0]) }
    guard !axes.isEmpty else { return }
    name = try expansion.apply(
      .reduce(Reduction(.sum, axes: Array(axes), keepsDimensions: false)), [name])
    labels = labels.filter { needed.contains($0) }
  }

  /// Axes in another order; all labels are there.
  mutating func order(as wanted: [String], _ expansion: inout NodeExpansion) throws(GraphError) {
    let places = wanted.compactMap { labels.firstIndex(of: $0) }
    name = try expansion.transpose(name, places)
    labels = wanted
  }

  /// The product with another tensor, summed over what the result does not name.
  func times(
    _ other: LabelledTensor, for result: [String], _ expansion: inout NodeExpansion
  ) throws(GraphError) -> LabelledTensor {
    let shared = labels.filter(other.labels.contains)
    let outer = shared.filter(result.contains)
    let summed = shared.filter { !result.contains($0) }
    let rows = labels.filter { !shared.contains($0) }
    let columns = other.labels.filter { !shared.contains($0) }
    var (left, right) = (self, other)
    try left.order(as: outer + rows + summed, &expansion)
    try right.order(as: outer + summed + columns, &expansion)
    func lengths(_ tensor: LabelledTensor, _ names: [String]) -> [Int] {
      let shape = expansion.shape(tensor.name)
      return names.compactMap { label in tensor.labels.firstIndex(of: label).map { shape[$0] } }
    }
    let (outerSizes, rowSizes) = (lengths(left, outer), lengths(left, rows))
    let (sumSizes, columnSizes) = (lengths(left, summed), lengths(right, columns))
    func flat(_ sizes: [Int]) -> Int { sizes.reduce(1, *) }
    let a = try expansion.reshape(
      left.name, [flat(outerSizes), flat(rowSizes), flat(sumSizes)])
    let b = try expansion.reshape(
      right.name, [flat(outerSizes), flat(sumSizes), flat(columnSizes)])
    let product = try expansion.product(a, try expansion.cast(b, to: expansion.type(a)))
    return LabelledTensor(
      name: try expansion.reshape(
        product, TensorShape(outerSizes + rowSizes + columnSizes)),
      labels: outer + rows + columns)
  }
}
