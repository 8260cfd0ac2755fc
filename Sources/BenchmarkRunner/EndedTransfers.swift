package import TraceFile
import Units

/// Transfers as they end, brought into the order in which they began: a trace holds them so, and
/// what one covers is counted once. A transfer that began first may end after many others.
package struct EndedTransfers {
  /// The last ones wait until so many others began later; no transfer is under way for as long.
  private static let behind = 16_384

  /// In order of start.
  private var held: [TraceTransfer] = []

  /// No transfers yet.
  package init() {}

  /// Adds transfers in order of end and returns those that nothing to come has begun before.
  package mutating func takeOrdered(adding block: [TraceTransfer]) -> [TraceTransfer] {
    held += block
    order(from: held.count - block.count)
    return take(held.count - Self.behind)
  }

  /// Everything, at the end of a run.
  package mutating func takeAll() -> [TraceTransfer] { take(held.count) }

  private mutating func take(_ count: Int) -> [TraceTransfer] {
    guard count > 0 else { return [] }
    defer { held.removeFirst(count) }
    return Array(held[..<count])
  }

  /// Few transfers are under way at once, so that each moves a few places at most.
  private mutating func order(from first: Int) {
    for index in first..<held.count {
      let transfer = held[index]
      var place = index
      while place > 0, held[place - 1].record.start > transfer.record.start {
        held[place] = held[place - 1]
        place -= 1
      }
      held[place] = transfer
    }
  }
}
