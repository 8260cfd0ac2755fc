package import Foundation
package import ModelGraph
import NumericFormats

/// Arrays as NumPy stores them (`.npy`, versions 1 to 3).
///
/// Source: the format's description in NumPy (numpy.lib.format).
package enum NumpyFile {
  private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  /// Arrays of more axes or elements than these are taken for damage.
  private static let largestRank = 32
  private static let largestCount = 1 << 36

  /// The array of a file. Throws `unreadable` and `damaged`.
  package static func read(_ url: URL, shownAs name: String) throws(ImportError) -> TensorView {
    let data: Data
    do { data = try Data(contentsOf: url) } catch {
      throw .unreadable(path: name, reason: "there is no such file, or it may not be read")
    }
    return try read([UInt8](data), shownAs: name)
  }

  /// The array in these bytes. Throws `damaged`.
  package static func read(_ bytes: [UInt8], shownAs name: String) throws(ImportError)
    -> TensorView
  {
    func damaged(_ reason: String) -> ImportError {
      .damaged(path: name, reason: reason, what: .numpy)
    }
    guard bytes.count >= 10, Array(bytes.prefix(6)) == magic else {
      throw damaged("it does not begin as a .npy file does")
    }
    let isLong = bytes[6] >= 2
    let start = isLong ? 12 : 10
    guard bytes.count >= start else { throw damaged("the header breaks off") }
    let length =
      isLong
      ? Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16 | Int(bytes[11]) << 24
      : Int(bytes[8]) | Int(bytes[9]) << 8
    guard length <= bytes.count - start else { throw damaged("the header breaks off") }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    guard let description = field(header, "descr"), let shapeText = field(header, "shape"),
      let shape = shape(shapeText)
    else {
      let line = header.trimmingCharacters(in: .whitespacesAndNewlines).prefix(120)
      throw damaged("the header does not say what it holds: \(line)")
    }
    guard let format = ElementBytes(numpy: description) else {
      throw damaged(
        "elements of \(description) are not read; save whole or real numbers, low byte first")
    }
    let count = shape.elementCount
    guard shape.rank <= largestRank, count <= largestCount else {
      throw damaged("\(shape) is more than an array can have")
    }
    let isFortran = field(header, "fortran_order") == "True"
    let body = bytes[(start + length)...]
    guard body.count == count * format.sizeBytes else {
      throw damaged("\(body.count) bytes of elements; \(shape) takes \(count * format.sizeBytes)")
    }
    do {
      let axes = TensorShape(isFortran ? shape.dimensions.reversed() : shape.dimensions)
      let view = try format.view(Array(body), shape: axes)
      if !isFortran { return view }
      let map = IndexMap.transposed(axes, Array((0..<axes.rank).reversed()))
      return try view.picked(map, shape: shape)
    } catch { throw damaged("\(error)") }
  }

  /// Writes an array. Throws `unreadable` when the file cannot be written.
  package static func write(_ view: TensorView, to url: URL) throws(ImportError) {
    do { try Data(bytes(of: view)).write(to: url) } catch {
      throw .unreadable(path: url.path, reason: "it cannot be written")
    }
  }

  /// The bytes of a file that holds an array.
  package static func bytes(of view: TensorView) -> [UInt8] {
    let format = ElementBytes(storing: view.type)
    let lengths = view.shape.dimensions.map { "\($0)," }.joined(separator: " ")
    var header =
      "{'descr': '\(format.numpyName)', 'fortran_order': False, 'shape': (\(lengths)), }"
    let unpadded = magic.count + 4 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
    let count = header.utf8.count
    return magic + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + Array(header.utf8)
      + format.bytes(of: view)
  }

  /// The text behind a key of the header's dictionary.
  private static func field(_ header: String, _ key: String) -> String? {
    guard let found = header.firstRange(of: "'\(key)':") else { return nil }
    let rest = header[found.upperBound...].drop { $0 == " " }
    if rest.first == "(" { return rest.firstIndex(of: ")").map { String(rest[...$0]) } }
    if rest.first == "'" {
      let inner = rest.dropFirst()
      return inner.firstIndex(of: "'").map { String(inner[..<$0]) }
    }
    return String(rest.prefix { $0 != "," && $0 != "}" }).trimmingCharacters(in: .whitespaces)
  }

  private static func shape(_ text: String) -> TensorShape? {
    var lengths: [Int] = []
    for part in text.split(whereSeparator: { "(), ".contains($0) }) {
      guard let length = Int(part), length >= 0 else { return nil }
      lengths.append(length)
    }
    return TensorShape(lengths)
  }
}
