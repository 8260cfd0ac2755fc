/// How long a file and a function may be.
enum SizeRules {
  static let fileLimit = 500
  static let functionLimit = 70

  static func fileLength(_ file: SourceFile, limit: Int = fileLimit) -> [Violation] {
    guard file.text.lineCount > limit, !file.isGenerated else { return [] }
    return [
      file.violation(line: limit, "\(file.text.lineCount) lines; split the file at \(limit)")
    ]
  }

  static func functionLength(_ file: SourceFile, limit: Int = functionLimit) -> [Violation] {
    guard !file.isGenerated else { return [] }
    return FunctionFinder(tokens: file.text.tokens).functions.compactMap { function in
      let length = function.lastLine - function.firstLine + 1
      guard length > limit, !isMarkedGenerated(file, above: function.firstLine) else { return nil }
      let message = "'\(function.name)' has \(length) lines; split it at \(limit)"
      return file.violation(line: function.firstLine, message)
    }
  }

  private static func isMarkedGenerated(_ file: SourceFile, above line: Int) -> Bool {
    file.text.lines[max(0, line - 3)...line].contains { line in
      line.drop(while: { $0 == " " }).hasPrefix("// generated")
    }
  }
}
