package import Foundation

/// What BASE or NEW of `compare` names.
package enum ResultSelection: Hashable, Sendable {
  /// `device:trn3`: the latest results on that device.
  case device(String)
  /// `reference:h100`: published numbers, which are not results.
  case reference(String)
  /// A result file or folder.
  case path(URL)
  /// A commit, tag, branch or `HEAD~3`.
  case revision(String)
  /// Nothing given: what the working tree recorded last.
  case workingTree

  /// Reads the command line's word; a file or folder that exists wins over a revision.
  package init(_ text: String?) {
    guard let text else {
      self = .workingTree
      return
    }
    if text.hasPrefix("device:") {
      self = .device(String(text.dropFirst("device:".count)))
    } else if text.hasPrefix("reference:") {
      self = .reference(String(text.dropFirst("reference:".count)))
    } else if FileManager.default.fileExists(atPath: text) {
      self = .path(URL(fileURLWithPath: text))
    } else {
      self = .revision(text)
    }
  }
}

extension ResultStore {
  /// The selected results, never empty.
  ///
  /// Throws `noResults` where the selection is valid and holds nothing (a reference always),
  /// `unknownRevision` and `noGit` for a revision that cannot be found.
  package func results(
    _ selection: ResultSelection, git: GitRepository
  ) throws(ResultsError) -> [RunResult] {
    switch selection {
    case .device(let name):
      let hint = "run 'trnbench run <workload> --device \(name)' first"
      return try nonEmpty(try latest(device: name), "device '\(name)'", hint: hint)
    case .reference(let name):
      throw .noResults(
        selection: "reference '\(name)'", hint: "published numbers stand in Workloads/references")
    case .path(let url):
      let hint = "name a file or folder that 'trnbench run' wrote"
      return try nonEmpty(try load(fileOrFolder: url), url.path, hint: hint)
    case .revision(let text): return try results(revision: text, git: git)
    case .workingTree: return try workingTreeResults(git: git)
    }
  }

  private func results(
    revision: String, git: GitRepository
  ) throws(ResultsError) -> [RunResult] {
    let commit = try git.resolve(revision)
    let clean = try results(at: SourceState(commit: commit, isDirty: false))
    if !clean.isEmpty { return clean }
    let dirty = SourceState(commit: commit, isDirty: true)
    let hasDirty = FileManager.default.fileExists(
      atPath: root.appendingPathComponent(dirty.folderName).path)
    let folder = "\(root.lastPathComponent)/\(dirty.folderName)"
    let hint =
      hasDirty
      ? "only a dirty tree was recorded, name \(folder) to use it"
      : "check it out and run the workloads there first"
    throw .noResults(selection: "'\(revision)' (\(commit.prefix(12)))", hint: hint)
  }

  private func workingTreeResults(git: GitRepository) throws(ResultsError) -> [RunResult] {
    let state = git.currentState()
    let hint = "run 'trnbench run <workload>' first"
    let name = "the working tree (\(state.folderName))"
    return try nonEmpty(try results(at: state), name, hint: hint)
  }

  private func nonEmpty(
    _ results: [RunResult], _ selection: String, hint: String
  ) throws(ResultsError) -> [RunResult] {
    if results.isEmpty { throw .noResults(selection: selection, hint: hint) }
    return results
  }
}
