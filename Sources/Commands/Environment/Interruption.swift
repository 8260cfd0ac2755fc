import Synchronization

/// Whether the user asked for an end: set once, read by every thread between two steps.
package final class Interruption: Sendable {
  private let flag = Atomic(false)

  /// Nobody asked yet.
  package init() {}

  /// True once the user asked.
  package var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Asks; true for the first time, false when it was asked before.
  @discardableResult
  package func request() -> Bool { !flag.exchange(true, ordering: .relaxed) }
}
