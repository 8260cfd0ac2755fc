package import Foundation

/// Looks up commits with the `git` executable; everything still works where there is none.
package struct GitRepository: Sendable {
  /// The folder from which git looks for the repository.
  package let folder: URL
  /// The program to start, found through `PATH`.
  package let executable: String

  package init(folder: URL, executable: String = "git") {
    self.folder = folder
    self.executable = executable
  }

  /// The checked-out commit and whether the tree differs from it; `unknown` without a repository.
  ///
  /// Files under `Results/` do not make a tree dirty: recording a result is not a change of source.
  package func currentState() -> SourceState {
    guard let commit = hash(of: "HEAD") else { return .unknown }
    let status = run(["status", "--porcelain", "--", ":(top)", ":(top,exclude)Results"])
    return SourceState(commit: commit, isDirty: status.map { !$0.isEmpty } ?? true)
  }

  /// The full hash of a commit, tag, branch or expression such as `HEAD~3`.
  package func resolve(_ revision: String) throws(ResultsError) -> String {
    if let found = hash(of: revision) { return found }
    guard run(["rev-parse", "--git-dir"]) != nil else { throw .noGit(revision: revision) }
    throw .unknownRevision(revision)
  }

  /// Hashes from `revision` back, newest first, along first parents; empty without a repository.
  package func history(from revision: String = "HEAD", limit: Int = 1000) -> [String] {
    let arguments = ["rev-list", "--first-parent", "-n", "\(limit)", "--end-of-options", revision]
    return run(arguments)?.split(separator: "\n").map(String.init) ?? []
  }

  private func hash(of revision: String) -> String? {
    let arguments = [
      "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}",
    ]
    guard let text = run(arguments), let line = text.split(separator: "\n").last else { return nil }
    return line.count >= 40 ? String(line) : nil
  }

  /// Standard output, or nil when the program is missing or fails.
  private func run(_ arguments: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [executable, "-C", folder.path] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    do {
      try process.run()
      let data = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    } catch {
      return nil
    }
  }
}
