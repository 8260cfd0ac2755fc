import TerminalUI

/// What one verb prints with: its environment and the options that every verb has.
struct CommandContext: Sendable {
  let environment: CommandEnvironment
  let format: OutputFormat
  let terminal: Terminal

  init(environment: CommandEnvironment, options: OutputOptions) {
    self.environment = environment
    format = options.format
    terminal = options.applied(to: environment.outputTerminal)
  }

  /// True where people read: tables may be followed by notes.
  var isForPeople: Bool { format == .table || format == .markdown }

  /// Puts text on standard output.
  func write(_ text: String) throws(CommandFailure) {
    let isPlain = terminal.isASCII && format == .table
    try environment.output.write(isPlain ? plainText(text) : text)
  }

  /// Puts bytes that need not be text on standard output.
  func write(bytes: [UInt8]) throws(CommandFailure) { try environment.output.write(bytes: bytes) }

  /// Prints a table in the chosen format; `key` names its rows in JSON.
  func show(_ table: Table, key: String = "rows") throws(CommandFailure) {
    if format == .json {
      try write(table.json(rowsKey: key))
    } else {
      try write(table.render(format, width: terminal.width, colour: terminal.hasColour))
    }
  }

  /// A line for people on standard output; nothing for machines.
  func note(_ text: String) throws(CommandFailure) {
    guard isForPeople else { return }
    let lines = text.isEmpty ? [""] : wrapped(text, width: terminal.width)
    try write(lines.map { $0 + "\n" }.joined())
  }

  /// A line for people that holds a path or a command: never broken, so that it can be copied.
  func line(_ text: String) throws(CommandFailure) {
    if isForPeople { try write(text + "\n") }
  }

  /// A line on standard error, unbroken, so that editors and `grep` find places in it.
  func complain(_ message: String) throws(CommandFailure) {
    try environment.errors.write("error: \(message)\n")
  }

  /// A line on standard error about what a reader should know and what stopped nothing.
  func warn(_ message: String) throws(CommandFailure) {
    try environment.errors.write("warning: \(message)\n")
  }
}
