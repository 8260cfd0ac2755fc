import Synchronization

/// Where a command's text goes: standard output, standard error, or a test's buffer.
package protocol TextSink: Sendable {
  /// Puts out all of the text. Throws `CommandFailure.writing` when the system refuses.
  func write(_ text: String) throws(CommandFailure)
}

/// Keeps everything that was written, for tests.
package final class CollectedText: TextSink {
  private let storage = Mutex("")

  /// Nothing written yet.
  package init() {}

  /// Appends the text; never fails.
  package func write(_ text: String) throws(CommandFailure) {
    storage.withLock { $0 += text }
  }

  /// All that was written so far.
  package var text: String { storage.withLock { $0 } }
}
