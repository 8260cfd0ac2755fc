/// Program rows as columns, with the block's own dictionary of texts: each block reads alone.
enum ProgramCodec {
  static func encode(_ rows: [ProgramRow]) -> [UInt8] {
    var table = StringTable()
    let texts: [(UInt8, KeyPath<ProgramRow, String>)] = [
      (Column.opcode, \.opcode), (Column.kernel, \.kernel), (Column.layer, \.layer),
      (Column.sourceFile, \.sourceFile), (Column.shape, \.shape),
    ]
    var columns: [UInt8] = []
    for (id, path) in texts {
      columns += column(id, rows) { UInt64(table.intern($0[keyPath: path])) }
    }
    columns += column(Column.engine, rows) { UInt64($0.engine.rawValue) }
    columns += column(Column.sourceLine, rows) { UInt64($0.sourceLine) }
    columns += column(Column.bytes, rows) { zigzag($0.bytes) }
    columns += column(Column.flops, rows) { zigzag($0.flops) }
    var strings = ByteWriter()
    for text in table.strings {
      let bytes = Array(text.utf8)
      strings.putVarint(UInt64(bytes.count))
      strings.put(bytes)
    }
    let header = ColumnFrame.header(
      id: Column.strings, encoding: ColumnEncoding.raw, size: strings.bytes.count)
    return header + strings.bytes + columns
  }

  private static func column(
    _ id: UInt8, _ rows: [ProgramRow], _ value: (ProgramRow) -> UInt64
  ) -> [UInt8] {
    var writer = ColumnWriter()
    for row in rows { writer.put(value(row)) }
    return writer.framed(id)
  }

  /// The rows of a block; nil when malformed.
  static func decode(_ raw: [UInt8], count: Int) -> [ProgramRow]? {
    guard count <= BlockHeader.capacity, let set = ColumnSet(raw), let texts = strings(set, raw)
    else { return nil }
    func text(_ id: UInt8) -> [String]? {
      guard let numbers = set.values(id, count: count, in: raw) else { return nil }
      var found: [String] = []
      for number in numbers {
        guard number < UInt64(texts.count) else { return nil }
        found.append(texts[Int(number)])
      }
      return found
    }
    func numbers(_ id: UInt8) -> [UInt64]? { set.values(id, count: count, in: raw) }
    guard let opcodes = text(Column.opcode), let kernels = text(Column.kernel),
      let layers = text(Column.layer), let files = text(Column.sourceFile),
      let shapes = text(Column.shape), let engines = numbers(Column.engine),
      let lines = numbers(Column.sourceLine), let bytes = numbers(Column.bytes),
      let flops = numbers(Column.flops)
    else { return nil }
    var rows: [ProgramRow] = []
    for index in 0..<count {
      guard let engine = UInt8(exactly: engines[index]).flatMap(TrackID.init(rawValue:)),
        let line = UInt32(exactly: lines[index])
      else { return nil }
      rows.append(
        ProgramRow(
          opcode: opcodes[index], engine: engine, kernel: kernels[index], layer: layers[index],
          sourceFile: files[index], sourceLine: line, shape: shapes[index],
          bytes: unzigzag(bytes[index]), flops: unzigzag(flops[index])))
    }
    return rows
  }

  private static func strings(_ set: ColumnSet, _ raw: [UInt8]) -> [String]? {
    guard let location = set[Column.strings] else { return [] }
    var reader = ByteReader(raw[location.range])
    var texts: [String] = []
    while reader.remaining > 0 {
      guard let size = reader.takeVarint(), let count = Int(exactly: size),
        let bytes = reader.take(count: count)
      else { return nil }
      texts.append(String(decoding: bytes, as: UTF8.self))
    }
    return texts
  }
}
