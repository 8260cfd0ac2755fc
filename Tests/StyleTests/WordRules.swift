/// Rules about words in any text, comments included.
enum WordRules {
  static let columnLimit = 100

  /// Comments that are too wide. A line of one unbreakable word, such as an address, may be.
  static func commentWidth(_ file: SourceFile) -> [Violation] {
    file.text.lines.enumerated().compactMap { number, line in
      let comment = line.drop { $0 == " " }
      guard comment.hasPrefix("//"), line.count > columnLimit else { return nil }
      guard comment.split(separator: " ").count > 2 else { return nil }
      return file.violation(line: number, "\(line.count) columns; wrap comments at \(columnLimit)")
    }
  }

  // Written in halves, so that the rules do not find themselves.
  private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

  /// Marks of unfinished work.
  static func unfinishedWork(path: String, text: String) -> [Violation] {
    find(unfinished, path: path, text: text, isWholeWord: true) { "'\($0)': finish it or drop it" }
  }

  private static let places = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"]
  private static let registries = [
    "py" + "pi.org", "npm" + "js.org", "arti" + "factory", "proxy.go" + "lang.org",
    "crates" + ".io",
  ]

  /// Paths of one machine and hosts of package registries.
  static func foreignPlaces(path: String, text: String) -> [Violation] {
    find(places + registries, path: path, text: text, isWholeWord: false) {
      "'\($0)' means nothing on another machine"
    }
  }

  private static func find(
    _ words: [String], path: String, text: String, isWholeWord: Bool,
    message: (String) -> String
  ) -> [Violation] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().flatMap { number, line in
      words.filter { word in
        isWholeWord ? contains(line, word: word) : line.contains(word)
      }
      .map { Violation(path: path, line: number, message: message($0)) }
    }
  }

  private static func contains(_ line: Substring, word: String) -> Bool {
    line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { $0 == word }
  }
}
