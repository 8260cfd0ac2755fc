import Foundation
import InstructionSet
import Testing

/// Binary programs of earlier versions, as their builds wrote them.
@Suite struct OlderBinaryTests {
  /// Version 2: bodies row by row, values of waits as they are.
  @Test func filesOfTheSecondVersionAreStillRead() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Goldens")
    let bytes = try [UInt8](Data(contentsOf: folder.appendingPathComponent("version-2.trnp")))
    #expect(bytes[8] == 2)
    let text = try String(
      contentsOf: folder.appendingPathComponent("version-2.trnasm"), encoding: .utf8)
    let program = try ProgramBinary.program(from: bytes)
    #expect(Assembly.text(of: program) == text)
    let again = ProgramBinary.bytes(of: program)
    #expect(again[8] == 3)
    #expect(Assembly.text(of: try ProgramBinary.program(from: again)) == text)
  }
}
