package import Foundation
package import ModelGraph
import NumericFormats

/// Named tensors as the safetensors format stores them: a length of eight bytes, a header in JSON
/// that names types, shapes and places, and the elements.
///
/// Source: the format's description in its repository (huggingface/safetensors).
package struct SafetensorsFile: Sendable {
  /// Where one tensor lies.
  private struct Entry: Sendable {
    var type: ElementType
    var shape: TensorShape
    var bytes: Range<Int>
  }

  /// Headers longer than this are taken for damage.
  private static let longestHeader = 100 << 20

  /// The name in messages.
  package let path: String
  private let data: Data
  private var entries: [String: Entry] = [:]

  /// Reads a file's header. Throws `unreadable` and `damaged`.
  package init(contentsOf url: URL, shownAs path: String) throws(ImportError) {
    let data: Data
    do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
      throw .unreadable(path: path, reason: "there is no such file, or it may not be read")
    }
    try self.init(data, shownAs: path)
  }

  /// Reads the header of these bytes. Throws `damaged`.
  package init(_ data: Data, shownAs path: String) throws(ImportError) {
    self.path = path
    self.data = data
    func damaged(_ reason: String) -> ImportError {
      .damaged(path: path, reason: reason, what: .safetensors)
    }
    guard data.count >= 8 else { throw damaged("the header breaks off") }
    var length: UInt64 = 0
    for (place, byte) in data.prefix(8).enumerated() {
      length |= UInt64(byte) << UInt64(8 * place)
    }
    guard length <= UInt64(Self.longestHeader), Int(length) <= data.count - 8 else {
      throw damaged("the header breaks off")
    }
    let start = data.startIndex + 8
    let header = data[start..<start + Int(length)]
    guard let object = try? JSONSerialization.jsonObject(with: header),
      let table = object as? [String: Any]
    else { throw damaged("the header is no JSON object") }
    for (name, value) in table where name != "__metadata__" {
      guard let entry = Self.entry(value, behind: 8 + Int(length), of: data.count) else {
        throw damaged("tensor '\(name)' does not lie in the file as the header says")
      }
      entries[name] = entry
    }
  }

  private static func entry(_ value: Any, behind start: Int, of end: Int) -> Entry? {
    guard let fields = value as? [String: Any], let code = fields["dtype"] as? String,
      let type = types[code], let lengths = fields["shape"] as? [Int],
      let shape = TensorReader.shape(lengths.map(Int64.init)),
      let offsets = fields["data_offsets"] as? [Int], offsets.count == 2, offsets[0] >= 0,
      offsets[0] <= offsets[1], offsets[1] <= end - start,
      offsets[1] - offsets[0] == ElementBytes(type).sizeBytes(count: shape.elementCount)
    else { return nil }
    return Entry(type: type, shape: shape, bytes: start + offsets[0]..<start + offsets[1])
  }

  private static let types: [String: ElementType] = [
    "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16,
    "F8_E4M3": .format(.float8e4m3fn), "F8_E5M2": .format(.float8e5m2), "I64": .int64,
    "I32": .int32, "I16": .format(.int16), "I8": .int8, "U64": .uint64,
    "U32": .format(.uint32), "U16": .format(.uint16), "U8": .uint8, "BOOL": .bool,
  ]

  /// The tensors' names, sorted.
  package var names: [String] { entries.keys.sorted() }

  /// A tensor's values; nil where there is none of that name. Throws `damaged`.
  package func view(_ name: String) throws(ImportError) -> TensorView? {
    guard let entry = entries[name] else { return nil }
    let first = data.startIndex + entry.bytes.lowerBound
    do {
      return try ElementBytes(entry.type).view(
        [UInt8](data[first..<first + entry.bytes.count]), shape: entry.shape)
    } catch {
      throw .damaged(path: path, reason: "tensor '\(name)': \(error)", what: .safetensors)
    }
  }
}
