import ModelGraph

extension AxisSoftmax {
  /// A hardmax is 1 where an axis has its first largest element; other kinds have kernels.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    guard kind == .hardmax else { return false }
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    var (own, place) = (x, shape.axis(axis))
    if mergesAxes {
      let count = shape.dimensions.dropFirst(place).reduce(1, *)
      own = try expansion.reshape(x, [shape.dimensions.prefix(place).reduce(1, *), count])
      place = 1
    }
    let lengths = expansion.shape(own)
    let first = try expansion.apply(
      .argExtreme(ArgExtreme(seeksLargest: true, axis: place, keepsDimensions: true)), [own])
    var along = lengths.dimensions.map { _ in 1 }
    along[place] = lengths[place]
    let numbers = try expansion.constant(
      (0..<lengths[place]).map(Double.init), TensorShape(along), .int64)
    let isFirst = try expansion.elements(.equal, numbers, first)
    expansion.finish(try expansion.reshape(try expansion.cast(isFirst, to: .float32), shape))
    return true
  }
}

extension CacheScatter {
  /// Token by token, each chosen where the cache's place is its own.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let (cache, update) = (expansion.node.inputs[0], expansion.node.inputs[1])
    let (shape, type) = (expansion.shape(cache), expansion.type(cache))
    let axis = shape.axis(self.axis)
    let (capacity, tokens) = (shape[axis], expansion.shape(update)[axis])
    var along = shape.dimensions.map { _ in 1 }
    along[axis] = capacity
    let numbers = try expansion.constant(
      (0..<capacity).map(Double.init), TensorShape(along), .int64)
    var distance = numbers
    if let positions = expansion.input(2) {
      var perSequence = shape.dimensions.map { _ in 1 }
      perSequence[0] = shape[0]
      let start = try expansion.reshape(positions, TensorShape(perSequence))
      distance = try expansion.elements(
        .subtract, numbers, try expansion.cast(start, to: .int64))
    }
    if isCircular {
      distance = try expansion.elements(
        .modulo, distance, try expansion.number(Double(capacity), .int64))
    }
    var result = cache
    for token in 0..<tokens {
      let isHere = try expansion.elements(
        .equal, distance, try expansion.number(Double(token), .int64))
      let own = try expansion.slice(update, axis: axis, start: token, count: 1)
      result = try expansion.elements(.select, isHere, own, result, type: type)
    }
    expansion.finish(result)
  }
}

extension ReverseSequence {
  /// Each place reads the one that mirrors it within its sequence.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let (x, lengths) = (expansion.node.inputs[0], expansion.node.inputs[1])
    let shape = expansion.shape(x)
    var (along, across) = (shape.dimensions.map { _ in 1 }, shape.dimensions.map { _ in 1 })
    along[timeAxis] = shape[timeAxis]
    across[batchAxis] = shape[batchAxis]
    let type = expansion.type(lengths)
    let places = try expansion.constant(
      (0..<shape[timeAxis]).map(Double.init), TensorShape(along), type)
    let own = try expansion.reshape(lengths, TensorShape(across))
    let last = try expansion.elements(.subtract, own, try expansion.number(1, type))
    let mirrored = try expansion.elements(.subtract, last, places)
    let isInside = try expansion.elements(.less, places, own)
    let chosen = try expansion.elements(.select, isInside, mirrored, places)
    let all = try expansion.apply(.expand(Expand(to: shape)), [chosen])
    expansion.finish(.elementGather(ElementGather(axis: timeAxis)), [x, all])
  }
}
