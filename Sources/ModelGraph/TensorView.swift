package import NumericFormats

/// The values of one tensor as the reference reads them: what a device buffer holds, or what an
/// earlier evaluation made.
package struct TensorView: Sendable {
  private enum Kind { case float32, bfloat16, float64 }

  /// Axis lengths.
  package let shape: TensorShape
  /// The format that the elements have on the device.
  package let format: NumberFormat
  /// How far an element may be from what the device used, relative to the larger of its own size
  /// and the tensor's root mean square; 0 when these are the device's own values.
  package let uncertainty: Double
  /// The root mean square of all elements; computed for uncertain tensors alone, else 0.
  package let rootMeanSquare: Double

  // Three arrays and a tag, not an enum with payloads: reading one element then costs no reference
  // count.
  private let kind: Kind
  private let floats: [Float]
  private let halves: [UInt16]
  private let doubles: [Double]

  /// Decoded device values. Throws `badValue` when the count does not fit the shape.
  package init(_ values: [Float], shape: TensorShape, format: NumberFormat) throws(GraphError) {
    try Self.check(values.count, shape)
    self.init(shape: shape, format: format, kind: .float32, floats: values)
  }

  /// Device values in bf16, as their bits. Throws `badValue` when the count does not fit the shape.
  package init(bfloat16Bits bits: [UInt16], shape: TensorShape) throws(GraphError) {
    try Self.check(bits.count, shape)
    self.init(shape: shape, format: .bfloat16, kind: .bfloat16, halves: bits)
  }

  /// Values of an evaluation in float64 that stand in for device values nobody saw.
  /// Throws `badValue` when the count does not fit the shape.
  package init(
    _ values: [Double], shape: TensorShape, format: NumberFormat, uncertainty: Double = 0
  ) throws(GraphError) {
    try Self.check(values.count, shape)
    self.init(
      shape: shape, format: format, kind: .float64, doubles: values, uncertainty: uncertainty)
  }

  private init(
    shape: TensorShape, format: NumberFormat, kind: Kind, floats: [Float] = [],
    halves: [UInt16] = [], doubles: [Double] = [], uncertainty: Double = 0
  ) {
    self.shape = shape
    self.format = format
    self.kind = kind
    self.floats = floats
    self.halves = halves
    self.doubles = doubles
    self.uncertainty = uncertainty
    let squares = uncertainty == 0 ? 0 : doubles.reduce(0) { $0 + $1 * $1 }
    rootMeanSquare = (squares / Double(max(1, doubles.count))).squareRoot()
  }

  private static func check(_ count: Int, _ shape: TensorShape) throws(GraphError) {
    guard count == shape.elementCount else {
      throw .badValue(tensor: "\(shape)", reason: "\(count) values for \(shape.elementCount)")
    }
  }

  /// The number of elements.
  package var count: Int { shape.elementCount }

  /// One element by its flat index.
  package subscript(index: Int) -> Double {
    switch kind {
    case .float32: Double(floats[index])
    case .bfloat16: Double(Float(bitPattern: UInt32(halves[index]) << 16))
    case .float64: doubles[index]
    }
  }

  /// `count` elements from `start`, `stride` apart.
  package func vector(start: Int, stride: Int, count: Int) -> [Double] {
    switch kind {
    case .float32: (0..<count).map { Double(floats[start + $0 * stride]) }
    case .bfloat16:
      (0..<count).map { Double(Float(bitPattern: UInt32(halves[start + $0 * stride]) << 16)) }
    case .float64: (0..<count).map { doubles[start + $0 * stride] }
    }
  }

  /// One row, all axes but the last merged.
  package func row(_ row: Int) -> [Double] {
    vector(start: row * shape.columnCount, stride: 1, count: shape.columnCount)
  }

  /// Every element.
  package var allValues: [Double] {
    kind == .float64 ? doubles : vector(start: 0, stride: 1, count: count)
  }

  /// How far an element of value `value` may be from what the device used.
  func absoluteUncertainty(_ value: Double) -> Double {
    uncertainty == 0 ? 0 : uncertainty * max(abs(value), rootMeanSquare)
  }
}
