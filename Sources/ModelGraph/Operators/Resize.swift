/// Which place of the input an output place stands at; raw values are ONNX's words.
package enum ResizeCoordinates: String, Hashable, Sendable, CaseIterable {
  /// Centres of elements lie half an element inside.
  case halfPixel = "half_pixel"
  /// The same, but an output of one element reads place 0.
  case pytorchHalfPixel = "pytorch_half_pixel"
  /// The first and last elements of both lie on each other.
  case alignCorners = "align_corners"
  /// The first elements lie on each other.
  case asymmetric
}

/// How the elements around a place combine; raw values are ONNX's words.
package enum ResizeMode: String, Hashable, Sendable, CaseIterable {
  case nearest, linear, cubic
}

/// Which neighbour is nearest; raw values are ONNX's words.
package enum ResizeRounding: String, Hashable, Sendable, CaseIterable {
  case roundPreferFloor = "round_prefer_floor"
  case roundPreferCeil = "round_prefer_ceil"
  case floor, ceil
}

/// The last axes at other lengths (ONNX Resize without region and antialiasing).
package struct Resize: OperatorFamily {
  /// New lengths of the last axes.
  package var sizes: [Int]
  /// New length over old, axis by axis; what coordinates are computed with.
  package var scales: [Double]
  /// How elements combine.
  package var mode: ResizeMode
  /// Where an output place stands.
  package var coordinates: ResizeCoordinates
  /// For the nearest neighbour.
  package var rounding: ResizeRounding
  /// For cubic interpolation (ONNX cubic_coeff_a).
  package var cubicCoefficient = -0.75

  /// A resize to these lengths.
  package init(
    sizes: [Int], scales: [Double], mode: ResizeMode,
    coordinates: ResizeCoordinates = .halfPixel, rounding: ResizeRounding = .roundPreferFloor
  ) {
    self.sizes = sizes
    self.scales = scales
    self.mode = mode
    self.coordinates = coordinates
    self.rounding = rounding
  }

  /// Every element repeated `factor` times along these axes.
  package static func nearest(_ lengths: [Int], factor: Int) -> Resize {
    Resize(
      sizes: lengths.map { $0 * factor }, scales: lengths.map { _ in Double(factor) },
      mode: .nearest, coordinates: .asymmetric, rounding: .floor)
  }

  package var name: String { "Resize" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { mode == .nearest }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      sizes.count == scales.count && sizes.count <= shape.rank && !sizes.isEmpty,
      "one length and scale for each of the last axes")
    try inputs.require(
      sizes.allSatisfy { $0 > 0 } && scales.allSatisfy { $0 > 0 && $0.isFinite }
        && shape.elementCount > 0, "lengths and scales are positive")
    return [
      TensorType(TensorShape(shape.dimensions.dropLast(sizes.count) + sizes), inputs[0].type)
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    mode == .nearest ? 0 : 3 * sizes.count * results[0].shape.elementCount
  }

  /// What each output place along a resized axis of that length is made of.
  package func sources(_ axis: Int, size: Int) -> [[(index: Int, weight: Double)]] {
    (0..<sizes[axis]).map { output in
      let at = coordinate(output, axis, size)
      func clamped(_ index: Int) -> Int { min(max(index, 0), size - 1) }
      switch mode {
      case .nearest: return [(clamped(nearest(at)), 1)]
      case .linear:
        let inside = min(max(at, 0), Double(size - 1))
        let low = Int(inside.rounded(.down))
        let share = inside - Double(low)
        return share == 0 ? [(low, 1)] : [(low, 1 - share), (clamped(low + 1), share)]
      case .cubic:
        let low = Int(at.rounded(.down))
        let share = at - Double(low)
        return (-1...2).map { (clamped(low + $0), cubic(Double($0) - share)) }
      }
    }
  }

  private func coordinate(_ output: Int, _ axis: Int, _ size: Int) -> Double {
    let (position, scale) = (Double(output), scales[axis])
    switch coordinates {
    case .halfPixel: return (position + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return sizes[axis] > 1 ? (position + 0.5) / scale - 0.5 : 0
    case .asymmetric: return position / scale
    case .alignCorners:
      // Corners of the length that the scale gives, whole or not.
      return output > 0 ? position * Double(size - 1) / (scale * Double(size) - 1) : 0
    }
  }

  private func nearest(_ at: Double) -> Int {
    switch rounding {
    case .floor: return Int(at.rounded(.down))
    case .ceil: return Int(at.rounded(.up))
    case .roundPreferFloor: return Int((at - 0.5).rounded(.up))
    case .roundPreferCeil: return Int((at + 0.5).rounded(.down))
    }
  }

  /// Keys' cubic convolution.
  private func cubic(_ distance: Double) -> Double {
    let (a, x) = (cubicCoefficient, abs(distance))
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape = TensorShape(inputs[0].shape.dimensions.dropLast(sizes.count) + sizes)
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: inputs[0].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    terms(inputs[0], indices).map { $0.reduce(0) { $0 + $1.value * $1.weight } }
  }

  private func terms(_ view: TensorView, _ indices: [Int]) -> [[(value: Double, weight: Double)]] {
    let lengths = Array(view.shape.dimensions.suffix(sizes.count))
    let tables = sizes.indices.map { sources($0, size: lengths[$0]) }
    let (inside, outside) = (lengths.reduce(1, *), sizes.reduce(1, *))
    return indices.map { index in
      var rest = index % outside
      var position = [Int](repeating: 0, count: sizes.count)
      for axis in sizes.indices.reversed() {
        position[axis] = rest % sizes[axis]
        rest /= sizes[axis]
      }
      var list = [(index: index / outside, weight: 1.0)]
      for axis in sizes.indices {
        list = list.flatMap { entry in
          tables[axis][position[axis]].map {
            (entry.index * lengths[axis] + $0.index, entry.weight * $0.weight)
          }
        }
      }
      precondition(list.allSatisfy { $0.index < view.count && inside > 0 }, "sources lie inside")
      return list.map { (view[$0.index], $0.weight) }
    }
  }

  /// A few roundings of fp32 of each term; a middle format between the axes.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let view = tolerance.inputs[0]
    if movesOnly { return reference.map { view.absoluteUncertainty($0) } }
    return terms(view, indices).map { terms in
      let size = terms.reduce(0) { $0 + abs($1.value * $1.weight) }
      // A step from one neighbour to the other is rounded at the size of both.
      let neighbours = terms.reduce(0) { $0 + ($1.weight == 0 ? 0 : abs($1.value)) }
      return 2 * Tolerance.sum * neighbours
        + (8 * Tolerance.sum + tolerance.middle + view.uncertainty) * size
    }
  }
}
