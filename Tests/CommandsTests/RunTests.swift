import BenchmarkRunner
import Commands
import Foundation
import Hardware
import NumericFormats
import Results
import Synchronization
import TerminalUI
import Testing
import Units
import WorkloadCatalog

@Suite struct RunTests {
  private static let laws = [
    MeasuredLaw(
      name: "nc_matmul bf16 512", quantity: "interval", nanoseconds: 213.3, published: 210...216,
      source: "trn2 capture"),
    MeasuredLaw(
      name: "nc_matmul bf16 512", quantity: "first duration", nanoseconds: 70, published: 60...65,
      source: "trn2 capture"),
    MeasuredLaw(
      name: "handoff", quantity: "latency", nanoseconds: 33, published: nil, source: "none"),
  ]

  private func desk(_ acts: [String: ScriptedExecutor.Act]) throws -> Desk {
    let desk = try Desk()
    desk.executor = ScriptedExecutor(
      acts: acts, file: desk.folder.appendingPathComponent("Results/x/trn2/kernel/alpha.json"))
    return desk
  }

  @Test func theTableOfRunsWithLawsAndNotes() throws {
    var traced = sampleResult(workload: "kernel/beta", shape: ["m": "1"], isChecked: false)
    traced.trace = "Results/x/trn2/kernel/beta.trntrace"
    let desk = try desk([
      "kernel/alpha": .result(sampleResult(), laws: Self.laws, numerics: ["y: max error 0.001"]),
      "kernel/beta": .result(traced),
      "kernel/gamma": .failure(.failed("deadlock: tensor waits for semaphore 3")),
    ])
    var text = desk.transcript(["run", "pair", "kernel/gamma", "--trace", "samples"])
    text += "\n" + desk.transcript(["run", "kernel/alpha"])
    desk.terminal.width = 132
    text += "\n" + desk.transcript(["run", "kernel/*"])
    text += "\n" + desk.transcript(["run", "kernel/alpha", "--format", "csv"])
    text += "\n" + desk.transcript(["run", "kernel/alpha", "--format", "markdown"])
    desk.executor = ScriptedExecutor(acts: [
      "kernel/alpha": .result(sampleResult(), laws: Self.laws),
      "kernel/beta": .result(sampleResult(workload: "kernel/beta"), laws: [Self.laws[2]]),
    ])
    desk.terminal.width = 80
    text += "\n" + desk.transcript(["run", "pair"])
    let difference = try goldenDifference(text, "run.txt")
    #expect(difference == nil)
  }

  @Test func aRunSaysWhatDidNotRunAsInstructions() throws {
    var result = sampleResult()
    result.work.coverage = Coverage(
      operators: 9, operatorsOnDevice: 7, flopsPercent: 100, bytesPercent: 100,
      elsewhere: ["a", "b"].map {
        Coverage.Exception(node: $0, operation: "Reshape", reason: "a view")
      }, evaluatedWhenRead: 3)
    var partial = sampleResult(workload: "kernel/beta")
    partial.work.coverage = Coverage(
      operators: 2, operatorsOnDevice: 1, flopsPercent: 40, bytesPercent: 60,
      elsewhere: [Coverage.Exception(node: "c", operation: "NonZero", reason: "no kernel")])
    partial.work.cores = 4
    let desk = try desk(["kernel/alpha": .result(result), "kernel/beta": .result(partial)])
    let one = desk.run("run", "kernel/alpha").output
    #expect(one.contains("kernel/alpha: 7 of 9 operators ran as device instructions"))
    #expect(one.contains("2 without: a view: Reshape a, Reshape b"))
    #expect(one.contains("3 nodes of the file depend on no input"))
    let both = desk.run("run", "pair").output
    #expect(!both.contains("kernel/alpha: 7 of 9"))
    #expect(both.contains("1 without: no kernel: NonZero c"))
    #expect(both.contains("kernel/beta: 4 cores of one trn2 chip together"))
  }

  @Test func jsonIsTheContractsDocumentAndNothingElse() throws {
    let (alpha, beta) = (sampleResult(), sampleResult(workload: "kernel/beta", latency: 99))
    let desk = try desk(["kernel/alpha": .result(alpha), "kernel/beta": .result(beta)])
    desk.errorTerminal.isTerminal = true
    let answer = desk.run("run", "pair", "--format", "json")
    #expect(answer.errors.isEmpty)
    let expected = try ResultDocument.encode(ResultDocument.Runs(runs: [alpha, beta]))
    #expect(answer.output == String(decoding: expected, as: UTF8.self))
  }

  @Test func oneFailingRunStopsNothingAndDecidesTheExitCode() throws {
    let good = ScriptedExecutor.Act.result(sampleResult())
    let failures: [(act: ScriptedExecutor.Act, code: Int32)] = [
      (.failure(.failed("deadlock")), 3),
      (.result(sampleResult(isPassed: false), numerics: ["y: wrong"]), 3),
      (.failure(.trace("disk full")), 74), (.failure(.badInput("no such shape")), 64),
      (.failure(.illegalProgram("too many partitions")), 64),
    ]
    for (act, code) in failures {
      let desk = try desk(["kernel/alpha": act, "kernel/beta": good])
      let answer = desk.run("run", "kernel/alpha", "kernel/beta")
      #expect(answer.code == code)
      #expect(answer.output.contains("kernel/beta"))
      #expect(answer.errors.hasPrefix("error: kernel/alpha: "))
    }
    let both = try desk(["kernel/alpha": failures[3].act, "kernel/beta": failures[0].act])
    #expect(both.run("run", "pair").code == 3)
  }

  @Test func anInterruptionKeepsWhatIsFinished() throws {
    let desk = try desk(["kernel/alpha": .result(sampleResult())])
    desk.executor = ScriptedExecutor(acts: [
      "kernel/alpha": .result(sampleResult()), "kernel/beta": .interrupt(desk.interruption),
      "kernel/gamma": .result(sampleResult(workload: "kernel/gamma")),
    ])
    let answer = desk.run("run", "kernel/alpha", "kernel/beta", "kernel/gamma")
    #expect(answer.code == 130)
    #expect(answer.output.contains("kernel/alpha"))
    #expect(!answer.output.contains("kernel/gamma"))
    #expect(answer.errors.contains("2 of 3 runs did not finish"))
    #expect(desk.run("run", "kernel/alpha", "--format", "json").output.contains("\"runs\""))
  }

  @Test func severalJobsPrintTheSameInTheSameOrder() throws {
    let desk = try desk([
      "kernel/alpha": .result(sampleResult()),
      "kernel/beta": .result(sampleResult(workload: "kernel/beta", latency: 3)),
      "kernel/gamma": .result(sampleResult(workload: "kernel/gamma", latency: 4)),
    ])
    let one = desk.run("run", "kernel/*", "--device", "trn1,trn2", "--device", "trn3")
    #expect(one.code == 0)
    for jobs in ["2", "5", "64"] {
      let several = desk.run(
        "run", "kernel/*", "--device", "trn1,trn2", "--device", "trn3", "--jobs", jobs)
      #expect(several == one)
    }
  }

  @Test func namesRepeatedOrInSuitesRunOnce() throws {
    let desk = try desk([
      "kernel/alpha": .result(sampleResult()),
      "kernel/beta": .result(sampleResult(workload: "kernel/beta")),
    ])
    let answer = desk.run("run", "kernel/beta", "pair", "kernel/alpha", "--format", "csv")
    #expect(
      answer.output.split(separator: "\n").map { $0.prefix { $0 != "," } } == [
        "workload", "kernel/beta", "kernel/alpha",
      ])
  }

  @Test func progressIsForTerminalsAlone() throws {
    let desk = try desk(["kernel/alpha": .result(sampleResult())])
    #expect(desk.run("run", "kernel/alpha").errors.isEmpty)
    desk.errorTerminal.isTerminal = true
    let errors = desk.run("run", "kernel/alpha").errors
    #expect(errors.contains("1/1 kernel/alpha: "))
    #expect(errors.hasSuffix("\r\u{1B}[K"))
  }

  @Test func aRealRunTellsItsPhasesOnATerminal() throws {
    let desk = try Desk()
    desk.errorTerminal.isTerminal = true
    let seconds = Atomic(0)
    desk.clock = { Double(seconds.add(1, ordering: .relaxed).newValue) }
    let answer = desk.run("run", "kernel/alpha")
    #expect(answer.code == 0)
    for phase in ["lowering", "running", "checking"] {
      #expect(answer.errors.contains("1/1 kernel/alpha: \(phase)"), "\(phase)")
    }
    #expect(answer.errors.hasSuffix("\r\u{1B}[K"))
    #expect(!answer.output.contains("\r") && !answer.output.contains("lowering"))
  }

  @Test func optionsReachTheRunner() throws {
    let desk = try Desk()
    let seen = SeenItems()
    desk.executor = seen
    let answer = desk.run(
      "run", "kernel/alpha", "--mode", "timing", "--seed", "7", "--repeat", "3", "--trace",
      "samples", "--sample-interval", "500ns", "--check", "--precision", "fp32", "--output", "out")
    #expect(answer.code == 0)
    let item = try #require(seen.items.first)
    #expect(item.options.mode == .timing)
    #expect((item.options.seed, item.options.repeats) == (7, 3))
    #expect(item.options.trace == .samples(interval: .nanoseconds(500)))
    #expect(item.options.checksHazards)
    #expect(item.options.output.path == desk.folder.path + "/out")
    guard case .workload(let specification, _) = item.work else {
      Issue.record("not a workload")
      return
    }
    #expect(specification.precision == .float32)
  }

  @Test func resultsStandBesideTheWorkloadsByDefault() throws {
    let desk = try Desk()
    let seen = SeenItems()
    desk.executor = seen
    _ = desk.run("run", "kernel/gamma")
    #expect(seen.items.map(\.options.output.path) == [desk.folder.path + "/Results"])
    #expect(seen.items.map(\.options.device.name) == ["trn3"])
    #expect(seen.items.map(\.options.trace) == [.off])
  }
}
