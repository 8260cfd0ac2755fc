import Foundation
import Testing

/// `trace counters` against what a product of one tile must move, counted by hand.
@Suite struct TraceCountersTests {
  private static let trace = "out/unknown/trn2/kernel/tile.trntrace"

  private func desk(_ recording: String...) throws -> Desk {
    let desk = try Desk()
    try desk.write("Workloads/kernel/tile.yaml", SmallWorkloads.tile)
    let answer = desk.run(
      ["run", "kernel/tile", "--mode", "timing", "--output", "out", "--trace"] + recording)
    try #require(answer.code == 0, "\(answer.errors)")
    return desk
  }

  private func document(_ answer: Desk.Answer) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
  }

  private func sum(_ rows: [[String: Any]], _ key: String) -> Int {
    rows.reduce(0) { $0 + ($1[key] as? Int ?? 0) }
  }

  @Test func aTileIsCountedExactly() throws {
    let desk = try desk("events")
    let counters = try document(desk.run("trace", "counters", Self.trace, "--format", "json"))
    let memories = try #require(counters["memories"] as? [[String: Any]])
    let byName = Dictionary(uniqueKeysWithValues: memories.map { ($0["memory"] as? String, $0) })
    let (sbuf, psum, hbm) = (byName["SBUF"]!, byName["PSUM"]!, byName["HBM"]!)
    let (stationary, moving) = (128 * 128 * 2, 128 * 512 * 2)
    let result = 128 * 512
    #expect(psum["written_bytes"] as? Int == result * 4)
    #expect(psum["read_bytes"] as? Int == result * 4)
    #expect(hbm["read_bytes"] as? Int == stationary + moving)
    #expect(hbm["written_bytes"] as? Int == result * 2)
    // The operands come in and are read once, the result is written and goes out.
    #expect(sbuf["written_bytes"] as? Int == stationary + moving + result * 2)
    #expect(sbuf["read_bytes"] as? Int == stationary + moving + result * 2)
    #expect(psum["high_water_bytes"] as? Int == 512 * 4)
    let high = try #require(sbuf["high_water_bytes"] as? Int)
    let partition = try #require(sbuf["partition_bytes"] as? Int)
    #expect(high >= (stationary + moving + result * 2) / 128 && high <= partition)
    #expect(counters["limiter_us"] is Double)
  }

  @Test func ringsAndSemaphoresAddUp() throws {
    let desk = try desk("events")
    let counters = try document(desk.run("trace", "counters", Self.trace, "--format", "json"))
    let summary = try document(desk.run("trace", "summary", Self.trace, "--format", "json"))
    let rings = try #require(counters["rings"] as? [[String: Any]])
    let dma = try #require(summary["dma"] as? [String: Any])
    #expect(sum(rings, "bytes") == dma["bytes"] as? Int)
    #expect(sum(rings, "transfers") == dma["transfers"] as? Int)
    let semaphores = try #require(counters["semaphores"] as? [[String: Any]])
    // Every transfer and every hand-over between engines changes a semaphore.
    #expect(sum(semaphores, "updates") >= sum(rings, "transfers"))
    #expect(sum(semaphores, "waits") > 0)
    let part = try document(
      desk.run("trace", "counters", Self.trace, "--to", "1ns", "--format", "json"))
    #expect(sum(try #require(part["rings"] as? [[String: Any]]), "bytes") == 0)
  }

  @Test func tablesAreForPeople() throws {
    let desk = try desk("events")
    let all = desk.run("trace", "counters", Self.trace)
    #expect(all.code == 0)
    #expect(all.output.contains("SBUF") && all.output.contains("ring"))
    #expect(all.output.contains("semaphore"))
    let rings = desk.run("trace", "counters", Self.trace, "--of", "rings", "--format", "csv")
    #expect(rings.code == 0)
    #expect(rings.output.hasPrefix("ring,triggers,transfers,bytes"))
    #expect(!rings.output.contains("SBUF"))
    let one = try document(
      desk.run("trace", "counters", Self.trace, "--of", "rings", "--format", "json"))
    #expect(one["rings"] != nil && one["memories"] == nil && one["semaphores"] == nil)
  }

  @Test func samplesCountNothing() throws {
    let answer = try desk("samples").run("trace", "counters", Self.trace)
    #expect(answer.code == 64)
    #expect(answer.errors.contains("--trace events"))
  }
}
