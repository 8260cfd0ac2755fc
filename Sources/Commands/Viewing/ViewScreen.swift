import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// One screen of a viewer; the static form is the same without the keys.
struct ViewScreen {
  let session: ViewSession
  let columns: Int
  /// Lines of the terminal; nil for as many as there are.
  let rows: Int?
  let hasColour: Bool
  /// Whether only ASCII characters are used.
  var isASCII = false

  /// The screen's line of the first engine.
  static let firstRow = 3

  /// The lines, none wider than the terminal, and at most as many as it has.
  func lines() throws(TraceError) -> [String] {
    let cells = TimelinePicture.cells(width: columns)
    session.cells = cells
    let picture = try picture(cells)
    var lines =
      [head, view, ""] + picture.lines(colour: hasColour, isASCII: isASCII) + [""]
    lines += try panel(picture)
    guard let rows else { return lines.map { trimmed($0) } }
    let room = max(0, rows - 1)
    lines = Array(lines.prefix(room))
    lines += Array(repeating: "", count: room - lines.count)
    return (lines + [footer]).map { trimmed($0) }
  }

  private func trimmed(_ line: String) -> String {
    let fitting = line.contains("\u{1B}") ? line : truncated(line, to: columns)
    return isASCII ? plainText(fitting) : fitting
  }

  private var state: ViewState { session.state }

  // MARK: Head

  private var head: String {
    let names = [TraceMetadata.Key.workload, TraceMetadata.Key.device]
      .compactMap { session.source.metadata.entries[$0] }
    let run = names.isEmpty ? session.name : names.joined(separator: " on ")
    let damage = session.source.damage.isEmpty ? "" : "  damaged"
    let text = "\(run)  \(time(state.whole.length))\(damage)"
    return hasColour ? Paint.heading.apply(truncated(text, to: columns)) : text
  }

  private var view: String {
    let length = state.range.length
    let share = 100 * Double(length) / Double(max(1, state.whole.length))
    let cell = length / Int64(max(1, session.cells))
    return "shown \(time(length)) (\(ReaderNumber.percent(share))), a cell is \(time(cell)), "
      + "cursor at \(time(state.cursor))"
  }

  // MARK: Timeline

  private func picture(_ cells: Int) throws(TraceError) -> TimelinePicture {
    let bins = try session.source.bins(
      from: state.range.from, to: state.range.to, count: cells)
    let missing = TrackID.all.map { session.source.missing(of: $0) }
    var rows = TrackID.engines.enumerated().map { index, track in
      Self.row(track.name, bins[index], [missing[index]])
    }
    var all = StateBins(from: state.range.from, to: state.range.to, count: cells)
    for own in bins.dropFirst(TrackID.engineCount) { all.add(own) }
    rows.append(Self.row("dma", all, Array(missing.dropFirst(TrackID.engineCount))))
    return TimelinePicture(
      rows: rows, ends: (time(state.range.from), time(state.range.to)), selected: state.row,
      cursor: bins[0].cell(of: state.cursor))
  }

  /// The line of tracks whose cells are added up; `missing` has one element for each of them.
  private static func row(
    _ name: String, _ bins: StateBins, _ missing: [MissingTime]
  ) -> TimelineRow {
    let tracks = Int64(missing.count)
    let cells = bins.busy.indices.map { cell -> TimelineCell in
      let whole = bins.length(cell) * tracks
      guard whole > 0 else { return TimelineCell(busy: 0, state: ".") }
      return TimelineCell(
        busy: Double(bins.busy[cell]) / Double(whole), state: state(bins, cell, missing))
    }
    let whole = (bins.borders.last! - bins.borders[0]) * tracks
    let busy = bins.busy.reduce(0, +)
    return TimelineRow(
      name: name, cells: cells,
      note: ReaderNumber.percent(100 * Double(busy) / Double(max(1, whole))))
  }

  /// What took most of a cell.
  private static func state(
    _ bins: StateBins, _ cell: Int, _ missing: [MissingTime]
  ) -> Character {
    var best: (time: Int64, letter: Character) = (bins.busy[cell], "#")
    for cause in StallCause.allCases {
      let time = bins.stall[cell][Int(cause.rawValue)]
      if time > best.time { best = (time, letter(cause)) }
    }
    let whole = bins.length(cell) * Int64(missing.count)
    let rest = whole - bins.busy[cell] - bins.stall[cell].wrappedSum()
    let (from, to) = (bins.borders[cell], bins.borders[cell + 1])
    let unknown = min(rest, missing.reduce(0) { $0 + $1.time(from: from, to: to) })
    if unknown > best.time { best = (unknown, TimelinePicture.missing) }
    return rest - unknown > best.time ? "." : best.letter
  }

  private static func letter(_ cause: StallCause) -> Character {
    switch cause {
    case .none: "?"
    case .semaphore: "S"
    case .dma: "D"
    case .queueEmpty: "Q"
    case .dependency: "H"
    case .limiter: "L"
    case .tableLoad: "T"
    case .control: "C"
    }
  }

  // MARK: Lower part

  private func panel(_ picture: TimelinePicture) throws(TraceError) -> [String] {
    switch state.panel {
    case .details, .prompt: try details(picture)
    case .help: Self.help
    case .bookmarks:
      ["bookmarks, ' goes from one to the next:"]
        + state.bookmarks.enumerated().map { "  \($0 + 1)  \(time($1))" }
    }
  }

  /// What the engine does under the cursor, and whom it waits for.
  private func details(_ picture: TimelinePicture) throws(TraceError) -> [String] {
    let graph = try session.source.graph(
      at: state.cursor, on: session.track, from: state.range.from, to: state.range.to)
    guard let graph else {
      return [
        session.source.hasEvents
          ? "zoom in to see single instructions" : "samples: no single instructions"
      ]
    }
    let window = graph.window
    guard let here = session.recordAtCursor(window) else {
      return ["\(session.track.name) does nothing more after \(time(state.cursor))"]
    }
    let event = window[here]
    let isRunning = event.start.value <= state.cursor
    let verb = isRunning ? "runs" : "runs next"
    var lines = fitting("\(session.track.name) \(verb): \(describe(here, window))")
    lines.append(
      "  \(time(event.start.value)) to \(time(event.end.value)), \(time(event.duration.value))")
    if let text = session.program?.text(event.programCounter), !text.isEmpty {
      lines += wrapped(text, width: columns - 2).map { "  " + $0 }
    }
    let cause = graph.cause(of: here)
    if event.wait.value > 0 {
      let semaphore = cause.semaphore.map { ", semaphore \($0)" } ?? ""
      lines.append("  waited \(time(event.wait.value)): \(event.stallCause.key)\(semaphore)")
    }
    if cause.kind == .unknown {
      lines.append("  unknown what held it back")
    } else if let source = cause.source, cause.kind != .issue {
      let track = TrackID(rawValue: source.track)?.name ?? ""
      let end = time(window[source].end.value)
      lines += fitting("  held back by \(track) until \(end): \(describe(source, window))")
    }
    return lines
  }

  /// A line, or several where it is too long: the source, which the reader looks for, comes last.
  private func fitting(_ line: String) -> [String] {
    if displayWidth(line) <= columns { return [line] }
    let indent = String(line.prefix { $0 == " " })
    return wrapped(line, width: columns - indent.count).map { indent + $0 }
  }

  private func describe(_ reference: EventReference, _ window: EventWindow) -> String {
    guard let row = window.row(reference) else { return "an unknown instruction" }
    let operators = window.invocation(reference)?.operators ?? ""
    return [row.opcode, row.kernel, window.layer(reference), operators, row.source]
      .filter { !$0.isEmpty }
      .joined(separator: "  ")
  }

  private var footer: String {
    if case .prompt(let prompt) = state.panel { return prompt.rawValue + state.typed + "_" }
    if !state.message.isEmpty { return state.message }
    return "h l cursor  + - zoom  j k engine  n stall  p who  / find  ? help  q quit"
  }

  private static let help =
    [
      "h l, arrows   cursor one cell           H L, page keys  a quarter of the view",
      "+ - (i o)     zoom at the cursor        0 f             all of it    u  back",
      "j k           another engine            home end        first, last moment",
      "tab, s-tab    next, previous record     n N             next, previous stall",
      "enter         from edge to edge         p               who held it back",
      "/             find instruction, kernel  / enter         the next one found",
      "g             go to a time              m ' M           bookmark, next, list",
      "? q           this help, quit",
    ]
    + legend

  /// What the letters mean, in lines of 80 columns.
  private static var legend: [String] {
    TimelinePicture.legend.reduce(into: [""]) { lines, item in
      let text = "\(item.letter) \(item.meaning)"
      let line = lines[lines.count - 1]
      if line.isEmpty {
        lines[lines.count - 1] = text
      } else if line.count + text.count + 2 > 80 {
        lines.append(text)
      } else {
        lines[lines.count - 1] = line + "  " + text
      }
    }
  }

  private func time(_ picoseconds: Int64) -> String {
    ReaderNumber.time(seconds: Double(picoseconds) * 1e-12)
  }
}
