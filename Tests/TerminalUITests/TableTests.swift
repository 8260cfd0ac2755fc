import Foundation
import TerminalUI
import Testing

@Suite struct TableTests {
  /// A table as a run prints it: short and long names, every kind of cell, a missing one.
  static let runs: Table = {
    var table = Table(columns: [
      .text("workload", minimumWidth: 16),
      Column("latency_us", title: "latency"),
      Column("throughput", priority: 1),
      Column("mfu_percent", title: "MFU", priority: 2),
      Column("hbm_read_bytes", title: "HBM read", priority: 4),
      Column("instructions", priority: 5),
      Column("change_percent", title: "change", priority: 3),
      .text("note", priority: 6, minimumWidth: 10),
    ])
    table.append(
      [
        .text("micro/matmul-bf16"), .microseconds(1184.25), .count(94.28e12, unit: "FLOP/s"),
        .percent(71.34), .bytes(117_440_512), .integer(1_184_000), .change(-1.25),
        .text("8 x one core, no collectives"),
      ], paint: .good)
    table.append(
      [
        .text("llm/llama3.1-8b-decode-batch-1-context-4096"), .microseconds(20_480.5),
        .count(48.83, unit: "tokens/s"), .percent(0.42), .bytes(16_060_522_496),
        .integer(9_223_372_036_854_775_807), .change(12.5), .text("memory-bound"),
      ], paint: .bad)
    table.append([
      .text("vision/resnet50-infer, \"quoted\" | piped"), .microseconds(0.0125), .missing, .missing,
      .bytes(0), .integer(0), .change(0), .missing,
    ])
    table.footnotes = ["model, not silicon: simulated times carry the model's uncertainty"]
    return table
  }()

  @Test(arguments: [40, 60, 80, 120, 200])
  func screensAreTheGoldens(width: Int) throws {
    let text = Self.runs.render(.table, width: width)
    #expect(try goldenDifference(text, "table-\(width).txt") == nil)
    for line in text.split(separator: "\n") { #expect(displayWidth(String(line)) <= width) }
  }

  @Test(arguments: [OutputFormat.json, .csv, .markdown])
  func otherFormatsAreTheGoldens(format: OutputFormat) throws {
    let text = Self.runs.render(format)
    #expect(try goldenDifference(text, "table.\(format.rawValue)") == nil)
    #expect(Self.runs.render(format, width: 10, colour: true) == text, "width plays no part")
  }

  @Test func jsonIsADocument() throws {
    struct Document: Decodable {
      struct Row: Decodable {
        var workload: String
        var latency: Double
        var throughput: Double?
        var instructions: Int64

        enum CodingKeys: String, CodingKey {
          case workload, throughput, instructions
          case latency = "latency_us"
        }
      }
      var schema: Int
      var rows: [Row]
    }
    let data = Data(Self.runs.render(.json).utf8)
    let document = try JSONDecoder().decode(Document.self, from: data)
    #expect(document.schema == 1)
    #expect(document.rows.map(\.latency) == [1184.25, 20_480.5, 0.0125])
    #expect(document.rows[1].instructions == .max)
    #expect(document.rows[2].throughput == nil)
    #expect(document.rows[2].workload == "vision/resnet50-infer, \"quoted\" | piped")
    let empty = Table(columns: [.text("a")]).render(.json)
    #expect(try JSONDecoder().decode(Document.self, from: Data(empty.utf8)).rows.isEmpty)
  }

  @Test func colourChangesNothingButColour() {
    let plain = Self.runs.lines(width: 120)
    let coloured = Self.runs.lines(width: 120, colour: true)
    #expect(!plain.joined().contains("\u{1B}"))
    #expect(coloured[2].hasPrefix("\u{1B}[32m"))
    #expect(coloured[3].hasPrefix("\u{1B}[31m"))
    var stripped = coloured.joined(separator: "\n")
    for code in ["0", "1", "31", "32"] {
      stripped = stripped.replacingOccurrences(of: "\u{1B}[\(code)m", with: "")
    }
    #expect(stripped == plain.joined(separator: "\n"))
  }

  @Test func controlCharactersNeverReachTheTerminal() {
    var table = Table(columns: [.text("a")])
    table.append([.text("x\u{1B}[2Jy\u{7}\nz")])
    let text = table.lines(width: 80)[2]
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
    #expect(table.csv() == "a\n\"x\u{1B}[2Jy\u{7}\nz\"\n")
    #expect(table.json().contains("x\\u001b[2Jy\\u0007\\nz"))
  }

  @Test func everyWidthKeepsTheFirstColumnsAndNeverCrashes() {
    for width in 0...130 {
      let lines = Self.runs.lines(width: width)
      #expect(lines[0].hasPrefix("workload"))
      if width >= 28 {
        #expect(lines.dropFirst(2).prefix(3).allSatisfy { displayWidth($0) <= width }, "\(width)")
      }
    }
  }

  @Test func wideCharactersTakeTwoColumns() {
    #expect(displayWidth("表a") == 3)
    #expect(displayWidth("é█…") == 3)
    #expect(truncated("表表表", to: 4) == "表…")
    #expect(truncated("abc", to: 3) == "abc")
    #expect(truncated("abcd", to: 3) == "ab…")
    #expect(truncated("abcd", to: 0) == "")
    #expect(padded("表", to: 4, .right) == "  表")
  }
}
