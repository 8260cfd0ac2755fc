import Hardware

/// A word of an assembly line with the column where it begins, from 0 on.
struct Word {
  var text: String
  var column: Int
}

/// Reads names, numbers and marks off one line.
struct AssemblyScanner {
  let line: SourceLine
  private let bytes: [UInt8]
  private(set) var position: Int
  private let end: Int

  init(_ line: SourceLine) {
    self.line = line
    bytes = Array(line.text.utf8)
    position = 0
    end = bytes.count
  }

  /// A scanner of one word of the line.
  init(_ word: Word, of line: SourceLine) {
    self.line = line
    bytes = Array(line.text.utf8)
    position = word.column
    end = word.column + word.text.utf8.count
  }

  var isAtEnd: Bool { position >= end }
  var peek: UInt8? { isAtEnd ? nil : bytes[position] }

  func fail(_ message: String) -> AssemblyError { line.error(position, message) }

  mutating func skipSpace() {
    while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
      position += 1
    }
  }

  /// True, and past it, when the next byte is that mark.
  mutating func accept(_ mark: Character) -> Bool {
    guard let byte = peek, byte == mark.asciiValue else { return false }
    position += 1
    return true
  }

  mutating func expect(_ mark: Character, _ context: String) throws(AssemblyError) {
    guard accept(mark) else { throw fail("expected '\(mark)' \(context)") }
  }

  /// The bytes up to the next space, quoted text kept whole; nil at the end or before a comment.
  mutating func word() throws(AssemblyError) -> Word? {
    skipSpace()
    guard let first = peek, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
      return nil
    }
    let start = position
    while let byte = peek, byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t") {
      if byte == UInt8(ascii: "\"") { _ = try quoted() } else { position += 1 }
    }
    return Word(text: String(decoding: bytes[start..<position], as: UTF8.self), column: start)
  }

  /// A name: a run of letters, digits and `_ . - / `, or any text in quotes.
  mutating func name(_ what: String) throws(AssemblyError) -> String {
    if peek == UInt8(ascii: "\"") { return try quoted() }
    let start = position
    while let byte = peek, AssemblyName.isPlain(byte) { position += 1 }
    guard position > start else { throw fail("expected \(what)") }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func quoted() throws(AssemblyError) -> String {
    let start = position
    position += 1
    var text: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let escaped = peek else { break }
        position += 1
        text.append(escaped == UInt8(ascii: "n") ? UInt8(ascii: "\n") : escaped)
      default: text.append(byte)
      }
    }
    throw line.error(start, "the quote that begins here never ends")
  }

  /// A whole number with an optional sign, inside `range`.
  mutating func integer(_ what: String, in range: ClosedRange<Int>) throws(AssemblyError) -> Int {
    let start = position
    if peek == UInt8(ascii: "-") || peek == UInt8(ascii: "+") { position += 1 }
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Int(text) else {
      throw line.error(start, "expected \(what), a whole number")
    }
    guard range.contains(value) else {
      throw line.error(
        start, "\(what) is \(value); it must lie in \(range.lowerBound)...\(range.upperBound)")
    }
    return value
  }

  /// Everything to the end of the word.
  mutating func rest() -> String {
    defer { position = end }
    return String(decoding: bytes[min(position, end)..<end], as: UTF8.self)
  }
}

/// How names are written: bare when they are simple, in quotes otherwise.
enum AssemblyName {
  static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: "-"), UInt8(ascii: "/"):
      true
    default: false
    }
  }

  static func written(_ name: String) -> String {
    if !name.isEmpty, name.utf8.allSatisfy(isPlain) { return name }
    var text = "\""
    for character in name.unicodeScalars {
      switch character {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(character)
      }
    }
    return text + "\""
  }
}
