// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The CPU that hot code is compiled for: this machine's own unless TRNBENCH_CPU names another.
let cpu = ProcessInfo.processInfo.environment["TRNBENCH_CPU"] ?? "native"

/// Clang spells the CPU option differently on the two architectures.
#if arch(arm64)
  let cpuOption = "-mcpu=\(cpu)"
#else
  let cpuOption = "-march=\(cpu)"
#endif

let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

/// The tile shape of the matrix kernel follows the vector width: Swift has no compile-time test of
/// target features, so the manifest looks once and hands a define to the sources.
func vectorWidthDefine() -> String {
  #if arch(arm64)
    return "TRNBENCH_NEON"
  #else
    if cpu == "native" {
      let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      return info.contains("avx512f") ? "TRNBENCH_AVX512" : "TRNBENCH_AVX2"
    }
    let wide = [
      "x86-64-v4", "skylake-avx512", "icelake-server", "sapphirerapids", "znver4", "znver5",
    ]
    return wide.contains(cpu) ? "TRNBENCH_AVX512" : "TRNBENCH_AVX2"
  #endif
}

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
let hot: [SwiftSetting] = [.unsafeFlags(["-Xcc", cpuOption]), .define(vectorWidthDefine())]

struct Module {
  var name: String
  var isHot: Bool
  var imports: [String]
}

/// Reads modules.txt, the one table of the module graph.
func readModules() -> [Module] {
  guard
    let text = try? String(contentsOf: root.appendingPathComponent("modules.txt"), encoding: .utf8)
  else { fatalError("modules.txt is missing beside Package.swift") }
  return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
    let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0].trimmingCharacters(in: .whitespaces)
    let imports = parts.count > 1 ? parts[1].split(separator: " ").map(String.init) : []
    return Module(
      name: name.replacingOccurrences(of: "!", with: ""), isHot: name.hasSuffix("!"),
      imports: imports)
  }
}

func dependency(_ name: String) -> Target.Dependency {
  switch name {
  case "ArgumentParser": .product(name: "ArgumentParser", package: "swift-argument-parser")
  case "SwiftProtobuf": .product(name: "SwiftProtobuf", package: "swift-protobuf")
  case "Yams": .product(name: "Yams", package: "Yams")
  default: .byName(name: name)
  }
}

let modules = readModules()

func target(_ module: Module) -> Target {
  switch module.name {
  case "CZstd":
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])])
  case "CJemalloc":
    .systemLibrary(name: "CJemalloc", pkgConfig: "jemalloc", providers: [.apt(["libjemalloc-dev"])])
  case "CLanes", "CPrefetch":
    .systemLibrary(name: module.name)
  // Generated code, which does not keep our rules.
  case "ONNXSchema":
    .target(
      name: module.name, dependencies: module.imports.map(dependency),
      swiftSettings: [.swiftLanguageMode(.v6)])
  case "trnbench", "kernelspeed":
    .executableTarget(
      name: module.name, dependencies: module.imports.map(dependency),
      swiftSettings: strict + (module.isHot ? hot : []),
      linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))])
  default:
    .target(
      name: module.name, dependencies: module.imports.map(dependency),
      swiftSettings: strict + (module.isHot ? hot : []),
      linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))])
  }
}

/// Goldens and cases are read by path; they are no resources of the target.
func goldens(_ folder: String) -> [String] {
  ["Goldens", "Cases"].filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
}

/// A test target exists for each module that has a folder under Tests/.
func tests(_ module: Module) -> Target? {
  let folder = root.appendingPathComponent("Tests/\(module.name)Tests").path
  guard FileManager.default.fileExists(atPath: folder) else { return nil }
  let visible = Set([module.name] + module.imports)
  return .testTarget(
    name: "\(module.name)Tests", dependencies: visible.sorted().map(dependency),
    exclude: goldens(folder), swiftSettings: strict + hot)
}

let styleTests: [Target] = [.testTarget(name: "StyleTests", swiftSettings: strict)]
  .filter { _ in
    FileManager.default.fileExists(atPath: root.appendingPathComponent("Tests/StyleTests").path)
  }

let package = Package(
  name: "trnbench",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "trnbench", targets: ["trnbench"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: modules.map(target) + modules.compactMap(tests) + styleTests
)
