import Foundation
import Results
import Testing

@Suite struct GitRepositoryTests {
  @Test func revisionsResolveAndDirtIsSeen() throws {
    try withTemporaryFolder { folder in
      guard try git(["init", "-q"], in: folder) != nil else { return }
      let file = folder.appendingPathComponent("a.txt")
      for content in ["1", "2", "3"] {
        try Data(content.utf8).write(to: file)
        try git(["add", "-A"], in: folder)
        try git(["commit", "-q", "-m", content], in: folder)
      }
      try git(["tag", "-a", "v1", "-m", "v1", "HEAD~2"], in: folder)
      let repository = GitRepository(folder: folder)
      let log = repository.history()
      #expect(log.count == 3)
      #expect(repository.currentState() == SourceState(commit: log[0], isDirty: false))
      #expect(try repository.resolve("HEAD~2") == log[2])
      #expect(try repository.resolve("v1") == log[2])
      #expect(try repository.resolve(String(log[1].prefix(8))) == log[1])
      #expect(throws: ResultsError.unknownRevision("v2")) { try repository.resolve("v2") }
      #expect(throws: ResultsError.unknownRevision("--all")) { try repository.resolve("--all") }

      let results = folder.appendingPathComponent("Results")
      try FileManager.default.createDirectory(at: results, withIntermediateDirectories: true)
      try Data("{}".utf8).write(to: results.appendingPathComponent("r.json"))
      #expect(!repository.currentState().isDirty, "recording a result changes no source")
      try Data("4".utf8).write(to: file)
      #expect(repository.currentState() == SourceState(commit: log[0], isDirty: true))
      try Data("3".utf8).write(to: file)
      try Data("new".utf8).write(to: folder.appendingPathComponent("b.txt"))
      #expect(repository.currentState().isDirty, "a new source file is a change")
      let inner = GitRepository(folder: results)
      #expect(inner.currentState().isDirty, "the whole tree counts, wherever the command runs")
    }
  }

  @Test func withoutGitTheCommitIsUnknown() throws {
    try withTemporaryFolder { folder in
      let none = GitRepository(folder: folder, executable: "no-such-program-at-all")
      #expect(none.currentState() == .unknown)
      #expect(none.history().isEmpty)
      #expect(throws: ResultsError.noGit(revision: "HEAD")) { try none.resolve("HEAD") }
      #expect(!SourceState.unknown.isExact)
    }
  }

  @Test func selectionsAreReadAndMissingOnesNamed() throws {
    try withTemporaryFolder { folder in
      #expect(ResultSelection(nil) == .workingTree)
      #expect(ResultSelection("device:trn3") == .device("trn3"))
      #expect(ResultSelection("reference:h100") == .reference("h100"))
      #expect(ResultSelection("HEAD~3") == .revision("HEAD~3"))
      let root = folder.appendingPathComponent("Results")
      let store = ResultStore(root: root)
      let none = GitRepository(folder: folder, executable: "no-such-program-at-all")
      let selections: [ResultSelection] = [.workingTree, .device("trn2"), .reference("h100")]
      for selection in selections {
        let error = #expect(throws: ResultsError.self) { try store.results(selection, git: none) }
        #expect(error?.outcome == .baselineMissing)
      }
      let result = sampleResult(source: .unknown)
      let url = try store.save(result)
      #expect(try store.results(.workingTree, git: none) == [result])
      #expect(try store.results(.device("trn2"), git: none) == [result])
      #expect(try store.results(ResultSelection(url.path), git: none) == [result])
      #expect(try store.results(ResultSelection(root.path), git: none) == [result])
      let error = #expect(throws: ResultsError.self) {
        try store.results(.revision("HEAD~3"), git: none)
      }
      #expect(error?.outcome == .badInput)
    }
  }

  @Test func aRevisionGivesItsCleanResults() throws {
    try withTemporaryFolder { folder in
      guard try git(["init", "-q"], in: folder) != nil else { return }
      try Data("1".utf8).write(to: folder.appendingPathComponent("a.txt"))
      try git(["add", "-A"], in: folder)
      try git(["commit", "-q", "-m", "one"], in: folder)
      let repository = GitRepository(folder: folder)
      var state = repository.currentState()
      let store = ResultStore(root: folder.appendingPathComponent("Results"))
      state.isDirty = true
      try store.save(sampleResult(source: state))
      let error = #expect(throws: ResultsError.self) {
        try store.results(.revision("HEAD"), git: repository)
      }
      #expect(error?.description.contains("-dirty") == true)
      state.isDirty = false
      try store.save(sampleResult(source: state))
      #expect(try store.results(.revision("HEAD"), git: repository).map(\.source) == [state])
    }
  }
}
