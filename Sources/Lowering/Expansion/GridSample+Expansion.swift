import ModelGraph

extension GridSample {
  /// Places and shares of every axis from the grid, one look-up per combination of them.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let (x, grid) = (expansion.node.inputs[0], expansion.node.inputs[1])
    let shape = expansion.shape(x)
    let sizes = Array(shape.dimensions.dropFirst(2))
    let places = expansion.shape(grid).dimensions.dropFirst().dropLast().reduce(1, *)
    let flat = try expansion.reshape(grid, [shape[0], places, sizes.count])
    let image = try expansion.reshape(x, [shape[0], shape[1], sizes.reduce(1, *)])
    var taps: [[Tap]] = []
    for (axis, size) in sizes.enumerated() {
      // The grid names the last axis first.
      let own = try expansion.slice(
        flat, axis: 2, start: sizes.count - 1 - axis, count: 1)
      taps.append(
        try self.taps(
          try expansion.reshape(own, [shape[0], 1, places]), size: size, &expansion))
    }
    var combinations: [Tap] = [Tap(place: "", share: nil)]
    for (axis, size) in sizes.enumerated() {
      var next: [Tap] = []
      for earlier in combinations {
        for tap in taps[axis] {
          next.append(try joined(earlier, tap, size: size, &expansion))
        }
      }
      combinations = next
    }
    var sum: String?
    for tap in combinations {
      let index = try expansion.cast(tap.place, to: .int32)
      let all = try expansion.apply(
        .expand(Expand(to: [shape[0], shape[1], places])), [index])
      let read = try expansion.apply(
        .elementGather(ElementGather(axis: 2)), [image, all])
      guard let share = tap.share else {
        sum = read
        break
      }
      let part = try expansion.elements(.multiply, read, share)
      sum =
        try sum.map { (earlier) throws(GraphError) in
          try expansion.elements(.add, part, earlier)
        } ?? part
    }
    let out = expansion.shape(expansion.node.outputs[0])
    expansion.finish(try expansion.reshape(sum ?? image, out))
  }

  /// An element that is read: its place, and its share where that is not 1.
  private struct Tap {
    var place: String
    var share: String?
  }

  private func joined(
    _ earlier: Tap, _ tap: Tap, size: Int, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> Tap {
    guard !earlier.place.isEmpty else { return tap }
    let start = try expansion.elements(
      .multiply, earlier.place, try expansion.number(Double(size)))
    let place = try expansion.elements(.add, start, tap.place)
    guard let first = earlier.share, let second = tap.share else {
      return Tap(place: place, share: earlier.share ?? tap.share)
    }
    return Tap(place: place, share: try expansion.elements(.multiply, first, second))
  }

  /// The elements of an axis that coordinates read, and their shares.
  private func taps(_ coordinate: String, size: Int, _ expansion: inout NodeExpansion)
    throws(GraphError) -> [Tap]
  {
    let last = Double(size - 1)
    let (scale, offset) = alignsCorners ? (last / 2, last / 2) : (Double(size) / 2, last / 2)
    let stretched = try expansion.elements(
      .multiply, try expansion.cast(coordinate, to: .float32), try expansion.number(scale))
    var x = try expansion.elements(.add, stretched, try expansion.number(offset))
    if mode == .nearest { x = try expansion.elements(.round, x) }
    switch padding {
    case .zeros: break
    case .border: x = try held(x, size, &expansion)
    case .reflection: x = try reflected(x, size, &expansion)
    }
    let first = mode == .nearest ? x : try expansion.elements(.floor, x)
    if mode == .nearest { return [try tap(first, nil, size, &expansion)] }
    let part = try expansion.elements(.subtract, x, first)
    var taps: [Tap] = []
    for offset in mode == .linear ? 0...1 : -1...2 {
      let share =
        mode == .linear
        ? try linearShare(part, isSecond: offset == 1, &expansion)
        : try cubicShare(part, offset, &expansion)
      let place = try expansion.elements(
        .add, first, try expansion.number(Double(offset)))
      taps.append(try tap(place, share, size, &expansion))
    }
    return taps
  }

  /// A place that may lie outside becomes one inside; with zeros outside its share vanishes.
  private func tap(
    _ place: String, _ share: String?, _ size: Int, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> Tap {
    let last = Double(size - 1)
    switch padding {
    case .border: return Tap(place: try clipped(place, last, &expansion), share: share)
    case .reflection:
      let back = try reflected(place, size, &expansion)
      // Half a place off is what a border between elements leaves of a whole number.
      let whole = try expansion.elements(.floor, back)
      return Tap(place: try clipped(whole, last, &expansion), share: share)
    case .zeros:
      let inside = try clipped(place, last, &expansion)
      let isInside = try expansion.elements(.equal, inside, place)
      var own = share ?? ""
      if share == nil { own = try expansion.number(1) }
      let kept = try expansion.elements(
        .select, isInside, own, try expansion.number(0))
      return Tap(place: inside, share: kept)
    }
  }

  private func clipped(_ x: String, _ last: Double, _ expansion: inout NodeExpansion)
    throws(GraphError) -> String
  {
    try expansion.elements(
      .clip, x, try expansion.number(0), try expansion.number(last))
  }

  /// A place beyond the borders becomes the outermost element; one between a border and the middle
  /// of that element stays.
  private func held(_ x: String, _ size: Int, _ expansion: inout NodeExpansion)
    throws(GraphError) -> String
  {
    let (low, high) = borders(size)
    let inside = try expansion.elements(
      .clip, x, try expansion.number(low), try expansion.number(high))
    let isInside = try expansion.elements(.equal, inside, x)
    return try expansion.elements(
      .select, isInside, x, try clipped(x, Double(size - 1), &expansion))
  }

  private func borders(_ size: Int) -> (low: Double, high: Double) {
    alignsCorners ? (0, Double(size - 1)) : (-0.5, Double(size) - 0.5)
  }

  /// low + range − |(x − low) mod 2 · range − range|: mirrored at both borders.
  private func reflected(_ x: String, _ size: Int, _ expansion: inout NodeExpansion)
    throws(GraphError) -> String
  {
    let (low, high) = borders(size)
    let range = high - low
    guard range > 0 else { return x }
    let moved = try expansion.elements(.subtract, x, try expansion.number(low))
    let turn = try expansion.elements(
      .modulo, moved, try expansion.number(2 * range))
    let distance = try expansion.elements(
      .abs, try expansion.elements(.subtract, turn, try expansion.number(range)))
    return try expansion.elements(
      .subtract, try expansion.number(low + range), distance)
  }

  private func linearShare(
    _ part: String, isSecond: Bool, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    isSecond
      ? part : try expansion.elements(.subtract, try expansion.number(1), part)
  }

  /// Keys' cubic at the distance of one neighbour, as a polynomial of the part.
  private func cubicShare(
    _ part: String, _ offset: Int, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    let a = -0.75
    // Coefficients of t³, t², t and 1 for the neighbours at −1, 0, 1 and 2.
    let table: [[Double]] = [
      [a, -2 * a, a, 0], [a + 2, -(a + 3), 0, 1], [-(a + 2), 2 * a + 3, -a, 0], [-a, a, 0, 0],
    ]
    let factors = table[offset + 1]
    var value = try expansion.number(factors[0])
    for factor in factors.dropFirst() {
      let product = try expansion.elements(.multiply, part, value)
      value = try expansion.elements(.add, product, try expansion.number(factor))
    }
    return value
  }
}
