/// The first place where a text stops being JSON.
///
/// Foundation's decoder on Linux says that a text is damaged but not where, so this scanner runs
/// after it has refused one. It accepts exactly RFC 8259, nested at most 512 deep.
struct JSONFault: Equatable {
  /// Counted from 0.
  var byte: Int
  var reason: String

  /// Nil when the text is well-formed.
  static func find(in bytes: [UInt8]) -> JSONFault? {
    var scanner = JSONScanner(bytes: bytes)
    do throws(JSONFaultFound) {
      try scanner.document()
      return nil
    } catch {
      return error.fault
    }
  }
}

private struct JSONFaultFound: Error {
  var fault: JSONFault
}

private struct JSONScanner {
  let bytes: [UInt8]
  var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  func fail(_ reason: String) throws(JSONFaultFound) -> Never {
    let text = position < bytes.count ? reason : "the text ends here, \(reason)"
    throw JSONFaultFound(fault: JSONFault(byte: position, reason: text))
  }

  mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  mutating func document() throws(JSONFaultFound) {
    skipSpace()
    try value(depth: 0)
    skipSpace()
    if position < bytes.count { try fail("expected nothing after the document") }
  }

  mutating func value(depth: Int) throws(JSONFaultFound) {
    if depth > 512 { try fail("nested more than 512 deep") }
    switch current {
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    case UInt8(ascii: "-"): try number()
    case let digit where isDigit(digit): try number()
    default: try fail("expected a value")
    }
  }

  mutating func object(depth: Int) throws(JSONFaultFound) {
    position += 1
    skipSpace()
    if accept("}") { return }
    while true {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { try fail("expected a key in quotes") }
      try string()
      skipSpace()
      guard accept(":") else { try fail("expected ':'") }
      skipSpace()
      try value(depth: depth + 1)
      skipSpace()
      if accept(",") { continue }
      if accept("}") { return }
      try fail("expected ',' or '}'")
    }
  }

  mutating func array(depth: Int) throws(JSONFaultFound) {
    position += 1
    skipSpace()
    if accept("]") { return }
    while true {
      skipSpace()
      try value(depth: depth + 1)
      skipSpace()
      if accept(",") { continue }
      if accept("]") { return }
      try fail("expected ',' or ']'")
    }
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func word(_ text: StaticString) throws(JSONFaultFound) {
    for byte in "\(text)".utf8 {
      guard current == byte else { try fail("expected '\(text)'") }
      position += 1
    }
  }

  mutating func string() throws(JSONFaultFound) {
    let start = position
    position += 1
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        try checkEncoding(from: start)
        return
      case UInt8(ascii: "\\"): try escape()
      case 0..<0x20: try fail("a control character in a text")
      default: position += 1
      }
    }
    try fail("expected the closing quote")
  }

  mutating func escape() throws(JSONFaultFound) {
    position += 1
    guard let byte = current else { try fail("expected an escape") }
    if "\"\\/bfnrt".utf8.contains(byte) {
      position += 1
      return
    }
    guard byte == UInt8(ascii: "u") else { try fail("unknown escape") }
    position += 1
    for _ in 0..<4 {
      guard let digit = current, isHexadecimal(digit) else { try fail("expected four hex digits") }
      position += 1
    }
  }

  mutating func checkEncoding(from start: Int) throws(JSONFaultFound) {
    if String(validating: bytes[start..<position], as: UTF8.self) == nil {
      position = start
      try fail("a text that is not UTF-8")
    }
  }

  mutating func number() throws(JSONFaultFound) {
    _ = accept("-")
    if !accept("0") { try digits() }
    if accept(".") { try digits() }
    if accept("e") || accept("E") {
      if !accept("+") { _ = accept("-") }
      try digits()
    }
  }

  mutating func digits() throws(JSONFaultFound) {
    guard isDigit(current) else { try fail("expected a digit") }
    while isDigit(current) { position += 1 }
  }

  func isDigit(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  func isHexadecimal(_ byte: UInt8) -> Bool {
    let lower = byte | 0x20
    return isDigit(byte) || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "f"))
  }
}
