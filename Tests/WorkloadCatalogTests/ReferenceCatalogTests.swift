import Foundation
import Testing
import WorkloadCatalog

@Suite struct ReferenceCatalogTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Workloads/references")

  private static let good = """
    schema: 1
    name: example
    device: Chip-1
    numbers:
      - id: X1
        operation: gemm
        shape: {m: 2, n: 3, k: 4}
        precision: bf16
        metric: throughput
        value: 1.5
        unit: TFLOP/s
        work: 48
        software: "s"
        source: "somewhere"
        notes: ""
        trust: B
    """

  @Test func everyShippedFileReadsAndItsWorkFollowsFromItsShape() throws {
    let names = ReferenceCatalog.names(in: Self.folder)
    #expect(names.contains("h100") && names.contains("a100"))
    for name in names {
      let file = try ReferenceCatalog.load(name, in: Self.folder)
      #expect(file.name == name)
      #expect(!file.rows.isEmpty)
      for row in file.rows {
        #expect(row.device == file.device)
        #expect(!row.source.isEmpty && ["A", "B", "C"].contains(row.trust))
        #expect(work(row) == row.work, "\(name) \(row.id)")
      }
    }
  }

  /// What one invocation counts as, from the shape alone; nil for an operation without a rule.
  private func work(_ row: ReferenceRow) -> Double? {
    func size(_ name: String) -> Double { row.shape[name].flatMap { Double($0) } ?? .nan }
    switch row.operation {
    case "gemm": return 2 * size("m") * size("n") * size("k")
    case "softmax", "rmsnorm", "layernorm":
      let bytes: Double = row.precisions == ["bf16"] ? 2 : 4
      let parameters: Double = ["rmsnorm": 1, "layernorm": 2][row.operation] ?? 0
      return bytes * size("columns") * (2 * size("rows") + parameters)
    case "gated-feed-forward": return 6 * size("rows") * size("hidden") * size("feed_forward")
    case "decoder", "decoder-layer": return row.work
    case "attention-forward", "attention-forward-backward":
      let pairs = size("sequence") * size("sequence") * (row.shape["causal"] == "true" ? 0.5 : 1)
      let forward = 4 * size("batch") * size("heads") * size("head_size") * pairs
      return row.operation == "attention-forward" ? forward : 3.5 * forward
    default: return nil
    }
  }

  @Test func measurementsOfOurOwnSayUnderWhichCircumstances() throws {
    let text = Self.good.replacing(
      "numbers:", with: "measured: {driver: \"580.1\", power_limit_watts: 700}\nnumbers:")
    let file = try ReferenceCatalog.parse(text, path: "m.yaml")
    #expect(file.isMeasured)
    #expect(file.measured == ["driver": "580.1", "power_limit_watts": "700"])
    #expect(try !ReferenceCatalog.parse(Self.good, path: "p.yaml").isMeasured)
  }

  @Test func aTrialAtShrunkShapesIsRefused() {
    let text = Self.good.replacing("numbers:", with: "tiny: only a trial\nnumbers:")
    let error = #expect(throws: ReferenceCatalogError.self) {
      try ReferenceCatalog.parse(text, path: "t.yaml")
    }
    #expect(error?.description.hasPrefix("t.yaml:4:7: a trial at shrunk shapes") == true)
  }

  @Test func knownNumbersStandInTheFiles() throws {
    let h100 = try ReferenceCatalog.load("h100", in: Self.folder).rows
    let attention = try #require(h100.first { $0.id == "G1244" })
    #expect(attention.value == 579)
    #expect(attention.operation == "attention-forward")
    #expect(
      attention.shape == [
        "batch": "4", "heads": "16", "sequence": "4096", "head_size": "128", "causal": "true",
      ])
    #expect(attention.precisions == ["fp16", "bf16"])
    let a100 = try ReferenceCatalog.load("a100", in: Self.folder).rows
    #expect(a100.first { $0.id == "G1305" }?.value == 271.2)
  }

  @Test func aGoodFileIsRead() throws {
    let file = try ReferenceCatalog.parse(Self.good, path: "f.yaml")
    #expect(file.name == "example")
    #expect(file.rows.map(\.id) == ["X1"])
    #expect(file.rows[0].shape == ["m": "2", "n": "3", "k": "4"])
    #expect(file.rows[0].precisions == ["bf16"])
  }

  @Test func mistakesNameTheirPlace() throws {
    func failure(_ old: String, _ new: String) throws -> String {
      try #require(Self.good.contains(old))
      let text = Self.good.replacingOccurrences(of: old, with: new)
      let error = #expect(throws: ReferenceCatalogError.self) {
        try ReferenceCatalog.parse(text, path: "f.yaml")
      }
      return error?.description ?? "no error"
    }
    #expect(
      try failure("value: 1.5", "value: fast")
        == "f.yaml:10:12: 'value' has to be a number above 0, found 'fast'")
    #expect(try failure("value: 1.5", "value: -1").contains("above 0"))
    #expect(try failure("trust: B", "trusted: B").hasPrefix("f.yaml:16:5: unknown key 'trusted'"))
    #expect(try failure("    unit: TFLOP/s\n", "") == "f.yaml:5:5: 'unit' is missing")
    #expect(try failure("schema: 1", "schema: 9").contains("schema 9"))
    #expect(try failure("{m: 2, n: 3, k: 4}", "{m: 2, n: 3").contains("not YAML"))
    #expect(try failure("numbers:", "numbers: 3\nother:").hasPrefix("f.yaml:"))
    #expect(
      try failure(Self.good, "- a\n- b").contains("the file has to be a mapping"))
    #expect(try failure(Self.good, "").contains("the file is empty"))
    let row = Self.good.split(separator: "\n").dropFirst(4).joined(separator: "\n")
    #expect(try failure("    trust: B", "    trust: B\n" + row).contains("stands twice"))
  }

  @Test func aMissingFileIsUnreadable() {
    let error = #expect(throws: ReferenceCatalogError.self) {
      try ReferenceCatalog.load("nothing", in: Self.folder)
    }
    #expect(error?.isUnreadable == true)
    #expect(ReferenceCatalog.names(in: Self.folder.appendingPathComponent("no")).isEmpty)
  }
}
