import Foundation

/// What can go wrong with a trace file as a whole; partial loss is a `TraceDamage` instead.
package enum TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system refused: what was tried, on which file, and its error number.
  case system(doing: String, path: String, code: Int32)
  /// The file is no trace, or so damaged that nothing of it can be found.
  case notATrace(path: String, why: String)
  /// The file was written by a later major version.
  case newerVersion(path: String, major: UInt16, minor: UInt16)
  /// A record outside the limits of the format: a defect of the recorder.
  case illegalRecord(track: TrackID, index: Int64)
  /// More rows than a program counter can name.
  case programTooLong
  /// The codec refused; says why.
  case encoding(String)

  /// What failed, where, and what to do.
  package var description: String {
    switch self {
    case .system(let doing, let path, let code):
      "\(path): \(doing) failed: \(errorText(code)) (errno \(code))"
    case .notATrace(let path, let why):
      "\(path): not a trace file: \(why). Expected a .trntrace file written by trnbench"
    case .newerVersion(let path, let major, let minor):
      "\(path): trace format \(major).\(minor), but this program reads up to "
        + "\(FormatVersion.current.major).x. Use the version of trnbench that wrote it, or later"
    case .illegalRecord(let track, let index):
      "record \(index) of track \(track.name) has a negative length or a time beyond the format's "
        + "limit of \(TraceEvent.limit) ps; the recorder is wrong, please report it"
    case .programTooLong:
      "the program has more than \(UInt32.max) instructions, which is what a trace can name"
    case .encoding(let why):
      "the trace could not be encoded: \(why)"
    }
  }

  /// The process exit code that belongs to the error: 65 damaged data, 74 input/output, 64 input of
  /// another version, 1 a defect of ours.
  package var exitCode: Int32 {
    switch self {
    case .system: 74
    case .notATrace: 65
    case .newerVersion: 64
    case .illegalRecord, .programTooLong, .encoding: 1
    }
  }
}

/// The system's own words for an error number.
private func errorText(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error" }
  return unsafe String(cString: text)
}
