import Foundation

/// A file open for writing. Every failure carries the path and the system's error number.
struct OutputFile: ~Copyable {
  let path: String
  private var descriptor: Int32

  /// Creates the file, or empties the one that is there.
  init(creating path: String) throws(TraceError) {
    let opened = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard opened >= 0 else {
      throw .system(doing: "creating the file", path: path, code: errno)
    }
    self.path = path
    descriptor = opened
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends all of `bytes`, however many calls the system needs for it.
  func append(_ bytes: [UInt8]) throws(TraceError) {
    let code = unsafe bytes.withUnsafeBytes { unsafe put($0, at: nil) }
    if let code { throw .system(doing: "writing", path: path, code: code) }
  }

  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TraceError) {
    if let code = unsafe put(bytes, at: offset) {
      throw .system(doing: "writing", path: path, code: code)
    }
  }

  /// The error number, or nil when all was written.
  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int64?) -> Int32? {
    var done = 0
    while done < bytes.count {
      // `done` is below the count, so the rest lies inside the buffer.
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
      let written =
        if let offset {
          unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + Int64(done)))
        } else {
          unsafe Foundation.write(descriptor, rest.baseAddress, rest.count)
        }
      if written < 0 {
        if errno == EINTR { continue }
        return errno
      }
      if written == 0 { return EIO }
      done += written
    }
    return nil
  }

  /// Closes the file and reports what the system kept for this moment.
  mutating func finish() throws(TraceError) {
    let closing = descriptor
    descriptor = -1
    if closing >= 0, close(closing) != 0 {
      throw .system(doing: "closing", path: path, code: errno)
    }
  }
}

/// A file open for reading at any place.
struct InputFile: ~Copyable {
  let path: String
  let size: Int64
  private let descriptor: Int32

  init(opening path: String) throws(TraceError) {
    let (opened, length) = try Self.open(path)
    self.path = path
    descriptor = opened
    size = length
  }

  private static func open(_ path: String) throws(TraceError) -> (Int32, Int64) {
    let opened = unsafe Foundation.open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .system(doing: "opening", path: path, code: errno) }
    var status = stat()
    let code = unsafe fstat(opened, &status) == 0 ? 0 : errno
    guard code == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      if code != 0 { throw .system(doing: "opening", path: path, code: code) }
      let isFolder = code == 0 && status.st_mode & S_IFMT == S_IFDIR
      throw .notATrace(
        path: path, why: isFolder ? "it is a folder; name a file" : "it is not a regular file")
    }
    return (opened, Int64(status.st_size))
  }

  deinit { close(descriptor) }

  /// The bytes from `offset`, fewer than `count` at the end of the file, none before its start.
  func read(at offset: Int64, count: Int) throws(TraceError) -> [UInt8] {
    guard offset >= 0 else { return [] }
    let wanted = Int(max(0, min(Int64(count), size - offset)))
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { target, filled in
      filled = 0
      while filled < wanted {
        // `filled` stays below the capacity, so the call writes inside the buffer.
        let got = unsafe pread(
          descriptor, target.baseAddress! + filled, wanted - filled, off_t(offset + Int64(filled)))
        if got < 0 && errno == EINTR { continue }
        if got <= 0 {
          failure = got < 0 ? errno : 0
          break
        }
        filled += got
      }
    }
    if failure != 0 { throw .system(doing: "reading", path: path, code: failure) }
    return bytes
  }
}
