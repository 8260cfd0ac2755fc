import ModelGraph

extension Resample {
  /// Each axis as a product with a matrix of shares.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    var x = try expansion.cast(expansion.node.inputs[0], to: .float32)
    for axis in axes {
      let size = expansion.shape(x)[axis.axis]
      var shares = [Double](repeating: 0, count: axis.sources.count * size)
      for (place, sources) in axis.sources.enumerated() {
        for (source, weight) in zip(sources, axis.weights[place]) {
          shares[place * size + source] += weight
        }
      }
      x = try expansion.mixed(x, axis: axis.axis, shares)
      guard axis.isOutside.contains(true) else { continue }
      var lengths = expansion.shape(x).dimensions.map { _ in 1 }
      lengths[axis.axis] = axis.isOutside.count
      let isOutside = try expansion.constant(
        axis.isOutside.map { $0 ? 1 : 0 }, TensorShape(lengths), .bool)
      x = try expansion.elements(
        .select, isOutside, try expansion.number(outerValue), x)
    }
    expansion.finish(x)
  }
}

extension Resize {
  /// Cubic forms and those over more axes than a kernel takes; the rest stays.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    guard mode == .cubic || sizes.count > 2 else { return false }
    var x = expansion.node.inputs[0]
    if mode != .nearest { x = try expansion.cast(x, to: .float32) }
    let first = expansion.shape(x).rank - sizes.count
    for (index, length) in sizes.enumerated() {
      let axis = first + index
      let size = expansion.shape(x)[axis]
      let sources = sources(index, size: size)
      if sources.enumerated().allSatisfy({ $1.count == 1 && $1[0].index == $0 }),
        size == length
      {
        continue
      }
      if mode == .nearest {
        let places = try expansion.constant(
          sources.map { Double($0[0].index) }, [length], .int64)
        x = try expansion.apply(.axisGather(AxisGather(axis: axis)), [x, places])
        continue
      }
      var shares = [Double](repeating: 0, count: length * size)
      for (place, terms) in sources.enumerated() {
        for term in terms { shares[place * size + term.index] += term.weight }
      }
      x = try expansion.mixed(x, axis: axis, shares)
    }
    expansion.finish(x)
    return true
  }
}

extension NodeExpansion {
  /// An axis of which every new place is a mixture of the old ones: `shares` has a row for each.
  fileprivate mutating func mixed(_ x: String, axis: Int, _ shares: [Double])
    throws(GraphError) -> String
  {
    var own = shape(x)
    let size = own[axis]
    let places = shares.count / max(1, size)
    let outer = own.dimensions.prefix(axis).reduce(1, *)
    let inner = own.dimensions.dropFirst(axis + 1).reduce(1, *)
    own.dimensions[axis] = places
    if inner == 1 {
      let matrix = try constant(shares, [places, size])
      let rows = try reshape(x, [outer, size])
      return try reshape(try product(rows, matrix, transposeB: true), own)
    }
    let matrix = try constant(shares, [1, places, size])
    let blocks = try reshape(x, [outer, size, inner])
    return try reshape(try product(matrix, blocks), own)
  }
}
