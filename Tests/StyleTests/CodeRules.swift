/// Rules about what code may say.
enum CodeRules {
  /// Imports that the module's row in modules.txt does not name.
  static func imports(_ file: SourceFile, graph: ModuleGraph) -> [Violation] {
    let listed = Set(graph.module(named: file.module)?.imports ?? [])
    let allowed = listed.union(ModuleGraph.systemModules)
    return importedModules(file.text.tokens).compactMap { name, line in
      guard !allowed.contains(name) else { return nil }
      return file.violation(line: line, "\(file.module) may not import \(name); see modules.txt")
    }
  }

  private static func importedModules(_ tokens: [Token]) -> [(name: String, line: Int)] {
    let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let"]
    return tokens.indices.compactMap { index in
      guard tokens[index].text == "import", index + 1 < tokens.count else { return nil }
      let isKind = kinds.contains(tokens[index + 1].text)
      let name = index + (isKind ? 2 : 1)
      return name < tokens.count ? (tokens[name].text, tokens[name].line) : nil
    }
  }

  /// Raw memory and switched-off checks outside the rooms made for them.
  static func unsafety(
    _ file: SourceFile, rooms: Set<String> = Exceptions.unsafeRooms,
    exceptions: [Exceptions.File] = Exceptions.unsafeFiles
  ) -> [Violation] {
    let isExcepted = exceptions.contains { $0.path == file.path && !$0.reason.isEmpty }
    guard !isExcepted, !rooms.contains(file.module), !file.path.hasSuffix("+C.swift") else {
      return []
    }
    return unsafeTokens(file).map { token in
      file.violation(line: token.line, "'\(token.text)' outside the modules made for it")
    }
  }

  /// Exceptions for files that are gone or say nothing unsafe.
  static func staleUnsafeExceptions(
    _ files: [SourceFile], exceptions: [Exceptions.File] = Exceptions.unsafeFiles
  ) -> [Violation] {
    exceptions.filter { exception in
      !files.contains { $0.path == exception.path && !unsafeTokens($0).isEmpty }
    }
    .map { Violation(path: $0.path, line: 0, message: "needs no exception for unsafe code") }
  }

  private static func unsafeTokens(_ file: SourceFile) -> [Token] {
    let tokens = file.text.tokens
    return tokens.indices.filter { index in
      let isAttribute = index > 0 && tokens[index - 1].text == "@"
      return tokens[index].text == "unsafe" || isAttribute && tokens[index].text == "unchecked"
    }
    .map { tokens[$0] }
  }

  /// Calls that end the process where an error should be reported.
  static func abruptEnds(_ file: SourceFile) -> [Violation] {
    let tokens = file.text.tokens
    return tokens.indices.compactMap { index in
      let token = tokens[index]
      let next = index + 1 < tokens.count ? tokens[index + 1] : nil
      // `try !isDone` negates; `try! f()` ends the process.
      let isForcedTry = token.text == "try" && next?.text == "!" && next?.isAdjacent == true
      guard token.text == "fatalError" || isForcedTry else { return nil }
      let name = isForcedTry ? "try!" : token.text
      return file.violation(line: token.line, "'\(name)': throw an error that says what to do")
    }
  }

  /// Modules whose constants all live in `Hardware`.
  static let modulesWithoutConstants: Set<String> = ["NeuronCore", "InstructionSet"]

  /// Numbers so large that they look like a constant of the machine.
  static func largeLiterals(
    _ file: SourceFile, exceptions: [Exceptions.Literal] = Exceptions.largeLiterals
  ) -> [Violation] {
    guard modulesWithoutConstants.contains(file.module) else { return [] }
    return largeTokens(file).compactMap { token in
      let isExcepted = exceptions.contains { exception in
        exception.path == file.path && exception.literal == token.text && !exception.reason.isEmpty
      }
      guard !isExcepted else { return nil }
      return file.violation(line: token.line, "\(token.text) belongs in Hardware, with its source")
    }
  }

  /// Exceptions for numbers that are gone.
  static func staleLiteralExceptions(
    _ files: [SourceFile], exceptions: [Exceptions.Literal] = Exceptions.largeLiterals
  ) -> [Violation] {
    exceptions.filter { exception in
      !files.contains { file in
        file.path == exception.path
          && largeTokens(file).contains { $0.text == exception.literal }
      }
    }
    .map { Violation(path: $0.path, line: 0, message: "needs no exception for \($0.literal)") }
  }

  private static func largeTokens(_ file: SourceFile) -> [Token] {
    file.text.tokens.filter { ($0.decimalValue ?? 0) >= 1000 }
  }
}
