import Foundation
import Results

/// A file that is written part by part beside its place and then put there, so that a failure
/// leaves what was there before.
struct ExportFile {
  private let url: URL

  init(_ url: URL) { self.url = url }

  /// Runs `body` with a sink for bytes; the number of bytes written.
  func write(_ body: ((([UInt8]) throws -> Void)) throws -> Void) throws -> Int {
    let part = url.appendingPathExtension("part")
    do {
      try Data().write(to: part)
      let handle = try FileHandle(forWritingTo: part)
      var size = 0
      do {
        try body { bytes in
          try handle.write(contentsOf: Data(bytes))
          size += bytes.count
        }
        try handle.close()
        if FileManager.default.fileExists(atPath: url.path) {
          try FileManager.default.removeItem(at: url)
        }
        try FileManager.default.moveItem(at: part, to: url)
      } catch {
        try? FileManager.default.removeItem(at: part)
        throw error
      }
      return size
    } catch let error as CocoaError {
      throw ResultStore.fileError(error, path: url.path)
    }
  }
}
