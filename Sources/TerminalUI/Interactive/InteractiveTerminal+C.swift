#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A terminal that hands over every key and shows whole screens, until it is dropped: then it looks
/// as it did before.
package struct InteractiveTerminal: ~Copyable {
  private let input: Int32
  private let output: Int32
  private let before: termios
  private var decoder = KeyDecoder()

  /// Enters the alternate screen, hides the cursor, asks for mouse reports.
  private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?1000h\u{1B}[?1006h"
  private static let leave = "\u{1B}[?1006l\u{1B}[?1000l\u{1B}[?25h\u{1B}[?1049l"

  /// Takes over standard input and output; nil when either is no terminal.
  package static func open(
    input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO
  ) -> InteractiveTerminal? {
    var settings = termios()
    // The structure is ours, and the kernel keeps no pointer to it.
    guard isatty(input) == 1, isatty(output) == 1, unsafe tcgetattr(input, &settings) == 0
    else { return nil }
    let before = settings
    unsafe cfmakeraw(&settings)
    guard unsafe tcsetattr(input, TCSAFLUSH, &settings) == 0 else { return nil }
    put(enter, output)
    return InteractiveTerminal(input: input, output: output, before: before)
  }

  private init(input: Int32, output: Int32, before: termios) {
    self.input = input
    self.output = output
    self.before = before
  }

  deinit {
    Self.put(Self.leave, output)
    var settings = before
    _ = unsafe tcsetattr(input, TCSAFLUSH, &settings)
  }

  /// Columns and rows; 80 by 24 where nothing tells.
  package var size: (columns: Int, rows: Int) {
    var size = winsize()
    let status = unsafe ioctl(output, UInt(TIOCGWINSZ), &size)
    guard status == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Shows a screen; what stood there before is overwritten line by line, so that nothing flickers.
  package func show(_ lines: [String], rows: Int) {
    var text = "\u{1B}[H"
    for row in 0..<rows {
      text += (row < lines.count ? lines[row] : "") + "\u{1B}[K"
      if row + 1 < rows { text += "\r\n" }
    }
    Self.put(text, output)
  }

  /// The keys that came, at the latest after so many milliseconds; nil when the terminal is gone.
  package mutating func keys(timeoutMilliseconds: Int32) -> [Key]? {
    var request = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    let wait = decoder.isWaiting ? min(50, timeoutMilliseconds) : timeoutMilliseconds
    let count = unsafe poll(&request, 1, wait)
    if count == 0 { return decoder.finish() }
    if count < 0 { return errno == EINTR ? [] : nil }
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1_024) { buffer, filled in
      // The kernel writes at most as many bytes as the buffer holds.
      let got = unsafe read(input, buffer.baseAddress!, 1_024)
      filled = max(0, got)
      failed = got == 0 || got < 0 && errno != EINTR && errno != EAGAIN
    }
    return failed ? nil : decoder.decode(bytes)
  }

  private static func put(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      // `done` is below the count, so that the rest lies inside the array.
      let count = unsafe bytes.withUnsafeBytes {
        unsafe write(descriptor, $0.baseAddress! + done, $0.count - done)
      }
      if count > 0 { done += count } else if errno != EINTR && errno != EAGAIN { return }
    }
  }
}
