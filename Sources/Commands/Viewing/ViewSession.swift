import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// A viewer at work: keys in, screens out.
final class ViewSession {
  /// What a key leads to.
  enum Effect: Equatable {
    case stay, quit
  }

  let source: TimelineSource
  let program: EmbeddedProgram?
  /// The file's name, for the first line.
  let name: String
  /// What is shown; a class so that screens, keys and the terminal share it.
  var state: ViewState
  /// Cells of a line on the last screen.
  var cells = TimelinePicture.cells(width: 80)

  init(
    _ source: TimelineSource, program: EmbeddedProgram?, name: String, from: Int64?, to: Int64?
  ) {
    self.source = source
    self.program = program
    self.name = name
    state = ViewState(
      from: from ?? source.from, to: to ?? source.to,
      whole: ViewState.Range(from: source.from, to: source.to))
  }

  /// The track of the chosen row; of the DMA engines the first that has records.
  var track: TrackID {
    if state.row < TrackID.engineCount { return TrackID.all[state.row] }
    return TrackID.dmaEngines.first { used.contains($0) } ?? .dma(0)
  }

  private lazy var used: Set<TrackID> = {
    let bins = try? source.bins(from: source.from, to: source.to, count: 1)
    return Set(
      zip(TrackID.all, bins ?? []).filter { $1.busy.contains { $0 > 0 } }.map(\.0))
  }()

  // MARK: Keys

  /// Does what a key asks for.
  func handle(_ key: Key) throws(TraceError) -> Effect {
    state.message = ""
    if case .prompt(let prompt) = state.panel { return try type(key, prompt) }
    switch key {
    case .interrupt, .character("q"): return .quit
    case .escape:
      if state.panel == .details { return .quit }
      state.panel = .details
    case .character("?"): state.panel = state.panel == .help ? .details : .help
    case .left, .character("h"), .character("a"): state.step(cells: -1, of: cells)
    case .right, .character("l"), .character("d"): state.step(cells: 1, of: cells)
    case .pageUp, .character("H"): state.pan(eighths: -2)
    case .pageDown, .character("L"): state.pan(eighths: 2)
    case .home: state.go(to: source.from)
    case .end: state.go(to: source.to - 1)
    case .up, .character("k"): state.row = max(0, state.row - 1)
    case .down, .character("j"): state.row = min(ViewState.rowCount - 1, state.row + 1)
    case .character("+"), .character("="), .character("i"), .character("w"): state.zoom(isIn: true)
    case .character("-"), .character("o"), .character("s"): state.zoom(isIn: false)
    case .character("0"), .character("f"): state.show(state.whole)
    case .backspace, .character("u"): state.goBack()
    case .character("m"): state.bookmark()
    case .character("'"): state.goToBookmark()
    case .character("M"): state.panel = state.panel == .bookmarks ? .details : .bookmarks
    case .character("/"): begin(.search)
    case .character("g"): begin(.time)
    case .click(let column, let row): click(column, row)
    case .wheel(let isUp, let column, let row):
      click(column, row)
      state.zoom(isIn: isUp)
    default: try follow(key)
    }
    return .stay
  }

  /// Keys that look at records.
  private func follow(_ key: Key) throws(TraceError) {
    switch key {
    case .tab: try jump(forward: true) { _, _ in true }
    case .backTab: try jump(forward: false) { _, _ in true }
    case .character("n"): try jumpToStall(forward: true)
    case .character("N"): try jumpToStall(forward: false)
    case .character("p"): try jumpToProducer()
    case .enter: try drillDown()
    default: state.message = "no such key; ? shows them all"
    }
  }

  private func begin(_ prompt: ViewState.Prompt) {
    state.panel = .prompt(prompt)
    state.typed = ""
  }

  private func type(_ key: Key, _ prompt: ViewState.Prompt) throws(TraceError) -> Effect {
    switch key {
    case .interrupt: return .quit
    case .escape: state.panel = .details
    case .backspace: if !state.typed.isEmpty { state.typed.removeLast() }
    case .character(let character): state.typed.append(character)
    case .enter:
      state.panel = .details
      if prompt == .search {
        if !state.typed.isEmpty { state.search = state.typed }
        try search()
      } else if let time = try? TimeText.parse(state.typed) {
        state.go(to: time.value)
      } else {
        state.message = "'\(state.typed)' is no time; write one such as 12.5us"
      }
    default: break
    }
    return .stay
  }

  private func click(_ column: Int, _ row: Int) {
    let cell = column - TimelinePicture.nameWidth
    if (0..<cells).contains(cell) {
      state.cursor =
        state.range.from + state.range.length * Int64(2 * cell + 1) / Int64(2 * cells)
    }
    // The line of letters below the chosen row moves what follows down by one.
    let line = row - ViewScreen.firstRow
    let index = line > state.row ? line - 1 : line
    if line != state.row + 1, (0..<ViewState.rowCount).contains(index) { state.row = index }
  }

  // MARK: Records

  /// The records around the view, or a message why there are none.
  private func graph() throws(TraceError) -> CauseGraph? {
    let found = try source.graph(from: state.range.from, to: state.range.to)
    if found == nil {
      state.message =
        source.hasEvents ? "too many records here; zoom in first" : "samples have no records"
    }
    return found
  }

  /// Moves the cursor to the next record of the chosen track that a test accepts.
  private func jump(
    forward: Bool, _ accepts: (EventWindow, EventReference) -> Bool
  ) throws(TraceError) {
    guard let window = try graph()?.window else { return }
    let track = Int(track.rawValue)
    let events = window.events[track]
    let here = window.lastStarting(atOrBefore: state.cursor, track: track)
    var index = forward ? (here ?? -1) + 1 : here ?? -1
    while events.indices.contains(index) {
      let start = events[index].start.value
      let isPast = forward ? start > state.cursor : start < state.cursor
      if isPast, accepts(window, EventReference(track: track, index: index)) {
        return state.go(to: start)
      }
      index += forward ? 1 : -1
    }
    state.message = "no more of them \(forward ? "after" : "before") the cursor"
  }

  /// The next record before which the engine stood still for at least a cell.
  private func jumpToStall(forward: Bool) throws(TraceError) {
    let least = max(1, state.range.length / Int64(max(1, cells)))
    try jump(forward: forward) { window, reference in
      let event = window[reference]
      guard reference.index > 0 else { return event.start.value - window.from >= least }
      let before = EventReference(track: Int(reference.track), index: Int(reference.index) - 1)
      return event.start.value - window[before].end.value >= least
    }
  }

  /// Which rows of the program hold the text: by their instruction, or where none does by kernel,
  /// layer or source. A kernel is often called after its main instruction. None where the text
  /// stands in the names of the model alone, which rows do not tell.
  private func matches() -> [Bool] {
    let text = state.search.lowercased()
    let program = source.program
    func rows(_ texts: (ProgramRow) -> [String]) -> [Bool] {
      (0..<UInt32(program.count)).map { counter in
        guard let row = program[counter] else { return false }
        return texts(row).contains { $0.lowercased().contains(text) }
      }
    }
    let instructions = rows { [$0.opcode] }
    return instructions.contains(true)
      ? instructions : rows { [$0.kernel, $0.layer, $0.source] }
  }

  /// The next record of any track that the text names.
  private func search() throws(TraceError) {
    guard !state.search.isEmpty else { return }
    guard source.hasEvents else { return state.message = "samples have no records" }
    let matches = matches()
    let text = matches.contains(true) ? "" : state.search.lowercased()
    let found = try source.firstRecord(after: state.cursor) { event, track in
      text.isEmpty
        ? Int(event.programCounter) < matches.count && matches[Int(event.programCounter)]
        : isOfModel(event, track, text)
    }
    guard let found else {
      return state.message = "'\(state.search)' is not found after the cursor"
    }
    state.row = min(Int(found.track.rawValue), TrackID.engineCount)
    state.go(to: found.event.start.value)
  }

  /// Whether the layer, an operator or the node of a record's kernel holds a text.
  private func isOfModel(
    _ event: TraceEvent, _ track: TrackID, _ text: String
  ) -> Bool {
    let engine = track.isDMA ? source.program[event.programCounter]?.engine ?? track : track
    let invocation = source.invocations.invocation(
      of: event.programCounter, on: engine, at: event.start.value)
    guard let found = invocation else { return false }
    return [found.layer, found.operators, found.node].contains { $0.lowercased().contains(text) }
  }

  /// The record under the cursor, or the one that comes next.
  func recordAtCursor(_ window: EventWindow) -> EventReference? {
    let number = Int(track.rawValue)
    let here = window.lastStarting(atOrBefore: state.cursor, track: number)
    if let here, window.events[number][here].end.value > state.cursor {
      return EventReference(track: number, index: here)
    }
    let next = (here ?? -1) + 1
    return next < window.events[number].count ? EventReference(track: number, index: next) : nil
  }

  /// Goes to the record that the one under the cursor waited for.
  private func jumpToProducer() throws(TraceError) {
    guard let graph = try graph(), let here = recordAtCursor(graph.window) else { return }
    let cause = graph.cause(of: here)
    guard let source = cause.source else { return state.message = "nothing came before it" }
    guard cause.kind != .unknown else { return state.message = "unknown what held it back" }
    state.row = min(Int(source.track), TrackID.engineCount)
    state.go(to: graph.window[source].start.value)
  }

  /// Shows the record under the cursor and its wait from edge to edge.
  private func drillDown() throws(TraceError) {
    guard let window = try graph()?.window, let here = recordAtCursor(window) else { return }
    let event = window[here]
    let from = event.start.value - event.wait.value
    let margin = max(50, (event.end.value - from) / 4)
    state.show(ViewState.Range(from: from - margin, to: event.end.value + margin))
    state.go(to: event.start.value)
  }
}
