import CoreState
import ModelGraph
import NumericFormats
import Threads
import VectorKernels

/// The elements of one tensor as the device holds them, by the size of an element.
enum DeviceTensor {
  case halves([UInt16])
  case words([UInt32])
  case bytes([UInt8])

  /// Draws the seeded values of a given tensor in its own format.
  init(filling tensor: TensorDeclaration, seed: UInt64) {
    if case .values(let constant) = tensor.fill {
      self.init(tensor.format, holding: constant.view)
      return
    }
    let values = SeededValues(of: tensor, seed: seed)
    self.init(tensor.format, count: values.count) { values[$0] }
  }

  /// Encodes `count` values.
  init(_ format: NumberFormat, count: Int, value: (Int) -> Float) {
    let values = (0..<count).map(value)
    self.init(format, count: count) { Array(values[$0]) }
  }

  /// Encodes `count` values, which a closure computes piece by piece on all of the host's threads.
  private init(
    _ format: NumberFormat, count: Int, pieces: @Sendable (Range<Int>) -> [Float]
  ) {
    switch format.sizeBytes {
    case 2: self = .halves(Self.encoded(format, count, pieces))
    case 4: self = .words(Self.encoded(format, count, pieces))
    default: self = .bytes(Self.encoded(format, count, pieces))
    }
  }

  private static func encoded<Code: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ format: NumberFormat, _ count: Int, _ pieces: @Sendable (Range<Int>) -> [Float]
  ) -> [Code] {
    var codes: [Code] = []
    codes.reserveCapacity(count)
    for first in stride(from: 0, to: count, by: batchSize) {
      let starts = Array(stride(from: first, to: min(count, first + batchSize), by: pieceSize))
      codes += HostThreads.map(starts, size: 1) { starts in
        starts.flatMap { start in
          Conversion.codes(format, of: pieces(start..<min(count, start + pieceSize)))
        }
      }
    }
    return codes
  }

  /// Elements that one thread encodes at a time.
  private static let pieceSize = 1 << 14
  /// Elements that all threads together encode before they are put in line.
  private static let batchSize = 1 << 20

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
