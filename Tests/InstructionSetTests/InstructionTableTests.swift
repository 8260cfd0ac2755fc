import Foundation
import Hardware
import InstructionSet
import Testing
import Units

/// The listing of operations against lists that were written apart from it.
@Suite struct InstructionTableTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

  private static func lines(_ name: String) throws -> [String] {
    try String(contentsOf: folder.appending(path: "Goldens").appending(path: name), encoding: .utf8)
      .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
  }

  private static let devices: [(generation: Int, device: Device)] = [
    (2, .trainium1), (3, .trainium2), (4, .trainium3),
  ]

  /// Name to the engines of the three generations.
  private static func expected() throws -> [String: [Set<String>]] {
    var rows: [String: [Set<String>]] = [:]
    for line in try lines("interface-operations.txt") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      rows[cells[0]] = cells.dropFirst().map { cell in
        cell == "-" ? [] : Set(cell.split(separator: " ").map(String.init))
      }
    }
    return rows
  }

  @Test func everyRowOfTheListIsListedWithItsEngines() throws {
    let expected = try Self.expected()
    let found = Dictionary(uniqueKeysWithValues: InterfaceOperation.all.map { ($0.name, $0) })
    #expect(expected.count > 70)
    let missing = expected.keys.filter { found[$0] == nil }.sorted()
    #expect(missing.isEmpty, "not listed: \(missing)")
    let unknown = found.keys.filter { expected[$0] == nil }.sorted()
    #expect(unknown.isEmpty, "in no list: \(unknown)")
    for (name, engines) in expected {
      guard let operation = found[name] else { continue }
      let listed = Self.devices.map { pair in
        Set(operation.engines(generation: pair.generation).map(\.name))
      }
      #expect(listed == engines, "\(name)")
    }
  }

  /// Each generation's count of operations, and that an example of each has a cost there.
  @Test func everyGenerationIsCounted() throws {
    let expected = try Self.expected()
    for (index, (generation, device)) in Self.devices.enumerated() {
      let wanted = expected.values.count { !$0[index].isEmpty }
      let listed = InterfaceOperation.all.filter { !$0.engines(generation: generation).isEmpty }
      #expect(listed.count == wanted)
      for operation in listed where !operation.opcodes.isEmpty {
        let cost = try #require(operation.example(on: device))
        #expect(cost.duration > .zero, "\(operation.name) on \(device.name)")
      }
    }
  }

  @Test func everyOpcodeOfTracesExists() throws {
    let names = try Self.lines("traced-opcodes.txt").flatMap { $0.split(separator: " ") }
    #expect(names.count > 30)
    let missing = names.filter { Opcode(name: $0) == nil }
    #expect(missing.isEmpty, "\(missing)")
    for opcode in Opcode.allCases {
      #expect(Opcode(name: opcode.name) == opcode)
      #expect(!opcode.engines.isEmpty)
    }
  }

  /// docs/instructions.md is what the sources say; RECORD_SNAPSHOTS=1 rewrites it.
  @Test func theDocumentIsFresh() throws {
    let path = Self.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "docs/instructions.md")
    let text = InstructionDocument.markdown(devices: Self.devices.map(\.device))
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: path, atomically: true, encoding: .utf8)
      Issue.record("recorded docs/instructions.md; run again without RECORD_SNAPSHOTS")
      return
    }
    let found = try String(contentsOf: path, encoding: .utf8)
    #expect(found == text, "run with RECORD_SNAPSHOTS=1 if the change is meant")
  }

  /// An instruction is copied for every program that is built: it stays as small as it was.
  @Test func instructionsStaySmall() {
    #expect(MemoryLayout<InstructionSet.Operation>.size <= 192)
    #expect(MemoryLayout<TransferShape>.size <= 80)
  }
}
