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

/// Finds functions, initialisers, subscripts and computed properties by counting braces.
struct FunctionFinder {
  struct Function: Equatable {
    let name: String
    let firstLine: Int
    let lastLine: Int
  }

  let tokens: [Token]

  /// Words that begin another declaration: a function without a body ends there.
  private static let declarations: Set<String> = [
    "func", "init", "deinit", "subscript", "var", "let", "case", "struct", "enum", "class",
    "extension", "protocol", "import", "typealias", "associatedtype", "static", "public", "package",
    "private", "internal", "mutating",
  ]

  var functions: [Function] {
    tokens.indices.compactMap { index in
      guard let body = body(ofDeclarationAt: index), let end = closingBrace(of: body) else {
        return nil
      }
      let name = index + 1 < tokens.count ? tokens[index + 1].text : ""
      let label = tokens[index].text == "init" ? "init" : name
      return Function(
        name: label, firstLine: tokens[index].line, lastLine: tokens[end].line)
    }
  }

  private func body(ofDeclarationAt index: Int) -> Int? {
    if index > 0 && tokens[index - 1].text == "." { return nil }
    let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
    switch tokens[index].text {
    case "func", "subscript": return firstBrace(after: index, onOneLine: false)
    case "init" where ["(", "<", "?", "!"].contains(next):
      return firstBrace(after: index, onOneLine: false)
    case "deinit", "var": return firstBrace(after: index, onOneLine: true)
    default: return nil
    }
  }

  /// The brace that opens the body, outside all parentheses; nil when there is no body.
  private func firstBrace(after start: Int, onOneLine: Bool) -> Int? {
    var depth = 0
    for index in tokens.indices.dropFirst(start + 1) {
      let token = tokens[index]
      switch token.text {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      default: break
      }
      if depth < 0 { return nil }
      if depth > 0 { continue }
      if onOneLine && token.line != tokens[start].line { return nil }
      if token.text == "{" { return index }
      if token.text == "}" { return nil }
      if index > start + 1 && Self.declarations.contains(token.text) { return nil }
    }
    return nil
  }

  private func closingBrace(of opening: Int) -> Int? {
    var depth = 0
    for index in tokens.indices.dropFirst(opening) {
      if tokens[index].text == "{" { depth += 1 }
      if tokens[index].text == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }
}
