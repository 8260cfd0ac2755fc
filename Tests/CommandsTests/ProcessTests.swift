import Foundation
import Testing

/// What the built executable does with signals, full disks and closed pipes, seen from outside.
@Suite(.serialized) struct ProcessTests {
  private func desk() throws -> Desk {
    let desk = try Desk()
    try desk.write("Workloads/kernel/long.yaml", SmallWorkloads.long)
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    try desk.write(
      "Workloads/suites/trio.yaml",
      "title: One short, one long, one never begun\n"
        + "workloads:\n  - kernel/alpha\n  - kernel/long\n  - kernel/beta\n")
    return desk
  }

  private func results(_ desk: Desk, _ ending: String = ".json") -> [String] {
    let folder = desk.folder.appendingPathComponent("out").path
    let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
    return (files ?? []).filter { $0.hasSuffix(ending) }.sorted()
  }

  /// Waits until the first result of a running suite is there, or fails after a minute.
  private func waitForFirstResult(_ desk: Desk, _ running: Product.Running) throws {
    for _ in 0..<6_000 where results(desk).isEmpty && running.process.isRunning {
      Thread.sleep(forTimeInterval: 0.01)
    }
    #expect(results(desk).count == 1)
    #expect(running.process.isRunning, "the long run must still be going on")
  }

  @Test func anInterruptKeepsFinishedResultsAndIsOneHundredThirty() throws {
    let desk = try desk()
    let running = try Product().start(
      ["run", "trio", "--mode", "functional", "--output", "out"], in: desk)
    try waitForFirstResult(desk, running)
    running.process.interrupt()
    let ending = try running.ending()
    #expect(!ending.wasKilled)
    #expect(ending.code == 130)
    #expect(ending.errors.contains("interrupted: 2 of 3 runs did not finish"), "\(ending.errors)")
    #expect(ending.output.contains("kernel/alpha"))
    let saved = results(desk)
    #expect(saved.count == 1 && saved.allSatisfy { $0.contains("alpha") })
    let file = desk.folder.appendingPathComponent("out/\(saved.first ?? "")")
    #expect(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) is [String: Any])
  }

  @Test func anInterruptedTraceIsReadAsFarAsItGoes() throws {
    let desk = try desk()
    let running = try Product().start(
      ["run", "trio", "--mode", "functional", "--output", "out", "--trace", "samples"], in: desk)
    try waitForFirstResult(desk, running)
    Thread.sleep(forTimeInterval: 0.5)
    running.process.interrupt()
    #expect(try running.ending().code == 130)
    let trace = try #require(results(desk, "alpha.trntrace").first)
    #expect(desk.run("trace", "verify", "out/\(trace)").code == 0)
  }

  /// Sets hash anew in every process, and no program may depend on that.
  @Test func aProgramIsTheSameInEveryProcess() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let ending = try Product().shell(
      "cd '\(root.path)' && for i in 1 2 3 4 5 6 7 8; do "
        + "\"$TRNBENCH\" disasm llm/llama-tiny-layer-train | cksum; done | sort -u | wc -l",
      in: try desk())
    #expect(ending.output.trimmingCharacters(in: .whitespacesAndNewlines) == "1")
  }

  @Test func outputToAFullDiskIsSeventyFour() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let ending = try Product().shell("\"$TRNBENCH\" list > /dev/full", in: try desk())
    #expect(ending.code == 74)
    #expect(ending.errors.contains("standard output cannot be written: No space left on device"))
  }

  /// A limit on the size of files refuses a write where a full disk would; the signal that comes
  /// with it must not end the process.
  @Test func aTraceThatMeetsAFullDiskIsSeventyFourAndNamesTheFile() throws {
    let desk = try desk()
    let ending = try Product().shell(
      "ulimit -f 8; exec \"$TRNBENCH\" run kernel/product --mode timing --trace events "
        + "--output out > /dev/null",
      in: desk)
    #expect(!ending.wasKilled)
    #expect(ending.code == 74)
    #expect(ending.errors.contains("product.trntrace"), "\(ending.errors)")
  }

  @Test func aResultThatMeetsAFullDiskIsSeventyFourAndNamesTheFile() throws {
    let desk = try desk()
    let ending = try Product().shell(
      "ulimit -f 1; exec \"$TRNBENCH\" run kernel/alpha --mode timing --output out > /dev/null",
      in: desk)
    #expect(!ending.wasKilled)
    #expect(ending.code == 74)
    #expect(ending.errors.contains("alpha"), "\(ending.errors)")
    #expect(results(desk).isEmpty, "half a result must not stand under a result's name")
  }

  @Test func aReaderThatGoesAwayIsNoFailure() throws {
    let ending = try Product().shell(
      "{ \"$TRNBENCH\" device show trn2 --sources; echo $? >&2; } | head -n 1", in: try desk())
    #expect(ending.errors == "0\n")
  }

  @Test func exitCodesReachTheShell() throws {
    let product = try Product()
    let desk = try desk()
    try desk.write("stuck.trnasm", ".segment s\n.engine vector\nNOP wait S0>=1\n")
    try desk.write("cut.trntrace", "x")
    for (arguments, code) in [
      ("list", 0), ("run stuck.trnasm --output out", 3), ("compare nothing", 5),
      ("run kernel/alhpa", 64),
      ("trace verify cut.trntrace", 65), ("trace verify missing.trntrace", 74),
    ] as [(String, Int32)] {
      let ending = try product.shell("\"$TRNBENCH\" \(arguments)", in: desk)
      #expect(ending.code == code, "\(arguments): \(ending.errors)")
    }
  }
}
