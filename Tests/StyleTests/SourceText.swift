import Foundation

/// A Swift file seen two ways: as written, and with comments and string contents blanked, so that
/// a rule about code is not misled by words in a sentence. Columns and lines agree in both views.
///
/// It knows nested comments, raw and multi-line strings and code inside interpolations. It does not
/// know bare-slash regular expressions; a quote inside one would blank what follows on its line.
struct SourceText {
  /// The lines as written.
  let lines: [String]
  /// The same lines with comments and strings replaced by spaces.
  let codeLines: [String]
  /// The words, numbers and marks of the code, in order.
  let tokens: [Token]

  init(_ text: String) {
    let bytes = Array(text.utf8)
    var scanner = SourceScanner(bytes: bytes)
    scanner.scanCode(isInterpolation: false)
    let code = zip(bytes, scanner.isCode).map { byte, isCode in
      isCode || byte == SourceScanner.newline ? byte : SourceScanner.space
    }
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    codeLines = String(decoding: code, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    tokens = Token.tokens(of: code)
  }

  /// The number of lines; a newline at the end of the file does not begin another.
  var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }
}

/// Marks each byte of a Swift file as code or not code.
struct SourceScanner {
  static let newline = UInt8(ascii: "\n")
  static let space = UInt8(ascii: " ")

  let bytes: [UInt8]
  private(set) var isCode: [Bool]
  private var position = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
    isCode = Array(repeating: true, count: bytes.count)
  }

  /// Reads code up to the end, or up to the parenthesis that closes an interpolation.
  mutating func scanCode(isInterpolation: Bool) {
    var depth = 0
    while position < bytes.count {
      if starts(with: "//") {
        blank(while: { $0 != Self.newline })
      } else if starts(with: "/*") {
        scanBlockComment()
      } else if bytes[position] == UInt8(ascii: "\"") {
        scanString(hashes: 0)
      } else if bytes[position] == UInt8(ascii: "#") {
        scanAfterHashes()
      } else {
        if bytes[position] == UInt8(ascii: "(") { depth += 1 }
        if bytes[position] == UInt8(ascii: ")") {
          if isInterpolation && depth == 0 { return }
          depth -= 1
        }
        position += 1
      }
    }
  }

  private func starts(with prefix: String, at offset: Int = 0) -> Bool {
    bytes[min(position + offset, bytes.count)...].starts(with: prefix.utf8)
  }

  private mutating func blank(count: Int) {
    for _ in 0..<count where position < bytes.count {
      isCode[position] = false
      position += 1
    }
  }

  private mutating func blank(while condition: (UInt8) -> Bool) {
    while position < bytes.count && condition(bytes[position]) { blank(count: 1) }
  }

  private mutating func scanBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        blank(count: 2)
      } else if starts(with: "*/") {
        depth -= 1
        blank(count: 2)
      } else {
        blank(count: 1)
      }
    } while depth > 0 && position < bytes.count
  }

  /// A `#` begins a raw string, an extended regular expression, a directive or a macro.
  private mutating func scanAfterHashes() {
    let hashes = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
    if starts(with: "\"", at: hashes) {
      scanString(hashes: hashes)
    } else if starts(with: "/", at: hashes) {
      let closing = "/" + String(repeating: "#", count: hashes)
      blank(count: hashes + 1)
      while position < bytes.count && !starts(with: closing) { blank(count: 1) }
      blank(count: closing.utf8.count)
    } else {
      position += hashes
    }
  }

  private mutating func scanString(hashes: Int) {
    let marks = String(repeating: "#", count: hashes)
    blank(count: hashes)
    let quotes = starts(with: "\"\"\"") ? "\"\"\"" : "\""
    blank(count: quotes.utf8.count)
    while position < bytes.count {
      if starts(with: "\\" + marks + "(") {
        blank(count: hashes + 2)
        scanCode(isInterpolation: true)
        blank(count: 1)
      } else if starts(with: "\\" + marks) {
        blank(count: hashes + 2)
      } else if starts(with: quotes + marks) {
        blank(count: quotes.utf8.count + hashes)
        return
      } else if bytes[position] == Self.newline && quotes == "\"" {
        return
      } else {
        blank(count: 1)
      }
    }
  }
}
