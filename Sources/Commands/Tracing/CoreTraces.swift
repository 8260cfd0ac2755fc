import Foundation
import TraceFile

/// The traces of cores that ran side by side: the files of a folder.
struct CoreTraces {
  /// One core's trace.
  struct Item {
    /// The core's number, or the file's name where the trace does not say.
    var core: String
    var path: String
  }

  /// In the order of the cores' numbers.
  let items: [Item]

  /// The traces in a folder; nil when it is none. `name` is what the user called it.
  init?(_ url: URL, name: String) throws {
    let values = try? url.resourceValues(forKeys: [.isDirectoryKey])
    guard values?.isDirectory == true else { return nil }
    let files = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    var found: [(number: Int, item: Item)] = []
    for file in files where file.hasSuffix(".trntrace") {
      let path = url.appendingPathComponent(file).path
      let core = try TraceReader(path: path).metadata.entries[TraceMetadata.Key.core]
      found.append((core.flatMap { Int($0) } ?? .max, Item(core: core ?? file, path: path)))
    }
    guard !found.isEmpty else {
      throw CommandFailure.unsupported(
        what: "the folder \(name) holds no traces",
        advice: "name a .trntrace file, or the folder that a run of several cores left")
    }
    items = found.sorted { $0.number < $1.number }.map(\.item)
  }

  /// When the last core is done.
  func end() throws -> Int64 {
    try items.map { try TraceReader(path: $0.path).summary.end }.max() ?? 0
  }

  /// The one trace that a verb reads: the file itself, or the core's of a folder.
  static func path(_ url: URL, name: String, core: Int?) throws -> String {
    guard let cores = try CoreTraces(url, name: name) else {
      guard core == nil else {
        throw CommandFailure.unsupported(
          what: "\(name) is one trace and has no cores to choose from",
          advice: "leave --core out, or name the folder of several cores' traces")
      }
      return url.path
    }
    let numbers = cores.items.map(\.core).joined(separator: ", ")
    guard let core else {
      throw CommandFailure.unsupported(
        what: "the folder \(name) holds a trace of each core: \(numbers)",
        advice: "choose one with --core, or name its file")
    }
    guard let item = cores.items.first(where: { $0.core == "\(core)" }) else {
      throw CommandFailure.badValue(
        option: "--core", found: "\(core)", expected: "one of \(numbers)")
    }
    return item.path
  }
}
