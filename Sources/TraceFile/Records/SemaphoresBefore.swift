import Foundation

/// The semaphores' values before the first record of a trace that begins in the middle of a run:
/// what all records that end before its window have left.
package enum SemaphoresBefore {
  /// The name of the table that holds them.
  static let tableName = "semaphores_before"

  /// The table of some values by the semaphores' numbers.
  package static func table(_ values: [UInt32]) throws(TraceError) -> TraceTable {
    TraceTable(name: tableName, rowCount: values.count, json: try encodeJSON(values))
  }
}

extension TraceReader {
  /// The semaphores' values before the first record, by number, those beyond the list 0; nil where
  /// the trace does not say, as one of a whole run.
  package func semaphoresBefore() throws(TraceError) -> [UInt32]? {
    guard let table = try readTable(named: SemaphoresBefore.tableName) else { return nil }
    return try? JSONDecoder().decode([UInt32].self, from: Data(table.json))
  }
}
