/// What one engine did in one cell of a timeline.
package struct TimelineCell: Hashable, Sendable {
  /// The share of the cell that it worked.
  package var busy: Double
  /// What it did for most of the rest; a letter of `TimelinePicture.legend`.
  package var state: Character

  package init(busy: Double, state: Character) {
    self.busy = busy
    self.state = state
  }
}

/// One engine's line.
package struct TimelineRow: Hashable, Sendable {
  /// The engine.
  package var name: String
  /// From left to right.
  package var cells: [TimelineCell]
  /// The text behind the line.
  package var note: String

  package init(name: String, cells: [TimelineCell], note: String) {
    self.name = name
    self.cells = cells
    self.note = note
  }
}

/// Engines over time as lines of text: values in, lines out, for a terminal, a file or a test.
package struct TimelinePicture: Hashable, Sendable {
  /// From top to bottom.
  package var rows: [TimelineRow]
  /// The times at both ends of the ruler, as text.
  package var ends: (first: String, last: String)
  /// The chosen row.
  package var selected: Int?
  /// The chosen cell.
  package var cursor: Int?

  /// Columns before the cells and behind them.
  package static let nameWidth = 10
  /// See `nameWidth`.
  package static let noteWidth = 10

  package init(
    rows: [TimelineRow], ends: (first: String, last: String), selected: Int? = nil,
    cursor: Int? = nil
  ) {
    self.rows = rows
    self.ends = ends
    self.selected = selected
    self.cursor = cursor
  }

  /// Cells that fit a width.
  package static func cells(width: Int) -> Int { max(10, width - nameWidth - noteWidth) }

  /// What the letters mean, in the order in which the legend names them.
  package static let legend: [(letter: Character, meaning: String)] = [
    ("#", "busy"), ("S", "semaphore"), ("D", "dma"), ("Q", "queue empty"), ("H", "dependency"),
    ("L", "limiter"), ("T", "table load"), ("C", "control"), ("?", "not named"), (".", "idle"),
    (missing, "missing"),
  ]
  /// The letter of cells of which nothing is known because records are missing.
  package static let missing: Character = "~"

  private static func paint(_ state: Character) -> Paint? {
    switch state {
    case "#": .good
    case "S": .bad
    case "D": .doubtful
    case ".": .faint
    default: nil
    }
  }

  /// A line per row; below the chosen one a line of letters that says why it stood still; a ruler
  /// with the cursor last.
  package func lines(colour: Bool, isASCII: Bool = false) -> [String] {
    var lines: [String] = []
    for (index, row) in rows.enumerated() {
      let mark = index == selected ? "> " : "  "
      let strip = strip(row.cells, isASCII)
      let cells = colour ? painted(strip, row.cells) : strip
      lines.append(
        padded(mark + row.name, to: Self.nameWidth) + cells
          + padded(row.note, to: Self.noteWidth, .right))
      if index == selected {
        lines.append(padded("    why", to: Self.nameWidth) + String(row.cells.map(\.state)))
      }
    }
    return lines + ruler
  }

  /// Heights, and a shade where nothing is known.
  private func strip(_ cells: [TimelineCell], _ isASCII: Bool) -> String {
    let heights = Bars.heatStrip(cells.map(\.busy), isASCII: isASCII)
    return String(
      zip(heights, cells).map { height, cell in
        cell.state == Self.missing && cell.busy == 0 ? Bars.shade(isASCII: isASCII) : height
      })
  }

  /// Runs of cells of one state share one pair of escape sequences.
  private func painted(_ strip: String, _ cells: [TimelineCell]) -> String {
    var result = ""
    var run = ""
    var last: Paint?
    for (glyph, cell) in zip(strip, cells) {
      let paint = Self.paint(cell.busy >= 0.5 ? "#" : cell.state)
      if paint != last, !run.isEmpty {
        result += last?.apply(run) ?? run
        run = ""
      }
      last = paint
      run.append(glyph)
    }
    return result + (last?.apply(run) ?? run)
  }

  private var ruler: [String] {
    let count = rows.first?.cells.count ?? 0
    let gap = max(1, count - displayWidth(ends.first) - displayWidth(ends.last))
    let times =
      String(repeating: " ", count: Self.nameWidth) + ends.first
      + String(repeating: " ", count: gap) + ends.last
    guard let cursor else { return [times] }
    return [String(repeating: " ", count: Self.nameWidth + cursor) + "^", times]
  }

  package static func == (a: TimelinePicture, b: TimelinePicture) -> Bool {
    a.rows == b.rows && a.ends == b.ends && a.selected == b.selected && a.cursor == b.cursor
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(rows)
    hasher.combine(selected)
    hasher.combine(cursor)
  }
}
