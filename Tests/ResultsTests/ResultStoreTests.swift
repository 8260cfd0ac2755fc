import Foundation
import Results
import Testing

@Suite struct ResultStoreTests {
  @Test func pathsNameEveryDifference() throws {
    #expect(
      try sampleResult().relativePath() == "0123456789ab/trn2/micro/matmul-bf16.json")
    #expect(
      try sampleResult(mode: .timing, variant: "fp8", seed: 7).relativePath()
        == "0123456789ab/trn2/micro/matmul-bf16.timing.fp8.seed7.json")
    let dirty = SourceState(commit: cleanCommit, isDirty: true)
    #expect(
      try sampleResult(workload: "llm/llama3.1-8b-decode", source: dirty).relativePath()
        == "0123456789ab-dirty/trn2/llm/llama3.1-8b-decode.json")
    #expect(try sampleResult(source: .unknown).relativePath().hasPrefix("unknown/trn2/"))
  }

  @Test(arguments: ["../x", "micro//x", "micro/", "/etc/x", "micro/a b", "micro/.x", "", "a/ü"])
  func namesThatLeaveTheFolderAreRefused(workload: String) {
    #expect(throws: ResultsError.invalidName(field: "workload", value: workload)) {
      try sampleResult(workload: workload).relativePath()
    }
  }

  @Test func savedResultsComeBack() throws {
    try withTemporaryFolder { folder in
      let store = ResultStore(root: folder.appendingPathComponent("Results"))
      let results = [
        sampleResult(), sampleResult(mode: .timing), sampleResult(seed: 1),
        sampleResult(variant: "fp8", precision: "fp8"), sampleResult(device: "trn3"),
        sampleResult(source: SourceState(commit: cleanCommit, isDirty: true)),
      ]
      for result in results { try store.save(result) }
      let files = try store.files(under: store.root)
      #expect(files.count == results.count)
      #expect(files.map(\.path) == files.map(\.path).sorted())
      let loaded = try store.load(fileOrFolder: store.root)
      #expect(Set(loaded) == Set(results))
      #expect(try store.results(at: results[0].source).count == 5)
      #expect(try store.latest(device: "trn3") == [results[4]])
      #expect(try store.latest(device: "trn9").isEmpty)
    }
  }

  @Test func latestGoesByStartTime() throws {
    let old = sampleResult(started: "2025-01-01T00:00:00Z", latency: MetricValue(1.5))
    let new = sampleResult(
      source: SourceState(commit: String(repeating: "a", count: 40), isDirty: false),
      started: "2025-02-01T00:00:00Z", latency: MetricValue(2.5))
    #expect(ResultStore.latest(of: [new, old]) == [new])
    #expect(ResultStore.latest(of: [old, new]) == [new])
  }

  @Test func oneIdentityIsReplacedAndAnotherIsNot() throws {
    try withTemporaryFolder { folder in
      let store = ResultStore(root: folder)
      try store.save(sampleResult(started: "2025-01-01T00:00:00Z"))
      try store.save(sampleResult(started: "2025-02-01T00:00:00Z"))
      #expect(try store.load(fileOrFolder: folder).map(\.started) == ["2025-02-01T00:00:00Z"])
      let error = #expect(throws: ResultsError.self) {
        try store.save(sampleResult(precision: "fp8"))
      }
      guard case .identityConflict(_, "precision", "bf16", "fp8") = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      // The same twelve digits, another commit.
      let other = SourceState(commit: cleanCommit.prefix(12) + "9", isDirty: false)
      #expect(throws: ResultsError.self) { try store.save(sampleResult(source: other)) }
      #expect(try store.load(fileOrFolder: folder).map(\.source.commit) == [cleanCommit])
    }
  }

  @Test func otherExactValuesOfACleanCommitAreReportedAndNotWritten() throws {
    try withTemporaryFolder { folder in
      let store = ResultStore(root: folder)
      try store.save(sampleResult(latency: MetricValue(812.5)))
      let error = #expect(throws: ResultsError.self) {
        try store.save(sampleResult(latency: MetricValue(812.500001)))
      }
      #expect(error?.outcome == .internalError)
      #expect(try store.load(fileOrFolder: folder)[0].metric(.latency)?.value == MetricValue(812.5))
      for source in [SourceState(commit: cleanCommit, isDirty: true), .unknown] {
        try store.save(sampleResult(source: source, latency: MetricValue(1.5)))
        try store.save(sampleResult(source: source, latency: MetricValue(2.5)))
      }
    }
  }

  /// No commit says what is in a user's `model.onnx`: another one of that name takes its place.
  @Test(arguments: ["model/model", "program/loop"])
  func aFileOfTheUsersMayChange(name: String) throws {
    try withTemporaryFolder { folder in
      let store = ResultStore(root: folder)
      try store.save(sampleResult(workload: name, latency: MetricValue(1.5)))
      try store.save(sampleResult(workload: name, latency: MetricValue(2.5)))
      #expect(try store.load(fileOrFolder: folder)[0].metric(.latency)?.value == MetricValue(2.5))
      // Nor at which sizes it is run.
      var longer = sampleResult(workload: name, latency: MetricValue(3.5))
      longer.work.shape = ["x": "[64, 8]"]
      try store.save(longer)
      #expect(try store.load(fileOrFolder: folder)[0].metric(.latency)?.value == MetricValue(3.5))
    }
  }

  @Test func damagedFilesAreNamedAndMayBeReplaced() throws {
    try withTemporaryFolder { folder in
      let store = ResultStore(root: folder)
      let url = try store.save(sampleResult())
      let whole = try Data(contentsOf: url)
      try whole.prefix(100).write(to: url)
      let error = #expect(throws: ResultsError.self) { try store.load(fileOrFolder: folder) }
      guard case .damaged(url.path, 100, _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.outcome == .damagedFile)
      try store.save(sampleResult())
      #expect(try Data(contentsOf: url) == whole)
      let names = try FileManager.default.contentsOfDirectory(
        atPath: url.deletingLastPathComponent().path)
      #expect(names == [url.lastPathComponent], "no temporary file is left")
    }
  }

  @Test func failuresOfTheFileSystemAreTyped() throws {
    try withTemporaryFolder { folder in
      let blocker = folder.appendingPathComponent("0123456789ab")
      try Data("a file where a folder should be".utf8).write(to: blocker)
      let error = #expect(throws: ResultsError.self) {
        try ResultStore(root: folder).save(sampleResult())
      }
      #expect(error?.outcome == .inputOutputFailed)
      let missing = folder.appendingPathComponent("missing.json")
      let reading = #expect(throws: ResultsError.self) {
        try ResultStore(root: folder).load(missing)
      }
      #expect(
        reading == .inputOutput(path: missing.path, reason: "no such file or folder"))
    }
    let path = "r.json"
    let full = ResultStore.fileError(CocoaError(.fileWriteOutOfSpace), path: path)
    #expect(full == .diskFull(path: path))
    let denied = ResultStore.fileError(CocoaError(.fileWriteNoPermission), path: path)
    #expect(denied == .permissionDenied(path: path))
    #expect(Set([full.outcome, denied.outcome]) == [.inputOutputFailed])
  }

  @Test func everyErrorSaysSomething() throws {
    let errors: [ResultsError] = [
      .permissionDenied(path: "p"), .diskFull(path: "p"), .inputOutput(path: "p", reason: "r"),
      .damaged(path: "p", byte: 3, reason: "r"),
      .invalidField(path: "p", field: "f", reason: "is missing"),
      .unsupportedSchema(path: "p", found: 2),
      .identityConflict(path: "p", field: "seed", existing: "0", new: "1"),
      .determinismViolation(identity: "i", metric: "latency_us", first: "1", second: "2"),
      .invalidName(field: "workload", value: "../x"), .notFinite(field: "metrics.x"),
      .unknownRevision("v9"), .noGit(revision: "v9"),
      .noResults(selection: "'v9'", hint: "run something"),
    ]
    let text = errors.map { "\($0.outcome.exitCode)  \($0)\n" }.joined()
    #expect(try goldenDifference(text, "errors.txt") == nil)
  }
}
