import Foundation
import Hardware
import TerminalUI
import Testing

@Suite struct ListTests {
  @Test func everyListInEveryFormat() throws {
    let desk = try Desk()
    let commands: [[String]] = [
      ["list"], ["list", "--device", "trn3"], ["list", "suites", "--device", "trn3"],
      ["list", "suites"], ["list", "references"], ["list", "devices"],
      ["list", "suites", "--format", "json"], ["list", "--format", "csv"],
      ["list", "references", "--format", "markdown"],
    ]
    let difference = try goldenDifference(
      commands.map { desk.transcript($0) }.joined(separator: "\n"), "lists.txt")
    #expect(difference == nil)
  }

  @Test func jsonNamesItsRowsAfterTheList() throws {
    let desk = try Desk()
    let answer = desk.run("list", "devices", "--format", "json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    #expect(document["schema"] as? Int == 1)
    let rows = try #require(document["devices"] as? [[String: Any]])
    #expect(rows.map { $0["name"] as? String } == Device.all.map(\.name))
  }

  @Test func kernelsAreListedWithAnExampleThatCanBeBuilt() throws {
    let desk = try Desk()
    let answer = desk.run("list", "kernels", "--format", "csv")
    #expect(answer.code == 0)
    #expect(answer.errors.isEmpty)
    #expect(answer.output.contains("matmul"))
    #expect(desk.run("list", "kernels").output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func aDeviceIsShownByGroupWithAndWithoutSources() throws {
    let desk = try Desk()
    let commands: [[String]] = [
      ["device", "show", "trn2", "--group", "clocks"],
      ["device", "show", "trn2", "--group", "clocks", "--sources"],
      ["device", "show", "trn2", "--group", "envelope", "--format", "json"],
      ["device", "show", "TRN2", "--group", "envelope", "--sources", "--format", "markdown"],
    ]
    let difference = try goldenDifference(
      commands.map { desk.transcript($0) }.joined(separator: "\n"), "device-show.txt")
    #expect(difference == nil)
  }

  @Test func aDeviceShowsEveryConstant() throws {
    let desk = try Desk()
    for device in Device.all {
      let answer = desk.run("device", "show", device.name, "--format", "csv")
      #expect(answer.output.split(separator: "\n").count == device.constants().count + 1)
    }
  }

  /// What one chip cannot hold is listed with the chips that it takes, and refused with a reason.
  @Test func modelsBeyondOneChipAreListedAndRefused() throws {
    let desk = try Desk()
    try desk.write(
      "Workloads/architectures/wide.yaml",
      """
      title: Wide
      source: ours
      hidden: 16384
      layers: 40
      heads: 128
      kv_heads: 8
      head_dim: 128
      feed_forward: 53248
      vocabulary: 128000
      rope_base: 500000
      epsilon: 1.0e-5
      """)
    try desk.write(
      "Workloads/large/llm/wide.yaml",
      """
      name: llm/wide
      title: Wide, next token
      device: trn2
      architecture: wide
      bytes_per_parameter: 2
      contents: weights in bf16
      on_one_chip: [kernel/alpha]
      source: ours
      """)
    let row = desk.run("list", "--format", "csv").output.split(separator: "\n").last
    #expect(row == "llm/wide,model,,,3 x trn2,,\"Wide, next token\"")
    #expect(!desk.run("list", "--device", "trn3").output.contains("llm/wide"))
    let answer = desk.run("run", "llm/wide")
    #expect(answer.code == 64)
    #expect(
      answer.errors == """
        error: llm/wide needs 3 trn2 chips: 131.70 billion parameters take 245.3 GiB (weights in \
        bf16), and a trn2 chip has 96.0 GiB; chips are not joined yet; on one chip: kernel/alpha

        """)
    #expect(desk.run("run", "llm/wide", "--device", "trn3").errors.contains("needs 2 trn3 chips"))
    #expect(desk.run("run", "llm/wid").errors.contains("Did you mean 'llm/wide'?"))
  }

  @Test func coloursAreForTerminalsThatWantThem() throws {
    let desk = try Desk()
    desk.terminal.hasColour = true
    #expect(desk.run("list", "devices").output.contains("\u{1B}["))
    #expect(!desk.run("list", "devices", "--no-color").output.contains("\u{1B}["))
    #expect(!desk.run("list", "devices", "--format", "csv").output.contains("\u{1B}["))
  }

  @Test func doctorLooksAtEverythingInEveryFormat() throws {
    let desk = try Desk()
    let answer = desk.run("doctor", "--format", "json")
    #expect(answer.code == 0)
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    let facts = try #require(document["facts"] as? [[String: Any]])
    let topics = facts.compactMap { $0["topic"] as? String }
    let expected = [
      "swift", "cpu", "built for", "cores", "memory", "jemalloc", "allocated", "libzstd", "git",
      "workloads", "devices",
    ]
    for topic in expected { #expect(topics.contains(topic), "\(topic)") }
    let workloads = try #require(facts.first { $0["topic"] as? String == "workloads" })
    #expect(workloads["found"] as? String == "DESK/Workloads")
    try FileManager.default.removeItem(at: desk.folder.appendingPathComponent("Workloads"))
    let text = desk.run("doctor").output
    #expect(text.contains("what to do:"))
    #expect(text.contains("workloads: no folder"))
  }
}
