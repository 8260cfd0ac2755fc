import Foundation

/// The machine that a run was made on and the build that made it: what explains host timings.
/// Nothing here can reach a simulated number.
package struct HostMachine: Equatable, Sendable, Codable {
  /// The processor's marketing name, or its implementer and part number where it has none.
  package var cpuModel: String
  /// The instruction set: `x86_64` or `arm64`.
  package var architecture: String
  /// Vector extensions that the processor offers and host kernels could use.
  package var cpuExtensions: [String]
  /// Vector extensions that this build relies on.
  package var buildExtensions: [String]
  /// Logical processors that this process may run on.
  package var coreCount: Int
  /// Physical memory, or the control group's limit where that is lower.
  package var memoryBytes: Int
  /// Name and version of the operating system.
  package var operatingSystem: String
  /// The compiler that built this program, as `6.3`.
  package var swiftVersion: String

  /// Extensions that the build relies on and this processor lacks: such a build would crash, so it
  /// has to be made again here.
  package var missingExtensions: [String] {
    buildExtensions.filter { !cpuExtensions.contains($0) }
  }

  /// Reads what this machine says about itself.
  package static func current() -> HostMachine {
    let information = CPUInformation(text(of: "/proc/cpuinfo"))
    let limit = memoryLimitBytes(cgroupText: text(of: "/sys/fs/cgroup/memory.max"))
    let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    return HostMachine(
      cpuModel: information.model ?? "unknown", architecture: builtArchitecture,
      cpuExtensions: information.extensions, buildExtensions: builtExtensions,
      coreCount: ProcessInfo.processInfo.activeProcessorCount,
      memoryBytes: min(physical, limit ?? physical),
      operatingSystem: operatingSystemName(osRelease: text(of: "/etc/os-release"))
        ?? ProcessInfo.processInfo.operatingSystemVersionString,
      swiftVersion: builtSwiftVersion)
  }

  /// The limit in a control group's `memory.max`; nil when there is none.
  package static func memoryLimitBytes(cgroupText: String) -> Int? {
    Int(cgroupText.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// The value of PRETTY_NAME in an `os-release` file, without its quotes.
  package static func operatingSystemName(osRelease: String) -> String? {
    let key = "PRETTY_NAME="
    guard let line = osRelease.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else {
      return nil
    }
    let value = line.dropFirst(key.count).filter { $0 != "\"" && $0 != "'" }
    return value.isEmpty ? nil : String(value)
  }

  /// The contents of a file, or nothing where the system has no such file.
  private static func text(of path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}

/// What the compiler knew when it built this program.
extension HostMachine {
  #if arch(x86_64)
    private static let builtArchitecture = "x86_64"
  #elseif arch(arm64)
    private static let builtArchitecture = "arm64"
  #else
    private static let builtArchitecture = "other"
  #endif

  // Package.swift chooses the define together with the processor that hot code is compiled for.
  #if TRNBENCH_AVX512
    private static let builtExtensions = ["avx2", "fma", "avx512f"]
  #elseif TRNBENCH_AVX2
    private static let builtExtensions = ["avx2", "fma"]
  #elseif TRNBENCH_NEON
    private static let builtExtensions = ["asimd"]
  #else
    private static let builtExtensions: [String] = []
  #endif

  #if compiler(>=6.4)
    private static let builtSwiftVersion = "6.4 or newer"
  #elseif compiler(>=6.3)
    private static let builtSwiftVersion = "6.3"
  #else
    private static let builtSwiftVersion = "6.2"
  #endif
}

extension HostMachine {
  /// What a result says of the machine that ran the model.
  var facts: [String: String] {
    [
      "cpu": cpuModel, "architecture": architecture, "cores": "\(coreCount)",
      "system": operatingSystem, "swift": swiftVersion,
      "build_extensions": buildExtensions.joined(separator: " "),
    ]
  }
}
