/// Program rows as columns, with the block's own dictionary of texts: each block reads alone.
enum ProgramCodec {
  static func encode(_ rows: [ProgramRow]) -> [UInt8] {
    var table = StringTable()
    // By index: a copy of a row counts references of five texts.
    var columns = textColumn(Column.opcode, rows.count, &table) { rows[$0].opcode }
    columns += textColumn(Column.kernel, rows.count, &table) { rows[$0].kernel }
    columns += textColumn(Column.layer, rows.count, &table) { rows[$0].layer }
    columns += textColumn(Column.sourceFile, rows.count, &table) { rows[$0].sourceFile }
    columns += textColumn(Column.shape, rows.count, &table) { rows[$0].shape }
    columns += column(Column.engine, rows.count) { UInt64(rows[$0].engine.rawValue) }
    columns += column(Column.sourceLine, rows.count) { UInt64(rows[$0].sourceLine) }
    columns += column(Column.bytes, rows.count) { zigzag(rows[$0].bytes) }
    columns += column(Column.flops, rows.count) { zigzag(rows[$0].flops) }
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

  private static func column(_ id: UInt8, _ count: Int, _ value: (Int) -> UInt64) -> [UInt8] {
    var writer = ColumnWriter(maximumCount: count)
    for index in 0..<count { writer.put(value(index)) }
    return writer.framed(id)
  }

  /// A column of texts by their numbers. Neighbours have few texts between them, so most are found
  /// without hashing.
  private static func textColumn(
    _ id: UInt8, _ count: Int, _ table: inout StringTable, _ text: (Int) -> String
  ) -> [UInt8] {
    var known: [(text: String, number: UInt64)] = []
    return column(id, count) { index in
      let value = text(index)
      if let found = known.first(where: { $0.text == value }) { return found.number }
      let number = UInt64(table.intern(value))
      if known.count == 8 { known.removeFirst() }
      known.append((value, number))
      return number
    }
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
