import Foundation
import Hardware
import Testing

@Suite struct GoldenTests {
  /// The whole listing, so that no constant changes unseen. RECORD_SNAPSHOTS=1 rewrites it.
  @Test func trainium2ListingIsUnchanged() throws {
    let golden = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Goldens/trn2-constants.txt")
    let printed = listing(of: .trainium2)
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
      try printed.write(to: golden, atomically: true, encoding: .utf8)
      Issue.record("recorded \(golden.lastPathComponent); run again without RECORD_SNAPSHOTS")
      return
    }
    let expected = try String(contentsOf: golden, encoding: .utf8)
    let changes = printed.split(separator: "\n").difference(from: expected.split(separator: "\n"))
    #expect(changes.isEmpty, "run with RECORD_SNAPSHOTS=1 if the change is meant")
    #expect(printed == expected)
  }

  private func listing(of device: Device) -> String {
    let rows = device.constants()
    let counts = Confidence.allCases.map { confidence in
      "\(confidence.rawValue) \(rows.filter { $0.confidence == confidence }.count)"
    }
    let lines = rows.map { row in
      "\(row.path) = \(row.value) \(row.unit.rawValue) | \(row.confidence.rawValue)"
        + (row.range.map { " \($0)" } ?? "") + " | \(row.source)"
    }
    return "\(device.title): \(rows.count) constants; \(counts.joined(separator: ", "))\n"
      + lines.joined(separator: "\n") + "\n"
  }
}
