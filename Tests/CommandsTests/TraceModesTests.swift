import Foundation
import Testing
import TraceFile

/// Traces of one workload in several modes of recording, in one folder of results.
@Suite struct TraceModesTests {
  private static let folder = "out/unknown/trn2"

  private func record(_ desk: Desk, _ name: String, _ options: [String]) throws -> String {
    let run = desk.run(
      ["run", name, "--mode", "timing", "--output", "out", "--format", "json", "--trace"]
        + options)
    try #require(run.code == 0, "\(run.errors)")
    let document = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    let runs = try #require(document?["runs"] as? [[String: Any]])
    return try #require(runs[0]["trace"] as? String).replacing("DESK/", with: "")
  }

  private func recording(_ desk: Desk, _ path: String) throws -> String? {
    try TraceReader(path: desk.folder.appendingPathComponent(path).path)
      .metadata.entries[TraceMetadata.Key.recording]
  }

  /// The first mode has the plain name, which it keeps; others have theirs in the name.
  @Test func aSecondModeKeepsTheFirst() throws {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    let samples = ["samples", "--sample-interval", "50ns"]
    let plain = "\(Self.folder)/kernel/product"
    let first = try record(desk, "kernel/product", ["events"])
    #expect(first == plain + ".trntrace")
    let events = try Data(contentsOf: desk.folder.appendingPathComponent(first))
    let second = try record(desk, "kernel/product", samples)
    #expect(second == plain + ".samples.trntrace")
    let third = try record(desk, "kernel/product", ["window", "--trace-to", "1us"])
    #expect(third == plain + ".window.trntrace")
    for (path, mode) in [(first, "events"), (second, "samples"), (third, "window")] {
      #expect(try recording(desk, path) == mode)
      #expect(desk.run("trace", "verify", path).code == 0)
    }
    // Again in a mode that is there: its own file and no other.
    #expect(try record(desk, "kernel/product", samples) == second)
    #expect(try record(desk, "kernel/product", ["events"]) == first)
    #expect(try Data(contentsOf: desk.folder.appendingPathComponent(first)) == events)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: desk.folder.appendingPathComponent("\(Self.folder)/kernel").path)
    #expect(
      files.filter { $0.hasSuffix("trace") }.sorted()
        == ["product.samples.trntrace", "product.trntrace", "product.window.trntrace"])
  }

  /// A window answers for the time that it recorded: what lies outside is refused, not idle.
  @Test func aWindowAnswersForItself() throws {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    let path = try record(
      desk, "kernel/product", ["window", "--trace-from", "1us", "--trace-to", "2us"])
    func summary(_ options: String...) -> Desk.Answer {
      desk.run(["trace", "summary", path, "--format", "json"] + options)
    }
    let whole = summary()
    #expect(whole.code == 0)
    #expect(summary("--from", "0us", "--to", "5us").output == whole.output)
    for range in [["--from", "0us", "--to", "1us"], ["--from", "2us"]] {
      let answer = desk.run(["trace", "summary", path] + range)
      #expect(answer.code == 64 && answer.errors.contains("holds 1000000 to 2000000 ps alone"))
      #expect(desk.run(["trace", "view", "--static", path] + range).code == 64)
    }
    let outside = desk.run("trace", "explain", path, "--at", "3us", "--engine", "tensor")
    #expect(outside.code == 64 && outside.errors.contains("from 1000000 to 2000000 ps"))
    let late = try record(
      desk, "kernel/product", ["window", "--trace-from", "5ms", "--trace-to", "6ms"])
    let answer = desk.run("trace", "summary", late)
    #expect(answer.code == 64 && answer.errors.contains("holds no record"), "\(answer.errors)")
  }

  /// What is no trace, or does not say how it was recorded, is in nobody's way.
  @Test func whatIsNoTraceIsReplaced() throws {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    try desk.write("\(Self.folder)/kernel/product.trntrace", "no trace")
    let path = try record(desk, "kernel/product", ["samples"])
    #expect(path == "\(Self.folder)/kernel/product.trntrace")
    #expect(try recording(desk, path) == "samples")
  }

  @Test func foldersOfCoresAreKeptToo() throws {
    let desk = try Desk()
    let text = (0..<2).reduce("") { text, core in
      text + ".core \(core)\n.segment part\(core)\n.engine vector\n"
        + "MEMSET dst=sbuf:fp32[0:128]@0{4:1} value=1\n"
    }
    try desk.write("pair.trnasm", text)
    let places = try [["samples"], ["events"], ["samples"]].map {
      try record(desk, "pair.trnasm", $0)
    }
    let plain = "\(Self.folder)/program/pair"
    #expect(places == [plain + ".cores", plain + ".events.cores", plain + ".cores"])
    for (place, mode) in zip(places, ["samples", "events"]) {
      for core in 0..<2 {
        #expect(try recording(desk, "\(place)/core\(core).trntrace") == mode)
      }
    }
  }
}
