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

  /// The lines on which an initialiser begins that only stores its parameters.
  var linesOfMemberwiseInitialisers: Set<Int> {
    let starts = tokens.indices.filter { index in
      guard tokens[index].text == "init", let body = body(ofDeclarationAt: index),
        let end = closingBrace(of: body), end > body + 1
      else { return false }
      return storesOnly(tokens[(body + 1)..<end].map(\.text))
    }
    return Set(starts.map { tokens[$0].line })
  }

  /// Whether words are a row of `self.name = name`.
  private func storesOnly(_ words: [String]) -> Bool {
    words.count.isMultiple(of: 5)
      && stride(from: 0, to: words.count, by: 5).allSatisfy { start in
        let name = words[start + 2]
        return words[start..<(start + 5)].elementsEqual(["self", ".", name, "=", name])
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
