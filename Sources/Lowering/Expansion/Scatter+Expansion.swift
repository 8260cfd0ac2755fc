import ModelGraph

extension Scatter {
  /// Updates that meet what stands there, as rows of a table in fp32 with one number for each.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let (data, updates) = (expansion.node.inputs[0], expansion.node.inputs[2])
    let shape = expansion.shape(data)
    guard reduction != .none, !expansion.type(data).isInteger, shape.elementCount > 0,
      expansion.shape(updates).elementCount > 0
    else { return false }
    let tuple = axis == nil ? expansion.shape(expansion.node.inputs[1]).columnCount : shape.rank
    let rows = shape.dimensions.prefix(tuple).reduce(1, *)
    let columns = shape.elementCount / rows
    let numbers =
      if let axis {
        try elementNumbers(&expansion, axis: shape.axis(axis), of: shape)
      } else {
        try sliceNumbers(&expansion, lengths: Array(shape.dimensions.prefix(tuple)))
      }
    let count = expansion.shape(numbers).elementCount
    let table = try expansion.reshape(
      try expansion.cast(data, to: .float32), [rows, columns])
    let list = try expansion.reshape(
      try expansion.cast(updates, to: .float32), [count, columns])
    let result = try expansion.apply(
      .scatter(Scatter(axis: nil, reduction: reduction)),
      [table, try expansion.reshape(numbers, [count, 1]), list])
    expansion.finish(try expansion.reshape(result, shape))
    return true
  }

  /// The flat place of each element that an index chooses along an axis.
  private func elementNumbers(
    _ expansion: inout NodeExpansion, axis: Int, of shape: TensorShape
  ) throws(GraphError) -> String {
    let indices = expansion.node.inputs[1]
    let own = expansion.shape(indices)
    var strides = shape.strides
    let stride = strides[axis]
    strides[axis] = 0
    let starts = IndexMap.strided(own, strides: strides)
    let type = expansion.type(indices)
    let along = try expansion.multiplied(
      try expansion.wrapped(indices, length: shape[axis]), by: stride)
    let start = try expansion.constant(starts.map(Double.init), own, type)
    return try expansion.elements(.add, along, start, type: type)
  }

  /// The row that each tuple of numbers names.
  private func sliceNumbers(_ expansion: inout NodeExpansion, lengths: [Int]) throws(GraphError)
    -> String
  {
    let indices = expansion.node.inputs[1]
    let last = expansion.shape(indices).rank - 1
    let type = expansion.type(indices)
    var sum: String?
    for (number, length) in lengths.enumerated() {
      let own = try expansion.slice(indices, axis: last, start: number, count: 1)
      let part = try expansion.multiplied(
        try expansion.wrapped(own, length: length),
        by: lengths[(number + 1)...].reduce(1, *))
      sum =
        try sum.map { (before) throws(GraphError) in
          try expansion.elements(.add, before, part, type: type)
        } ?? part
    }
    return sum ?? indices
  }
}

extension IndexedMaxPool {
  /// Tap by tap: an element that is larger than all before takes their place, and its number
  /// theirs.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let x = expansion.node.inputs[0]
    let (shape, type) = (expansion.shape(x), expansion.type(x))
    let first = shape.rank - window.rank
    let sizes = Array(shape.dimensions.suffix(window.rank))
    guard shape.elementCount <= Self.mostElements else { return false }
    let places = window.places(sizes)
    let least = type.integerBounds.map { Double($0.lowerBound) } ?? -.infinity
    var source = x
    for axis in 0..<window.rank {
      let reach =
        (places[axis] - 1) * window.strides[axis]
        + window.dilations[axis] * (window.kernel[axis] - 1) + 1
      source = try expansion.padded(
        source, axis: first + axis, before: window.before[axis],
        after: max(0, reach - sizes[axis] - window.before[axis]), least)
    }
    let lengths = TensorShape([Int](repeating: 1, count: first) + places)
    let numbers = numbers(sizes, places)
    var best = try expansion.number(least, type)
    var place = try expansion.constant(numbers.first, lengths, .int64)
    for (tap, steps) in taps.enumerated() {
      var part = source
      for axis in 0..<window.rank {
        part = try expansion.slice(
          part, axis: first + axis, start: steps[axis] * window.dilations[axis],
          count: places[axis], step: window.strides[axis])
      }
      let own = try expansion.constant(numbers.perTap[tap], lengths, .int64)
      let isLarger = try expansion.elements(.greater, part, best)
      place = try expansion.elements(.select, isLarger, own, place, type: .int64)
      best = try expansion.elements(.maximum, best, part, type: type)
    }
    expansion.finish(best)
    let outer = Array(shape.dimensions.prefix(first))
    let planes = (0..<outer.reduce(1, *)).map { Double($0 * sizes.reduce(1, *)) }
    let plane = try expansion.constant(
      planes, TensorShape(outer + window.kernel.map { _ in 1 }), .int64)
    expansion.finish(.elementwise(Elementwise(.add)), [place, plane], as: 1)
    return true
  }

  /// Numbers that fp32, in which the device adds, holds exactly.
  private static let mostElements = 1 << 24

  /// The steps of each tap along the axes, in the order of memory.
  private var taps: [[Int]] {
    window.kernel.reduce([[]]) { list, count in
      list.flatMap { steps in (0..<count).map { steps + [$0] } }
    }
  }

  /// For each tap the number within its plane of the element that each place sees, and the same of
  /// the first element that a place sees at all.
  private func numbers(_ sizes: [Int], _ places: [Int]) -> (perTap: [[Double]], first: [Double]) {
    var strides = TensorShape(sizes).strides
    if countsColumnsFirst {
      strides = sizes.indices.map { sizes[..<$0].reduce(1, *) }
    }
    let positions = places.reduce([[Int]]([[]])) { list, count in
      list.flatMap { place in (0..<count).map { place + [$0] } }
    }
    let all = taps.map { steps in
      positions.map { position in
        let seen = sizes.indices.map { axis in
          position[axis] * window.strides[axis] + steps[axis] * window.dilations[axis]
            - window.before[axis]
        }
        let isInside = zip(seen, sizes).allSatisfy { $0 >= 0 && $0 < $1 }
        let number = zip(seen, strides).reduce(0) { $0 + $1.0 * $1.1 }
        return (number: Double(isInside ? number : 0), isInside: isInside)
      }
    }
    let first = positions.indices.map { place in
      all.first { $0[place].isInside }.map { $0[place].number } ?? 0
    }
    return (all.map { $0.map(\.number) }, first)
  }
}

extension NodeExpansion {
  /// Indices, negative ones counted from the back.
  fileprivate mutating func wrapped(_ indices: String, length: Int) throws(GraphError) -> String {
    let type = type(indices)
    let isNegative = try elements(.less, indices, try number(0, type))
    let turned = try elements(.add, indices, try number(Double(length), type), type: type)
    return try elements(.select, isNegative, turned, indices, type: type)
  }

  /// Whole numbers times one.
  fileprivate mutating func multiplied(_ x: String, by factor: Int) throws(GraphError) -> String {
    let type = type(x)
    return factor == 1
      ? x : try elements(.multiply, x, try number(Double(factor), type), type: type)
  }
}
