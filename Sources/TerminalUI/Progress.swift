/// A progress line as text: bar, share, rate, time left.
package struct ProgressLine: Hashable, Sendable {
  /// What is going on, in a few words.
  package var title: String
  /// How much is done.
  package var done: Int64
  /// 0 where the end is not known: no bar and no time left then.
  package var total: Int64
  /// Since the beginning.
  package var elapsedSeconds: Double
  /// What is counted, such as `instr`.
  package var unit: String

  package init(
    title: String, done: Int64, total: Int64, elapsedSeconds: Double, unit: String
  ) {
    self.title = title
    self.done = done
    self.total = total
    self.elapsedSeconds = elapsedSeconds
    self.unit = unit
  }

  /// Units per second so far; nil before anything was done.
  package var rate: Double? {
    elapsedSeconds > 0 && done > 0 ? Double(done) / elapsedSeconds : nil
  }

  /// At the rate so far; nil while it is not known.
  package var secondsLeft: Double? {
    guard let rate, total > 0 else { return nil }
    return Double(max(0, total - done)) / rate
  }

  /// The line, never wider than `width`: the title is shortened and the bar dropped as needed.
  package func text(width: Int, isASCII: Bool = false) -> String {
    var facts: [String] = []
    if total > 0 {
      let share = 100 * Double(min(done, total)) / Double(total)
      facts.append(padded("\(Int(share)) %", to: 5, .right))
    } else {
      facts.append(ReaderNumber.count(Double(done), unit: unit))
    }
    if let rate { facts.append(ReaderNumber.count(rate, unit: unit + "/s")) }
    if let secondsLeft { facts.append(Self.clock(seconds: secondsLeft) + " left") }
    let tail = facts.joined(separator: "  ")
    let room = width - displayWidth(tail) - 2
    if room < 4 { return truncated(tail, to: width) }
    guard total > 0, room >= 30 else { return truncated(title, to: room) + "  " + tail }
    let barWidth = min(30, room / 3)
    let bar = Bars.horizontalBar(
      fraction: Double(done) / Double(total), width: barWidth, isASCII: isASCII)
    let name = padded(truncated(title, to: room - barWidth - 4), to: room - barWidth - 4)
    return "\(name)  [\(bar)]  \(tail)".replacingTrailingSpaces()
  }

  /// `0:07`, `12:30`, `1:02:05`.
  package static func clock(seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000 else { return "long" }
    let whole = Int(max(0, seconds).rounded(.up))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    if hours > 0 { return "\(hours):\(two(minutes)):\(two(whole % 60))" }
    return "\(minutes):\(two(whole % 60))"
  }
}

/// Rewrites one line of a terminal; silent where there is none.
///
/// Time is given by the caller, so that nothing here reads a clock; `write` puts text onto standard
/// error.
package struct ProgressReporter {
  private let terminal: Terminal
  private let write: (String) -> Void
  private var lastSeconds = -Double.infinity
  private var isLineOpen = false

  /// Lines are drawn at most this often.
  package static let intervalSeconds = 0.1

  package init(terminal: Terminal, write: @escaping (String) -> Void) {
    self.terminal = terminal
    self.write = write
  }

  /// Draws the line if enough time went by since the last one.
  package mutating func update(_ line: ProgressLine) {
    guard terminal.isTerminal, line.elapsedSeconds - lastSeconds >= Self.intervalSeconds else {
      return
    }
    lastSeconds = line.elapsedSeconds
    isLineOpen = true
    let text = line.text(width: terminal.width - 1, isASCII: terminal.isASCII)
    write("\r\u{1B}[K" + (terminal.isASCII ? plainText(text) : text))
  }

  /// Wipes the line, so that results follow on a clean one.
  package mutating func finish() {
    guard isLineOpen else { return }
    isLineOpen = false
    lastSeconds = -Double.infinity
    write("\r\u{1B}[K")
  }
}

extension String {
  fileprivate func replacingTrailingSpaces() -> String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
