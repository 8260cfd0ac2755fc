import Foundation
import Testing

/// Same seed, same bytes: whatever is simulated is the same in every run, with any number of jobs,
/// and times are the same in both modes.
@Suite struct RepeatabilityTests {
  /// What a command line left under its folder of results.
  private struct Left: Equatable {
    /// Results by path, without what the host contributes.
    var results: [String: NSDictionary] = [:]
    /// Bytes of traces by path.
    var traces: [String: Data] = [:]
  }

  private static let workloads = ["kernel/alpha", "kernel/beta", "kernel/product", "micro/small"]

  private func desk() throws -> Desk {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    try desk.write("Workloads/micro/small.yaml", SmallWorkloads.micro)
    return desk
  }

  private func run(_ desk: Desk, into folder: String, _ options: [String]) throws -> Left {
    let answer = desk.run(["run"] + Self.workloads + ["--check", "--output", folder] + options)
    #expect(answer.code == 0, "\(answer.errors)")
    return try left(desk.folder.appendingPathComponent(folder))
  }

  private func left(_ folder: URL) throws -> Left {
    var left = Left()
    let files = try #require(FileManager.default.enumerator(atPath: folder.path))
    for case let path as String in files {
      let url = folder.appendingPathComponent(path)
      if path.hasSuffix(".trntrace") {
        left.traces[path] = try Data(contentsOf: url)
      } else if path.hasSuffix(".json") {
        left.results[path] = try simulated(url, folder)
      }
    }
    return left
  }

  /// A result without the time of day, the host, and metrics that the host decides.
  private func simulated(_ url: URL, _ folder: URL) throws -> NSDictionary {
    let document = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    var result = try #require(document as? [String: Any])
    #expect(result.removeValue(forKey: "started") != nil)
    #expect(result.removeValue(forKey: "host") != nil)
    let metrics = try #require(result["metrics"] as? [String: [String: Any]])
    let kept = metrics.filter { $0.value["kind"] as? String == "simulated" }
    #expect(kept.count >= 11 && kept.count < metrics.count)
    result["metrics"] = kept
    if let trace = result["trace"] as? String {
      result["trace"] = trace.replacingOccurrences(of: folder.path, with: "")
    }
    return result as NSDictionary
  }

  @Test(arguments: [["events"], ["samples", "--sample-interval", "200ns"]])
  func twoRunsAndTwoJobsLeaveTheSameBytes(_ trace: [String]) throws {
    let desk = try desk()
    let options = ["--seed", "11", "--trace"] + trace
    let first = try run(desk, into: "first", options + ["--jobs", "1"])
    let second = try run(desk, into: "second", options + ["--jobs", "1"])
    let jobs = try run(desk, into: "jobs", options + ["--jobs", "2"])
    #expect(first.results.count == Self.workloads.count)
    #expect(first.traces.count == 6, "a micro workload has a trace for each of its programs")
    #expect(first.traces.values.allSatisfy { $0.count > 500 })
    #expect(second == first)
    #expect(jobs == first)
  }

  @Test func bothModesGiveTheSameTimes() throws {
    let desk = try desk()
    let functional = try run(desk, into: "f", ["--mode", "functional"])
    let timing = try run(desk, into: "t", ["--mode", "timing", "--jobs", "2"])
    func metrics(_ left: Left) -> [String: NSDictionary] {
      left.results.values.reduce(into: [:]) { all, result in
        all[result["workload"] as? String ?? ""] = result["metrics"] as? NSDictionary
      }
    }
    #expect(metrics(functional).count == Self.workloads.count)
    #expect(metrics(functional) == metrics(timing))
  }

  @Test func anotherSeedChangesValuesAndNoTime() throws {
    let desk = try desk()
    let one = try run(desk, into: "one", ["--seed", "1"])
    let two = try run(desk, into: "two", ["--seed", "2"])
    // A result's path names its seed, so the pairs are found by workload.
    func byWorkload(_ left: Left) -> [String: NSDictionary] {
      Dictionary(
        uniqueKeysWithValues: left.results.values.map { ($0["workload"] as? String ?? "", $0) })
    }
    for (name, result) in byWorkload(one) {
      let other = try #require(byWorkload(two)[name])
      #expect(result["metrics"] as? NSDictionary == other["metrics"] as? NSDictionary)
      #expect(result["numerics"] as? NSDictionary != other["numerics"] as? NSDictionary, "\(name)")
    }
  }
}
