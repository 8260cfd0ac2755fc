/// Rows that belong to a run and to no track, kept as the JSON text that they came as: what a
/// profile of another tool holds beside instructions and transfers.
package struct TraceTable: Equatable, Sendable {
  /// The table's name; a long table stands in several pieces of one name.
  package var name: String
  /// Rows in this piece.
  package var rowCount: Int
  /// A JSON array of the rows.
  package var json: [UInt8]

  package init(name: String, rowCount: Int, json: [UInt8]) {
    self.name = name
    self.rowCount = rowCount
    self.json = json
  }

  /// A piece should begin no more rows once it holds so many bytes.
  package static let pieceBytes = 16 << 20

  /// The content of the table's block: the name with its length before it, then the rows.
  var encoded: [UInt8] {
    var writer = ByteWriter()
    let text = Array(name.utf8)
    writer.putVarint(UInt64(text.count))
    writer.put(text)
    writer.put(json)
    return writer.bytes
  }

  /// Reads a block's content; nil when malformed.
  init?(decoding raw: [UInt8], rowCount: Int) {
    var reader = ByteReader(raw[...])
    guard let size = reader.takeVarint(), let count = Int(exactly: size),
      let name = reader.take(count: count), let json = reader.take(count: reader.remaining)
    else { return nil }
    self.init(
      name: String(decoding: name, as: UTF8.self), rowCount: rowCount, json: Array(json))
  }
}
