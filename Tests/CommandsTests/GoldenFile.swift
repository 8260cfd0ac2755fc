import Foundation

/// Compares a text with a golden file beside the tests; `RECORD_SNAPSHOTS=1` rewrites it.
func goldenDifference(_ text: String, _ name: String, file: String = #filePath) throws -> String? {
  let url = URL(fileURLWithPath: file).deletingLastPathComponent()
    .appendingPathComponent("Goldens").appendingPathComponent(name)
  if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    return "recorded \(name); run again without RECORD_SNAPSHOTS"
  }
  let golden = try String(contentsOf: url, encoding: .utf8)
  return golden == text ? nil : "\(name) differs, now:\n\(text)"
}
