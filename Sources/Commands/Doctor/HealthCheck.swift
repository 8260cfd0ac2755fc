import BenchmarkRunner
import Foundation
import Hardware
import Results
import TerminalUI
import WorkloadCatalog

/// One fact about this machine or build, and what to do where it is not as it should be.
struct HealthFact: Equatable {
  /// What it is about.
  var topic: String
  /// What was found.
  var found: Cell
  /// How to get what is missing; nil where nothing is.
  var advice: String?
}

/// Looks at this machine, this build and what surrounds them.
struct HealthCheck {
  let environment: CommandEnvironment

  /// Every fact, in a fixed order.
  func facts() -> [HealthFact] { machine() + memory() + libraries() + surroundings() }

  private func machine() -> [HealthFact] {
    let host = HostMachine.current()
    let missing = host.missingExtensions
    let advice =
      missing.isEmpty
      ? nil
      : "this CPU lacks \(missing.joined(separator: ", ")): build again on this machine, "
        + "or with TRNBENCH_CPU set to its model"
    return [
      HealthFact(topic: "version", found: .text(TrnbenchCommand.version)),
      HealthFact(topic: "swift", found: .text(host.swiftVersion)),
      HealthFact(topic: "system", found: .text("\(host.operatingSystem), \(host.architecture)")),
      HealthFact(topic: "cpu", found: .text(host.cpuModel)),
      HealthFact(topic: "cpu extensions", found: .text(host.cpuExtensions.joined(separator: " "))),
      HealthFact(
        topic: "built for", found: .text(host.buildExtensions.joined(separator: " ")),
        advice: advice),
      HealthFact(
        topic: "TRNBENCH_CPU",
        found: environment.variables["TRNBENCH_CPU"].map { .text($0) }
          ?? .text("not set: builds are for this machine's own CPU")),
      HealthFact(topic: "cores", found: .integer(Int64(host.coreCount))),
      HealthFact(topic: "memory", found: .bytes(Double(host.memoryBytes))),
    ]
  }

  private func memory() -> [HealthFact] {
    let advice = "install libjemalloc-dev (or run scripts/setup) and build again"
    do {
      let version = try Allocator.version()
      let serves = try Allocator.servesSwift()
      let figures = try Allocator.memory()
      return [
        HealthFact(topic: "jemalloc", found: .text(String(version.prefix { $0 != "-" }))),
        HealthFact(
          topic: "serves swift", found: .flag(serves), advice: serves ? nil : advice),
        HealthFact(topic: "allocated", found: .bytes(Double(figures.allocatedBytes))),
        HealthFact(topic: "active", found: .bytes(Double(figures.activeBytes))),
        HealthFact(topic: "resident", found: .bytes(Double(figures.residentBytes))),
        HealthFact(
          topic: "peak resident",
          found: ProcessMemory.peakResidentBytes().map { .bytes(Double($0)) } ?? .missing),
      ]
    } catch {
      return [HealthFact(topic: "jemalloc", found: .missing, advice: "\(error)")]
    }
  }

  private func libraries() -> [HealthFact] {
    let git = ToolVersion.find("git", ["--version"])
    let zstd = ToolVersion.find("zstd", ["--version"])
    return [
      HealthFact(topic: "libzstd", found: .text(SystemLibraries.zstdVersion)),
      HealthFact(
        topic: "git", found: git.map { .text($0) } ?? .missing,
        advice: git == nil
          ? "install git: results are kept by commit, and compare looks revisions up" : nil),
      HealthFact(
        topic: "zstd", found: zstd.map { .text($0) } ?? .missing,
        advice: zstd == nil
          ? "optional: install zstd to read traces with other tools ('zstd -dc x.trntrace')" : nil),
    ]
  }

  private func surroundings() -> [HealthFact] {
    let places = Places(environment)
    let source = places.git.currentState()
    var facts = [HealthFact(topic: "commit", found: .text(source.folderName))]
    do {
      let catalog = try places.catalog()
      facts.append(HealthFact(topic: "workloads", found: .text(catalog.root)))
      facts.append(
        HealthFact(
          topic: "catalog",
          found: .text("\(catalog.names.count) workloads, \(catalog.suites.count) suites")))
    } catch {
      facts.append(HealthFact(topic: "workloads", found: .missing, advice: error.description))
    }
    facts.append(HealthFact(topic: "results", found: .text(places.results(named: nil).path)))
    facts.append(
      HealthFact(topic: "devices", found: .text(DeviceNames.all.joined(separator: " "))))
    return facts
  }
}

/// Asks a program on the search path for its version.
enum ToolVersion {
  /// The version number that it prints first; nil where there is no such program.
  static func find(_ program: String, _ arguments: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return number(in: String(decoding: data, as: UTF8.self))
  }

  /// The first word with digits around a full stop, without a leading `v` or what follows.
  static func number(in text: String) -> String? {
    let words = text.split { $0.isWhitespace || $0 == "," }
    return words.lazy.compactMap { word -> String? in
      let digits = word.drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." }
      return digits.contains(".") ? String(digits) : nil
    }.first
  }
}
