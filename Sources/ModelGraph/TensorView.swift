package import NumericFormats

/// The values of one tensor as the reference reads them: what a device buffer holds, or what an
/// earlier evaluation made.
package struct TensorView: Sendable {
  private enum Kind { case float32, bfloat16, float64, integer }

  /// Axis lengths.
  package let shape: TensorShape
  /// What kind of numbers the elements are.
  package let type: ElementType
  /// The format that the elements have on the device.
  package var format: NumberFormat { type.storage }
  /// How far an element may be from what the device used, relative to the larger of its own size
  /// and `rootMeanSquare`; 0 when these are the device's own values.
  package let uncertainty: Double
  /// The root mean square of the elements of an uncertain evaluation, else 0.
  package let rootMeanSquare: Double

  // Three arrays and a tag, not an enum with payloads: reading one element then costs no reference
  // count.
  private let kind: Kind
  private let floats: [Float]
  private let halves: [UInt16]
  private let doubles: [Double]
  private let integers: [Int64]

  /// Decoded device values. Throws `badValue` when the count does not fit the shape.
  package init(_ values: [Float], shape: TensorShape, format: NumberFormat) throws(GraphError) {
    try Self.check(values.count, shape)
    self.init(shape: shape, type: .format(format), kind: .float32, floats: values)
  }

  /// Device values in bf16, as their bits. Throws `badValue` when the count does not fit the shape.
  package init(bfloat16Bits bits: [UInt16], shape: TensorShape) throws(GraphError) {
    try Self.check(bits.count, shape)
    self.init(shape: shape, type: .bfloat16, kind: .bfloat16, halves: bits)
  }

  /// Values of an evaluation in float64 that stand in for device values nobody saw.
  /// Throws `badValue` when the count does not fit the shape.
  package init(
    _ values: [Double], shape: TensorShape, format: NumberFormat, uncertainty: Double = 0
  ) throws(GraphError) {
    try Self.check(values.count, shape)
    self.init(
      shape: shape, type: .format(format), kind: .float64, doubles: values,
      uncertainty: uncertainty, rootMeanSquare: Self.size(values, uncertainty))
  }

  /// Values of an evaluation in float64; whole numbers are certain.
  /// Throws `badValue` when the count does not fit the shape.
  package init(
    _ values: [Double], shape: TensorShape, type: ElementType, uncertainty: Double = 0
  ) throws(GraphError) {
    try Self.check(values.count, shape)
    if type.isInteger {
      self.init(
        shape: shape, type: type, kind: .integer,
        integers: values.map { type.wrapped(Self.integer($0)) })
    } else {
      self.init(
        shape: shape, type: type, kind: .float64, doubles: values, uncertainty: uncertainty,
        rootMeanSquare: Self.size(values, uncertainty))
    }
  }

  /// Single-precision values of a type that is at most as wide.
  /// Throws `badValue` when the count does not fit the shape.
  package init(floats values: [Float], shape: TensorShape, type: ElementType) throws(GraphError) {
    try Self.check(values.count, shape)
    self.init(shape: shape, type: type, kind: .float32, floats: values)
  }

  /// Whole numbers, kept exactly; `uint64` as its bits, truth values as 0 and 1.
  /// Throws `badValue` when the count does not fit the shape.
  package init(integers values: [Int64], shape: TensorShape, type: ElementType)
    throws(GraphError)
  {
    try Self.check(values.count, shape)
    self.init(shape: shape, type: type, kind: .integer, integers: values)
  }

  private init(
    shape: TensorShape, type: ElementType, kind: Kind, floats: [Float] = [],
    halves: [UInt16] = [], doubles: [Double] = [], integers: [Int64] = [],
    uncertainty: Double = 0, rootMeanSquare: Double = 0
  ) {
    self.shape = shape
    self.type = type
    self.kind = kind
    self.floats = floats
    self.halves = halves
    self.doubles = doubles
    self.integers = integers
    self.uncertainty = uncertainty
    self.rootMeanSquare = rootMeanSquare
  }

  /// The root mean square of values that are uncertain, else 0.
  private static func size(_ values: [Double], _ uncertainty: Double) -> Double {
    let squares =
      uncertainty == 0 ? 0 : values.reduce(0) { $1.isFinite ? $0 + $1 * $1 : $0 }
    return (squares / Double(max(1, values.count))).squareRoot()
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
    case .integer: real(integers[index])
    }
  }

  /// `count` elements from `start`, `stride` apart.
  package func vector(start: Int, stride: Int, count: Int) -> [Double] {
    let places = Places(start: start, stride: stride, count: count)
    return switch kind {
    case .float32: places.values(of: floats) { Double($0) }
    case .bfloat16: places.values(of: halves) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .float64: places.values(of: doubles) { $0 }
    case .integer: places.values(of: integers) { real($0) }
    }
  }

  /// Evenly spaced places of a list.
  private struct Places {
    var start: Int
    var stride: Int
    var count: Int

    /// The elements there, widened.
    @inline(__always)
    func values<Element>(of elements: [Element], _ widen: (Element) -> Double) -> [Double] {
      guard count > 0 else { return [] }
      if stride == 1 { return elements[start..<start + count].map(widen) }
      var place = start
      return (0..<count).map { _ in
        defer { place &+= stride }
        return widen(elements[place])
      }
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

extension TensorView {
  private func real(_ value: Int64) -> Double {
    type == .uint64 ? Double(UInt64(bitPattern: value)) : Double(value)
  }

  /// The whole number that is nearest to 0 of a real one; the ends of the range beyond it.
  static func integer(_ value: Double) -> Int64 {
    if value.isNaN { return 0 }
    if value >= 0x1p63 { return value < 0x1p64 ? Int64(bitPattern: UInt64(value)) : .max }
    return value < -0x1p63 ? .min : Int64(value)
  }

  /// Every element as a whole number; exact for integer types, the fraction cut off otherwise.
  package var integerValues: [Int64] {
    kind == .integer ? integers : allValues.map(Self.integer)
  }

  /// One element as a place in an axis: far beyond any axis it keeps its sign alone.
  func place(_ index: Int) -> Int {
    Int(min(max(kind == .integer ? integers[index] : Self.integer(self[index]), -1 << 40), 1 << 40))
  }

  /// The same elements under another shape of as many.
  /// Throws `badValue` when the count does not fit the shape.
  package func reshaped(_ shape: TensorShape) throws(GraphError) -> TensorView {
    try Self.check(count, shape)
    return TensorView(
      shape: shape, type: type, kind: kind, floats: floats, halves: halves, doubles: doubles,
      integers: integers, uncertainty: uncertainty, rootMeanSquare: rootMeanSquare)
  }

  /// The same elements, of which the device may have used another value than the stored one: the
  /// one before its rounding, at most `unit` of each element away.
  package func beforeRounding(_ unit: Double) -> TensorView {
    TensorView(
      shape: shape, type: type, kind: kind, floats: floats, halves: halves, doubles: doubles,
      integers: integers, uncertainty: unit)
  }

  /// The elements at these flat indices as a tensor of that shape; `fill` at negative indices.
  /// Throws `badValue` when the count does not fit the shape.
  package func picked(_ indices: [Int], shape: TensorShape, fill: Double = 0) throws(GraphError)
    -> TensorView
  {
    try Self.check(indices.count, shape)
    switch kind {
    case .float32:
      let filler = Float(fill)
      return TensorView(
        shape: shape, type: type, kind: kind,
        floats: indices.map { $0 < 0 ? filler : floats[$0] }, uncertainty: uncertainty,
        rootMeanSquare: rootMeanSquare)
    case .integer:
      let filler = Self.integer(fill)
      return TensorView(
        shape: shape, type: type, kind: kind,
        integers: indices.map { $0 < 0 ? filler : integers[$0] })
    default:
      return TensorView(
        shape: shape, type: type, kind: .float64,
        doubles: indices.map { $0 < 0 ? fill : self[$0] }, uncertainty: uncertainty,
        rootMeanSquare: rootMeanSquare)
    }
  }

  /// The elements of several tensors of one type, one after the other.
  /// Throws `badValue` when the count does not fit the shape.
  package static func joined(_ parts: [TensorView], shape: TensorShape, type: ElementType)
    throws(GraphError) -> TensorView
  {
    if parts.allSatisfy({ $0.kind == .integer }) {
      return try TensorView(
        integers: parts.flatMap(\.integers), shape: shape, type: type)
    }
    if parts.allSatisfy({ $0.kind == .float32 }) {
      return try TensorView(floats: parts.flatMap(\.floats), shape: shape, type: type)
    }
    return try TensorView(parts.flatMap(\.allValues), shape: shape, type: type)
  }
}
