import Foundation
import Results
import WorkloadCatalog

/// Where workloads are read from and results are kept.
struct Places {
  private let environment: CommandEnvironment

  init(_ environment: CommandEnvironment) { self.environment = environment }

  /// The folder of workloads. Throws `noCatalog`.
  func workloads() throws(WorkloadError) -> String {
    try WorkloadCatalog.findRoot(
      start: environment.currentDirectory.path, environment: environment.variables,
      executable: environment.executable)
  }

  /// The catalog of workloads. Throws what its files have wrong.
  func catalog() throws(WorkloadError) -> WorkloadCatalog {
    try WorkloadCatalog(root: try workloads())
  }

  /// The folder of published numbers. Throws `noCatalog`.
  func references() throws(WorkloadError) -> URL {
    URL(fileURLWithPath: try workloads()).appendingPathComponent("references")
  }

  /// The folder of results: the one that was named, else `Results` beside the workloads of the
  /// checkout that the user stands in, else `Results` here.
  func results(named folder: String?) -> URL {
    if let folder { return environment.url(folder) }
    let here = environment.currentDirectory.standardizedFileURL
    if let workloads = try? workloads() {
      let parent = URL(fileURLWithPath: workloads).standardizedFileURL.deletingLastPathComponent()
      let isAbove = here.path == parent.path || here.path.hasPrefix(parent.path + "/")
      if isAbove { return parent.appendingPathComponent("Results") }
    }
    return here.appendingPathComponent("Results")
  }

  /// The repository that revisions are looked up in.
  var git: GitRepository { GitRepository(folder: environment.currentDirectory) }
}
