#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What stands at the other end of standard output or standard error.
package struct Terminal: Hashable, Sendable {
  /// False for files and pipes.
  package var isTerminal: Bool
  /// Columns; where nothing tells, 80 on a terminal and room for every column in a file.
  package var width: Int
  /// Whether colours may be used.
  package var hasColour: Bool
  /// Whether only ASCII characters are shown as they are.
  package var isASCII: Bool

  package init(isTerminal: Bool, width: Int, hasColour: Bool, isASCII: Bool = false) {
    self.isTerminal = isTerminal
    self.width = width
    self.hasColour = hasColour
    self.isASCII = isASCII
  }

  /// Decides from facts alone: a terminal, the environment, and whether the user asked for none.
  ///
  /// Colour needs a terminal that is not `dumb`, no `--no-color` and no non-empty `NO_COLOR`.
  /// A width measured at the terminal goes before `COLUMNS`. A dumb terminal and a locale that is
  /// not of UTF-8 get ASCII; where nothing names a locale, all characters.
  package static func decide(
    isTerminal: Bool, measuredWidth: Int?, environment: [String: String], noColour: Bool
  ) -> Terminal {
    let refused = noColour || !(environment["NO_COLOR"] ?? "").isEmpty
    let isDumb = environment["TERM"] == "dumb"
    let told = environment["COLUMNS"].flatMap { Int($0) }
    let width = [measuredWidth, told].compactMap { $0 }.first { $0 > 0 } ?? (isTerminal ? 80 : 160)
    return Terminal(
      isTerminal: isTerminal, width: width, hasColour: isTerminal && !refused && !isDumb,
      isASCII: isDumb || !isUnicode(environment))
  }

  /// Whether the locale has all characters. The variables go before one another as for C programs.
  private static func isUnicode(_ environment: [String: String]) -> Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
    guard let locale = locale?.lowercased() else { return true }
    return locale.contains("utf-8") || locale.contains("utf8")
  }

  /// What standard output is now.
  package static func standardOutput(
    environment: [String: String], noColour: Bool = false
  ) -> Terminal {
    detect(STDOUT_FILENO, environment: environment, noColour: noColour)
  }

  /// What standard error is now: progress goes there, and only to a terminal.
  package static func standardError(
    environment: [String: String], noColour: Bool = false
  ) -> Terminal {
    detect(STDERR_FILENO, environment: environment, noColour: noColour)
  }

  private static func detect(
    _ descriptor: Int32, environment: [String: String], noColour: Bool
  ) -> Terminal {
    let isTerminal = isatty(descriptor) == 1
    return decide(
      isTerminal: isTerminal, measuredWidth: isTerminal ? measuredWidth(descriptor) : nil,
      environment: environment, noColour: noColour)
  }

  /// The one call to C here: the kernel fills a structure of ours and keeps no pointer to it.
  private static func measuredWidth(_ descriptor: Int32) -> Int? {
    var size = winsize()
    let status = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size)
    return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }
}
