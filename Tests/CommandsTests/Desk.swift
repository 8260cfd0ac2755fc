import BenchmarkRunner
import Commands
import Foundation
import TerminalUI

/// A folder with a small catalog of workloads in it, where verbs run in-process.
final class Desk {
  /// What one command line did.
  struct Answer: Equatable {
    var code: Int32
    var output: String
    var errors: String
  }

  let folder: URL
  var terminal = Terminal(isTerminal: false, width: 80, hasColour: false)
  var errorTerminal = Terminal(isTerminal: false, width: 80, hasColour: false)
  var executor: any WorkloadExecutor = BenchmarkExecutor()
  var interruption = Interruption()
  /// Where workloads are read from; the folder's own by default.
  var catalog: String?
  var clock: @Sendable () -> Double = { 1 }

  init() throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("trnbench-commands-" + UUID().uuidString).standardizedFileURL
    for workload in Desk.workloads { try write("Workloads/\(workload.path)", workload.text) }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Writes a file of the folder.
  func write(_ path: String, _ text: String) throws {
    let url = folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// Runs a command line; paths of the folder read as `DESK` in what it says.
  func run(_ arguments: String...) -> Answer { run(arguments) }

  func run(_ arguments: [String]) -> Answer {
    let (output, errors) = (CollectedText(), CollectedText())
    let tool = CommandLineTool(
      environment: CommandEnvironment(
        output: output, errors: errors, outputTerminal: terminal, errorTerminal: errorTerminal,
        variables: ["TRNBENCH_WORKLOADS": catalog ?? folder.path + "/Workloads"],
        currentDirectory: folder, clock: clock, interruption: interruption, executor: executor))
    let code = tool.run(arguments)
    func plain(_ text: String) -> String {
      text.replacingOccurrences(of: folder.path, with: "DESK")
    }
    return Answer(code: code, output: plain(output.text), errors: plain(errors.text))
  }

  /// The command line and everything it did, for goldens.
  func transcript(_ arguments: [String]) -> String {
    let answer = run(arguments)
    return "$ trnbench \(arguments.joined(separator: " "))\n\(answer.output)\(answer.errors)"
      + "exit code \(answer.code)\n"
  }

  private static let workloads: [(path: String, text: String)] = [
    ("kernel/alpha.yaml", workload("alpha", device: "trn2", rows: 256)),
    ("kernel/beta.yaml", workload("beta", device: "trn2", rows: 512)),
    ("kernel/gamma.yaml", workload("gamma", device: "trn3", rows: 128)),
    ("suites/pair.yaml", "title: Two of three\nworkloads:\n  - kernel/alpha\n  - kernel/beta\n"),
    ("references/h100.yaml", reference),
  ]

  private static func workload(_ name: String, device: String, rows: Int) -> String {
    """
    name: kernel/\(name)
    title: Softmax over \(rows) rows
    description: A small softmax.
    version: 1
    kind: kernel
    default_mode: functional
    default_device: \(device)
    precision: bf16
    allowed_precisions: [bf16, fp32]
    throughput: FLOP/s
    source: made up for tests
    operator: Softmax
    shape: {rows: \(rows), columns: 512}

    """
  }

  private static let reference = """
    schema: 1
    name: h100
    device: H100-SXM
    numbers:
      - id: R1
        operation: gemm
        shape: {m: 256, n: 256, k: 256}
        precision: [bf16]
        metric: throughput
        value: 500
        unit: TFLOP/s
        work: 33554432
        software: "slow library"
        source: "made up"
        notes: "none"
        trust: B
      - id: R2
        operation: gemm
        shape: {m: 256, n: 256, k: 256}
        precision: [bf16]
        metric: throughput
        value: 800
        unit: TFLOP/s
        work: 33554432
        software: "fast library"
        source: "made up"
        notes: "none"
        trust: B

    """
}
