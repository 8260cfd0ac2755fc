/// Reads one JSON document from front to back without building a tree of it.
///
/// Every step checks what it passes, so that a document that was read or skipped to its end was
/// sound. Depth is limited: a hostile file must not exhaust the stack.
struct JSONCursor {
  /// What was expected and found, and where in the bytes.
  struct Failure: Error, Equatable {
    var offset: Int
    var expected: String
    var found: String
  }

  private static let maximumDepth = 128
  let bytes: [UInt8]
  private(set) var position = 0
  private var depth = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  // MARK: Values

  /// Reads an object and hands each key to `body`, which must read or skip the value.
  mutating func object(
    _ body: (inout JSONCursor, String) throws(Failure) -> Void
  ) throws(Failure) {
    try open("{", "an object")
    if next() == UInt8(ascii: "}") { return close() }
    while true {
      skipSpace()
      let key = try string()
      try expect(":", "':' after a key")
      try body(&self, key)
      switch next() {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"): return close()
      default: throw failure("',' or '}'")
      }
    }
  }

  /// Reads an array and calls `body` at each element, which it must read or skip.
  mutating func array(_ body: (inout JSONCursor) throws(Failure) -> Void) throws(Failure) {
    try open("[", "an array")
    if next() == UInt8(ascii: "]") { return close() }
    while true {
      try body(&self)
      switch next() {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"): return close()
      default: throw failure("',' or ']'")
      }
    }
  }

  /// Reads a text.
  mutating func string() throws(Failure) -> String {
    let range = try stringRange()
    let raw = bytes[range]
    guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
    return unescaped(raw)
  }

  /// Reads a number.
  mutating func number() throws(Failure) -> Double {
    let range = try numberRange()
    // Bounded: longer than any number that a program writes.
    guard range.count <= 64, let value = Double(String(decoding: bytes[range], as: UTF8.self)),
      value.isFinite
    else {
      throw Failure(offset: range.lowerBound, expected: "a number", found: "one out of range")
    }
    return value
  }

  /// Passes a value of any kind and returns where it stands.
  @discardableResult mutating func skip() throws(Failure) -> Range<Int> {
    let kind = next()
    let start = position
    switch kind {
    case UInt8(ascii: "{"):
      try object { (cursor, _) throws(Failure) in try cursor.skip() }
    case UInt8(ascii: "["):
      try array { (cursor) throws(Failure) in try cursor.skip() }
    case UInt8(ascii: "\""): _ = try stringRange()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try numberRange()
    }
    return start..<position
  }

  /// The first byte of the next value; nil at the end.
  mutating func next() -> UInt8? {
    skipSpace()
    return position < bytes.count ? bytes[position] : nil
  }

  /// Makes sure that nothing follows the document.
  mutating func end() throws(Failure) {
    if next() != nil { throw failure("the end of the document") }
  }

  /// An error at this place.
  func failure(_ expected: String) -> Failure {
    guard position < bytes.count else {
      return Failure(offset: position, expected: expected, found: "the end of the file")
    }
    let byte = bytes[position]
    let isPrintable = byte > 0x20 && byte < 0x7F
    let found = isPrintable ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    return Failure(offset: position, expected: expected, found: found)
  }

  /// Goes on at another place of the document, with no level open.
  mutating func move(to offset: Int) {
    position = offset
    depth = 0
  }

  // MARK: Parts

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func open(_ mark: Unicode.Scalar, _ expected: String) throws(Failure) {
    guard next() == UInt8(ascii: mark) else { throw failure(expected) }
    guard depth < Self.maximumDepth else { throw failure("at most \(Self.maximumDepth) levels") }
    depth += 1
    position += 1
  }

  private mutating func close() {
    depth -= 1
    position += 1
  }

  private mutating func expect(_ mark: Unicode.Scalar, _ expected: String) throws(Failure) {
    guard next() == UInt8(ascii: mark) else { throw failure(expected) }
    position += 1
  }

  private mutating func word(_ text: StaticString) throws(Failure) {
    let letters = Array("\(text)".utf8)
    guard bytes[position...].starts(with: letters) else { throw failure("a value") }
    position += letters.count
  }

  /// The bytes between the quotes.
  private mutating func stringRange() throws(Failure) -> Range<Int> {
    guard next() == UInt8(ascii: "\"") else { throw failure("a text") }
    let start = position + 1
    var index = start
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        position = index + 1
        return start..<index
      case UInt8(ascii: "\\"):
        position = index
        guard index + 1 < bytes.count, Self.escapes.contains(bytes[index + 1]) else {
          throw failure("an escape that JSON has")
        }
        index += 2
      case 0..<0x20:
        position = index
        throw failure("a text without control characters")
      default: index += 1
      }
    }
    position = bytes.count
    throw failure("the end of a text")
  }

  private static let escapes = Array("\"\\/bfnrtu".utf8)

  private mutating func numberRange() throws(Failure) -> Range<Int> {
    let start = position
    var index = position
    func digits() -> Int {
      let first = index
      while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
      return index - first
    }
    func peek(_ marks: String) -> Bool { index < bytes.count && marks.utf8.contains(bytes[index]) }
    if peek("-") { index += 1 }
    guard digits() > 0 else { throw failure("a value") }
    if peek(".") {
      index += 1
      guard digits() > 0 else { throw failure("a number") }
    }
    if peek("eE") {
      index += 1
      if peek("+-") { index += 1 }
      guard digits() > 0 else { throw failure("a number") }
    }
    position = index
    return start..<index
  }

  private func unescaped(_ raw: ArraySlice<UInt8>) -> String {
    var units: [UInt16] = []
    var text = ""
    var index = raw.startIndex
    func flush() {
      text += String(decoding: units, as: UTF16.self)
      units.removeAll()
    }
    while index < raw.endIndex {
      let plainEnd = raw[index...].firstIndex(of: UInt8(ascii: "\\")) ?? raw.endIndex
      if plainEnd > index {
        flush()
        text += String(decoding: raw[index..<plainEnd], as: UTF8.self)
        index = plainEnd
        continue
      }
      let mark = raw[index + 1]
      if mark == UInt8(ascii: "u") {
        let digits = String(decoding: raw[(index + 2)...].prefix(4), as: UTF8.self)
        units.append(UInt16(digits, radix: 16) ?? 0xFFFD)
        index = min(raw.endIndex, index + 6)
      } else {
        units.append(Self.plainEscape(mark))
        index += 2
      }
    }
    flush()
    return text
  }

  private static func plainEscape(_ mark: UInt8) -> UInt16 {
    switch mark {
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    default: UInt16(mark)
    }
  }
}
