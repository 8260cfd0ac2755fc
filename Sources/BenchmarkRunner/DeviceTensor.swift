import CoreState
import Foundation
import ModelGraph
import NumericFormats

/// The elements of one tensor as the device holds them, by the size of an element.
enum DeviceTensor {
  case halves([UInt16])
  case words([UInt32])
  case bytes([UInt8])

  /// Draws the seeded values of a given tensor in its own format.
  init(filling tensor: TensorDeclaration, seed: UInt64) {
    let generator = SeededGenerator(seed: seed, stream: tensor.name)
    let columns = max(1, tensor.shape.columnCount)
    if case .values(let constant) = tensor.fill {
      self.init(tensor.format, holding: constant.view)
      return
    }
    switch tensor.fill {
    case .lattice, .latticeNeighbours:
      let values = SeededGenerator.values(of: tensor, seed: seed)
      self.init(tensor.format, count: values.count) { values[$0] }
      return
    default: break
    }
    self.init(tensor.format, count: tensor.shape.elementCount) { index in
      Self.value(tensor.fill, generator, index, columns)
    }
  }

  /// Encodes `count` values.
  init(_ format: NumberFormat, count: Int, value: (Int) -> Float) {
    switch format.sizeBytes {
    case 2:
      self = .halves((0..<count).map { UInt16(truncatingIfNeeded: format.encode(value($0))) })
    case 4: self = .words((0..<count).map { format.encode(value($0)) })
    default:
      self = .bytes((0..<count).map { UInt8(truncatingIfNeeded: format.encode(value($0))) })
    }
  }

  /// Encodes given values; whole numbers keep their low 32 bits, as the device holds them.
  init(_ format: NumberFormat, holding view: TensorView) {
    guard format.isInteger, view.type.isInteger else {
      self.init(format, count: view.count) { Float(view[$0]) }
      return
    }
    let values = view.integerValues
    switch format.sizeBytes {
    case 2: self = .halves(values.map { UInt16(truncatingIfNeeded: $0) })
    case 4: self = .words(values.map { UInt32(truncatingIfNeeded: $0) })
    default: self = .bytes(values.map { UInt8(truncatingIfNeeded: $0) })
    }
  }

  private static func value(
    _ fill: TensorFill, _ generator: SeededGenerator, _ index: Int, _ columns: Int
  ) -> Float {
    switch fill {
    case .zeros: 0
    case .values(let constant): Float(constant.view[index])
    case .constant(let value): Float(value)
    case .normal(let deviation): Float(generator.normal(at: index) * deviation)
    case .leading(let width, let deviation):
      index % columns < width ? Float(generator.normal(at: index) * deviation) : 0
    case .uniform(let low, let high): Float(low + (high - low) * generator.uniform(at: index))
    case .indices(let count): Float(generator.integer(below: count, at: index))
    case .lattice, .latticeNeighbours: 0
    case .powerLaw(let counts, let exponent):
      Float(generator.powerLaw(counts[index % counts.count], exponent: exponent, at: index))
    case .rotaryCosine(let angles):
      Float(cos(angles.radians(token: index / columns, pair: index % columns)))
    case .rotarySine(let angles):
      Float(sin(angles.radians(token: index / columns, pair: index % columns)))
    }
  }

  /// Reads a tensor of that declaration out of HBM, as codes or, where `format` is fp32 and the
  /// tensor's is narrower, as the values that a run without rounding stored.
  init(
    downloading tensor: TensorDeclaration, as format: NumberFormat,
    from core: borrowing CoreState, at address: Int
  ) {
    let count = tensor.shape.elementCount
    if format != tensor.format {
      let values = core.hbmValues(tensor.format, count: count, at: address)
      self = .words(values.map(\.bitPattern))
    } else {
      self.init(tensor.format, count: count, in: core.hbm, at: address)
    }
  }

  private init(
    _ format: NumberFormat, count: Int, in hbm: borrowing HBMImage, at address: Int
  ) {
    switch format.sizeBytes {
    case 2: self = .halves(hbm.download(UInt16.self, count: count, at: address))
    case 4: self = .words(hbm.download(UInt32.self, count: count, at: address))
    default: self = .bytes(hbm.download(UInt8.self, count: count, at: address))
    }
  }

  /// Writes the elements to HBM.
  func upload(to hbm: borrowing HBMImage, at address: Int) {
    switch self {
    case .halves(let values): hbm.upload(values, at: address)
    case .words(let values): hbm.upload(values, at: address)
    case .bytes(let values): hbm.upload(values, at: address)
    }
  }

  /// The elements as the reference reads them.
  func view(as tensor: TensorDeclaration) throws(GraphError) -> TensorView {
    if tensor.format == .bfloat16, case .halves(let bits) = self {
      return try TensorView(bfloat16Bits: bits, shape: tensor.shape)
    }
    if tensor.type.isInteger, tensor.format.isInteger {
      return try TensorView(
        integers: wholeNumbers(tensor.format), shape: tensor.shape, type: tensor.type)
    }
    return try TensorView(
      floats: values(tensor.format), shape: tensor.shape, type: tensor.storedType)
  }

  /// The elements of an integer format, exactly.
  private func wholeNumbers(_ format: NumberFormat) -> [Int64] {
    let isSigned = format == .int8 || format == .int16 || format == .int32
    return switch self {
    case .bytes(let bits): bits.map { isSigned ? Int64(Int8(bitPattern: $0)) : Int64($0) }
    case .halves(let bits): bits.map { isSigned ? Int64(Int16(bitPattern: $0)) : Int64($0) }
    case .words(let bits): bits.map { isSigned ? Int64(Int32(bitPattern: $0)) : Int64($0) }
    }
  }

  /// The elements, decoded.
  func values(_ format: NumberFormat) -> [Float] {
    switch self {
    case .halves(let bits): bits.map { format.decode(UInt32($0)) }
    case .words(let bits): bits.map { format.decode($0) }
    case .bytes(let bits): bits.map { format.decode(UInt32($0)) }
    }
  }
}

extension TensorDeclaration {
  /// What the device's elements are: real numbers may be stored in another format than the model's.
  var storedType: ElementType {
    type.isFloat && type.storage != format ? .format(format) : type
  }
}
