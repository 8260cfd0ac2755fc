/// Real numbers to narrow ones (ONNX QuantizeLinear): inputs x, scale and an optional zero point.
///
/// round(x / scale) + zero point, ties to even, then clamped. Scales are one for all, one per place
/// of an axis, or one per block of elements along it.
package struct Quantize: OperatorFamily {
  /// The type of the result.
  package var type: ElementType
  /// The axis of the scales, counted from the front or, negative, from the back.
  package var axis: Int
  /// Elements per scale along the axis; 0 for one scale per place.
  package var blockSize: Int
  /// What overflow does in eight-bit real numbers.
  package var saturates: Bool

  /// A quantisation to that type.
  package init(to type: ElementType, axis: Int = 1, blockSize: Int = 0, saturates: Bool = true) {
    self.type = type
    self.axis = axis
    self.blockSize = blockSize
    self.saturates = saturates
  }

  package var name: String { "QuantizeLinear" }
  package var inputCount: ClosedRange<Int> { 2...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    _ = try QuantizationScales.map(inputs, axis: axis, blockSize: blockSize)
    return [TensorType(inputs[0].shape, type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (view, scale) = (inputs[0], inputs[1])
    let zero = inputs.optional(2)
    let map = try QuantizationScales.map(inputs, axis: axis, blockSize: blockSize)
    let rounding = TypeRounding(type, saturates: saturates)
    let values = (0..<view.count).map { index in
      let quotient = view[index] / scale[map[index]]
      guard type.isInteger else { return rounding.rounded(quotient) }
      let shifted = quotient.rounded(.toNearestOrEven) + (zero.map { $0[map[index]] } ?? 0)
      let range = type.integerBounds ?? Int64.min...Int64.max
      return min(max(shifted, Double(range.lowerBound)), Double(range.upperBound))
    }
    return [try TensorView(values, shape: view.shape, type: type)]
  }
}

/// Narrow numbers to real ones (ONNX DequantizeLinear): (x − zero point) · scale.
package struct Dequantize: OperatorFamily {
  /// The axis of the scales, counted from the front or, negative, from the back.
  package var axis: Int
  /// Elements per scale along the axis; 0 for one scale per place.
  package var blockSize: Int
  /// The type of the result; nil for the scale's.
  package var type: ElementType?

  /// A return to real numbers.
  package init(axis: Int = 1, blockSize: Int = 0, type: ElementType? = nil) {
    self.axis = axis
    self.blockSize = blockSize
    self.type = type
  }

  package var name: String { "DequantizeLinear" }
  package var inputCount: ClosedRange<Int> { 2...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    _ = try QuantizationScales.map(inputs, axis: axis, blockSize: blockSize)
    return [TensorType(inputs[0].shape, type ?? inputs[1].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    2 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (view, scale) = (inputs[0], inputs[1])
    let zero = inputs.optional(2)
    let map = try QuantizationScales.map(inputs, axis: axis, blockSize: blockSize)
    let values = (0..<view.count).map { index in
      (view[index] - (zero.map { $0[map[index]] } ?? 0)) * scale[map[index]]
    }
    return [try TensorView(values, shape: view.shape, type: type ?? scale.type)]
  }
}

/// Which scale belongs to which element.
enum QuantizationScales {
  static func map<Operand>(_ inputs: Operands<Operand>, axis: Int, blockSize: Int)
    throws(GraphError) -> [Int]
  {
    let (shape, scale) = (inputs[0].shape, inputs[1].shape)
    if let zero = inputs.optional(2) {
      try inputs.require(
        zero.shape.elementCount == scale.elementCount, "each scale has one zero point")
    }
    if scale.elementCount == 1 { return [Int](repeating: 0, count: shape.elementCount) }
    let axis = try inputs.axis(axis, rank: shape.rank)
    let strides = shape.strides
    if blockSize == 0 {
      try inputs.require(
        scale.rank == 1 && scale[0] == shape[axis], "there is one scale per place of axis \(axis)")
      return (0..<shape.elementCount).map { $0 / strides[axis] % shape[axis] }
    }
    var expected = shape
    expected.dimensions[axis] = (shape[axis] + blockSize - 1) / blockSize
    try inputs.require(scale == expected, "the scales of blocks are \(expected)")
    let own = scale.strides
    return (0..<shape.elementCount).map { index in
      (0..<shape.rank).reduce(0) { flat, each in
        let place = index / strides[each] % shape[each]
        return flat + (each == axis ? place / blockSize : place) * own[each]
      }
    }
  }
}

/// Bytes with a scale and a zero point of the tensor's own range (ONNX DynamicQuantizeLinear): the
/// results are the bytes, the scale and the zero point.
package struct DynamicQuantize: OperatorFamily {
  /// The only form.
  package init() {}

  package var name: String { "DynamicQuantizeLinear" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    [
      TensorType(inputs[0].shape, .uint8), TensorType([], .float32), TensorType([], .uint8),
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    4 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let values = inputs[0].allValues
    let (low, high) = (min(0, values.min() ?? 0), max(0, values.max() ?? 0))
    let range = high - low
    let scale = range == 0 ? 1 : range / 255
    let zero = min(max((0 - low / scale).rounded(.toNearestOrEven), 0), 255)
    let bytes = values.map {
      min(max(($0 / scale).rounded(.toNearestOrEven) + zero, 0), 255)
    }
    return [
      try TensorView(bytes, shape: inputs[0].shape, type: .uint8),
      try TensorView([scale], shape: [], type: .float32),
      try TensorView([zero], shape: [], type: .uint8),
    ]
  }
}

/// A product of narrow whole numbers (ONNX MatMulInteger and QLinearMatMul).
///
/// Inputs A, B and their optional zero points; the result is int32. With `isScaled` the inputs are
/// those of QLinearMatMul (A, scale, zero, B, scale, zero, scale and zero of the result).
package struct QuantizedMatMul: OperatorFamily {
  /// True for scaled operands and results.
  package var isScaled: Bool

  /// A product of whole numbers, or of numbers with scales.
  package init(isScaled: Bool) { self.isScaled = isScaled }

  package var name: String { isScaled ? "QLinearMatMul" : "MatMulInteger" }
  package var inputCount: ClosedRange<Int> { isScaled ? 8...8 : 2...4 }

  private var product: BatchMatMul { BatchMatMul() }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (a, b) = (inputs[0], inputs[isScaled ? 3 : 1])
    let shape = try product.plan(inputs, a.shape, b.shape).result
    return [TensorType(shape, isScaled ? inputs[7].type : .int32)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    2 * inputs[0].shape.columnCount * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (a, b) = isScaled ? (0, 3) : (0, 1)
    let left = try shifted(inputs[a], inputs.optional(isScaled ? 2 : 2), isRow: true)
    let right = try shifted(inputs[b], inputs.optional(isScaled ? 5 : 3), isRow: false)
    let operands = try Operands([TensorView?.some(left), right], of: product, node: inputs.node)
    let sums = try product.evaluate(operands)[0]
    guard isScaled else {
      return [try TensorView(sums.allValues, shape: sums.shape, type: .int32)]
    }
    let scale = inputs[1][0] * inputs[4][0] / inputs[6][0]
    let type = inputs[7].type
    let range = type.integerBounds ?? Int64.min...Int64.max
    let values = sums.allValues.map { sum in
      let value = (sum * scale).rounded(.toNearestOrEven) + inputs[7][0]
      return type.isInteger
        ? min(max(value, Double(range.lowerBound)), Double(range.upperBound)) : value
    }
    return [try TensorView(values, shape: sums.shape, type: type)]
  }

  /// The operand less its zero point: one for all, or one per row of A or column of B.
  private func shifted(_ view: TensorView, _ zero: TensorView?, isRow: Bool) throws(GraphError)
    -> TensorView
  {
    let columns = view.shape.columnCount
    let values = (0..<view.count).map { index in
      guard let zero else { return view[index] }
      if zero.count == 1 { return view[index] - zero[0] }
      let place = isRow ? index / columns % zero.count : index % columns % zero.count
      return view[index] - zero[place]
    }
    return try TensorView(values, shape: view.shape, type: .float64)
  }
}
