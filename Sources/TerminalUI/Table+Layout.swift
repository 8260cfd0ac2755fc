extension Table {
  private static let gap = 2

  /// The lines for people, none longer than `width` unless the columns of priority 0 alone are.
  package func lines(width: Int, colour: Bool = false) -> [String] {
    let layout = TableLayout(self, width: width, gap: Self.gap)
    let shown = layout.shown
    let header = line(shown.map { columns[$0].title }, layout)
    let rule = String(repeating: "─", count: layout.totalWidth)
    var lines = [colour ? Paint.heading.apply(header) : header, rule]
    for (row, paint) in zip(rows, paints) {
      let text = line(shown.map { row[$0].display }, layout)
      lines.append(colour ? paint?.apply(text) ?? text : text)
    }
    var notes = footnotes
    if !layout.dropped.isEmpty {
      let names = layout.dropped.map { columns[$0].title }.joined(separator: ", ")
      notes.append("not shown at this width: \(names)")
    }
    return lines + notes.flatMap { wrapped($0, width: width) }
  }

  private func line(_ texts: [String], _ layout: TableLayout) -> String {
    let parts = zip(texts, layout.shown).map { text, index in
      padded(
        truncated(text, to: layout.widths[index]), to: layout.widths[index],
        columns[index].alignment)
    }
    let line = parts.joined(separator: String(repeating: " ", count: Self.gap))
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}

/// Which columns are shown at a width, and how wide.
struct TableLayout {
  /// By column; of dropped columns too.
  private(set) var widths: [Int]
  private(set) var shown: [Int]
  private(set) var dropped: [Int] = []
  let gap: Int

  init(_ table: Table, width: Int, gap: Int) {
    self.gap = gap
    widths = table.columns.indices.map { index in
      let texts = table.rows.map { displayWidth($0[index].display) }
      return max(displayWidth(table.columns[index].title), texts.max() ?? 0)
    }
    shown = Array(table.columns.indices)
    while totalWidth > width {
      if shrink(table, by: totalWidth - width) { break }
      guard let victim = leastImportant(table) else { break }
      shown.removeAll { $0 == victim }
      dropped.append(victim)
      dropped.sort()
    }
  }

  var totalWidth: Int {
    shown.reduce(0) { $0 + widths[$1] } + gap * max(0, shown.count - 1)
  }

  /// Takes `excess` from the columns that may be shortened, the widest first; false if they cannot
  /// give as much and something else may still be dropped.
  private mutating func shrink(_ table: Table, by excess: Int) -> Bool {
    let flexible = shown.filter { table.columns[$0].minimumWidth != nil }
    func floor(_ index: Int) -> Int { table.columns[index].minimumWidth ?? widths[index] }
    let room = flexible.reduce(0) { $0 + max(0, widths[$1] - floor($1)) }
    guard room >= excess || leastImportant(table) == nil else { return false }
    for _ in 0..<min(excess, room) {
      let candidates = flexible.filter { widths[$0] > floor($0) }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
    }
    return true
  }

  private func leastImportant(_ table: Table) -> Int? {
    shown.filter { table.columns[$0].priority > 0 }
      .max { (table.columns[$0].priority, $0) < (table.columns[$1].priority, $1) }
  }
}

/// Breaks a text at spaces so that no line is wider than `width`; later lines are indented by two.
package func wrapped(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ") {
    let candidate = line.isEmpty ? String(word) : line + " " + word
    if displayWidth(candidate) > width, !line.isEmpty {
      lines.append(line)
      line = "  " + word
    } else {
      line = candidate
    }
  }
  return line.isEmpty ? lines : lines + [line]
}
