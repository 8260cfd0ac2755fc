import Dispatch
import Synchronization

/// What git says of the working tree, looked up beside other work: to ask takes a good part of a
/// short run.
package final class SourceLookup: Sendable {
  private let queue = DispatchQueue(label: "trnbench.source")
  private let found: Mutex<SourceState>

  /// What is known already.
  package init(_ state: SourceState) { found = Mutex(state) }

  /// Begins to ask.
  package convenience init(in repository: GitRepository) {
    self.init(.unknown)
    queue.async {
      let state = repository.currentState()
      self.found.withLock { $0 = state }
    }
  }

  /// The answer, as soon as it is there.
  package var state: SourceState { queue.sync { found.withLock { $0 } } }
}
