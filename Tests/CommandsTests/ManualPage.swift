import Foundation

/// The manual page in the macros of `man`: one section per verb, with the verb's own help in it.
struct ManualPage {
  let text: String

  /// A page of these verbs, the program itself first; `help` gives a verb's help text.
  init(verbs: [String], help: ([String]) -> String) {
    var lines = [
      ".\\\" Made of the help texts by the tests; RECORD_SNAPSHOTS=1 makes it anew.",
      ".TH TRNBENCH 1", ".SH NAME", "trnbench \\- an instruction\\-level model of a NeuronCore",
    ]
    for verb in verbs {
      let words = verb.split(separator: " ").map(String.init)
      let title = verb.isEmpty ? "DESCRIPTION" : "trnbench \(verb)".uppercased()
      lines.append(".SH \"\(Self.escaped(title))\"")
      lines.append(".nf")
      lines += Self.body(help(words)).map(Self.escaped)
      lines.append(".fi")
    }
    text = lines.map { $0 + "\n" }.joined()
  }

  /// The help without the word that begins it and without blank lines at its end.
  private static func body(_ help: String) -> [String] {
    var lines = help.components(separatedBy: "\n")
    while lines.last?.isEmpty == true { lines.removeLast() }
    let label = "OVERVIEW: "
    if let first = lines.first, first.hasPrefix(label) {
      lines[0] = String(first.dropFirst(label.count))
    }
    return lines
  }

  /// A line in which nothing is a request or an escape.
  private static func escaped(_ line: String) -> String {
    let text = line.replacingOccurrences(of: "\\", with: "\\e")
      .replacingOccurrences(of: "-", with: "\\-")
    return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
  }
}
