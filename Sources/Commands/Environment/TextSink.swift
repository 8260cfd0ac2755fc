import Synchronization

/// Where a command's text goes: standard output, standard error, or a test's buffer.
package protocol TextSink: Sendable {
  /// Puts out all of the text. Throws `CommandFailure.writing` when the system refuses.
  func write(_ text: String) throws(CommandFailure)
  /// Puts out bytes that need not be text. Throws like `write(_:)`.
  func write(bytes: [UInt8]) throws(CommandFailure)
}

/// Keeps everything that was written, for tests.
package final class CollectedText: TextSink {
  private let storage = Mutex([UInt8]())

  /// Nothing written yet.
  package init() {}

  /// Appends the text; never fails.
  package func write(_ text: String) throws(CommandFailure) {
    storage.withLock { $0 += Array(text.utf8) }
  }

  /// Appends the bytes; never fails.
  package func write(bytes: [UInt8]) throws(CommandFailure) {
    storage.withLock { $0 += bytes }
  }

  /// All that was written so far.
  package var text: String { String(decoding: storage.withLock { $0 }, as: UTF8.self) }
}
