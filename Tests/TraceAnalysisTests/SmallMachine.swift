import Foundation
import TraceFile
import Units

/// A machine of four parts that hand work to each other through semaphores, timed here by its own
/// few rules: what the analysis finds in its trace is compared with what these rules did.
///
/// sync asks for a load, two DMA engines carry it out, tensor multiplies when it has arrived,
/// vector goes on when tensor is done. After a round sync clears the semaphores.
struct SmallMachine {
  /// Who let a stalled record go, by track and place on the track.
  struct Release: Equatable {
    var waiter: (track: Int, index: Int)
    var source: (track: Int, index: Int)

    static func == (a: Release, b: Release) -> Bool {
      a.waiter == b.waiter && a.source == b.source
    }
  }

  static let rows = [
    ProgramRow(
      opcode: "DMA_DIRECT2D", engine: .sync, kernel: "copy", sourceFile: "Copy.swift",
      sourceLine: 4, bytes: 4_096, update: ProgramUpdate(10, .add, 2), ring: 0),
    ProgramRow(
      opcode: "MATMUL", engine: .tensor, kernel: "product", sourceFile: "Product.swift",
      sourceLine: 7, flops: 1_000, wait: ProgramWait(10, .atLeast, 2),
      update: ProgramUpdate(20, .add, 1)),
    ProgramRow(
      opcode: "TENSOR_COPY", engine: .vector, kernel: "product", sourceFile: "Product.swift",
      sourceLine: 9, wait: ProgramWait(20, .atLeast, 1), update: ProgramUpdate(21, .add, 1)),
    ProgramRow(
      opcode: "EVENT_SEMAPHORE_RANGE_CLEAR", engine: .sync, kernel: "copy",
      wait: ProgramWait(21, .atLeast, 1), update: ProgramUpdate(10, .clear, 12)),
    ProgramRow(opcode: "EVENT_SEMAPHORE", engine: .gpsimd, kernel: "barrier"),
  ]

  private(set) var events = Array(repeating: [TraceEvent](), count: TrackID.count)
  private(set) var releases: [Release] = []
  private var free = [Int64](repeating: 0, count: TrackID.count)
  static let handOff: Int64 = 40

  /// Rounds of load, product, copy, clear; `seed` varies their lengths. A barrier on gpsimd waits
  /// from the beginning until all is done.
  init(rounds: Int, seed: UInt64 = 1, productLength: Int64 = 900, hasBarrier: Bool = false) {
    var state = seed
    func draw(_ limit: Int64) -> Int64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64(state >> 33) % limit
    }
    for _ in 0..<rounds {
      let trigger = run(track: 4, row: 0, duration: 50)
      var arrivals: [(time: Int64, track: Int)] = []
      for engine in 5...6 {
        let start = max(free[engine], trigger.end + 500)
        add(engine, 0, start, 700 + draw(900), wait: start - trigger.end - 500)
        arrivals.append((free[engine], engine))
      }
      let last = arrivals.max { ($0.time, $0.track) < ($1.time, $1.track) }!
      let product = run(
        track: 0, row: 1, duration: productLength + draw(300), after: last.time,
        source: last.track, .dma)
      let copy = run(
        track: 1, row: 2, duration: 300 + draw(500), after: product.end, source: 0, .semaphore)
      _ = run(track: 4, row: 3, duration: 30, after: copy.end, source: 1, .semaphore)
    }
    guard hasBarrier else { return }
    let end = free.max()! + Self.handOff
    add(3, 4, end, 20, wait: end, .semaphore)
  }

  private mutating func add(
    _ track: Int, _ row: UInt32, _ start: Int64, _ duration: Int64, wait: Int64,
    _ cause: StallCause = .none
  ) {
    events[track].append(
      TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(wait),
        stallCause: cause, programCounter: row))
    free[track] = start + duration
  }

  private mutating func run(
    track: Int, row: UInt32, duration: Int64, after: Int64? = nil, source: Int = 0,
    _ cause: StallCause = .none
  ) -> (start: Int64, end: Int64) {
    let ready = free[track]
    let start = max(ready, (after ?? .min / 2) + Self.handOff)
    if start > ready, after != nil {
      releases.append(
        Release(
          waiter: (track, events[track].count), source: (source, events[source].count - 1)))
    }
    add(track, row, start, duration, wait: start - ready, start > ready ? cause : .none)
    return (start, start + duration)
  }

  /// Writes the trace.
  func write(_ path: String, rows: [ProgramRow] = rows) throws {
    var writer = try TraceWriter(
      path: path, metadata: TraceMetadata(["workload": "micro/small", "device": "trn2"]))
    _ = try writer.append(program: rows)
    for track in TrackID.all where !events[Int(track.rawValue)].isEmpty {
      try writer.append(track: track, events: events[Int(track.rawValue)])
    }
    try writer.finish()
  }
}

/// A trace file that goes away with its owner.
final class TemporaryTrace {
  let path = NSTemporaryDirectory() + "analysis-\(UUID().uuidString).trntrace"

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    try? FileManager.default.removeItem(atPath: path + ".open")
  }
}
