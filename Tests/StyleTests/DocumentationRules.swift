/// What another module can use says what it is.
enum DocumentationRules {
  private static let access: Set<String> = ["public", "package", "open"]

  private static let modifiers: Set<String> = [
    "static", "final", "mutating", "nonmutating", "consuming", "borrowing", "nonisolated",
    "override", "lazy", "indirect", "convenience", "required", "private", "fileprivate", "internal",
    "weak", "unowned", "prefix", "postfix", "infix", "isolated",
  ]

  private static let declarations: Set<String> = [
    "func", "var", "let", "init", "subscript", "struct", "class", "enum", "actor", "protocol",
    "typealias", "associatedtype",
  ]

  /// Members that a protocol of the standard library or of ArgumentParser documents already.
  private static let inherited: Set<String> = [
    "description", "debugDescription", "errorDescription", "hash", "encode", "configuration",
    "run", "validate", "makeIterator", "next",
  ]

  /// Attributes whose arguments are the documentation that users read.
  private static let selfDocumenting: Set<String> = ["Option", "Argument", "Flag", "OptionGroup"]

  /// Public and package declarations without a documentation comment. An initialiser that only
  /// stores its parameters needs none: the properties have theirs. Neither does a member with the
  /// name of a requirement, for the protocol describes it.
  static func missingComments(
    _ file: SourceFile, requirements: Set<String> = []
  ) -> [Violation] {
    let tokensByLine = Dictionary(grouping: file.text.tokens, by: \.line)
    let memberwise = FunctionFinder(tokens: file.text.tokens).linesOfMemberwiseInitialisers
    return tokensByLine.keys.sorted().compactMap { line in
      guard let name = exposedName(tokensByLine[line] ?? []), !memberwise.contains(line),
        !requirements.contains(name),
        !isDocumented(file, line: line, tokensByLine: tokensByLine)
      else { return nil }
      return file.violation(line: line, "'\(name)' has no documentation comment")
    }
  }

  /// The name that a line exposes to other modules; nil when it exposes none that needs a comment.
  private static func exposedName(_ tokens: [Token]) -> String? {
    var rest = tokens[...]
    var isExposed = false
    while let token = rest.first {
      rest = rest.dropFirst()
      if token.text == "@" {
        if selfDocumenting.contains(rest.first?.text ?? "") { return nil }
        rest = skipParentheses(rest.dropFirst())
      } else if access.contains(token.text) && rest.first?.text != "(" {
        isExposed = true
      } else if access.contains(token.text) || modifiers.contains(token.text)
        || isClassModifier(token, before: rest.first)
      {
        rest = skipParentheses(rest)
      } else if declarations.contains(token.text) {
        return isExposed ? documentedName(declaration: token.text, rest: rest) : nil
      } else {
        return nil
      }
    }
    return nil
  }

  /// `class func` declares a function; `class Name` declares a class.
  private static func isClassModifier(_ token: Token, before next: Token?) -> Bool {
    token.text == "class" && declarations.contains(next?.text ?? "")
  }

  private static func documentedName(declaration: String, rest: ArraySlice<Token>) -> String? {
    let name = rest.first?.text ?? ""
    switch declaration {
    case "init":
      let isDecoder = rest.starts(with: ["(", "from"], by: { $0.text == $1 })
      return isDecoder ? nil : initialiserName(rest)
    case "func" where rest.first?.kind == .mark: return nil  // operators
    case "subscript": return "subscript"
    default: return inherited.contains(name) ? nil : name
    }
  }

  /// An initialiser is known by its first label: `init(text`.
  private static func initialiserName(_ rest: ArraySlice<Token>) -> String {
    rest.drop { $0.text != "(" }.prefix(2).reduce("init") { $0 + $1.text }
  }

  private static let requirementKinds: Set<String> = ["func", "var", "init"]

  /// The members that the protocols of these files require, named as `missingComments` names them.
  static func requirements(_ files: [SourceFile]) -> Set<String> {
    Set(files.flatMap { requirements($0.text.tokens) })
  }

  private static func requirements(_ tokens: [Token]) -> [String] {
    var names: [String] = []
    var depth = 0
    // The depth of braces inside the protocol that is being read; nil outside.
    var inside: Int?
    for index in tokens.indices {
      switch tokens[index].text {
      case "protocol" where inside == nil: inside = depth + 1
      case "{": depth += 1
      case "}":
        depth -= 1
        if let opened = inside, depth < opened { inside = nil }
      case let declaration where inside == depth && requirementKinds.contains(declaration):
        let rest = tokens[(index + 1)...]
        if let name = documentedName(declaration: declaration, rest: rest) { names.append(name) }
      default: break
      }
    }
    return names
  }

  private static func skipParentheses(_ tokens: ArraySlice<Token>) -> ArraySlice<Token> {
    guard tokens.first?.text == "(" else { return tokens }
    var depth = 0
    for index in tokens.indices {
      if tokens[index].text == "(" { depth += 1 }
      if tokens[index].text == ")" { depth -= 1 }
      if depth == 0 { return tokens[(index + 1)...] }
    }
    return []
  }

  /// Looks upward over attributes for a comment of three slashes.
  private static func isDocumented(
    _ file: SourceFile, line: Int, tokensByLine: [Int: [Token]]
  ) -> Bool {
    var openParentheses = 0
    for above in stride(from: line - 1, through: 0, by: -1) {
      let written = file.text.lines[above].drop { $0 == " " }
      if written.hasPrefix("///") || written.hasSuffix("*/") { return true }
      if written.hasPrefix("// swift-format-ignore") { continue }
      let tokens = tokensByLine[above] ?? []
      openParentheses += tokens.count { $0.text == ")" } - tokens.count { $0.text == "(" }
      if openParentheses > 0 { continue }
      guard tokens.first?.text == "@" else { return false }
      if tokens.count > 1 && selfDocumenting.contains(tokens[1].text) { return true }
    }
    return false
  }
}
