import Foundation

/// The built `trnbench` itself, as a process: for what only a process has, signals and limits.
struct Product {
  /// What a process did.
  struct Ending {
    var code: Int32
    var wasKilled: Bool
    var output: String
    var errors: String
  }

  /// A process that runs, with its output going to files.
  final class Running {
    let process = Process()
    private let folder: URL
    private var output: URL { folder.appendingPathComponent("standard-output") }
    private var errors: URL { folder.appendingPathComponent("standard-error") }

    fileprivate init(_ executable: URL, _ arguments: [String], in folder: URL) throws {
      self.folder = folder
      process.executableURL = executable
      process.arguments = arguments
      process.currentDirectoryURL = folder
      var variables = ProcessInfo.processInfo.environment
      variables["TRNBENCH_WORKLOADS"] = folder.path + "/Workloads"
      variables["NO_COLOR"] = "1"
      process.environment = variables
      process.standardInput = FileHandle.nullDevice
      for url in [output, errors] { try Data().write(to: url) }
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      try process.run()
    }

    /// Waits for the end.
    func ending() throws -> Ending {
      process.waitUntilExit()
      return Ending(
        code: process.terminationStatus, wasKilled: process.terminationReason != .exit,
        output: try String(contentsOf: output, encoding: .utf8),
        errors: try String(contentsOf: errors, encoding: .utf8))
    }
  }

  /// The executable, which the build puts beside the tests.
  let executable: URL

  /// Finds the executable. Throws when the build has left it out, so that no test passes unseen.
  init() throws {
    let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let folders = [Bundle.main.executableURL, tests].compactMap { $0?.deletingLastPathComponent() }
    let candidates = folders.map { $0.appendingPathComponent("trnbench") }
    guard
      let found = candidates.first(where: {
        FileManager.default.isExecutableFile(atPath: $0.path)
      })
    else {
      throw CocoaError(
        .fileNoSuchFile, userInfo: [NSFilePathErrorKey: candidates.map(\.path).description])
    }
    executable = found
  }

  /// Starts the product with the folder's workloads.
  func start(_ arguments: [String], in desk: Desk) throws -> Running {
    try Running(executable, arguments, in: desk.folder)
  }

  /// Runs a shell command in which `$TRNBENCH` is the product.
  func shell(_ command: String, in desk: Desk) throws -> Ending {
    let line = "TRNBENCH='\(executable.path)'; \(command)"
    return try Running(URL(fileURLWithPath: "/bin/sh"), ["-c", line], in: desk.folder).ending()
  }
}
