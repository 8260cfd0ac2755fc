import Foundation
import Testing

/// Recorded programs timed again on changed machines.
@Suite struct WhatIfTests {
  private static let product = "out/unknown/trn2/kernel/product512.trntrace"
  private static let pairs = "out/unknown/trn2/program/pairs.cores"

  /// Four cores in two pairs: each core loads a tile, and each pair adds up what it holds, twice.
  /// The later core of a pair has more to load before it comes.
  private static let pairsText =
    ".group 0 1\n.group 3 2\n"
    + (0..<4).map { core in
      let load =
        "DMA_DIRECT2D dst=sbuf:fp32[0:128]@1024{512:1} src=hbm:x:fp32@0{128:128,512:1} "
        + "update S0+=16\n"
      let round =
        String(repeating: load, count: 1 + core % 2 * 3) + """
          EVENT_SEMAPHORE wait S0>=\(16 * (1 + core % 2 * 3))
          EVENT_SEMAPHORE update S0-=\(16 * (1 + core % 2 * 3))
          COLLECTIVE_TRIGGER dst=hbm:y:fp32@0{1:1024,1024:1} src=hbm:x:fp32@0{1:1024,1024:1} kind=all_reduce op=add group=\(core / 2) update S1+=1
          EVENT_SEMAPHORE wait S1>=1
          EVENT_SEMAPHORE update S1-=1

          """
      return ".core \(core)\n.segment part\(core)\n.tensor x 262144\n.tensor y 4096\n"
        + ".engine gpsimd\n" + String(repeating: round, count: 2)
    }.joined()

  /// A product of 512 square matrices, long enough for the activity limiter to change its rate.
  private func productDesk() throws -> Desk {
    let desk = try Desk()
    let text = SmallWorkloads.product.replacing("kernel/product", with: "kernel/product512")
      .replacing("{m: 256, k: 256, n: 256}", with: "{m: 512, k: 512, n: 512}")
    try desk.write("Workloads/kernel/product512.yaml", text)
    let run = desk.run(
      "run", "kernel/product512", "--mode", "timing", "--trace", "events", "--output", "out")
    try #require(run.code == 0, "\(run.errors)")
    return desk
  }

  private func pairsDesk() throws -> Desk {
    let desk = try Desk()
    try desk.write("pairs.trnasm", Self.pairsText)
    let run = desk.run(
      "run", "pairs.trnasm", "--mode", "timing", "--output", "out", "--trace", "events")
    try #require(run.code == 0, "\(run.errors)")
    return desk
  }

  private func document(_ answer: Desk.Answer) throws -> [String: Any] {
    try #require(answer.code == 0, "\(answer.errors)")
    return try #require(
      JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
  }

  private func whatIf(_ desk: Desk, _ path: String, _ changes: [String]) throws -> [String: Any] {
    try document(
      desk.run(
        ["trace", "explain", path, "--format", "json"]
          + changes.flatMap { $0.hasPrefix("--") ? [$0] : ["--what-if", $0] }))
  }

  /// The limiter's windows are the array's: a sequencer of another clock leaves them, and the share
  /// of a window that they ask for, as they are.
  @Test func clocksLeaveTheLimiterAlone() throws {
    let desk = try productDesk()
    func change(_ changes: String...) throws -> Int {
      try #require(try whatIf(desk, Self.product, changes)["change_ps"] as? Int)
    }
    // What a machine would do whose limiter counted in that clock, which shows that it matters.
    #expect(try change("clocks.sequencer=1250/3") > 0)
    #expect(try change("sequencer=2x") == 0)
    #expect(try change("sync=0.5x") == 0)
    #expect(try change("sequencer=2x", "limiter.windowCycles=4096") > 0)
    let doubled = try change("clocks.tensor=625/3", "limiter.fullCycles=16384")
    #expect(try change("tensor=2x") == doubled)
    #expect(try change("clocks.tensor=625/3") != doubled)
  }

  @Test func severalCoresAreTimedTogether() throws {
    let desk = try pairsDesk()
    let summary = try document(desk.run("trace", "summary", Self.pairs, "--format", "json"))
    let cores = try #require(summary["cores"] as? [[String: Any]])
    let durations = try cores.map { core in
      try #require((core["summary"] as? [String: Any])?["duration_us"] as? Double)
    }
    // The machine as it is takes what was recorded, core by core.
    let same = try whatIf(desk, Self.pairs, ["dma=1x"])
    let own = try #require(same["cores"] as? [[String: Any]])
    #expect(own.map { $0["core"] as? String } == ["0", "1", "2", "3"])
    for (core, duration) in zip(own, durations) {
      let difference = try #require(core["difference"] as? [String: Any])
      let base = try #require((difference["base"] as? [String: Any])?["duration_ps"] as? Int)
      #expect(base == Int((duration * 1e6).rounded()))
      #expect(difference["change_ps"] as? Int == 0)
    }
    func change(_ changes: String...) throws -> Int {
      let total = try #require(try whatIf(desk, Self.pairs, changes)["total"] as? [String: Any])
      return (total["new_ps"] as? Int ?? 0) - (total["base_ps"] as? Int ?? 0)
    }
    #expect(try change("dma=0.5x") > 0)
    // Each of the two collectives of a pair takes a microsecond longer.
    let device = try document(desk.run("device", "show", "trn2", "--format", "json"))
    let constants = try #require(device["constants"] as? [[String: Any]])
    let start = constants.first { $0["constant"] as? String == "chip.collectiveStart" }
    let value = try #require(start?["value"] as? Int)
    #expect(try change("chip.collectiveStart=\(value + 1_000_000)") == 2_000_000)
  }

  @Test func oneCoreOfSeveralIsTimedWithTheOthers() throws {
    let desk = try pairsDesk()
    let all = try whatIf(desk, Self.pairs, ["dma=2x"])
    let cores = try #require(all["cores"] as? [[String: Any]])
    let third = try #require(cores[3]["difference"] as? NSDictionary)
    let change = try #require(third["change_ps"] as? Int)
    #expect(change < 0)
    let chosen = try document(
      desk.run(
        "trace", "explain", Self.pairs, "--core", "3", "--what-if", "dma=2x", "--format", "json"))
    #expect(chosen as NSDictionary == third)
    let file = try whatIf(desk, Self.pairs + "/core3.trntrace", ["dma=2x"])
    #expect(file as NSDictionary == third)
    let other = desk.run("trace", "explain", Self.pairs, "--core", "7", "--what-if", "dma=2x")
    #expect(other.code == 64 && other.errors.contains("--core: expected one of 0, 1, 2, 3"))
    let table = desk.run("trace", "explain", Self.pairs, "--what-if", "dma=2x")
    #expect(table.code == 0 && table.output.contains("core 3"))
    try FileManager.default.removeItem(
      at: desk.folder.appendingPathComponent(Self.pairs + "/core1.trntrace"))
    let fewer = desk.run("trace", "explain", Self.pairs, "--what-if", "dma=2x")
    #expect(fewer.code == 64 && fewer.errors.contains("holds 3 of the traces of 4 cores"))
  }

  /// What meets in a folder is named: how long the early cores wait for the late ones.
  @Test func summariesNameWhatCoresWaitFor() throws {
    let desk = try pairsDesk()
    let summary = try document(desk.run("trace", "summary", Self.pairs, "--format", "json"))
    let total = try #require(summary["total"] as? [String: Any])
    let meetings = try #require(total["meetings"] as? [[String: Any]])
    #expect(meetings.map { $0["opcode"] as? String } == ["COLLECTIVE_TRIGGER"])
    #expect(meetings[0]["count"] as? Int == 8)
    let waits = try #require(meetings[0]["wait_us"] as? [Double])
    // Cores 0 and 2 come early and wait for 1 and 3 on top of the collective itself.
    #expect(waits.count == 4)
    #expect(waits[0] > waits[1] && waits[2] > waits[3] && waits[1] > 1)
    let imbalance = try #require(total["imbalance"] as? [String: Any])
    #expect(imbalance["engine"] as? String == "gpsimd")
    #expect(["1", "3"].contains(imbalance["core"] as? String))
    let text = desk.run("trace", "summary", Self.pairs).output
    #expect(text.contains("8 of COLLECTIVE_TRIGGER: engines wait at them from"))
    #expect(text.contains("gpsimd is unbalanced"))
  }
}
