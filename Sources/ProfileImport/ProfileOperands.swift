/// The operands of an instruction as the profiler prints them, taken apart.
///
///     S[5] (Tensor)>=1 S[4] (Scalar)++@complete EXP src=fp32@0x2000800[1,1][512,1] channels=128
///
/// Waits and updates come first, then bare words and `key=value` fields in any order. An access is
/// a format, an address, strides and sizes in elements, innermost first.
package struct ProfileOperands: Equatable, Sendable {
  /// What an instruction waits for.
  package struct Wait: Equatable, Sendable {
    /// The semaphore's number.
    package var semaphore: Int
    /// True for a wait for exactly `value`; else at least that.
    package var isExact: Bool
    /// The value waited for.
    package var value: UInt32
    /// The name that the profiler gives the semaphore: whose updates it counts.
    package var name: String

    package init(semaphore: Int, isExact: Bool, value: UInt32, name: String) {
      self.semaphore = semaphore
      self.isExact = isExact
      self.value = value
      self.name = name
    }
  }

  /// What an instruction does to a semaphore when it completes.
  package struct Update: Equatable, Sendable {
    /// How the value changes.
    package enum Kind: Equatable, Sendable { case add, subtract, write }
    /// The semaphore's number.
    package var semaphore: Int
    /// How the value changes.
    package var kind: Kind
    /// By, or to, how much.
    package var value: UInt32

    package init(semaphore: Int, kind: Kind, value: UInt32) {
      self.semaphore = semaphore
      self.kind = kind
      self.value = value
    }
  }

  /// Elements in an on-chip memory.
  package struct Access: Equatable, Sendable {
    /// The format's name; empty when the text names none.
    package var format: String
    /// The first element's address in the engines' view of the memories.
    package var address: UInt64
    /// Elements from one index to the next, innermost first.
    package var strides: [Int]
    /// Elements per dimension, innermost first.
    package var sizes: [Int]

    /// An access with every part given.
    package init(format: String, address: UInt64, strides: [Int], sizes: [Int]) {
      self.format = format
      self.address = address
      self.strides = strides
      self.sizes = sizes
    }

    /// Elements in all.
    package var count: Int {
      sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    }
  }

  /// What it waits for.
  package var waits: [Wait] = []
  /// What it updates.
  package var updates: [Update] = []
  /// Words without a value, such as a function's name.
  package var words: [String] = []
  /// Values by key; of a key that comes twice, the first.
  package var fields: [String: String] = [:]

  /// Takes a text apart. What follows no rule stays among `words`.
  package init(_ text: String) {
    var tokens: [String] = []
    for part in text.split(separator: " ") {
      // `S[5] (Tensor)>=1` is one token with a space inside.
      if part.hasPrefix("("), let last = tokens.last, last.hasSuffix("]"), last.contains("S[") {
        tokens[tokens.count - 1] += part
      } else {
        tokens.append(String(part))
      }
    }
    for token in tokens { take(token) }
  }

  private mutating func take(_ token: String) {
    if token.hasPrefix("S[") || token.hasPrefix("$S[") {
      if takeSemaphore(token) { return }
      words.append(token)
    } else if let equals = token.firstIndex(of: "="), !token.hasPrefix("$") {
      let key = String(token[..<equals])
      if fields[key] == nil { fields[key] = String(token[token.index(after: equals)...]) }
    } else {
      words.append(token)
    }
  }

  /// `S[5] (name)>=1`, `$S[2]==8`, `S[4] (name)++@complete`, `$S[2]+=1@complete`.
  private mutating func takeSemaphore(_ token: String) -> Bool {
    guard let open = token.firstIndex(of: "["), let close = token.firstIndex(of: "]"),
      let semaphore = Int(token[token.index(after: open)..<close])
    else { return false }
    var rest = token[token.index(after: close)...]
    var name = ""
    if rest.hasPrefix("("), let end = rest.lastIndex(of: ")") {
      name = String(rest[rest.index(after: rest.startIndex)..<end])
      rest = rest[rest.index(after: end)...]
    }
    guard rest.hasSuffix("@complete") else {
      for (mark, isExact) in [(">=", false), ("==", true)] where rest.hasPrefix(mark) {
        guard let value = UInt32(rest.dropFirst(2)) else { return false }
        waits.append(Wait(semaphore: semaphore, isExact: isExact, value: value, name: name))
        return true
      }
      return false
    }
    guard let (kind, value) = Self.change(rest.dropLast("@complete".count)) else { return false }
    updates.append(Update(semaphore: semaphore, kind: kind, value: value))
    return true
  }

  private static func change(_ text: Substring) -> (Update.Kind, UInt32)? {
    if text == "++" { return (.add, 1) }
    if text == "--" { return (.subtract, 1) }
    for (mark, kind) in [("+=", Update.Kind.add), ("-=", .subtract), ("=", .write)]
    where text.hasPrefix(mark) {
      return UInt32(text.dropFirst(mark.count)).map { (kind, $0) }
    }
    return nil
  }

  // MARK: Fields

  /// A whole number, decimal or hexadecimal.
  package func integer(_ key: String) -> Int? { fields[key].flatMap { Self.integer($0) } }

  /// A whole number, decimal or hexadecimal.
  static func integer(_ text: some StringProtocol) -> Int? {
    text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
  }

  /// An access: `fp32@0x2000800[1,1,1][512,1,1]`, with or without a format and a pattern.
  package func access(_ key: String) -> Access? {
    guard var text = fields[key].map({ $0[...] }) else { return nil }
    var access = Access(format: "", address: 0, strides: [], sizes: [])
    if let at = text.firstIndex(of: "@") {
      access.format = String(text[..<at])
      text = text[text.index(after: at)...]
    }
    let address = text.prefix { $0 != "[" }
    guard let value = Self.integer(address), value >= 0 else { return nil }
    access.address = UInt64(value)
    text = text[address.endIndex...]
    guard !text.isEmpty else { return access }
    guard let (strides, sizes) = Self.lists(text) else { return nil }
    access.strides = strides
    access.sizes = sizes
    return access
  }

  /// Strides and sizes of a transfer: `[262144,1][128,1]`, in bytes and elements.
  package func pattern(_ key: String) -> (strides: [Int], sizes: [Int])? {
    fields[key].flatMap { Self.lists($0[...]) }
  }

  /// Two lists of equal length, the second of positive sizes.
  private static func lists(_ text: Substring) -> (strides: [Int], sizes: [Int])? {
    let parts = text.split(separator: "]", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2].isEmpty else { return nil }
    var lists: [[Int]] = []
    for part in parts.prefix(2) {
      guard part.hasPrefix("[") else { return nil }
      let numbers = part.dropFirst().split(separator: ",").map { Int($0) }
      guard !numbers.contains(nil) else { return nil }
      lists.append(numbers.compactMap { $0 })
    }
    guard lists[0].count == lists[1].count, (1...8).contains(lists[0].count),
      lists[1].allSatisfy({ $0 > 0 && $0 < 1 << 32 })
    else { return nil }
    return (lists[0], lists[1])
  }

  /// Rows and columns of the tensor engine's array in use, printed as `128*128`.
  package var arrayTile: (rows: Int, columns: Int)? {
    for word in words {
      let parts = word.split(separator: "*").map { Int($0) }
      if parts.count == 2, let rows = parts[0], let columns = parts[1] { return (rows, columns) }
    }
    return nil
  }
}

extension ProfileInstruction {
  /// True for a row of a barrier between engines and its like: only waits and updates.
  package var isSemaphoreRow: Bool { opcode == "EVENT_SEMAPHORE" }

  /// Floating-point operations of a MATMUL: two for each of rows × columns × moving columns.
  func flops(_ operands: ProfileOperands) -> Int64 {
    guard opcode == "MATMUL", let tile = operands.arrayTile, let moving = operands.access("src")
    else { return 0 }
    let tileCount = tile.rows.multipliedReportingOverflow(by: tile.columns).partialValue
    let count = tileCount.multipliedReportingOverflow(by: moving.count).partialValue
    return 2 &* Int64(count)
  }
}
