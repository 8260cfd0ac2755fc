import Foundation
import TraceFile
import Units

/// A folder that goes away with its owner; a class so that tests can share it by reference.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "trace-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
}

/// A seeded generator, so that a failure repeats.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// Streams of events for tests.
enum Events {
  /// A loop of `body` instructions with waits that vary in `jitterPercent` of all records.
  static func loop(
    count: Int, body: UInt32 = 48, firstRow: UInt32 = 0, jitterPercent: Int = 30, seed: UInt64 = 1
  ) -> [TraceEvent] {
    var random = SplitMix64(seed: seed)
    var time: Int64 = 0
    return (0..<count).map { index in
      let row = UInt32(index) % body
      let waits = row % 5 == 0
      let isVaried = Int.random(in: 0..<100, using: &random) < jitterPercent
      let wait = waits ? 20_000 + (isVaried ? Int64.random(in: 0..<9_000, using: &random) : 0) : 0
      let overhead = Int64(row % 3) * 417
      let start = time + overhead + wait
      let duration = 10_000 + Int64(row) * 833
      time = start + duration
      return TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(wait),
        stallCause: waits ? StallCause(rawValue: UInt8(row / 5 % 8)) ?? .none : .none,
        detail: waits ? UInt16(row) : 0, programCounter: firstRow + row)
    }
  }

  /// Lengthens the durations of `percent` of the events, each by its own amount.
  static func vary(_ events: inout [TraceEvent], percent: Int) {
    var random = SplitMix64(seed: 5)
    var shift: Int64 = 0
    for index in events.indices {
      events[index].start.value += shift
      guard Int.random(in: 0..<100, using: &random) < percent else { continue }
      let longer = Int64.random(in: 0..<10_000, using: &random)
      events[index].duration.value += longer
      shift += longer
    }
  }

  /// Anything that the format allows, in no order.
  static func wild(count: Int, seed: UInt64) -> [TraceEvent] {
    var random = SplitMix64(seed: seed)
    func length(_ random: inout SplitMix64) -> Int64 {
      let bits = Int64.random(in: 0...60, using: &random)
      return Int64.random(in: 0...(Int64(1) << bits), using: &random)
    }
    return (0..<count).map { _ in
      var event = TraceEvent(
        start: Picoseconds(length(&random) * (Bool.random(using: &random) ? 1 : -1)),
        duration: Picoseconds(length(&random)), wait: Picoseconds(length(&random)),
        detail: UInt16.random(in: 0...(.max), using: &random),
        programCounter: UInt32.random(in: 0...(.max), using: &random),
        flags: UInt8.random(in: 0...(.max), using: &random))
      event.stallCauseCode = UInt8.random(in: 0...(.max), using: &random)
      return event
    }
  }

  /// Program rows whose fields all differ in some rows.
  static func rows(_ count: Int) -> [ProgramRow] {
    (0..<count).map { index in
      ProgramRow(
        opcode: ["MATMUL", "ACTIVATE", "TENSOR_TENSOR", "DMA_DIRECT2D"][index % 4],
        engine: TrackID.all[index % 5], kernel: "kernel\(index / 7)", layer: "layer \(index / 20)",
        sourceFile: "kernels/ünï.swift", sourceLine: UInt32(index), shape: "128x\(index)",
        bytes: Int64(index) * 512, flops: Int64(index) << 30)
    }
  }
}

/// Writes a trace of some tracks and returns its bytes.
func writeTrace(
  _ path: String, rows: [ProgramRow] = [], events: [(TrackID, [TraceEvent])] = [],
  samples: [(TrackID, [TraceSample])] = [], part: Int = 16_384, totals: RunTotals? = nil
) throws {
  var writer = try TraceWriter(path: path, metadata: TraceMetadata(["device": "trn2"]))
  if !rows.isEmpty { _ = try writer.append(program: rows) }
  for (track, list) in events {
    for start in stride(from: 0, to: list.count, by: part) {
      try writer.append(track: track, events: Array(list[start..<min(start + part, list.count)]))
    }
  }
  for (track, list) in samples { try writer.append(track: track, samples: list) }
  try writer.finish(totals: totals)
}

/// All events of a track, and the damage met on the way.
func readAll(_ path: String, _ track: TrackID) throws -> ([TraceEvent], [TraceDamage]) {
  let reader = try TraceReader(path: path)
  let known = reader.damage
  var events: [TraceEvent] = []
  let damage = try reader.readEvents(track: track) { events += $0 }
  return (events, known + damage)
}

func bytes(of path: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
}

/// The sorts of damage, but for the ends of tracks, which every file without a footer names.
func kinds(_ damage: [TraceDamage]) -> [TraceDamage.Kind] {
  damage.map(\.kind).filter { $0 != .missingEnd }
}
