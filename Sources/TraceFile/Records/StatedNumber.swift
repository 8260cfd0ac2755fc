import Foundation

/// A number that another tool's profile states, beside the same number worked out from its rows.
package struct StatedNumber: Codable, Equatable, Sendable {
  /// The other tool's name of the number.
  package var name: String
  /// `s`, `flop`, `B`, `ns`, `rows`, `flop/B`, or `1` for a part of a whole.
  package var unit: String
  /// What the profile says; nil when it has no such number.
  package var stated: Double?
  /// What its rows add up to.
  package var ours: Double

  package init(name: String, unit: String, stated: Double?, ours: Double) {
    self.name = name
    self.unit = unit
    self.stated = stated
    self.ours = ours
  }

  /// Ours against what is stated, in percent; nil without that.
  package var differencePercent: Double? {
    guard let stated else { return nil }
    return stated == ours ? 0 : stated == 0 ? nil : (ours / stated - 1) * 100
  }

  /// The name of the table that holds such numbers in a trace.
  package static let tableName = "stated_numbers"

  /// The table of some numbers.
  package static func table(_ numbers: [StatedNumber]) throws(TraceError) -> TraceTable {
    TraceTable(name: tableName, rowCount: numbers.count, json: try encodeJSON(numbers))
  }
}

extension TraceReader {
  /// What the profile that the trace was made of states, beside ours; empty for other traces.
  package func statedNumbers() throws(TraceError) -> [StatedNumber] {
    guard let table = try readTable(named: StatedNumber.tableName) else { return [] }
    return (try? JSONDecoder().decode([StatedNumber].self, from: Data(table.json))) ?? []
  }
}
