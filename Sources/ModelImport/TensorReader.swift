import Foundation
import ModelGraph
import NumericFormats
import ONNXSchema

/// Reads the tensors that a model carries.
struct TensorReader {
  /// More elements than this are taken for damage.
  static let largestCount = 1 << 36

  /// Where external data lies; nil where there is none.
  let folder: URL?
  /// The model's name in errors.
  let path: String

  /// ONNX's codes of element types.
  static func type(_ code: Int32) -> ElementType? {
    switch code {
    case 1: .float32
    case 2: .uint8
    case 3: .int8
    case 4: .format(.uint16)
    case 5: .format(.int16)
    case 6: .int32
    case 7: .int64
    case 9: .bool
    case 10: .float16
    case 11: .float64
    case 12: .format(.uint32)
    case 13: .uint64
    case 16: .bfloat16
    case 17: .format(.float8e4m3fn)
    case 18: .float8e4m3fnuz
    case 19: .format(.float8e5m2)
    case 20: .float8e5m2fnuz
    case 21: .uint4
    case 22: .int4
    case 23: .float4e2m1
    case 24: .format(.float8e8m0)
    case 25: .uint2
    case 26: .int2
    default: nil
    }
  }

  /// ONNX's name of an element type that is not read.
  static func name(_ code: Int32) -> String {
    switch code {
    case 8: "string"
    case 14, 15: "complex"
    case 27, 28: "fp6"
    default: "type \(code)"
    }
  }

  /// The shape that a list of lengths stands for; nil for one that cannot be.
  static func shape(_ lengths: [Int64]) -> TensorShape? {
    guard lengths.allSatisfy({ $0 >= 0 && $0 <= Int64(largestCount) }) else { return nil }
    let shape = TensorShape(lengths.map { Int($0) })
    return fits(shape) ? shape : nil
  }

  /// True for a shape that a tensor can have, axes of no length counted as one.
  static func fits(_ shape: TensorShape) -> Bool {
    shape.dimensions.allSatisfy { $0 >= 0 && $0 <= largestCount }
      && TensorShape(shape.dimensions.map { max(1, $0) }).elementCount <= largestCount
  }

  /// The tensor's values. Throws `damaged`, and `unreadable` for a missing file of external data.
  func view(_ tensor: Onnx_TensorProto) throws(ImportError) -> TensorView {
    func damaged(_ reason: String) -> ImportError {
      .damaged(path: path, reason: "tensor '\(tensor.name)': \(reason)")
    }
    guard let type = Self.type(tensor.dataType) else {
      throw damaged("elements of \(Self.name(tensor.dataType)) are not read")
    }
    guard let shape = Self.shape(tensor.dims) else {
      throw damaged("the lengths \(tensor.dims) cannot be")
    }
    let count = shape.elementCount
    let format = ElementBytes(type)
    do {
      if tensor.dataLocation == .external {
        let bytes = try external(tensor, count: format.sizeBytes(count: count))
        return try format.view(bytes, shape: shape)
      }
      if tensor.hasRawData {
        guard tensor.rawData.count == format.sizeBytes(count: count) else {
          throw damaged(
            "\(tensor.rawData.count) bytes; \(shape) takes \(format.sizeBytes(count: count))")
        }
        return try format.view([UInt8](tensor.rawData), shape: shape)
      }
      guard let view = try typed(tensor, shape, format) else {
        throw damaged("the elements given are not the \(count) of \(shape)")
      }
      return view
    } catch let error as ImportError { throw error } catch { throw damaged("\(error)") }
  }

  /// Elements in the fields for single types; nil when their count is wrong.
  private func typed(_ tensor: Onnx_TensorProto, _ shape: TensorShape, _ format: ElementBytes)
    throws(GraphError) -> TensorView?
  {
    let count = shape.elementCount
    switch format.kind {
    case .float32:
      guard tensor.floatData.count == count else { return nil }
      return try TensorView(floats: tensor.floatData, shape: shape, type: format.type)
    case .float64:
      guard tensor.doubleData.count == count else { return nil }
      return try TensorView(tensor.doubleData, shape: shape, type: format.type)
    case .float16, .bfloat16:
      guard tensor.int32Data.count == count else { return nil }
      let stored: NumberFormat = format.kind == .float16 ? .float16 : .bfloat16
      let values = tensor.int32Data.map { stored.decode(UInt32(truncatingIfNeeded: $0)) }
      return try TensorView(floats: values, shape: shape, type: format.type)
    case .integer, .bits: return try narrow(tensor, shape, format)
    }
  }

  private func narrow(_ tensor: Onnx_TensorProto, _ shape: TensorShape, _ format: ElementBytes)
    throws(GraphError) -> TensorView?
  {
    let count = shape.elementCount
    switch format.type {
    case .int64:
      guard tensor.int64Data.count == count else { return nil }
      return try TensorView(integers: tensor.int64Data, shape: shape, type: .int64)
    case .uint64, .format(.uint32):
      guard tensor.uint64Data.count == count else { return nil }
      return try TensorView(
        integers: tensor.uint64Data.map { format.type.wrapped(Int64(bitPattern: $0)) },
        shape: shape, type: format.type)
    default:
      // Packed types hold several elements per byte here too.
      let size = format.sizeBytes(count: count)
      if size < count {
        guard tensor.int32Data.count == size else { return nil }
        return try format.view(
          tensor.int32Data.map { UInt8(truncatingIfNeeded: $0) }, shape: shape)
      }
      guard tensor.int32Data.count == count else { return nil }
      if format.kind == .bits {
        let values = tensor.int32Data.map {
          NarrowCode.value(UInt8(truncatingIfNeeded: $0), format.type)
        }
        return try TensorView(values, shape: shape, type: format.type)
      }
      let values = tensor.int32Data.map { format.integer(UInt64(bitPattern: Int64($0))) }
      return try TensorView(integers: values, shape: shape, type: format.type)
    }
  }

  /// The bytes of a tensor that lies in another file beside the model.
  private func external(_ tensor: Onnx_TensorProto, count: Int) throws(ImportError) -> [UInt8] {
    var entries: [String: String] = [:]
    for entry in tensor.externalData { entries[entry.key] = entry.value }
    let name = entries["location"] ?? ""
    // A model may name files beside and below it, nothing else.
    let isInside =
      !name.isEmpty && !name.hasPrefix("/") && !name.split(separator: "/").contains("..")
    guard let folder, isInside else {
      throw .damaged(
        path: path, reason: "tensor '\(tensor.name)': '\(name)' is no file beside the model")
    }
    let offset = Int(entries["offset"] ?? "0") ?? -1
    let length = entries["length"].map { Int($0) ?? -1 } ?? count
    guard offset >= 0, length == count else {
      throw .damaged(
        path: path,
        reason: "tensor '\(tensor.name)': \(length) bytes of external data; it takes \(count)")
    }
    guard let handle = try? FileHandle(forReadingFrom: folder.appendingPathComponent(name)) else {
      throw .unreadable(path: "\(path) (external data)", reason: "there is no file '\(name)'")
    }
    defer { try? handle.close() }
    guard (try? handle.seek(toOffset: UInt64(offset))) != nil,
      let data = try? handle.read(upToCount: count), data.count == count
    else {
      if count == 0 { return [] }
      throw .damaged(
        path: path, reason: "tensor '\(tensor.name)': '\(name)' ends before its elements")
    }
    return [UInt8](data)
  }
}
