import TraceFile

/// Turns the JSON text of a report into rows. Unknown tables and fields are kept or passed over:
/// the schema grows from release to release.
struct ProfileReader {
  private var cursor: JSONCursor
  private let path: String
  private var report = ProfileReport()
  /// Where each row of the two big tables stands, to keep those of other cores as they are.
  private var instructionRanges: [Range<Int>] = []
  private var descriptorRanges: [Range<Int>] = []

  init(_ bytes: [UInt8], path: String) {
    cursor = JSONCursor(bytes)
    self.path = path
  }

  mutating func read() throws(ProfileError) -> ProfileReport {
    var cursor = cursor
    var tables: [(name: String, rows: [Range<Int>])] = []
    do {
      try cursor.object { (cursor, key) throws(JSONCursor.Failure) in
        tables.append((key, try Self.rows(&cursor)))
      }
      try cursor.end()
      for (name, rows) in tables { try take(name, rows) }
    } catch { throw located(error) }
    guard tables.contains(where: { $0.name == "instruction" }), !report.instructions.isEmpty else {
      throw .schema(
        path: path, place: "the document", expected: "a table 'instruction' with rows",
        found: tables.isEmpty ? "no table" : tables.map(\.name).prefix(4).joined(separator: ", "))
    }
    keepOtherCores()
    return report
  }

  /// Where the rows of a table stand; a value that is no array is a table of one row.
  private static func rows(_ cursor: inout JSONCursor) throws(JSONCursor.Failure) -> [Range<Int>] {
    guard cursor.next() == UInt8(ascii: "[") else { return [try cursor.skip()] }
    var rows: [Range<Int>] = []
    try cursor.array { (cursor) throws(JSONCursor.Failure) in rows.append(try cursor.skip()) }
    return rows
  }

  private mutating func take(
    _ name: String, _ rows: [Range<Int>]
  ) throws(JSONCursor.Failure) {
    report.rowCounts.append((name, rows.count))
    switch name {
    case "instruction":
      instructionRanges = rows
      for row in rows { report.instructions.append(try instruction(row)) }
      return
    case "dma":
      descriptorRanges = rows
      for row in rows { report.descriptors.append(try descriptor(row)) }
      return
    case "semaphore_update":
      for row in rows { report.semaphores.append(try semaphore(row)) }
    case "ham": for row in rows { report.limiter.append(try limiterWindow(row)) }
    case "summary": for row in rows { try readSummary(row) }
    case "profile_info": for row in rows { try readName(row) }
    case "dma_queues_info": for row in rows { try readQueue(row) }
    default: break
    }
    report.tables += table(name, rows)
  }

  /// The rows as they stood, in pieces of bounded size.
  private func table(_ name: String, _ rows: [Range<Int>]) -> [TraceTable] {
    var tables: [TraceTable] = []
    var piece = TraceTable(name: name, rowCount: 0, json: [])
    for row in rows {
      if piece.json.count > TraceTable.pieceBytes {
        tables.append(piece)
        piece = TraceTable(name: name, rowCount: 0, json: [])
      }
      piece.json.append(UInt8(ascii: piece.rowCount == 0 ? "[" : ","))
      piece.json.append(contentsOf: cursor.bytes[row])
      piece.rowCount += 1
    }
    if piece.rowCount > 0 { tables.append(piece) }
    for index in tables.indices { tables[index].json.append(UInt8(ascii: "]")) }
    return tables
  }

  /// Rows of other cores have no track in a trace of one core: they are kept as they stood.
  private mutating func keepOtherCores() {
    let main = report.mainCore
    let instructions = zip(report.instructions, instructionRanges).filter { $0.0.core != main }
    report.tables += table("instruction", instructions.map(\.1))
    // Nor has a row that sums up others, whose time and bytes would count twice.
    let descriptors = zip(report.descriptors, descriptorRanges).filter {
      $0.0.core != main || $0.0.isAggregate
    }
    report.tables += table("dma", descriptors.map(\.1))
  }

  // MARK: Rows

  /// Walks over the fields of a row.
  private func fields(
    _ row: Range<Int>, _ body: (inout FieldReader, String) throws(JSONCursor.Failure) -> Void
  ) throws(JSONCursor.Failure) {
    var fields = FieldReader(cursor.at(row.lowerBound))
    guard fields.cursor.next() == UInt8(ascii: "{") else { throw fields.cursor.failure("a row") }
    var copy = fields.cursor
    try copy.object { (cursor, key) throws(JSONCursor.Failure) in
      fields.cursor = cursor
      let start = cursor.position
      try body(&fields, key)
      cursor = fields.cursor
      if cursor.position == start { try cursor.skip() }
    }
  }

  private func instruction(_ row: Range<Int>) throws(JSONCursor.Failure) -> ProfileInstruction {
    var result = ProfileInstruction()
    var isVector = false
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      switch key {
      case "subgraph": result.core = try field.text()
      case "subgroup":
        result.engine = try field.engine()
        isVector = result.engine == .vector
      case "opcode": result.opcode = try field.text()
      case "operands": result.operands = try field.text()
      case "timestamp": result.start = try field.time()
      case "duration": result.duration = try field.time()
      case "evt_wait_time": result.wait = try field.time()
      case "pc": result.programCounter = try field.integer()
      case "compiler_pc":
        _ = try field.integer()
        result.isCompiled = true
      case "instruction_type": result.isTranspose = try field.text() == "TRANSPOSE"
      case "layer": result.layer = try field.text()
      case "bir_instruction_name": result.name = try field.text()
      case "hbm_read_bytes": result.bytes.hbmRead = try field.integer()
      case "hbm_write_bytes": result.bytes.hbmWrite = try field.integer()
      case "sbuf_read_bytes": result.bytes.sbufRead = try field.integer()
      case "sbuf_write_bytes": result.bytes.sbufWrite = try field.integer()
      case "psum_read_bytes": result.bytes.psumRead = try field.integer()
      case "psum_write_bytes": result.bytes.psumWrite = try field.integer()
      case "is_psum_read_sbuf_write": result.isEvacuation = try field.flag()
      case "psum_read_sbuf_write_bytes": result.evacuatedBytes = try field.integer()
      default: break
      }
    }
    // The vector engine's field counts its cycles as if they were those of the base clock: 1.2 GHz
    // for 0.96 GHz. Seen in 14 of 17 waits of four captures.
    if isVector { result.wait = result.wait * 5 / 4 }
    return result
  }

  private func descriptor(_ row: Range<Int>) throws(JSONCursor.Failure) -> ProfileDescriptor {
    var result = ProfileDescriptor()
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      switch key {
      case "subgraph": result.core = try field.text()
      case "dma_engine": result.engine = Int(try field.integer() & 15)
      case "dma_queue": result.queue = Int(try field.integer() & 0xFFFF)
      case "queue_type": result.kind = try field.text()
      case "timestamp": result.start = try field.time()
      case "duration": result.duration = try field.time()
      case "transfer_size": result.bytes = try field.integer()
      case "aggregated": result.isAggregate = try field.flag()
      default: break
      }
    }
    return result
  }

  private func semaphore(_ row: Range<Int>) throws(JSONCursor.Failure) -> ProfileSemaphoreUpdate {
    var result = ProfileSemaphoreUpdate()
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      switch key {
      case "subgraph": result.core = try field.text()
      case "id":
        // `8`, or `S[8] (name)`.
        let digits = try field.text().drop { !$0.isNumber }.prefix { $0.isNumber }
        result.semaphore = Int(digits.prefix(6)) ?? -1
      case "timestamp": result.time = try field.time()
      case "value": result.value = try field.integer()
      default: break
      }
    }
    return result
  }

  private func limiterWindow(
    _ row: Range<Int>
  ) throws(JSONCursor.Failure) -> ProfileLimiterWindow {
    var result = ProfileLimiterWindow()
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      switch key {
      case "subgraph": result.core = try field.text()
      case "timestamp": result.start = try field.time()
      case "duration": result.duration = try field.time()
      case "k": result.allowed = Int(try field.integer() & 0xFFFF)
      case "n": result.period = Int(try field.integer() & 0xFFFF)
      case "type": result.sort = Int(try field.integer() & 0xFFFF)
      default: break
      }
    }
    return result
  }

  private mutating func readSummary(_ row: Range<Int>) throws(JSONCursor.Failure) {
    var numbers: [String: Double] = [:]
    var texts: [String: String] = [:]
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      switch field.cursor.next() {
      case UInt8(ascii: "\""): texts[key] = try field.text()
      case let byte? where isNumber(byte): numbers[key] = try field.cursor.number()
      default: try field.cursor.skip()
      }
    }
    report.summary.merge(numbers) { first, _ in first }
    report.summaryTexts.merge(texts) { first, _ in first }
  }

  private mutating func readName(_ row: Range<Int>) throws(JSONCursor.Failure) {
    var name = ""
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      if key == "profile_name" { name = try field.text() }
    }
    if report.name.isEmpty { report.name = name }
  }

  private mutating func readQueue(_ row: Range<Int>) throws(JSONCursor.Failure) {
    var core = ""
    var name = ""
    var index = 0
    try fields(row) { (field, key) throws(JSONCursor.Failure) in
      switch key {
      case "subgraph": core = try field.text()
      case "q_name": name = try field.text()
      case "q_idx": index = Int(try field.integer() & 0xFFFF)
      default: break
      }
    }
    report.queueNames[core, default: [:]][index] = name
  }

  // MARK: Errors

  private func located(_ failure: JSONCursor.Failure) -> ProfileError {
    let before = cursor.bytes.prefix(failure.offset)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return .syntax(
      path: path, line: line, column: failure.offset - start + 1, expected: failure.expected,
      found: failure.found)
  }
}

/// Reads the value of one field in the form that a row wants.
struct FieldReader {
  var cursor: JSONCursor

  init(_ cursor: JSONCursor) { self.cursor = cursor }

  /// Times beyond this many nanoseconds are none: a trace's limit.
  private static let timeLimit = Double(TraceEvent.limit / 1000)

  mutating func text() throws(JSONCursor.Failure) -> String {
    switch cursor.next() {
    case UInt8(ascii: "\""): return try cursor.string()
    case UInt8(ascii: "n"):
      try cursor.skip()
      return ""
    case let byte? where isNumber(byte):
      let range = try cursor.skip()
      return String(decoding: cursor.bytes[range].prefix(32), as: UTF8.self)
    default: throw cursor.failure("a text")
    }
  }

  /// A whole number, also where the profiler prints it as a text.
  mutating func integer() throws(JSONCursor.Failure) -> Int64 {
    _ = cursor.next()
    let start = cursor
    let value: Double?
    switch cursor.next() {
    case UInt8(ascii: "\""): value = Double(try cursor.string().prefix(32))
    case UInt8(ascii: "n"):
      try cursor.skip()
      value = 0
    default: value = try cursor.number()
    }
    guard let value, value.isFinite, abs(value) <= Double(TraceEvent.limit) else {
      throw start.failure("a whole number")
    }
    return Int64(value)
  }

  /// Whether the profiler says yes: `true`, `"yes"`, or a number that is not 0.
  mutating func flag() throws(JSONCursor.Failure) -> Bool {
    switch cursor.next() {
    case UInt8(ascii: "\""): return ["yes", "true", "1"].contains(try cursor.string().lowercased())
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
      return cursor.bytes[try cursor.skip()].first == UInt8(ascii: "t")
    default: return try cursor.number() != 0
    }
  }

  /// Nanoseconds as picoseconds.
  mutating func time() throws(JSONCursor.Failure) -> Int64 {
    _ = cursor.next()
    let start = cursor
    let value: Double
    if cursor.next() == UInt8(ascii: "n") {
      try cursor.skip()
      value = 0
    } else {
      value = try cursor.number()
    }
    guard value >= 0, value <= Self.timeLimit else {
      throw start.failure("a time in nanoseconds, not negative")
    }
    return Int64((value * 1000).rounded())
  }

  mutating func engine() throws(JSONCursor.Failure) -> TrackID {
    _ = cursor.next()
    let start = cursor
    let name = try cursor.string()
    guard let track = TrackID(name: name.lowercased()), !track.isDMA else {
      throw start.failure("the name of an engine")
    }
    return track
  }
}

/// True for a byte that a JSON number begins with.
private func isNumber(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte)
}

extension JSONCursor {
  /// The same document from another place on.
  func at(_ offset: Int) -> JSONCursor {
    var copy = self
    copy.move(to: offset)
    return copy
  }
}
