import Foundation

/// Reads the published measurements that ship with the project: `Workloads/calibration/*.csv`.
package enum CalibrationCatalog {
  /// Every row of every file of the folder, files by name, rows in their order. Throws
  /// `unreadable` and `badValue`.
  package static func rows(in folder: String) throws(WorkloadError) -> [CalibrationRow] {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
      throw .unreadable(path: folder, reason: "no such folder, or no permission")
    }
    var rows: [CalibrationRow] = []
    for name in names.sorted() where name.hasSuffix(".csv") {
      rows += try read(contentsOf: "\(folder)/\(name)")
    }
    var known: Set<String> = []
    for row in rows where !known.insert(row.id).inserted {
      throw .badValue(
        row.location, key: "id", expected: "each id once", found: "'\(row.id)' again", nearest: nil)
    }
    return rows
  }

  private static func read(contentsOf path: String) throws(WorkloadError) -> [CalibrationRow] {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(data: data, encoding: .utf8)
    else { throw .unreadable(path: path, reason: "no such file, or it is not UTF-8 text") }
    return try read(text, file: path)
  }

  /// The rows of one text. Throws `badValue`.
  package static func read(_ text: String, file: String) throws(WorkloadError) -> [CalibrationRow] {
    var rows: [CalibrationRow] = []
    var hasHeader = false
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (index, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
      let reader = CalibrationLine(line, SourceLocation(file: file, line: index + 1, column: 1))
      if hasHeader {
        rows.append(try reader.row())
      } else {
        try reader.checkHeader()
        hasHeader = true
      }
    }
    return rows
  }
}

/// One line of a calibration file, cut at its commas.
private struct CalibrationLine {
  private let location: SourceLocation
  private let fields: [String]

  private static let columns = [
    "id", "device", "program", "size", "quantity", "value", "unit", "low", "high", "count",
    "left_out", "what", "source",
  ]

  init(_ line: Substring, _ location: SourceLocation) {
    self.location = location
    var fields = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: fields.append("")
      default: fields[fields.count - 1].append(character)
      }
    }
    self.fields = fields
  }

  func checkHeader() throws(WorkloadError) {
    guard fields == Self.columns else {
      throw bad("header", expected: Self.columns.joined(separator: ","), fields.joined())
    }
  }

  private func bad(_ key: String, expected: String, _ found: String) -> WorkloadError {
    .badValue(location, key: key, expected: expected, found: "'\(found)'", nearest: nil)
  }

  private func field(_ name: String) -> String {
    Self.columns.firstIndex(of: name).map { fields[$0] } ?? ""
  }

  private func number(_ name: String) throws(WorkloadError) -> Double? {
    let text = field(name)
    if text.isEmpty { return nil }
    guard let value = Double(text), value.isFinite, value >= 0 else {
      throw bad(name, expected: "a number of 0 or more", text)
    }
    return value
  }

  private func whole(_ name: String) throws(WorkloadError) -> Int? {
    guard let value = try number(name) else { return nil }
    guard value < 1e9, value.rounded() == value else {
      throw bad(name, expected: "a whole number", field(name))
    }
    return Int(value)
  }

  func row() throws(WorkloadError) -> CalibrationRow {
    guard fields.count == Self.columns.count else {
      throw bad("row", expected: "\(Self.columns.count) fields", "\(fields.count) fields")
    }
    guard let value = try number("value") else {
      throw bad("value", expected: "the measured value", "")
    }
    let leftOut = field("left_out").isEmpty ? nil : field("left_out")
    let quantity = CalibrationQuantity(rawValue: field("quantity"))
    guard quantity != nil || leftOut != nil else {
      throw bad(
        "quantity",
        expected: "one of " + CalibrationQuantity.allCases.map(\.rawValue).joined(separator: ", "),
        field("quantity"))
    }
    return CalibrationRow(
      id: field("id"), device: field("device"), program: field("program"),
      size: try whole("size") ?? 0, quantity: quantity, value: value, unit: field("unit"),
      observed: try observed(), count: try whole("count") ?? 1, leftOut: leftOut,
      what: field("what"), source: field("source"), location: location)
  }

  private func observed() throws(WorkloadError) -> ClosedRange<Double>? {
    guard let low = try number("low"), let high = try number("high") else { return nil }
    guard low <= high else { throw bad("low", expected: "no more than high", field("low")) }
    return low...high
  }
}
