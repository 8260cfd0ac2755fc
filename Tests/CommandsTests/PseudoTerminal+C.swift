import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A terminal without a screen: a process has one end, a test types and reads at the other.
final class PseudoTerminal {
  /// The end for the process.
  let processEnd: Int32
  private let ourEnd: Int32
  /// All that the process wrote.
  private(set) var bytes: [UInt8] = []

  /// `TIOCSPTLCK` and `TIOCGPTN` of Linux, whose headers hide `posix_openpt` from Swift.
  private static let (unlock, number): (UInt, UInt) = (0x4004_5431, 0x8004_5430)

  init(columns: Int, rows: Int) throws {
    // Neither call keeps the path.
    ourEnd = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (lock, index): (Int32, Int32) = (0, -1)
    // The kernel reads the one number and writes the other.
    guard ourEnd >= 0, unsafe ioctl(ourEnd, Self.unlock, &lock) == 0,
      unsafe ioctl(ourEnd, Self.number, &index) == 0
    else { throw CocoaError(.fileReadUnknown) }
    processEnd = unsafe open("/dev/pts/\(index)", O_RDWR | O_NOCTTY)
    guard processEnd >= 0 else { throw CocoaError(.fileReadNoSuchFile) }
    resize(columns: columns, rows: rows)
  }

  deinit {
    close(processEnd)
    close(ourEnd)
  }

  /// Gives the terminal another size.
  func resize(columns: Int, rows: Int) {
    var size = winsize()
    size.ws_col = UInt16(columns)
    size.ws_row = UInt16(rows)
    // The kernel copies the structure.
    _ = unsafe ioctl(ourEnd, UInt(TIOCSWINSZ), &size)
  }

  /// Types a text in one go.
  func type(_ text: String) {
    let bytes = Array(text.utf8)
    // The buffer outlives the call.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(ourEnd, $0.baseAddress!, $0.count) }
  }

  /// Reads what is there; false when nothing came for so many milliseconds.
  func receive(timeoutMilliseconds: Int32) -> Bool {
    var request = pollfd(fd: ourEnd, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&request, 1, timeoutMilliseconds) > 0 else { return false }
    let came = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      // The kernel writes at most as many bytes as the buffer holds.
      count = max(0, unsafe read(ourEnd, buffer.baseAddress!, 65_536))
    }
    bytes += came
    return !came.isEmpty
  }

  /// Whether typed characters are shown and lines are edited: what a shell needs afterwards.
  var isCooked: Bool {
    var settings = termios()
    guard unsafe tcgetattr(processEnd, &settings) == 0 else { return false }
    let wanted = tcflag_t(ECHO | ICANON | ISIG)
    return settings.c_lflag & wanted == wanted
  }
}
