import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// A chain of causes for people and for machines.
struct ExplanationTable {
  let explanation: Explanation
  let window: EventWindow

  /// What the engine did at the moment.
  func headline(_ track: TrackID, _ time: Int64) -> String {
    let stretch = "from \(text(explanation.from)) to \(text(explanation.to))"
    let length = text(explanation.to - explanation.from)
    switch explanation.state {
    case .busy: return "At \(text(time)) \(track.name) was busy, \(stretch)."
    case .waiting:
      return "At \(text(time)) \(track.name) stood still, \(stretch) (\(length)), waiting."
    case .idle: return "At \(text(time)) \(track.name) stood still, \(stretch) (\(length))."
    case .finished:
      return
        "At \(text(time)) \(track.name) had done its last record, at \(text(explanation.from))."
    }
  }

  /// One row per link, the latest first.
  var table: Table {
    var table = Table(columns: [
      Column("start_ps", title: "start"), Column("end_ps", title: "end"),
      .text("engine", minimumWidth: nil), .text("instruction", minimumWidth: 12),
      Column("count", priority: 4), .text("because", minimumWidth: 14),
      Column("hand_off_ps", title: "hand-off", priority: 3),
      Column("slack_ps", title: "slack", priority: 1),
      .text("kernel", priority: 5), .text("source", priority: 2),
    ])
    for link in explanation.links { table.append(cells(link)) }
    if let last = explanation.links.last, last.cause.source != nil {
      table.footnotes.append("the chain goes on; --depth shows more of it")
    }
    return table
  }

  private func cells(_ link: Explanation.Link) -> [Cell] {
    let row = window.row(link.reference)
    let name = row?.opcode ?? "unknown"
    let track = TrackID(rawValue: link.reference.track)?.name ?? ""
    return [
      .picoseconds(link.from), .picoseconds(link.to), .text(track), .text(name),
      .integer(Int64(link.count)), .text(because(link)), .picoseconds(link.handOff),
      .picoseconds(link.slack), .text(row?.kernel ?? ""), .text(row?.source ?? ""),
    ]
  }

  private func because(_ link: Explanation.Link) -> String {
    let wait = link.wait > 0 ? ", waited \(text(link.wait))" : ""
    let semaphore = link.cause.semaphore.map { "semaphore \($0)" } ?? "a semaphore"
    let source = link.cause.source.flatMap { TrackID(rawValue: $0.track)?.name } ?? ""
    switch link.cause.kind {
    case .semaphore, .dma: return "\(semaphore) from \(source)\(wait)"
    case .engine: return "in order after \(source)"
    case .trigger: return "asked for by \(source)"
    case .ring: return "behind a transfer of \(source)\(wait)"
    case .unknown: return "unknown\(wait)"
    case .beginning: return "the beginning"
    }
  }

  private func text(_ picoseconds: Int64) -> String {
    ReaderNumber.time(seconds: Double(picoseconds) * 1e-12)
  }
}
