import Synchronization

/// A citation, kept once for all constants that share it: a device holds hundreds of constants, and
/// copying one must not touch a reference count for each.
struct SourceText: Hashable, Sendable {
  private let index: UInt32

  init(_ text: String) {
    index = Self.table.withLock { table in
      if let known = table.indices[text] { return known }
      let new = UInt32(table.texts.count)
      table.texts.append(text)
      table.indices[text] = new
      return new
    }
  }

  /// The citation.
  var text: String { Self.table.withLock { $0.texts[Int(index)] } }

  private struct Table: Sendable {
    var texts: [String] = []
    var indices: [String: UInt32] = [:]
  }

  private static let table = Mutex(Table())
}
