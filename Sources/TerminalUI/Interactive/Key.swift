/// One key, or one report of a mouse.
package enum Key: Hashable, Sendable {
  case character(Character)
  case up, down, left, right, home, end, pageUp, pageDown
  case enter, escape, tab, backTab, backspace
  /// Control-C, which a raw terminal hands over like any other key.
  case interrupt
  /// A press of the left button; column and row from 0.
  case click(column: Int, row: Int)
  /// The wheel, away from the reader or towards.
  case wheel(isUp: Bool, column: Int, row: Int)
}

extension Key {
  private static let named: [String: Key] = [
    "up": .up, "down": .down, "left": .left, "right": .right, "home": .home, "end": .end,
    "pageup": .pageUp, "pagedown": .pageDown, "enter": .enter, "escape": .escape, "tab": .tab,
    "backtab": .backTab, "backspace": .backspace,
  ]

  /// The keys of a text: characters as they stand, others by name as in `/MATMUL<enter>`; nil when
  /// a name is unknown.
  package static func parse(_ text: String) -> [Key]? {
    var keys: [Key] = []
    var rest = text[...]
    while let first = rest.first {
      if first == "<", let end = rest.firstIndex(of: ">") {
        guard let key = named[rest[rest.index(after: rest.startIndex)..<end].lowercased()] else {
          return nil
        }
        keys.append(key)
        rest = rest[rest.index(after: end)...]
      } else {
        keys.append(.character(first))
        rest = rest.dropFirst()
      }
    }
    return keys
  }
}

/// Turns the bytes of a terminal into keys.
///
/// Bytes may arrive cut anywhere: what could still become a longer key waits for more, until
/// `finish` says that nothing follows.
package struct KeyDecoder: Sendable {
  private var pending: [UInt8] = []

  /// A decoder that has seen nothing.
  package init() {}

  /// Whether bytes wait for more.
  package var isWaiting: Bool { !pending.isEmpty }

  /// The keys that are complete with these bytes.
  package mutating func decode(_ bytes: some Sequence<UInt8>) -> [Key] {
    pending.append(contentsOf: bytes)
    var keys: [Key] = []
    while !pending.isEmpty {
      guard let step = Self.next(pending[...]) else { break }
      pending.removeFirst(step.size)
      if let key = step.key { keys.append(key) }
    }
    return keys
  }

  /// What waits, as it stands: a lone escape is the key of that name.
  package mutating func finish() -> [Key] {
    defer { pending.removeAll() }
    return pending.first == 0x1B ? [.escape] : []
  }

  private typealias Step = (key: Key?, size: Int)

  /// The first key and its length; nil when more bytes are needed.
  private static func next(_ bytes: ArraySlice<UInt8>) -> Step? {
    switch bytes[0] {
    case 0x1B: return escape(bytes)
    case 0x03: return (.interrupt, 1)
    case 0x09: return (.tab, 1)
    case 0x0A, 0x0D: return (.enter, 1)
    case 0x08, 0x7F: return (.backspace, 1)
    case ..<0x20: return (nil, 1)
    default: return character(bytes)
    }
  }

  private static func character(_ bytes: ArraySlice<UInt8>) -> Step? {
    let size =
      switch bytes[0] {
      case ..<0x80: 1
      case 0xC0..<0xE0: 2
      case 0xE0..<0xF0: 3
      case 0xF0..<0xF8: 4
      default: 0
      }
    guard size > 0 else { return (nil, 1) }
    guard bytes.count >= size else { return nil }
    guard let text = String(validating: bytes.prefix(size), as: UTF8.self), text.count == 1
    else { return (nil, 1) }
    return (.character(Character(text)), size)
  }

  private static let letters: [UInt8: Key] = [
    0x41: .up, 0x42: .down, 0x43: .right, 0x44: .left, 0x46: .end, 0x48: .home, 0x5A: .backTab,
  ]
  private static let numbers: [String: Key] = [
    "1": .home, "4": .end, "5": .pageUp, "6": .pageDown, "7": .home, "8": .end,
  ]

  private static func escape(_ bytes: ArraySlice<UInt8>) -> Step? {
    guard bytes.count >= 2 else { return nil }
    guard bytes[1] == 0x5B || bytes[1] == 0x4F else { return (.escape, 1) }
    // The last byte of a sequence is a letter or a tilde; what comes before are its numbers.
    guard let last = bytes.dropFirst(2).firstIndex(where: { (0x40...0x7E).contains($0) }) else {
      return bytes.count > 32 ? (nil, bytes.count) : nil
    }
    let size = last + 1
    let body = String(decoding: bytes[2..<last], as: UTF8.self)
    if body.hasPrefix("<") { return (mouse(body.dropFirst(), isPress: bytes[last] == 0x4D), size) }
    if bytes[last] == 0x7E { return (numbers[body], size) }
    return (letters[bytes[last]], size)
  }

  /// `button;column;row`, counted from 1.
  private static func mouse(_ body: Substring, isPress: Bool) -> Key? {
    let parts = body.split(separator: ";").compactMap { Int($0) }
    guard parts.count == 3, isPress, parts[1] > 0, parts[2] > 0 else { return nil }
    let (column, row) = (parts[1] - 1, parts[2] - 1)
    switch parts[0] {
    case 0: return .click(column: column, row: row)
    case 64, 65: return .wheel(isUp: parts[0] == 64, column: column, row: row)
    default: return nil
    }
  }
}
