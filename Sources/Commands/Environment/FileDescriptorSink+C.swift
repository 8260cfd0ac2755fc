import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writes to an open file descriptor without a buffer of its own.
///
/// A reader that goes away (`trnbench list | head -1`) is no failure: what follows is dropped and
/// the command ends as it would have. Everything else that the system refuses is reported.
package final class FileDescriptorSink: TextSink {
  private let descriptor: Int32
  private let isReaderGone = Mutex(false)

  /// Writes to a descriptor that somebody else opened and will close.
  package init(descriptor: Int32) { self.descriptor = descriptor }

  /// Standard output of this process.
  package static let standardOutput = FileDescriptorSink(descriptor: STDOUT_FILENO)
  /// Standard error of this process.
  package static let standardError = FileDescriptorSink(descriptor: STDERR_FILENO)

  /// Writes everything, however many calls it takes.
  package func write(_ text: String) throws(CommandFailure) { try write(bytes: Array(text.utf8)) }

  /// See `write(_:)`.
  package func write(bytes: [UInt8]) throws(CommandFailure) {
    // The lock also keeps the lines of two threads apart.
    let refusal = isReaderGone.withLock { isGone -> Int32? in
      if isGone { return nil }
      let code = Self.write(bytes, to: descriptor)
      if code == EPIPE {
        isGone = true
        return nil
      }
      return code
    }
    if let refusal { throw .writing(reason: Self.reason(refusal)) }
  }

  /// The error number, or nil when all bytes are out. The pointer stays within the array.
  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        #if canImport(Glibc)
          unsafe Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        #elseif canImport(Musl)
          unsafe Musl.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        #else
          unsafe Darwin.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        #endif
      }
      if count > 0 {
        done += count
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }

  private static func reason(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }
}
