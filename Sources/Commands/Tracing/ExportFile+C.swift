import Foundation
import Results

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that is written part by part beside its place and then put there, so that a failure
/// leaves what was there before.
struct ExportFile {
  private let url: URL

  init(_ url: URL) { self.url = url }

  /// Runs `body` with a sink for bytes; the number of bytes written.
  func write(_ body: ((([UInt8]) throws -> Void)) throws -> Void) throws -> Int {
    guard (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory != true else {
      throw CommandFailure.unsupported(
        what: "\(url.path) is a folder", advice: "name the file that is to be written")
    }
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
        // One step, so that at every moment the old file or the new one stands there. The call
        // keeps neither path.
        guard unsafe rename(part.path, url.path) == 0 else {
          throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: url.path])
        }
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
