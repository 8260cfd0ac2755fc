import Foundation
import InstructionSet
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
      let core = try TraceReader.metadata(ofFile: path).entries[TraceMetadata.Key.core]
      found.append((core.flatMap { Int($0) } ?? .max, Item(core: core ?? file, path: path)))
    }
    guard !found.isEmpty else {
      throw CommandFailure.unsupported(
        what: "the folder \(name) holds no traces",
        advice: "name a .trntrace file, or the folder that a run of several cores left")
    }
    let numbers = Set(found.map(\.number))
    guard found.count == 1 || numbers.count == found.count && !numbers.contains(.max) else {
      throw CommandFailure.unsupported(
        what: "the folder \(name) holds \(found.count) traces that are not the cores of one run",
        advice: "name one of them, such as \(found[0].item.path)")
    }
    items = found.sorted { $0.number < $1.number }.map(\.item)
  }

  /// When the last core is done.
  func end() throws -> Int64 {
    try items.map { try TraceReader(path: $0.path).summary.end }.max() ?? 0
  }

  /// What the cores ran together, from the programs that their traces carry; `name` is what the
  /// user called the folder.
  func chipProgram(name: String) throws -> ChipProgram {
    typealias Key = TraceMetadata.Key
    let entries = try TraceReader.metadata(ofFile: items[0].path).entries
    let count = entries[Key.coreCount].flatMap { Int($0) }
    guard count == items.count else {
      throw CommandFailure.unsupported(
        what: "\(name) holds \(items.count) of the traces of \(count ?? 1) cores",
        advice: "time them together from the folder of all cores that ran side by side")
    }
    // Most cores run one program, which is then read once.
    var binaries: [[UInt8]] = []
    var programs: [Program] = []
    var cores: [ChipProgram.Core] = []
    for item in items {
      let reader = try TraceReader(path: item.path)
      guard let number = Int(item.core), let bytes = try reader.programBinary() else {
        throw Self.withoutProgram(item.path)
      }
      if !binaries.contains(bytes) {
        guard let program = try EmbeddedProgram(reader)?.program else {
          throw Self.withoutProgram(item.path)
        }
        binaries.append(bytes)
        programs.append(program)
      }
      cores.append(ChipProgram.Core(number, program: binaries.firstIndex(of: bytes) ?? 0))
    }
    let groups = (entries[Key.collectiveGroups] ?? "").split(separator: ";").map {
      $0.split(separator: ",").compactMap { Int($0) }
    }
    return ChipProgram(
      programs: programs, cores: cores, groups: groups,
      coresPerLogicalCore: entries[Key.coresPerLogicalCore].flatMap { Int($0) } ?? 1)
  }

  /// That a trace cannot be timed again.
  static func withoutProgram(_ path: String) -> CommandFailure {
    .unsupported(
      what: "\(path) does not carry its program", advice: "record the run again with this build")
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
