/// A word, a number or one mark of punctuation in Swift code.
struct Token: Equatable {
  enum Kind { case word, number, mark }

  let text: String
  let kind: Kind
  /// Counted from zero.
  let line: Int
  /// True when nothing stands between this token and the one before it.
  let isAdjacent: Bool

  /// Splits code whose comments and strings are already blanked.
  static func tokens(of code: [UInt8]) -> [Token] {
    var tokens: [Token] = []
    var line = 0
    var position = 0
    var isAdjacent = false
    while position < code.count {
      let byte = code[position]
      if byte == SourceScanner.newline { line += 1 }
      if isSpace(byte) {
        position += 1
        isAdjacent = false
        continue
      }
      let kind: Kind = isDigit(byte) ? .number : isWord(byte) ? .word : .mark
      let end =
        switch kind {
        case .word: endOfWord(code, from: position)
        case .number: endOfNumber(code, from: position)
        case .mark: position + 1
        }
      let text = String(decoding: code[position..<end], as: UTF8.self)
      tokens.append(Token(text: text, kind: kind, line: line, isAdjacent: isAdjacent))
      position = end
      isAdjacent = true
    }
    return tokens
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 9 || byte == 10 || byte == 32 }
  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  /// Letters, digits, `_`, `$`, back quotes and every byte outside ASCII.
  private static func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
      || byte == 36 || byte == 96 || byte >= 128
  }

  private static func endOfWord(_ code: [UInt8], from start: Int) -> Int {
    code[start...].firstIndex { !isWord($0) } ?? code.count
  }

  /// Takes in fractions and signed exponents, but neither ranges nor members.
  private static func endOfNumber(_ code: [UInt8], from start: Int) -> Int {
    let isDecimal = !code[start...].starts(with: "0x".utf8)
    var position = start
    while position < code.count {
      let byte = code[position]
      let next = position + 1 < code.count ? code[position + 1] : 0
      let isFraction = byte == UInt8(ascii: ".") && isDigit(next)
      let isExponent = isDecimal && (byte | 32) == UInt8(ascii: "e")
      if isExponent && (next == UInt8(ascii: "-") || next == UInt8(ascii: "+")) {
        position += 2
      } else if isWord(byte) || isFraction {
        position += 1
      } else {
        break
      }
    }
    return position
  }

  /// The value of a number as written; nil for a word, and for bit patterns in base 2, 8 or 16.
  var decimalValue: Double? {
    guard kind == .number else { return nil }
    return Double(text.filter { $0 != "_" })
      .flatMap { text.hasPrefix("0x") ? nil : $0 }
  }
}
