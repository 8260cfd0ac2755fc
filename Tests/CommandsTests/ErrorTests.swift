import Commands
import Foundation
import Results
import Testing

@Suite struct ErrorTests {
  /// One transcript of everything that a user can get wrong before a run begins.
  @Test func mistakesAreNamedWithTheNearestName() throws {
    let desk = try Desk()
    try desk.write("empty.trntrace", "")
    try desk.write("text.trntrace", String(repeating: "no trace at all\n", count: 8))
    let commands: [[String]] = [
      ["lst"], ["trace", "sumary", "x"], ["run"], ["run", "kernel/alhpa"], ["run", "pear"],
      ["run", "alpha"], ["run", "kernel/z*"], ["run", "kernel/alpha", "--device", "trn22"],
      ["run", "kernel/alpha", "--device", "mine.yaml"], ["run", "model.onnx"],
      ["run", "kernel/alpha", "--precision", "int4"],
      ["run", "kernel/alpha", "--precision", "fp16"],
      ["run", "kernel/alpha", "--mode", "timming"], ["run", "kernel/alpha", "--sede", "1"],
      ["run", "kernel/alpha", "--seed", "x"], ["run", "kernel/alpha", "--repeat", "0"],
      ["run", "kernel/alpha", "--jobs", "-1"],
      ["run", "kernel/alpha", "--sample-interval", "1us"],
      ["run", "kernel/alpha", "--trace", "samples", "--sample-interval", "0ns"],
      ["list", "devises"], ["list", "--formt", "json"], ["device", "show", "tm2"],
      ["device", "show", "trn2", "--group", "dam"],
      ["trace", "summary", "missing.trntrace"], ["trace", "summary", "empty.trntrace"],
      ["trace", "summary", "text.trntrace"], ["trace", "verify", "Workloads"],
      ["trace", "summary", "x", "--by", "kernels"], ["compare", "nothing-here"],
      ["compare", "device:trn9"], ["compare", "Workloads", "reference:h100"],
      ["compare", "Workloads", "--fail-above", "-1"],
    ]
    let text = commands.map { desk.transcript($0) }.joined(separator: "\n")
    let difference = try goldenDifference(text, "errors.txt")
    #expect(difference == nil)
  }

  @Test func badYAMLNamesFileLineAndColumnAndTheRestIsListed() throws {
    let desk = try Desk()
    try desk.write("Workloads/kernel/bad.yaml", "name: kernel/bad\ntitel: x\n")
    let difference = try goldenDifference(
      desk.transcript(["list"]) + "\n" + desk.transcript(["run", "kernel/bad"]), "bad-yaml.txt")
    #expect(difference == nil)
  }

  @Test func anUnreadableFolderOfWorkloadsIsAnInputOutputFailure() throws {
    let desk = try Desk()
    try FileManager.default.removeItem(at: desk.folder.appendingPathComponent("Workloads"))
    let answer = desk.run("list")
    #expect(answer.code == 64)
    #expect(answer.errors.contains("TRNBENCH_WORKLOADS"))
  }

  @Test func aFullDiskIsReportedAndAGoneReaderIsNot() throws {
    _ = CommandEnvironment.process()
    if let full = FileHandle(forWritingAtPath: "/dev/full") {
      let sink = FileDescriptorSink(descriptor: full.fileDescriptor)
      let failure = #expect(throws: CommandFailure.self) { try sink.write("x") }
      #expect(failure?.outcome == .inputOutputFailed)
    }
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    let sink = FileDescriptorSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    try sink.write("nobody reads this\n")
    try sink.write("nor this\n")
  }
}
