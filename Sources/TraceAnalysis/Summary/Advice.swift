import TraceFile
import Units

/// Something that would make the run shorter, with the place and at most how much.
package struct Advice: Codable, Equatable, Sendable {
  /// The rule that found it.
  package var rule: String
  /// What to do about which instruction, for people.
  package var message: String
  /// The instruction's opcode, or the engine.
  package var instruction: String
  /// `file:line`; empty when unknown.
  package var source: String
  /// The run would be shorter by this at most, in picoseconds.
  package var gainPs: Int64
}

extension TraceSummary {
  /// Shares below these are not worth a line: of the run, and of the flops.
  private static let leastGain = 0.005
  private static let leastTransposes = 0.10
  private static let smallTransferBytes: Int64 = 512
  /// Instructions that only move or convert, which the vector and the scalar engine both have.
  private static let copies: Set<String> = ["COPY", "CAST", "TENSOR_COPY"]

  /// What the rules find, the largest gain first. Gains are time on the critical path, so that they
  /// are what the run could lose at most; empty where the path was not followed. Instructions of
  /// one statement are one piece of advice.
  package var advice: [Advice] {
    guard let path else { return [] }
    let found =
      gapAdvice(path) + triggerAdvice(path) + transposeAdvice(path) + smallTransferAdvice(path)
      + evacuationAdvice(path) + limiterAdvice
    let least = Int64(Double(duration.value) * Self.leastGain)
    return found.filter { $0.gainPs > max(0, least) }.sorted {
      $0.gainPs != $1.gainPs ? $0.gainPs > $1.gainPs : $0.message < $1.message
    }
  }

  /// Instructions that one statement emits alike.
  private struct Statement: Hashable, Comparable {
    var engine: UInt8
    var opcode: String
    var source: String

    init(_ row: ProgramRow?) {
      engine = row?.engine.rawValue ?? .max
      opcode = row?.opcode ?? ""
      source = row?.source ?? ""
    }

    var engineName: String { TrackID(rawValue: engine)?.name ?? "an engine" }

    static func < (a: Statement, b: Statement) -> Bool {
      (a.engine, a.opcode, a.source) < (b.engine, b.opcode, b.source)
    }
  }

  /// The path's rows of one statement together.
  private struct StatementShare {
    var statement: Statement
    var rows: [(row: ProgramRow?, share: PathTotals.Row)]

    /// Time that the path spent in its work.
    var busy: Int64 { rows.reduce(0) { $0 + $1.share.busy } }

    /// Time that the path spent before it for one of these causes.
    func time(_ kinds: [Cause.Kind]) -> Int64 { rows.reduce(0) { $0 + $1.share.time(kinds) } }
  }

  /// The path by statement, in order, so that equal gains come in one order.
  private func statements(_ path: PathTotals) -> [StatementShare] {
    let rows = path.rows.sorted { $0.key < $1.key }.map {
      (row: program[$0.key], share: $0.value)
    }
    return Dictionary(grouping: rows) { Statement($0.row) }.sorted { $0.key < $1.key }.map {
      StatementShare(statement: $0, rows: $1)
    }
  }

  private func make(
    _ rule: String, _ statement: Statement?, _ gain: Int64, _ text: String, count: Int = 1
  ) -> Advice {
    let source = statement?.source ?? ""
    let several = count > 1 ? "\(count) instructions" : ""
    let places = [source, several].filter { !$0.isEmpty }.joined(separator: ", ")
    let place = [statement?.opcode ?? "", places.isEmpty ? "" : "(\(places))"]
      .filter { !$0.isEmpty }.joined(separator: " ")
    return Advice(
      rule: rule, message: text.replacing("%", with: place),
      instruction: statement?.opcode ?? "", source: source, gainPs: gain)
  }

  /// Instructions that the path waits at while nothing works. What an engine takes in order and
  /// what a transfer needs to start is no wait for another.
  private func gapAdvice(_ path: PathTotals) -> [Advice] {
    statements(path).map { part in
      let longest = part.rows.max { $0.share.longestGap < $1.share.longestGap }?.share
      let source = longest?.longestSource.flatMap { TrackID(rawValue: $0) }
      let isOther = source != nil && source?.rawValue != part.statement.engine
      let whom = isOther ? source.map { ", the longest time for \($0.name)" } ?? "" : ""
      return make(
        "idle_gap", part.statement, part.time([.semaphore, .dma, .ring, .unknown, .beginning]),
        "% on \(part.statement.engineName) starts late on the critical path\(whom): "
          + "start what it waits for earlier, or give it other work", count: part.rows.count)
    }
  }

  /// Transfers whose first data the path waits for.
  private func triggerAdvice(_ path: PathTotals) -> [Advice] {
    statements(path).map { part in
      make(
        "dma_start", part.statement, part.time([.trigger]),
        "% moves its first data some time after it was asked for, while the critical path waits: "
          + "ask for it earlier, or for more at a time", count: part.rows.count)
    }
  }

  /// Transposes on the tensor engine, where they are a tenth of its work and more.
  private func transposeAdvice(_ path: PathTotals) -> [Advice] {
    guard let all = metric("hardware_flops"), let part = metric("transpose_flops"),
      part > Self.leastTransposes * all
    else { return [] }
    let found = statements(path).filter { $0.rows.contains { $0.row?.transposeFlops ?? 0 > 0 } }
    let largest = found.max { $0.busy < $1.busy }
    return [
      make(
        "transposes", largest?.statement, found.reduce(0) { $0 + $1.busy },
        "transposes such as % are \(Int((100 * part / all).rounded())) percent of the tensor "
          + "engine's work: keep the operand in the order in which it is needed")
    ]
  }

  /// Transfers on the path that move little with each record.
  private func smallTransferAdvice(_ path: PathTotals) -> [Advice] {
    statements(path).compactMap { part in
      let small = part.rows.filter { row, _ in
        guard let row, row.ring != nil else { return false }
        return row.bytes > 0 && row.bytes < Self.smallTransferBytes
      }
      guard let bytes = small.compactMap({ $0.row?.bytes }).max() else { return nil }
      return make(
        "small_dma", part.statement, small.reduce(0) { $0 + $1.share.busy },
        "% moves \(bytes) bytes per DMA engine: move more at a time", count: small.count)
    }
  }

  /// Copies of products out of PSUM, which vector and scalar can both do, are mostly on one of
  /// them.
  private func evacuationAdvice(_ path: PathTotals) -> [Advice] {
    let products = productSemaphores
    func isEvacuation(_ row: ProgramRow?) -> Bool {
      guard let row, row.ring == nil, Self.copies.contains(row.opcode) else { return false }
      guard row.wait.condition != .none else { return false }
      return products.contains(KernelSemaphore(row.kernel, row.wait.semaphore))
    }
    var busy = [Int64](repeating: 0, count: TrackID.engineCount)
    for (index, total) in rows.totals.enumerated() where total.busy > 0 {
      guard let row = program[UInt32(index)], isEvacuation(row) else { continue }
      busy[Int(row.engine.rawValue)] += total.busy
    }
    let (full, free) = busy[1] > busy[2] ? (engines[1], engines[2]) : (engines[2], engines[1])
    let (most, least) = (max(busy[1], busy[2]), min(busy[1], busy[2]))
    guard least * 2 < most, free.busy < full.busy else { return [] }
    let found = statements(path).filter {
      $0.statement.engine == full.track.rawValue && $0.rows.contains { isEvacuation($0.row) }
    }
    let onPath = found.reduce(Int64(0)) { sum, part in
      sum + part.rows.reduce(0) { $0 + (isEvacuation($1.row) ? $1.share.busy : 0) }
    }
    return [
      make(
        "unbalanced_evacuation", found.max { $0.busy < $1.busy }?.statement,
        min(onPath / 2, (most - least) / 2, (full.busy - free.busy) / 2),
        "\(full.track.name) copies products out of PSUM, most with %, while \(free.track.name) "
          + "does so half as long or less: give a part of them to \(free.track.name)")
    ]
  }

  /// A semaphore as one kernel uses it.
  private struct KernelSemaphore: Hashable {
    var kernel: String
    var semaphore: UInt16

    init(_ kernel: String, _ semaphore: UInt16) {
      self.kernel = kernel
      self.semaphore = semaphore
    }
  }

  /// What the tensor engine says that a product is done with.
  private var productSemaphores: Set<KernelSemaphore> {
    var found: Set<KernelSemaphore> = []
    for counter in 0..<UInt32(program.count) {
      guard let row = program[counter], row.engine == .tensor, row.flops > 0,
        row.update.operation != .none
      else { continue }
      found.insert(KernelSemaphore(row.kernel, row.update.semaphore))
    }
    return found
  }

  /// The power limiter held the tensor engine back: the work that ran at half its rate, as the run
  /// counted it, or what engines say that they stood still for.
  private var limiterAdvice: [Advice] {
    let stalled = engines.map { $0.stall[Int(StallCause.limiter.rawValue)] }
    return engines.indices.map { index in
      let counted = index == Int(TrackID.tensor.rawValue) ? throttled ?? 0 : 0
      return make(
        "limiter", nil, max(stalled[index], counted),
        "the limiter held \(engines[index].track.name) back: spread its work, or overlap it with "
          + "transfers")
    }
  }
}
