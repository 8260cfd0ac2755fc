import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// A chain of causes for people and for machines.
struct ExplanationTable {
  let explanation: Explanation
  let window: EventWindow
  /// Whose moment is explained.
  let track: TrackID
  let time: Int64

  /// What the engine did at the moment.
  var headline: String {
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

  /// Whether the chain goes on before the last link.
  var isCut: Bool { explanation.links.last.map { $0.cause.source != nil } ?? false }

  /// Lines for people: each link in a row, and below it, broken where it is too long and never cut,
  /// what held it back and which statement it comes from.
  func lines(width: Int) -> [String] {
    var short = Table(columns: [
      Column("start"), Column("end"), .text("engine", minimumWidth: nil),
      .text("instruction", minimumWidth: nil), Column("count"), Column("slack"),
    ])
    for link in explanation.links {
      short.append([
        .picoseconds(link.from), .picoseconds(link.to), .text(engine(link.reference)),
        .text(window.row(link.reference)?.opcode ?? "unknown"), .integer(Int64(link.count)),
        .picoseconds(link.slack),
      ])
    }
    let rows = short.lines(width: width)
    let head = rows.count - explanation.links.count
    var lines = Array(rows.prefix(head))
    for (row, link) in zip(rows.dropFirst(head), explanation.links) {
      lines.append(row)
      lines += details(link).flatMap { wrapped($0, width: width - 4) }.map { "    " + $0 }
    }
    return lines + (isCut ? [Self.cut] : [])
  }

  private static let cut = "the chain goes on; --depth, and --back where given, show more of it"

  private func details(_ link: Explanation.Link) -> [String] {
    let row = window.row(link.reference)
    let handOff = link.handOff > 0 ? ", hand-off \(text(link.handOff))" : ""
    let place = [
      row?.source ?? "", row?.kernel ?? "", window.layer(link.reference), operators(link),
    ]
    .filter { !$0.isEmpty }.joined(separator: "  ")
    return [because(link) + handOff] + (place.isEmpty ? [] : [place])
  }

  /// One row per link, the latest first, for machines.
  var table: Table {
    var table = Table(columns: [
      Column("start_ps", title: "start"), Column("end_ps", title: "end"),
      .text("engine", minimumWidth: nil), .text("instruction", minimumWidth: 12),
      Column("count", priority: 4), .text("because", minimumWidth: 14),
      Column("hand_off_ps", title: "hand-off", priority: 3),
      Column("slack_ps", title: "slack", priority: 1),
      .text("kernel", priority: 5), .text("source", priority: 2), .text("layer", priority: 6),
      .text("operators", priority: 7),
    ])
    for link in explanation.links { table.append(cells(link)) }
    if isCut { table.footnotes.append(Self.cut) }
    return table
  }

  private func cells(_ link: Explanation.Link) -> [Cell] {
    let row = window.row(link.reference)
    let name = row?.opcode ?? "unknown"
    return [
      .picoseconds(link.from), .picoseconds(link.to), .text(engine(link.reference)), .text(name),
      .integer(Int64(link.count)), .text(because(link)), .picoseconds(link.handOff),
      .picoseconds(link.slack), .text(row?.kernel ?? ""), .text(row?.source ?? ""),
      .text(window.layer(link.reference)), .text(operators(link)),
    ]
  }

  /// What of the model a link's kernel carries out.
  private func operators(_ link: Explanation.Link) -> String {
    window.invocation(link.reference)?.operators ?? ""
  }

  /// The engine's name of a record.
  func engine(_ reference: EventReference) -> String {
    TrackID(rawValue: reference.track)?.name ?? ""
  }

  /// What held a link back, in words.
  func because(_ link: Explanation.Link) -> String {
    let wait = link.wait > 0 ? ", waited \(text(link.wait))" : ""
    let semaphore = link.cause.semaphore.map { "semaphore \($0)" } ?? "a semaphore"
    let source =
      link.cause.source.map { producer in
        [engine(producer), window.row(producer)?.opcode ?? ""].filter { !$0.isEmpty }
          .joined(separator: " ")
      } ?? ""
    switch link.cause.kind {
    case .semaphore, .dma: return "\(semaphore) from \(source)\(wait)"
    case .issue: return "in order after \(source)"
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
