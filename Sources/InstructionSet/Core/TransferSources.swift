public import CoreState
import Synchronization

/// The sources of a computing transfer. An instruction has room for an index, not for sixteen
/// places: each distinct list is kept once, like the names of a program.
public struct TransferSources: Hashable, Sendable, BitwiseCopyable {
  private let index: UInt32

  /// The place of that list.
  public init(_ list: [ScaledLocation]) {
    index = Self.table.withLock { table in
      if let known = table.indices[list] { return known }
      let new = UInt32(table.lists.count)
      table.lists.append(list)
      table.indices[list] = new
      return new
    }
  }

  /// The sources in order.
  public var list: [ScaledLocation] { Self.table.withLock { $0.lists[Int(index)] } }

  private struct Table: Sendable {
    var lists: [[ScaledLocation]] = []
    var indices: [[ScaledLocation]: UInt32] = [:]
  }

  private static let table = Mutex(Table())
}

/// How many sources a computing transfer has: what text and binary programs say before them.
enum SourceCount: UInt8, OperandChoice {
  case one = 1
  case two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen
  case fifteen, sixteen

  var text: String { "\(rawValue)" }
}
