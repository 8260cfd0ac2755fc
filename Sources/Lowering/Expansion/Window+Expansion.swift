import ModelGraph

extension Pooling {
  /// Windows over three axes, one axis after the other; fewer axes have a kernel of their own.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    guard window.rank > 2 else { return false }
    let x = expansion.node.inputs[0]
    switch mode {
    case .max:
      let least = expansion.type(x).integerBounds.map { Double($0.lowerBound) } ?? -.infinity
      expansion.finish(
        try expansion.joined(x, along: window, outside: least, by: .maximum))
    case .average(let countsPadding):
      let sums = try expansion.joined(x, along: window, outside: 0, by: .add)
      let sizes = Array(expansion.shape(x).dimensions.suffix(window.rank))
      let places = window.places(sizes)
      let shares = window.counts(sizes, withPadding: countsPadding).map { 1 / $0 }
      let factors = try expansion.constant(shares, TensorShape(places))
      expansion.finish(.elementwise(Elementwise(.multiply)), [sums, factors])
    }
    return true
  }
}

extension WindowNorm {
  /// The root of a sum of powers.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let size = try expansion.elements(
      .abs, try expansion.cast(expansion.node.inputs[0], to: .float32))
    let powers =
      power == 1
      ? size : try expansion.elements(.power, size, try expansion.number(Double(power)))
    let sums = try expansion.joined(powers, along: window, outside: 0, by: .add)
    if power == 1 { return expansion.finish(sums) }
    expansion.finish(
      .elementwise(Elementwise(.power)), [sums, try expansion.number(1 / Double(power))])
  }
}

extension LocalResponse {
  /// A sum of squares over neighbour channels, then a power.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    let square = try expansion.elements(.multiply, x, x, type: .float32)
    let inner = shape.dimensions.dropFirst(2).reduce(1, *)
    let flat = try expansion.reshape(square, [shape[0], shape[1], inner])
    let neighbours = SlidingWindow(
      [size, 1], before: [(size - 1) / 2, 0], after: [size / 2, 0])
    let sums = try expansion.joined(flat, along: neighbours, outside: 0, by: .add)
    let scaled = try expansion.elements(
      .multiply, sums, try expansion.number(alpha / Double(size)))
    let base = try expansion.elements(.add, scaled, try expansion.number(bias))
    let root = try expansion.elements(.power, base, try expansion.number(beta))
    expansion.finish(
      .elementwise(Elementwise(.divide)), [x, try expansion.reshape(root, shape)])
  }
}

extension SlidingWindow {
  /// Elements that each place's average divides by.
  fileprivate func counts(_ sizes: [Int], withPadding: Bool) -> [Double] {
    let places = places(sizes)
    let perAxis = (0..<rank).map { axis in
      (0..<places[axis]).map { place in
        (0..<kernel[axis]).count { tap in
          let source = place * strides[axis] + tap * dilations[axis] - before[axis]
          return withPadding
            ? source < sizes[axis] + after[axis] : (0..<sizes[axis]).contains(source)
        }
      }
    }
    return perAxis.reduce([1.0]) { list, counts in
      list.flatMap { earlier in counts.map { earlier * Double($0) } }
    }
  }
}

extension NodeExpansion {
  /// What each place of a window over the last axes sees, joined by a function of two elements.
  fileprivate mutating func joined(
    _ x: String, along window: SlidingWindow, outside: Double, by function: ElementwiseFunction
  ) throws(GraphError) -> String {
    let type = type(x)
    var result = x
    let first = shape(x).rank - window.rank
    for index in 0..<window.rank {
      let (axis, size) = (first + index, shape(result)[first + index])
      let places = window.places(index, size: size)
      let (step, gap) = (window.strides[index], window.dilations[index])
      let reach = (places - 1) * step + gap * (window.kernel[index] - 1) + 1
      let source = try padded(
        result, axis: axis, before: window.before[index],
        after: max(0, reach - size - window.before[index]), outside)
      var joined: String?
      for tap in 0..<window.kernel[index] {
        let part = try slice(source, axis: axis, start: tap * gap, count: places, step: step)
        if let earlier = joined {
          joined = try elements(
            function, earlier, part, type: type.isInteger ? type : .float32)
        } else {
          joined = part
        }
      }
      result = joined ?? result
    }
    return result
  }

  /// A tensor with elements of one value around an axis; negative counts cut it off.
  mutating func padded(
    _ x: String, axis: Int, before: Int, after: Int, _ value: Double = 0
  ) throws(GraphError) -> String {
    if before == 0, after == 0 { return x }
    var (first, last) = (shape(x).dimensions.map { _ in 0 }, shape(x).dimensions.map { _ in 0 })
    (first[axis], last[axis]) = (before, after)
    return try apply(.pad(Pad(before: first, after: last, value: value)), [x])
  }
}
