import Foundation
import Testing

/// Places where nothing can be written. A path below a regular file refuses every user alike, root
/// included, whom permissions do not stop.
@Suite struct StorageFailureTests {
  private func desk() throws -> Desk {
    let desk = try Desk()
    try desk.write("file", "in the way\n")
    return desk
  }

  @Test func aResultThatCannotBeWrittenIsSeventyFourAndNamesTheFile() throws {
    let desk = try desk()
    let answer = desk.run("run", "kernel/alpha", "--mode", "timing", "--output", "file/results")
    #expect(answer.code == 74)
    #expect(answer.errors.contains("DESK/file/results"), "\(answer.errors)")
  }

  @Test func aTraceThatCannotBeWrittenIsSeventyFourAndNamesTheFile() throws {
    let desk = try desk()
    let answer = desk.run(
      "run", "kernel/alpha", "--mode", "timing", "--trace", "events", "--output", "file/results")
    #expect(answer.code == 74)
    #expect(answer.errors.contains("DESK/file/results"), "\(answer.errors)")
  }

  @Test func aProgramThatCannotBeWrittenIsSeventyFourAndNamesTheFile() throws {
    let desk = try desk()
    try desk.write("nop.trnasm", ".segment s\n.engine vector\nNOP\n")
    let answer = desk.run("asm", "nop.trnasm", "--output", "file/x.trnasm")
    #expect(answer.code == 74)
    #expect(answer.errors.contains("DESK/file/x.trnasm"), "\(answer.errors)")
  }

  @Test func oneRunThatCannotBeSavedStopsNoOther() throws {
    let desk = try desk()
    let folder = desk.folder.appendingPathComponent("out")
    let first = desk.run("run", "kernel/alpha", "--mode", "timing", "--output", "out")
    #expect(first.code == 0)
    let saved = try #require(FileManager.default.enumerator(atPath: folder.path))
    let path = try #require(
      saved.compactMap { $0 as? String }.first { $0.hasSuffix(".json") })
    // A folder stands where alpha's next result would go; beta's is free.
    try FileManager.default.removeItem(at: folder.appendingPathComponent(path))
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent(path + "/x"), withIntermediateDirectories: true)
    let second = desk.run("run", "pair", "--mode", "timing", "--output", "out")
    #expect(second.code == 74, "\(second.errors)")
    #expect(second.errors.contains("alpha") && !second.errors.contains("beta"))
    #expect(second.output.contains("kernel/beta"))
    let beta = path.replacingOccurrences(of: "alpha", with: "beta")
    #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(beta).path))
  }
}
