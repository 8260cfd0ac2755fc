/// How a table is printed.
package enum OutputFormat: String, CaseIterable, Sendable {
  case table, json, csv, markdown
}

/// A column of a table.
package struct Column: Hashable, Sendable {
  /// The name for machines: the JSON key and the CSV header.
  package var key: String
  /// The name for people.
  package var title: String
  /// Numbers stand on the right, texts on the left.
  package var alignment: Alignment
  /// 0 is always shown; of the others the highest number is dropped first on a narrow terminal.
  package var priority: Int
  /// The width down to which long texts may be shortened; nil: never shortened.
  package var minimumWidth: Int?

  /// A column with that key, heading and alignment.
  package init(
    _ key: String, title: String? = nil, alignment: Alignment = .right, priority: Int = 0,
    minimumWidth: Int? = nil
  ) {
    self.key = key
    self.title = title ?? key
    self.alignment = alignment
    self.priority = priority
    self.minimumWidth = minimumWidth
  }

  /// A column of texts on the left that may be shortened.
  package static func text(
    _ key: String, title: String? = nil, priority: Int = 0, minimumWidth: Int? = 12
  ) -> Column {
    Column(
      key, title: title, alignment: .left, priority: priority, minimumWidth: minimumWidth)
  }
}

/// Values in, lines out: one table, printed in any format from the same cells.
package struct Table: Hashable, Sendable {
  /// From left to right.
  package var columns: [Column]
  /// As many cells in each as there are columns.
  package private(set) var rows: [[Cell]] = []
  /// The paint of each row, used only where colour is on.
  package private(set) var paints: [Paint?] = []
  /// Lines below the table for people: caveats and what was left out.
  package var footnotes: [String] = []

  package init(columns: [Column]) { self.columns = columns }

  /// Adds a row; it has one cell for each column.
  package mutating func append(_ cells: [Cell], paint: Paint? = nil) {
    precondition(cells.count == columns.count, "a row has one cell for each column")
    rows.append(cells)
    paints.append(paint)
  }

  /// The whole output, ending in a line feed. Width and colour matter to people's format alone.
  package func render(_ format: OutputFormat, width: Int = 80, colour: Bool = false) -> String {
    switch format {
    case .table: lines(width: width, colour: colour).map { $0 + "\n" }.joined()
    case .json: json()
    case .csv: csv()
    case .markdown: markdown()
    }
  }

  /// One JSON document: `{"schema": 1, "rows": [{key: value}…]}`, keys in the order of the columns.
  /// `more` are keys beside the rows, with values in JSON.
  package func json(
    rowsKey: String = "rows", more: [(key: String, value: String)] = []
  ) -> String {
    let objects = rows.map { row in
      let fields = zip(columns, row).map { "\(JSONText.quoted($0.key)): \($1.json)" }
      return "    {" + fields.joined(separator: ", ") + "}"
    }
    let body = objects.isEmpty ? "[]" : "[\n" + objects.joined(separator: ",\n") + "\n  ]"
    let beside = more.map { "  \(JSONText.quoted($0.key)): \($0.value),\n" }.joined()
    return "{\n  \"schema\": 1,\n\(beside)  \(JSONText.quoted(rowsKey)): \(body)\n}\n"
  }

  /// RFC 4180 with line feeds; raw values, a header line of keys.
  package func csv() -> String {
    let header = columns.map { Self.csvField($0.key) }.joined(separator: ",")
    let body = rows.map { $0.map { Self.csvField($0.raw) }.joined(separator: ",") }
    return ([header] + body).map { $0 + "\n" }.joined()
  }

  private static func csvField(_ text: String) -> String {
    let isPlain = !text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
    if isPlain { return text }
    return "\""
      + text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }

  /// A GitHub table with the same texts that people see in the terminal.
  package func markdown() -> String {
    func line(_ parts: [String]) -> String { "| " + parts.joined(separator: " | ") + " |\n" }
    let rule = columns.map { $0.alignment == .right ? "---:" : "---" }
    var text = line(columns.map { Self.markdownField($0.title) }) + line(rule)
    for row in rows { text += line(row.map { Self.markdownField($0.display) }) }
    for note in footnotes { text += "\n" + note + "\n" }
    return text
  }

  private static func markdownField(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}
