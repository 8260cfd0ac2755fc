import Testing

/// The repository obeys each rule; RuleTests shows that each rule can fail.
@Suite("The repository keeps its style")
struct RepositoryTests {
  let sources = Repository.sources
  let everySwiftFile = Repository.sources + Repository.tests
  let graph = ModuleGraph(Repository.contents(of: ModuleGraph.path))

  private func expectNone(
    _ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for violation in violations {
      Issue.record("\(violation)", sourceLocation: sourceLocation)
    }
  }

  @Test("the walk finds the files") func walkFindsFiles() {
    #expect(sources.contains { $0.path == "Sources/Units/Picoseconds.swift" })
    #expect(everySwiftFile.contains { $0.path == "Tests/StyleTests/RepositoryTests.swift" })
    #expect(graph.modules.count > 10)
  }

  @Test func filesAreShort() { expectNone(sources.flatMap { SizeRules.fileLength($0) }) }

  @Test func functionsAreShort() { expectNone(sources.flatMap { SizeRules.functionLength($0) }) }

  @Test func importsFollowTheGraph() {
    expectNone(sources.flatMap { CodeRules.imports($0, graph: graph) })
  }

  @Test func unsafeCodeStaysInItsRooms() {
    expectNone(sources.flatMap { CodeRules.unsafety($0) })
    expectNone(CodeRules.staleUnsafeExceptions(sources))
  }

  @Test func nothingEndsTheProcess() { expectNone(everySwiftFile.flatMap(CodeRules.abruptEnds)) }

  @Test func machineConstantsLiveInHardware() {
    expectNone(sources.flatMap { CodeRules.largeLiterals($0) })
    expectNone(CodeRules.staleLiteralExceptions(sources))
  }

  @Test func exposedDeclarationsAreDocumented() {
    let written = sources.filter { !$0.isGenerated }
    for (_, files) in Dictionary(grouping: written, by: \.module) {
      let requirements = DocumentationRules.requirements(files)
      expectNone(
        files.flatMap { DocumentationRules.missingComments($0, requirements: requirements) })
    }
  }

  @Test func commentsAreWrapped() { expectNone(everySwiftFile.flatMap(WordRules.commentWidth)) }

  @Test func noWorkIsLeftUnfinished() {
    for path in textPaths {
      expectNone(WordRules.unfinishedWork(path: path, text: Repository.contents(of: path)))
    }
  }

  @Test func textNamesNoForeignPlace() {
    for path in textPaths {
      expectNone(WordRules.foreignPlaces(path: path, text: Repository.contents(of: path)))
    }
  }

  @Test func moduleGraphIsOrdered() { expectNone(graph.orderViolations) }

  @Test("a compiler does not peek at the simulator, nor a profiler at either")
  func moduleGraphKeepsItsSecrets() {
    expectNone(graph.hiddenViolations(module: "Lowering", hidden: ["NeuronCore", "NeuronChip"]))
    let simulator: Set = ["CoreState", "InstructionSet", "NeuronCore", "Lowering"]
    expectNone(graph.hiddenViolations(module: "TraceAnalysis", hidden: simulator))
    #expect(graph.module(named: "Lowering") != nil && graph.module(named: "TraceAnalysis") != nil)
  }

  @Test func foldersMatchTheGraph() {
    expectNone(graph.folderViolations(folders: Repository.folders(under: "Sources")))
    expectNone(graph.testFolderViolations(folders: Repository.folders(under: "Tests")))
  }

  /// Everything that people write and read as text, outside generated folders.
  private var textPaths: [String] {
    let folders = ["Sources", "Tests", "Workloads", "scripts", ".ci"]
    let files = [
      "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "NOTICE", "Package.swift", "README.md",
      "modules.txt",
    ]
    let endings = [".swift", ".md", ".yaml", ".txt", ".h", ".sh", ".py", "/run"]
    let below = folders.flatMap(Repository.paths(under:)).filter { path in
      endings.contains { path.hasSuffix($0) } || path.hasPrefix("scripts/") && !path.contains(".")
    }
    return below + files
  }
}
