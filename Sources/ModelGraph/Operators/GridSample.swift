import Foundation

/// What stands outside a sampled image; the raw value is ONNX's word.
package enum GridPadding: String, Hashable, Sendable, CaseIterable {
  case zeros, border, reflection
}

/// Places of images read where a grid says (ONNX GridSample): inputs X `[images, channels, …]` and
/// a grid `[images, …, axes]` of coordinates from −1 to 1, the last axis of X first.
package struct GridSample: OperatorFamily {
  /// How elements combine.
  package var mode: ResizeMode
  /// What stands outside.
  package var padding: GridPadding
  /// True when −1 and 1 are the centres of the outer elements, not their edges.
  package var alignsCorners: Bool

  /// A sampling of these attributes.
  package init(mode: ResizeMode, padding: GridPadding, alignsCorners: Bool) {
    self.mode = mode
    self.padding = padding
    self.alignsCorners = alignsCorners
  }

  package var name: String { "GridSample" }
  package var inputCount: ClosedRange<Int> { 2...2 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (x, grid) = (inputs[0].shape, inputs[1].shape)
    try inputs.require(
      x.rank >= 3 && grid.rank == x.rank && grid[0] == x[0] && grid.columnCount == x.rank - 2
        && !x.dimensions.contains(0),
      "the grid has one coordinate per axis of X")
    let places = grid.dimensions.dropFirst().dropLast()
    return [TensorType(TensorShape([x[0], x[1]] + places), inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let taps = mode == .nearest ? 0 : mode == .linear ? 2 : 4
    let axes = inputs[0].shape.rank - 2
    return 2 * results[0].shape.elementCount * (0..<axes).reduce(1) { count, _ in count * taps }
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (x, grid) = (inputs[0], inputs[1])
    let sizes = Array(x.shape.dimensions.dropFirst(2))
    let axes = sizes.count
    let lengths = Array(grid.shape.dimensions.dropFirst().dropLast())
    let (inside, outside) = (sizes.reduce(1, *), lengths.reduce(1, *))
    let (images, channels) = (x.shape[0], x.shape[1])
    var values = [Double](repeating: 0, count: images * channels * outside)
    for image in 0..<images {
      for place in 0..<outside {
        let at = grid.vector(start: (image * outside + place) * axes, stride: 1, count: axes)
        // The grid names the last axis first.
        let parts = sizes.indices.map { taps(at[axes - 1 - $0], size: sizes[$0]) }
        var list = [(index: 0, weight: 1.0)]
        for axis in sizes.indices {
          list = list.flatMap { entry in
            parts[axis].map { (entry.index * sizes[axis] + $0.index, entry.weight * $0.weight) }
          }
        }
        for channel in 0..<channels {
          let plane = (image * channels + channel) * inside
          let sum = list.reduce(0.0) { $0 + ($1.weight == 0 ? 0 : x[plane + $1.index] * $1.weight) }
          values[(image * channels + channel) * outside + place] = sum
        }
      }
    }
    return [
      try TensorView(values, shape: TensorShape([images, channels] + lengths), type: x.type)
    ]
  }

  /// The elements of an axis that a coordinate reads, and their shares.
  private func taps(_ coordinate: Double, size: Int) -> [(index: Int, weight: Double)] {
    let (low, high) = alignsCorners ? (0, Double(size - 1)) : (-0.5, Double(size) - 0.5)
    var x =
      alignsCorners
      ? (coordinate + 1) / 2 * Double(size - 1) : ((coordinate + 1) * Double(size) - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    if x < low || x > high {
      if padding == .border { x = min(max(x, 0), Double(size - 1)) }
      if padding == .reflection { x = Self.reflected(x, low, high) }
    }
    let first = x.rounded(.down)
    let weights: [(offset: Int, weight: Double)]
    switch mode {
    case .nearest: weights = [(0, 1)]
    case .linear: weights = [(0, 1 - (x - first)), (1, x - first)]
    case .cubic: weights = (-1...2).map { ($0, Self.cubic(Double($0) - (x - first))) }
    }
    return weights.map { entry in
      let index = Int(first) + entry.offset
      if (0..<size).contains(index) { return (index, entry.weight) }
      switch padding {
      case .zeros: return (0, 0)
      case .border: return (min(max(index, 0), size - 1), entry.weight)
      case .reflection:
        let back = Int(Self.reflected(Double(index), low, high))
        return (min(max(back, 0), size - 1), entry.weight)
      }
    }
  }

  /// A place mirrored at the borders until it lies between them.
  private static func reflected(_ x: Double, _ low: Double, _ high: Double) -> Double {
    let range = high - low
    guard range > 0, x < low || x > high else { return x }
    let distance = x < low ? low - x : x - high
    let turns = (distance / range).rounded(.towardZero)
    let rest = distance - turns * range
    let fromLow = (x < low) == (turns.truncatingRemainder(dividingBy: 2) == 0)
    return fromLow ? low + rest : high - rest
  }

  private static func cubic(_ distance: Double) -> Double {
    let (a, x) = (-0.75, abs(distance))
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }
}
