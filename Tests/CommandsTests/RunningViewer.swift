import Foundation

/// `trnbench trace view` on a terminal, with keys and screens.
final class RunningViewer {
  let terminal: PseudoTerminal
  private let process = Process()

  /// Starts the viewer; `variables` go before those of this process.
  init(
    _ product: Product, _ arguments: [String], in folder: URL, columns: Int, rows: Int,
    variables: [String: String]
  ) throws {
    terminal = try PseudoTerminal(columns: columns, rows: rows)
    let end = FileHandle(fileDescriptor: terminal.processEnd, closeOnDealloc: false)
    process.executableURL = product.executable
    process.arguments = ["trace", "view"] + arguments
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    for name in ["NO_COLOR", "COLUMNS"] { environment[name] = nil }
    environment["TERM"] = "xterm-256color"
    environment["LC_ALL"] = "C.UTF-8"
    process.environment = environment.merging(variables) { $1 }
    process.standardInput = end
    process.standardOutput = end
    process.standardError = end
    try process.run()
  }

  deinit { if process.isRunning { process.terminate() } }

  /// Sends a signal.
  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Everything that was written.
  var text: String { String(decoding: terminal.bytes, as: UTF8.self) }

  /// The whole screens that were shown, one after another, without the codes that clear a line.
  var screens: [[String]] {
    text.components(separatedBy: "\u{1B}[H").dropFirst().compactMap { part in
      let lines = part.components(separatedBy: "\r\n")
      guard let last = lines.last, last.contains("\u{1B}[K") else { return nil }
      return lines.map { line in
        let shown = line.components(separatedBy: "\u{1B}[K")[0]
        return String(shown.reversed().drop { $0 == " " }.reversed())
      }
    }
  }

  /// Types and waits for the screen that follows, for a minute at most.
  func press(_ keys: String) -> [String] {
    let before = screens.count
    terminal.type(keys)
    return nextScreen(after: before)
  }

  /// The last of the screens that come after so many.
  func nextScreen(after count: Int) -> [String] {
    var silent = 0
    while screens.count <= count, silent < 600 {
      if !terminal.receive(timeoutMilliseconds: 100) { silent += 1 }
    }
    // Keys that were read in two parts make two screens.
    while terminal.receive(timeoutMilliseconds: 150) {}
    return screens.last ?? []
  }

  /// Waits for the end of the process, for a minute at most; nil when it does not come.
  func ending() -> Int32? {
    var waits = 0
    while process.isRunning, waits < 1_200 {
      _ = terminal.receive(timeoutMilliseconds: 50)
      waits += 1
    }
    while terminal.receive(timeoutMilliseconds: 50) {}
    return process.isRunning ? nil : process.terminationStatus
  }
}
