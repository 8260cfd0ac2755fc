import Foundation
import ModelGraph
import ONNXSchema

/// Reads a Resize or Upsample node, whose attributes make many forms of one idea.
///
/// Source: the ONNX specification of Resize (opset 19) and its reference implementation.
struct ResizeReading {
  private let reading: NodeReading
  private let shape: TensorShape
  private var axes: [Int] = []
  private var scales: [Double] = []
  private var lengths: [Int] = []
  private var region: [(start: Double, end: Double)] = []

  init(_ reading: NodeReading) throws {
    self.reading = reading
    shape = try reading.shape(0)
    axes = try (reading.integers("axes") ?? Array(0..<shape.rank)).map { axis in
      try reading.axis(axis, rank: shape.rank)
    }
    let isOld = reading.node.opType == "Upsample"
    let given = try reading.optionalConstant(isOld ? 1 : 2, "the scales")
    let sizes = isOld ? nil : try reading.list(3, "the sizes")
    if let sizes, !sizes.isEmpty {
      try sized(sizes)
    } else if let given, given.count == axes.count {
      scales = given.allValues
      lengths = try zip(axes, scales).map { axis, scale in
        try Self.length((Double(shape[axis]) * scale).rounded(.down))
      }
    } else {
      throw TranslationFailure("it has neither scales nor sizes for its axes")
    }
    guard scales.allSatisfy({ $0 > 0 && $0.isFinite }), lengths.allSatisfy({ $0 >= 0 }) else {
      throw TranslationFailure("scales are positive")
    }
    let corners = try isOld ? nil : reading.optionalConstant(1, "the region")
    region = axes.indices.map { index in
      guard let corners, corners.count == 2 * axes.count else { return (0, 1) }
      return (corners[index], corners[axes.count + index])
    }
  }

  private mutating func sized(_ sizes: [Int]) throws {
    guard sizes.count == axes.count, sizes.allSatisfy({ $0 > 0 }) else {
      throw TranslationFailure("the sizes \(sizes) do not fit \(axes.count) axes")
    }
    scales = zip(sizes, axes).map { Double($0) / Double(shape[$1]) }
    lengths = sizes
    let policy = reading.text("keep_aspect_ratio_policy", "stretch")
    guard policy != "stretch" else { return }
    let scale = policy == "not_larger" ? scales.min() ?? 1 : scales.max() ?? 1
    scales = axes.map { _ in scale }
    lengths = try axes.map { try Self.length((scale * Double(shape[$0]) + 0.5).rounded(.down)) }
  }

  private static func length(_ value: Double) throws -> Int {
    guard value >= 0, value < 0x1p36 else { throw TranslationFailure("a length cannot be") }
    return Int(value)
  }

  private var mode: String { reading.text("mode", "nearest") }
  private var coordinates: String {
    reading.text(
      "coordinate_transformation_mode",
      reading.node.opType == "Upsample" ? "asymmetric" : "half_pixel")
  }
  private var nearest: String {
    reading.text(
      "nearest_mode", reading.node.opType == "Upsample" ? "floor" : "round_prefer_floor")
  }

  /// The plain form where it says the same, else sources and weights of each axis.
  func translation() throws -> Translation {
    let changed = axes.indices.filter { index in
      abs(scales[index] - 1) > 1e-9 || lengths[index] != shape[axes[index]]
        || region[index] != (0, 1) && coordinates == "tf_crop_and_resize"
    }
    if changed.isEmpty { return reading.apply(.elementwise(Elementwise(.identity)), 1) }
    let isPlain =
      !reading.flag("antialias") && !reading.flag("exclude_outside")
      && !shape.dimensions.contains(0) && !lengths.contains(0)
    if isPlain, let kind = ResizeMode(rawValue: mode == "bilinear" ? "linear" : mode),
      let way = ResizeCoordinates(rawValue: coordinates),
      let rounding = ResizeRounding(rawValue: nearest)
    {
      let first = changed.map { axes[$0] }.min() ?? 0
      var (sizes, factors) = (Array(shape.dimensions.dropFirst(first)), [Double]())
      factors = sizes.map { _ in 1 }
      for index in changed {
        sizes[axes[index] - first] = lengths[index]
        factors[axes[index] - first] = scales[index]
      }
      var resize = Resize(
        sizes: sizes, scales: factors, mode: kind, coordinates: way, rounding: rounding)
      resize.cubicCoefficient = reading.real("cubic_coeff_a", -0.75)
      return reading.apply(.resize(resize), 1)
    }
    let parts = try changed.map { try resampling($0) }
    return reading.apply(
      .resample(
        Resample(axes: parts, outerValue: reading.real("extrapolation_value", 0))), 1)
  }

  private func resampling(_ index: Int) throws -> AxisResampling {
    let (axis, length, scale) = (axes[index], lengths[index], scales[index])
    let size = shape[axis]
    guard size > 0 else { throw TranslationFailure("there is nothing to resize") }
    var result = AxisResampling(axis: axis, sources: [], weights: [], isOutside: [])
    for place in 0..<length {
      let at = try source(place, index)
      // The neighbour on the left is preferred: a whole number has a share of 1 from there.
      guard at.magnitude < 0x1p40 else { throw TranslationFailure("a place lies far outside") }
      let low = at.rounded(.down)
      let ratio = at == low ? 1 : at - low
      var weights = try self.weights(ratio, scale)
      let first = Int(at == low ? low - 1 : low) - (weights.count / 2 - 1)
      let places = weights.indices.map { first + $0 }
      if reading.flag("exclude_outside") {
        for (number, source) in places.enumerated() where source < 0 || source >= size {
          weights[number] = 0
        }
        let sum = weights.reduce(0, +)
        if sum != 0 { weights = weights.map { $0 / sum } }
      }
      let isCropped = coordinates == "tf_crop_and_resize"
      result.isOutside.append(isCropped && (at < 0 || at > Double(size - 1)))
      result.sources.append(places.map { min(max($0, 0), size - 1) })
      result.weights.append(weights)
    }
    return result
  }

  /// The place of the input at which a place of the result stands.
  private func source(_ place: Int, _ index: Int) throws -> Double {
    let size = Double(shape[axes[index]])
    let (x, scale) = (Double(place), scales[index])
    let width = scale * size
    switch coordinates {
    case "align_corners": return width == 1 ? 0 : x * (size - 1) / (width - 1)
    case "asymmetric": return x / scale
    case "tf_crop_and_resize":
      let (start, end) = region[index]
      let inner =
        width == 1
        ? (end - start) * (size - 1) / 2 : x * (end - start) * (size - 1) / (width - 1)
      return inner + start * (size - 1)
    case "pytorch_half_pixel": return width == 1 ? -0.5 : (x + 0.5) / scale - 0.5
    case "half_pixel": return (x + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      let adjustment = Double(lengths[index]) / width
      return size / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
    default: throw TranslationFailure("the coordinates \(coordinates) are not known")
    }
  }

  private func weights(_ ratio: Double, _ scale: Double) throws -> [Double] {
    let narrowed = reading.flag("antialias") ? min(scale, 1) : 1
    switch mode {
    case "nearest": return try nearestWeights(ratio)
    case "linear", "bilinear":
      guard 2 / narrowed < 0x1p20 else { throw TranslationFailure("the scale is too small") }
      return spread(ratio, narrowed, reach: 1) { max(0, 1 - abs($0)) }
    case "cubic":
      let a = reading.real("cubic_coeff_a", -0.75)
      guard 2 / narrowed < 0x1p20 else { throw TranslationFailure("the scale is too small") }
      return spread(ratio, narrowed, reach: 2) { Self.cubic($0, a) }
    default: throw TranslationFailure("the mode \(mode) is not known")
    }
  }

  private func nearestWeights(_ ratio: Double) throws -> [Double] {
    if ratio == 1 { return [0, 1] }
    let takesLeft: Bool
    switch nearest {
    case "round_prefer_floor": takesLeft = ratio <= 0.5
    case "round_prefer_ceil": takesLeft = ratio < 0.5
    case "floor": takesLeft = true
    case "ceil": takesLeft = false
    default: throw TranslationFailure("the nearest mode \(nearest) is not known")
    }
    return takesLeft ? [1, 0] : [0, 1]
  }

  /// A kernel of some reach, stretched where the result is smaller than the input.
  private func spread(
    _ ratio: Double, _ scale: Double, reach: Double, _ kernel: (Double) -> Double
  ) -> [Double] {
    let first = Int((-reach / scale).rounded(.down)) + 1
    let count = 2 - 2 * first
    let weights = (first..<first + count).map { kernel((Double($0) - ratio) * scale) }
    let sum = scale < 1 ? weights.reduce(0, +) : 1
    return weights.map { $0 / sum }
  }

  private static func cubic(_ distance: Double, _ a: Double) -> Double {
    let x = abs(distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }
}
