package import TraceFile

/// A vendor profiler's report of one execution, read from its JSON.
package struct ProfileReport: Sendable {
  /// The file that it was read from.
  package var path = ""
  /// Executed instructions of all physical cores, in file order.
  package var instructions: [ProfileInstruction] = []
  /// Carried-out descriptors of all physical cores, in file order.
  package var descriptors: [ProfileDescriptor] = []
  /// New values of semaphores, in file order.
  package var semaphores: [ProfileSemaphoreUpdate] = []
  /// States of the activity limiter, in file order.
  package var limiter: [ProfileLimiterWindow] = []
  /// Names of queues by core and number.
  package var queueNames: [String: [Int: String]] = [:]
  /// The numbers of the report's own summary.
  package var summary: [String: Double] = [:]
  /// The texts of the report's own summary.
  package var summaryTexts: [String: String] = [:]
  /// The profile's name.
  package var name = ""
  /// Every table, and every row of instructions and descriptors that is of another core, as it
  /// stood in the file.
  package var tables: [TraceTable] = []
  /// Rows per table, in file order.
  package var rowCounts: [(table: String, rows: Int)] = []

  /// The cores that ran instructions, by name.
  package var cores: [String] { Set(instructions.map(\.core)).sorted() }

  /// The core that did the work: the one with most compiled instructions, then by name.
  package var mainCore: String {
    var counts: [String: Int] = [:]
    for row in instructions { counts[row.core, default: 0] += row.isCompiled ? 1 : 0 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
  }

  /// The device that the report names, such as `trn2`; empty when it names none.
  package var device: String {
    String((summaryTexts["instance_type"] ?? "").prefix { $0 != "." })
  }

  /// Reads the report at `path`, gzipped or not.
  package init(path: String) throws(ProfileError) {
    try self.init(GzipFile.read(path: path), path: path)
  }

  /// Reads a report from its bytes, gzipped or not; `path` is for messages.
  package init(_ raw: [UInt8], path: String) throws(ProfileError) {
    let bytes = try GzipFile.content(of: raw, path: path)
    var reader = ProfileReader(bytes, path: path)
    self = try reader.read()
    self.path = path
  }

  init() {}
}
