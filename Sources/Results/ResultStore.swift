package import Foundation

/// The folder of recorded results: one JSON file per run.
package struct ResultStore: Sendable {
  /// Usually `Results` in the working folder.
  package let root: URL

  package init(root: URL) { self.root = root }

  /// Where a result belongs.
  package func url(for result: RunResult) throws(ResultsError) -> URL {
    root.appendingPathComponent(try result.relativePath())
  }

  /// Writes a result whole or not at all, and returns where.
  ///
  /// An earlier result of the same identity is replaced. Throws `identityConflict` when the path
  /// holds another identity and `determinismViolation` when a clean commit gave other exact values;
  /// the file is left alone in both cases. An earlier file that is damaged is replaced.
  @discardableResult
  package func save(_ result: RunResult) throws(ResultsError) -> URL {
    let target = try url(for: result)
    let text = try ResultDocument.encode(result)
    if let earlier = try earlierResult(at: target) {
      try check(result, against: earlier, path: target.path)
    }
    do {
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      // Atomic: Foundation writes a temporary file beside the target and renames it.
      try text.write(to: target, options: .atomic)
    } catch {
      throw Self.fileError(error, path: target.path)
    }
    return target
  }

  private func earlierResult(at url: URL) throws(ResultsError) -> RunResult? {
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    do throws(ResultsError) {
      return try load(url)
    } catch {
      if error.outcome == .damagedFile { return nil }
      throw error
    }
  }

  private func check(
    _ result: RunResult, against earlier: RunResult, path: String
  ) throws(ResultsError) {
    let old = Dictionary(uniqueKeysWithValues: earlier.identity.map { ($0.field, $0.value) })
    for (field, value) in result.identity {
      guard let existing = old[field], existing != value else { continue }
      throw .identityConflict(path: path, field: field, existing: existing, new: value)
    }
    if let violation = result.determinismViolation(against: earlier) { throw violation }
  }

  /// The one result of a file.
  package func load(_ url: URL) throws(ResultsError) -> RunResult {
    try ResultDocument.decodeRun(try Self.read(url), path: url.path)
  }

  /// The results of a file (one RUN or a document of several) or of every file under a folder.
  package func load(fileOrFolder url: URL) throws(ResultsError) -> [RunResult] {
    if Self.isFolder(url) {
      var found: [RunResult] = []
      for file in try files(under: url) { found.append(try load(file)) }
      return found
    }
    return try ResultDocument.decodeRuns(try Self.read(url), path: url.path)
  }

  /// Every result file under a folder, sorted by path; none when the folder does not exist.
  package func files(under folder: URL) throws(ResultsError) -> [URL] {
    guard Self.isFolder(folder) else { return [] }
    let names: [String]
    do {
      names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    } catch {
      throw Self.fileError(error, path: folder.path)
    }
    return names.filter {
      $0.hasSuffix(".json") && !$0.split(separator: "/").contains(where: Self.isHidden)
    }
    .sorted().map { folder.appendingPathComponent($0) }
  }

  private static func isHidden(_ part: Substring) -> Bool { part.hasPrefix(".") }

  /// The results recorded at one state of the sources.
  package func results(at source: SourceState) throws(ResultsError) -> [RunResult] {
    let folder = root.appendingPathComponent(source.folderName)
    return try load(fileOrFolder: folder, orEmpty: true).filter { $0.source == source }
  }

  private func load(fileOrFolder url: URL, orEmpty: Bool) throws(ResultsError) -> [RunResult] {
    if orEmpty, !FileManager.default.fileExists(atPath: url.path) { return [] }
    return try load(fileOrFolder: url)
  }

  /// The latest result of each workload, mode, variant and seed on a device, over all commits.
  package func latest(device: String) throws(ResultsError) -> [RunResult] {
    let all = try load(fileOrFolder: root, orEmpty: true).filter { $0.device == device }
    return Self.latest(of: all)
  }

  /// The latest by start time of each workload, device, mode, variant and seed, sorted by those.
  package static func latest(of results: [RunResult]) -> [RunResult] {
    var newest: [String: RunResult] = [:]
    for result in results {
      let key = result.pairingKey(includesDevice: true)
      if let earlier = newest[key], earlier.started > result.started { continue }
      newest[key] = result
    }
    return newest.sorted { $0.key < $1.key }.map(\.value)
  }

  static func isFolder(_ url: URL) -> Bool {
    (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory ?? false
  }

  static func read(_ url: URL) throws(ResultsError) -> Data {
    do {
      return try Data(contentsOf: url)
    } catch {
      throw fileError(error, path: url.path)
    }
  }

  /// Sorts Foundation's file errors into ours.
  package static func fileError(_ error: any Error, path: String) -> ResultsError {
    let code = (error as? CocoaError)?.code
    switch code {
    case .fileReadNoPermission, .fileWriteNoPermission, .fileWriteVolumeReadOnly:
      return .permissionDenied(path: path)
    case .fileWriteOutOfSpace: return .diskFull(path: path)
    case .fileNoSuchFile, .fileReadNoSuchFile:
      return .inputOutput(path: path, reason: "no such file or folder")
    default: return .inputOutput(path: path, reason: error.localizedDescription)
    }
  }
}

extension RunResult {
  /// What two results share that answer the same question: the key by which they are paired.
  package func pairingKey(includesDevice: Bool) -> String {
    let parts = [workload, includesDevice ? device : "", mode.rawValue, variant ?? "", "\(seed)"]
    return parts.joined(separator: "\u{1F}")
  }
}
