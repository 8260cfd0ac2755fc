/// How many terminal columns a text takes.
///
/// Wide East Asian characters and emoji take two; everything else that a table of ours holds one.
package func displayWidth(_ text: String) -> Int {
  if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
  return text.reduce(0) { $0 + ($1.unicodeScalars.contains(where: isWide) ? 2 : 1) }
}

private func isWide(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
    0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF,
    0x20000...0x3FFFD:
    true
  default: scalar.properties.isEmojiPresentation
  }
}

/// Cuts a text to a width, the last column an ellipsis where something is cut.
package func truncated(_ text: String, to width: Int) -> String {
  if displayWidth(text) <= width { return text }
  if width <= 0 { return "" }
  var result = ""
  var used = 0
  for character in text {
    let size = displayWidth(String(character))
    if used + size > width - 1 { break }
    result.append(character)
    used += size
  }
  return result + "…"
}

/// The text with the characters of our own pictures and tables replaced by ASCII ones of their
/// width; names that others gave stay as they are.
package func plainText(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
  return String(
    text.map { character in
      switch character {
      case "…": "~"
      case "─": "-"
      case "×": "x"
      default: character
      }
    })
}

/// Where a cell's text stands in its column.
package enum Alignment: Hashable, Sendable {
  case left, right
}

/// Fills a text up to a width.
package func padded(_ text: String, to width: Int, _ alignment: Alignment = .left) -> String {
  let space = String(repeating: " ", count: max(0, width - displayWidth(text)))
  return alignment == .left ? text + space : space + text
}
