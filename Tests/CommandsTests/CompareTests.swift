import Foundation
import Results
import TerminalUI
import Testing

@Suite struct CompareTests {
  private func save(_ results: [RunResult], _ folder: String, _ desk: Desk) throws {
    let store = ResultStore(root: desk.folder.appendingPathComponent(folder))
    for result in results { try store.save(result) }
  }

  @Test func everyOutcomeHasItsExitCode() throws {
    let desk = try Desk()
    try save([sampleResult()], "base", desk)
    try save([sampleResult()], "same", desk)
    try save([sampleResult(latency: 13, commit: String(repeating: "a", count: 40))], "slow", desk)
    try save([sampleResult(latency: 12, commit: String(repeating: "b", count: 40))], "fast", desk)
    let other = sampleResult(
      commit: String(repeating: "c", count: 40), shape: ["m": "1", "n": "256", "k": "256"])
    try save([other], "other", desk)
    try save([sampleResult(workload: "kernel/beta")], "beta", desk)
    let commands: [[String]] = [
      ["compare", "base", "same"], ["compare", "base", "slow"],
      ["compare", "base", "slow", "--fail-above", "3"],
      ["compare", "base", "slow", "--fail-above", "5"],
      ["compare", "base", "fast", "--fail-above", "0", "--metric", "latency_us"],
      ["compare", "base", "other"], ["compare", "base", "beta"],
      ["compare", "base", "same", "--strict"],
      ["compare", "base", "same", "--metric", "latncy_us"],
      ["compare", "base", "same", "--all"], ["compare", "base"],
    ]
    let text = commands.map { desk.transcript($0) }.joined(separator: "\n")
    let difference = try goldenDifference(text, "compare.txt")
    #expect(difference == nil)
  }

  @Test func jsonHasEveryRowOfTheContract() throws {
    let desk = try Desk()
    try save([sampleResult()], "base", desk)
    let answer = desk.run("compare", "base", "base", "--format", "json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    let rows = try #require(document["rows"] as? [[String: Any]])
    #expect(rows.count == sampleResult().metrics.count)
    for key in ["workload", "metric", "base", "new", "change_percent", "verdict", "how"] {
      #expect(rows.allSatisfy { $0[key] != nil }, "\(key)")
    }
  }

  @Test func publishedNumbersStandBesideResults() throws {
    let desk = try Desk()
    try save([sampleResult()], "ours", desk)
    desk.terminal.width = 120
    let commands: [[String]] = [
      ["compare", "reference:h100", "ours"], ["compare", "reference:h10", "ours"],
      ["compare", "ours", "reference:h100"],
    ]
    let text = commands.map { desk.transcript($0) }.joined(separator: "\n")
    let difference = try goldenDifference(text, "compare-reference.txt")
    #expect(difference == nil)
  }

  @Test func aDamagedResultIsSixtyFive() throws {
    let desk = try Desk()
    try save([sampleResult()], "base", desk)
    try desk.write("bad/x.json", "{\"schema\": 1,")
    let answer = desk.run("compare", "base", "bad")
    #expect(answer.code == 65)
    #expect(answer.errors.contains("bad/x.json"))
  }
}
