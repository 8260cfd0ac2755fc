import Foundation
import Results
import Testing

@Suite struct RunResultTests {
  @Test func documentIsTheGolden() throws {
    let text = String(decoding: try ResultDocument.encode(sampleResult()), as: UTF8.self)
    #expect(try goldenDifference(text, "run.json") == nil)
  }

  @Test func roundTripKeepsEverything() throws {
    var result = sampleResult(mode: .timing, variant: "fp8", seed: .max)
    result.trace = "run.trntrace"
    result.model.uncertaintyPercent = 3.5
    result.numerics = .unchecked
    result.metrics["big"] = .simulated(MetricValue(Int64.max), unit: "x", better: .none)
    result.metrics["small"] = .simulated(MetricValue(1e-300), unit: "x", better: .none)
    result.metrics["negative"] = .simulated(MetricValue(-0.1), unit: "x", better: .none)
    let data = try ResultDocument.encode(result)
    #expect(try ResultDocument.decodeRun(data, path: "x") == result)
    #expect(try ResultDocument.encode(result) == data)
  }

  @Test func severalRunsShareOneDocument() throws {
    let runs = [sampleResult(), sampleResult(device: "trn3")]
    let data = try ResultDocument.encode(ResultDocument.Runs(runs: runs))
    #expect(try ResultDocument.decodeRuns(data, path: "x") == runs)
    let single = try ResultDocument.encode(runs[0])
    #expect(try ResultDocument.decodeRuns(single, path: "x") == [runs[0]])
    let broken = String(decoding: data, as: UTF8.self)
      .replacingOccurrences(of: "\"trn3\"", with: "3")
    let error = #expect(throws: ResultsError.self) {
      try ResultDocument.decodeRuns(Data(broken.utf8), path: "x")
    }
    guard case .invalidField(_, "runs.Index 1.device", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func integersStayExact() throws {
    #expect(MetricValue(3.0) == MetricValue(Int64(3)))
    #expect(MetricValue(-0.0) == MetricValue(Int64(0)))
    #expect(MetricValue(0.5) == .real(0.5))
    let above = MetricValue(Int64(9_007_199_254_740_993))
    #expect(above != MetricValue(Int64(9_007_199_254_740_992)))
    #expect(above.description == "9007199254740993")
  }

  @Test func notANumberIsRefusedByName() throws {
    var result = sampleResult()
    result.metrics["latency_us"]?.value = .real(.nan)
    #expect(throws: ResultsError.notFinite(field: "metrics.latency_us.value")) {
      try ResultDocument.encode(result)
    }
  }

  @Test(arguments: [
    ("", 0), ("{", 1), ("{\"schema\": 1", 12), ("{\"schema\": 1,}", 13), ("{\"a\" 1}", 5),
    ("{\"a\": tru}", 9), ("[1, 2", 5), ("{\"a\": 01}", 7), ("{} x", 3), ("{\"a\": \"\u{01}\"}", 7),
    ("{\"a\": \"\\q\"}", 8), ("{\"a\": 1.}", 8), ("nul", 3), ("{\"a\": -}", 7),
  ])
  func damageIsLocatedByItsByte(text: String, byte: Int) throws {
    let error = #expect(throws: ResultsError.self) {
      try ResultDocument.decodeRun(Data(text.utf8), path: "f.json")
    }
    guard case .damaged(let path, let found, _) = error else {
      Issue.record("\(text): \(String(describing: error))")
      return
    }
    #expect(path == "f.json")
    #expect(found == byte, "\(text)")
  }

  @Test func everyPrefixOfAResultIsDamaged() throws {
    let data = try ResultDocument.encode(sampleResult())
    for length in 0..<(data.count - 2) {
      let error = #expect(throws: ResultsError.self) {
        try ResultDocument.decodeRun(data.prefix(length), path: "f.json")
      }
      guard case .damaged(_, let byte, _) = error else {
        Issue.record("length \(length): \(String(describing: error))")
        return
      }
      #expect(byte <= length)
    }
  }

  @Test func invalidUTF8IsDamage() throws {
    let bytes = Array("{\"a\": \"".utf8) + [0xFF] + Array("\"}".utf8)
    let error = #expect(throws: ResultsError.self) {
      try ResultDocument.decodeRun(Data(bytes), path: "f.json")
    }
    #expect(error?.outcome == .damagedFile)
  }

  @Test func goodJSONThatIsNoResultNamesTheField() throws {
    let text = String(decoding: try ResultDocument.encode(sampleResult()), as: UTF8.self)
    func failure(_ old: String, _ new: String) -> ResultsError? {
      #expect(text.contains(old))
      let data = Data(text.replacingOccurrences(of: old, with: new).utf8)
      return #expect(throws: ResultsError.self) {
        try ResultDocument.decodeRun(data, path: "f.json")
      }
    }
    #expect(
      failure("\"schema\" : 1", "\"schema\" : 7")
        == .unsupportedSchema(path: "f.json", found: 7))
    #expect(
      failure("\"workload\" : ", "\"work\" : ")
        == .invalidField(path: "f.json", field: "workload", reason: "is missing"))
    guard case .invalidField(_, let field, _) = failure("\"functional\"", "\"fast\"") else {
      Issue.record("a bad mode is an invalid field")
      return
    }
    #expect(field == "mode")
  }

  @Test func standardMetricsHaveTheContractsNames() {
    let names = [
      "latency_us", "throughput", "tensor_engine_active_percent", "vector_engine_active_percent",
      "scalar_engine_active_percent", "gpsimd_engine_active_percent", "dma_active_percent",
      "mfu_percent", "mbu_percent", "hbm_read_bytes", "hbm_write_bytes", "instructions",
      "host_wall_seconds", "host_trace_seconds", "host_peak_bytes",
      "simulated_instructions_per_second",
    ]
    #expect(StandardMetric.allCases.map(\.name) == names)
    let host = StandardMetric.allCases.filter { $0.kind == .host }.map(\.name)
    #expect(host == Array(names.suffix(4)))
  }

  @Test func outcomesHaveTheContractsCodes() {
    let codes = Outcome.allCases.map(\.exitCode)
    #expect(codes == [0, 1, 2, 3, 5, 6, 7, 64, 65, 74, 130])
  }

  @Test func medians() {
    #expect(median(of: [3]) == 3)
    #expect(median(of: [4, 1, 3]) == 3)
    #expect(median(of: [4, 1, 3, 2]) == 2.5)
  }
}
