import ModelGraph
import NumericFormats

extension Quantize {
  /// x / scale, rounded, moved by the zero point and held within the type's numbers.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    let scale = try QuantizationOperand.beside(
      shape, expansion.node.inputs[1], axis, blockSize, &expansion)
    let quotient = try expansion.elements(
      .divide, try expansion.cast(x, to: .float32), try expansion.cast(scale, to: .float32))
    guard type.isInteger else {
      expansion.finish(.cast(Cast(to: type, saturates: saturates)), [quotient])
      return true
    }
    guard let bounds = type.integerBounds else { return false }
    var whole = try expansion.elements(.round, quotient)
    if let zero = expansion.input(2) {
      let own = try QuantizationOperand.beside(shape, zero, axis, blockSize, &expansion)
      whole = try expansion.elements(
        .add, whole, try expansion.cast(own, to: .float32))
    }
    try expansion.finish(whole: whole, within: bounds, as: type)
    return true
  }
}

extension Dequantize {
  /// (x − zero point) · scale.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    guard expansion.type(x).storage.sizeBytes < 4 || expansion.input(2) == nil else {
      // 32-bit numbers less others may not be whole in fp32.
      return false
    }
    var value = try expansion.cast(x, to: .float32)
    if let zero = expansion.input(2) {
      let own = try QuantizationOperand.beside(shape, zero, axis, blockSize, &expansion)
      value = try expansion.elements(
        .subtract, value, try expansion.cast(own, to: .float32))
    }
    let scale = try QuantizationOperand.beside(
      shape, expansion.node.inputs[1], axis, blockSize, &expansion)
    expansion.finish(
      .elementwise(Elementwise(.multiply)), [value, try expansion.cast(scale, to: .float32)])
    return true
  }
}

extension DynamicQuantize {
  /// The range first, then as any quantisation to bytes.
  static func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let x = try expansion.cast(expansion.node.inputs[0], to: .float32)
    let axes = Array(0..<expansion.shape(x).rank)
    let nothing = try expansion.number(0)
    func end(
      _ kind: ReductionKind, _ function: ElementwiseFunction,
      _ expansion: inout NodeExpansion
    ) throws(GraphError) -> String {
      let found = try expansion.reduced(kind, x, axes: axes)
      return try expansion.elements(
        function, try expansion.reshape(found, []), nothing)
    }
    let low = try end(.minimum, .minimum, &expansion)
    let high = try end(.maximum, .maximum, &expansion)
    let range = try expansion.elements(.subtract, high, low)
    let isEmpty = try expansion.elements(.equal, range, nothing)
    let step = try expansion.elements(.divide, range, try expansion.number(255))
    let scale = try expansion.elements(
      .select, isEmpty, try expansion.number(1), step)
    let bounds: ClosedRange<Int64> = 0...255
    let distance = try expansion.elements(.divide, low, scale)
    let place = try expansion.elements(
      .subtract, nothing, try expansion.elements(.round, distance))
    let zero = try expansion.clipped(place, bounds)
    let whole = try expansion.elements(
      .add, try expansion.elements(.round, try expansion.elements(.divide, x, scale)), zero)
    try expansion.finish(whole: whole, within: bounds, as: .uint8)
    expansion.finish(scale, as: 1)
    expansion.finish(.cast(Cast(to: .uint8)), [zero], as: 2)
  }
}

extension QuantizedMatMul {
  /// The largest sum of products that fp32 holds exactly, in products of two bytes.
  private static let mostProducts = (1 << 24) / (256 * 256)

  /// Why such a product is not written as others, for inputs of these shapes.
  func limit(_ shapes: [TensorShape]) -> String? {
    let depth = shapes.first?.columnCount ?? 0
    guard depth > Self.mostProducts else {
      return isScaled ? "scales and zero points are one number each, of bytes" : nil
    }
    return "each sum is of \(depth) products; fp32, in which the tensor engine keeps them, holds "
      + "sums of at most \(Self.mostProducts) exactly"
  }

  /// A product of the operands less their zero points, in fp32 while that holds its sums exactly.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let names = expansion.node.inputs
    let (a, b) = (names[0], names[isScaled ? 3 : 1])
    guard expansion.shape(a).columnCount <= Self.mostProducts else { return false }
    let left = try shifted(a, expansion.input(2), isRow: true, &expansion)
    let right = try shifted(b, expansion.input(isScaled ? 5 : 3), isRow: false, &expansion)
    let sums = try expansion.product(left, right)
    guard isScaled else {
      expansion.finish(.cast(Cast(to: .int32)), [sums])
      return true
    }
    let type = expansion.type(names[7])
    guard let bounds = type.integerBounds else { return false }
    for place in [1, 2, 4, 5, 6, 7] where expansion.shape(names[place]).elementCount != 1 {
      return false
    }
    func number(_ place: Int, _ expansion: inout NodeExpansion) throws(GraphError) -> String {
      try expansion.cast(try expansion.reshape(names[place], []), to: .float32)
    }
    let scales = try expansion.elements(
      .multiply, try number(1, &expansion), try number(4, &expansion))
    let scale = try expansion.elements(.divide, scales, try number(6, &expansion))
    let value = try expansion.elements(
      .round, try expansion.elements(.multiply, sums, scale))
    let whole = try expansion.elements(.add, value, try number(7, &expansion))
    try expansion.finish(whole: whole, within: bounds, as: type)
    return true
  }

  /// The operand less its zero point: one for all, or one per row of A or column of B.
  private func shifted(
    _ x: String, _ zero: String?, isRow: Bool, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    let value = try expansion.cast(x, to: .float32)
    guard let zero else { return value }
    let shape = expansion.shape(zero)
    var own = try expansion.cast(zero, to: .float32)
    if shape.elementCount == 1 {
      own = try expansion.reshape(own, [])
    } else if shape.rank == 1, isRow {
      own = try expansion.reshape(own, [shape.elementCount, 1])
    }
    return try expansion.elements(.subtract, value, own)
  }
}

extension NodeExpansion {
  /// The value within bounds.
  fileprivate mutating func clipped(_ x: String, _ bounds: ClosedRange<Int64>)
    throws(GraphError) -> String
  {
    try elements(
      .clip, x, try number(Double(bounds.lowerBound)), try number(Double(bounds.upperBound)))
  }

  /// Hands out whole numbers, kept within bounds, in the type of the first result.
  fileprivate mutating func finish(
    whole: String, within bounds: ClosedRange<Int64>, as type: ElementType
  ) throws(GraphError) {
    finish(.cast(Cast(to: type)), [try clipped(whole, bounds)])
  }
}

/// Scales and zero points beside the elements that they belong to.
private enum QuantizationOperand {
  /// The operand in a shape that broadcasts with `shape`: one for all, one per place of an axis, or
  /// one per block of elements along it.
  static func beside(
    _ shape: TensorShape, _ name: String, _ axis: Int, _ blockSize: Int,
    _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    let own = expansion.shape(name)
    if own.elementCount == 1 { return try expansion.reshape(name, []) }
    let axis = shape.axis(axis)
    if blockSize == 0 {
      var lengths = shape.dimensions.map { _ in 1 }
      lengths[axis] = shape[axis]
      return try expansion.reshape(name, TensorShape(lengths))
    }
    var wide = own.dimensions
    wide.insert(1, at: axis + 1)
    let split = try expansion.reshape(name, TensorShape(wide))
    wide[axis + 1] = blockSize
    let repeated = try expansion.apply(.expand(Expand(to: TensorShape(wide))), [split])
    var joined = own.dimensions
    joined[axis] *= blockSize
    return try expansion.slice(
      try expansion.reshape(repeated, TensorShape(joined)), axis: axis, start: 0,
      count: shape[axis])
  }
}
