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

  /// What the rules find, the largest gain first. Gains are time on the critical path, so that they
  /// are what the run could lose at most; empty where the path was not followed.
  package var advice: [Advice] {
    guard let path else { return [] }
    let found =
      gapAdvice(path) + transposeAdvice(path) + smallTransferAdvice(path)
      + balanceAdvice(path) + limiterAdvice
    let least = Int64(Double(duration.value) * Self.leastGain)
    return found.filter { $0.gainPs > max(0, least) }.sorted {
      $0.gainPs != $1.gainPs ? $0.gainPs > $1.gainPs : $0.message < $1.message
    }
  }

  private func make(_ rule: String, _ row: ProgramRow?, _ gain: Int64, _ text: String) -> Advice {
    let source = row?.source ?? ""
    let place = [row?.opcode, source.isEmpty ? nil : "(\(source))"].compactMap { $0 }
      .joined(separator: " ")
    return Advice(
      rule: rule, message: text.replacing("%", with: place), instruction: row?.opcode ?? "",
      source: source, gainPs: gain)
  }

  /// Rows of the path in order, so that equal gains come in one order.
  private func ordered(_ path: PathTotals) -> [(key: UInt32, value: PathTotals.Row)] {
    path.rows.sorted { $0.key < $1.key }
  }

  /// Instructions that the path waits at while nothing works.
  private func gapAdvice(_ path: PathTotals) -> [Advice] {
    ordered(path).map { counter, share in
      let row = program[counter]
      let gap = share.gaps.reduce(0, +)
      let source = share.longestSource.flatMap { TrackID(rawValue: $0) }?.name
      let whom = source.map { ", the longest time for \($0)" } ?? ""
      return make(
        "idle_gap", row, gap,
        "% on \(row?.engine.name ?? "an engine") starts late on the critical path\(whom): "
          + "start what it waits for earlier, or give it other work")
    }
  }

  /// Transposes on the tensor engine, where they are a tenth of its work and more.
  private func transposeAdvice(_ path: PathTotals) -> [Advice] {
    guard let all = metric("hardware_flops"), let part = metric("transpose_flops"),
      part > Self.leastTransposes * all
    else { return [] }
    let rows = ordered(path).filter { (program[$0.key]?.transposeFlops ?? 0) > 0 }
    let gain = rows.reduce(0) { $0 + $1.value.busy }
    let largest = rows.max { $0.value.busy < $1.value.busy }
    return [
      make(
        "transposes", largest.flatMap { program[$0.key] }, gain,
        "transposes such as % are \(Int((100 * part / all).rounded())) percent of the tensor "
          + "engine's work: keep the operand in the order in which it is needed")
    ]
  }

  /// Transfers on the path that move little with each record.
  private func smallTransferAdvice(_ path: PathTotals) -> [Advice] {
    ordered(path).compactMap { counter, share in
      guard let row = program[counter], row.ring != nil, row.bytes < Self.smallTransferBytes,
        row.bytes > 0
      else { return nil }
      return make(
        "small_dma", row, share.busy,
        "% moves \(row.bytes) bytes per DMA engine: move more at a time")
    }
  }

  /// One of vector and scalar holds the path up while the other has time.
  private func balanceAdvice(_ path: PathTotals) -> [Advice] {
    let (vector, scalar) = (engines[1], engines[2])
    let isVector = vector.busy > scalar.busy
    let (full, free) = isVector ? (vector, scalar) : (scalar, vector)
    guard free.busy * 2 < full.busy else { return [] }
    let onPath = path.parts.reduce(Int64(0)) { sum, part in
      sum + (part.key.engine == full.track.name && part.key.cause == "busy" ? part.value : 0)
    }
    let rows = ordered(path).filter { program[$0.key]?.engine == full.track }
    let largest = rows.max { $0.value.busy < $1.value.busy }
    return [
      make(
        "unbalanced", largest.flatMap { program[$0.key] },
        min(onPath / 2, (full.busy - free.busy) / 2),
        "\(full.track.name) is on the critical path, most with %, while \(free.track.name) is busy "
          + "half as long or less: give a part of it to \(free.track.name)")
    ]
  }

  /// The power limiter held the tensor engine back.
  private var limiterAdvice: [Advice] {
    engines.map { share in
      make(
        "limiter", nil, share.stall[Int(StallCause.limiter.rawValue)],
        "the limiter held \(share.track.name) back: spread its work, or overlap it with transfers")
    }
  }
}
