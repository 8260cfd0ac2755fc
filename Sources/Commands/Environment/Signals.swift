import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What signals mean to this process.
enum Signals {
  /// A pipe whose reader is gone and a file that may not grow further shall fail the write, not
  /// kill the process.
  static func turnWriteSignalsIntoErrors() {
    _ = signal(SIGPIPE, SIG_IGN)
    _ = signal(SIGXFSZ, SIG_IGN)
  }

  /// From now on the first interrupt sets the flag and the second ends the process at once.
  ///
  /// Verbs that keep nothing do not call this: there an interrupt ends the process as usual.
  static func watchInterrupts(_ interruption: Interruption) {
    _ = signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler {
      // The capture keeps the source alive for the rest of the process.
      withExtendedLifetime(source) {
        if !interruption.request() { _exit(130) }
      }
    }
    source.resume()
  }

  /// From now on a request to end, or the end of the terminal, sets the flag: who has changed the
  /// terminal puts it right and ends. A second one ends the process at once.
  static func watchEndings(_ interruption: Interruption) {
    for number in [SIGTERM, SIGHUP] {
      _ = signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        // The capture keeps the source alive for the rest of the process.
        withExtendedLifetime(source) {
          if !interruption.request() { _exit(130) }
        }
      }
      source.resume()
    }
  }
}
