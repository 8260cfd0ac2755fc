import Foundation
import Testing
import TraceFile
import Units

@Suite struct WriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Records and leaves the file as a killed run does.
  private func abandon(_ path: String, events: [(TrackID, [TraceEvent])], samples: Int = 0) throws {
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    _ = try writer.append(program: Events.rows(48))
    for (track, list) in events { try writer.append(track: track, events: list) }
    let list = (0..<samples).map {
      TraceSample(time: Picoseconds(Int64($0) * 1_000_000), state: .busy, programCounter: 0)
    }
    try writer.append(track: .sync, samples: list)
  }

  @Test func aKilledRunKeepsWhatItsSideFileHolds() throws {
    let path = folder.file("killed.trntrace")
    let tensor = Events.loop(count: 65_536 + 2 * 16_384 + 100)
    let vector = Events.loop(count: 16_384, seed: 9)
    try abandon(path, events: [(.tensor, tensor), (.vector, vector)], samples: 5_000)
    #expect(FileManager.default.fileExists(atPath: path + ".open"))
    let (read, damage) = try readAll(path, .tensor)
    #expect(read == Array(tensor.dropLast(100)))
    #expect(kinds(damage) == [.noFooter])
    #expect(try readAll(path, .vector).0 == vector)
    let reader = try TraceReader(path: path)
    #expect(reader.summary.state == .killed)
    #expect(reader.summary.tracks[0].events == Int64(read.count))
    #expect(reader.summary.tracks[0].busy == read.reduce(0) { $0 + $1.duration.value })
    #expect(reader.summary.tracks[4].samples == 4_096)
    #expect(reader.program.count == 48)
  }

  @Test func aStaleOrForeignSideFileIsNotUsed() throws {
    let path = folder.file("killed.trntrace")
    try abandon(path, events: [(.tensor, Events.loop(count: 40_000))])
    // A new run of the same name removes what the old one left.
    try writeTrace(path, events: [(.tensor, Events.loop(count: 10))])
    #expect(!FileManager.default.fileExists(atPath: path + ".open"))
    // A side file of other metadata is not mixed in.
    let other = folder.file("other.trntrace")
    try abandon(other, events: [(.tensor, Events.loop(count: 40_000))])
    try abandon(path, events: [(.tensor, Events.loop(count: 100))])
    try FileManager.default.copyItem(atPath: other + ".open", toPath: path + ".open")
    #expect(try readAll(path, .tensor).0.count == 32_768)
    var content = try bytes(of: path + ".open")
    content[20] ^= 1
    try Data(content).write(to: URL(fileURLWithPath: path + ".open"))
    #expect(try readAll(path, .tensor).0.isEmpty)
  }

  @Test func damageInTheSideFileIsReported() throws {
    let path = folder.file("killed.trntrace")
    try abandon(path, events: [(.tensor, Events.loop(count: 40_000))])
    var content = try bytes(of: path + ".open")
    content[64 + 64 + 5_000] ^= 1
    try Data(content).write(to: URL(fileURLWithPath: path + ".open"))
    let (read, damage) = try readAll(path, .tensor)
    #expect(read.isEmpty)
    #expect(kinds(damage) == [.noFooter, .openBlocks])
    for size in stride(from: 0, to: 2_000_000, by: 99_991) {
      try Data(content[..<min(size, content.count)]).write(
        to: URL(fileURLWithPath: path + ".open"))
      _ = try readAll(path, .tensor)
    }
  }

  @Test func aBlockCutWhileBeingWrittenComesBackFromTheSideFile() throws {
    let path = folder.file("cut.trntrace")
    let events = Events.loop(count: 65_536)
    // Handed over in chunks, so that the side file holds three of the block's four.
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    for start in stride(from: 0, to: 65_536, by: 16_384) {
      try writer.append(track: .scalar, events: Array(events[start..<start + 16_384]))
    }
    drop(writer)
    let content = try bytes(of: path)
    try Data(content.dropLast(100)).write(to: URL(fileURLWithPath: path))
    let (read, damage) = try readAll(path, .scalar)
    #expect(read == Array(events[..<49_152]))
    let cut = try #require(damage.first { $0.kind == .cutBlock })
    #expect(cut.records == 16_384)
    #expect(cut.from == events[49_151].end.value)
  }

  @Test func chunksThatABlockHasOvertakenAreNotReadTwice() throws {
    let path = folder.file("overtaken.trntrace")
    let events = Events.loop(count: 65_536 + 16_384 + 5)
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    for start in stride(from: 0, to: events.count, by: 16_384) {
      let end = min(start + 16_384, events.count)
      try writer.append(track: .scalar, events: Array(events[start..<end]))
    }
    drop(writer)
    #expect(try readAll(path, .scalar).0 == Array(events.dropLast(5)))
  }

  private func drop(_ writer: consuming TraceWriter) {}

  @Test func anInterruptedRunClosesItsFile() throws {
    let path = folder.file("interrupted.trntrace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    try writer.finish(state: .interrupted, totals: RunTotals(end: 123))
    let reader = try TraceReader(path: path)
    #expect(reader.summary.state == .interrupted)
    #expect(reader.summary.end == 123)
    #expect(reader.damage.isEmpty)
  }

  // MARK: Errors

  @Test func aFullDiskIsReportedWithPathAndReason() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let path = folder.file("full.trntrace")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
    let error = #expect(throws: TraceError.self) {
      let writer = try TraceWriter(path: path, metadata: TraceMetadata())
      try writer.finish()
    }
    #expect(error == .system(doing: "writing", path: path, code: ENOSPC))
    #expect(error?.exitCode == 74)
    #expect(error?.description.contains(path) == true)
  }

  @Test func aFailureOfTheWritingThreadSurfacesLater() throws {
    let path = folder.file("late.trntrace")
    let error = #expect(throws: TraceError.self) {
      var writer = try TraceWriter(path: path, metadata: TraceMetadata())
      // The side file cannot be created where a folder has its name.
      try? FileManager.default.createDirectory(
        atPath: path + ".open", withIntermediateDirectories: false)
      for _ in 0..<100 {
        try writer.append(track: .tensor, events: Events.loop(count: 20_000))
      }
      try writer.finish()
    }
    #expect(error == .system(doing: "creating the file", path: path + ".open", code: EISDIR))
  }

  @Test func aFolderThatIsMissingOrClosedIsReported() throws {
    let path = folder.file("none/x.trntrace")
    let error = #expect(throws: TraceError.self) {
      try TraceWriter(path: path, metadata: TraceMetadata()).finish()
    }
    #expect(error == .system(doing: "creating the file", path: path, code: ENOENT))
    // Root may write anywhere, so the check of permissions says nothing there.
    guard geteuid() != 0 else { return }
    let closed = folder.file("closed")
    try FileManager.default.createDirectory(
      atPath: closed, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o500])
    let refused = #expect(throws: TraceError.self) {
      try TraceWriter(path: closed + "/x", metadata: TraceMetadata()).finish()
    }
    #expect(refused == .system(doing: "creating the file", path: closed + "/x", code: EACCES))
  }

  @Test func recordsBeyondTheLimitsAreRefused() throws {
    let negative = TraceEvent(start: .zero, duration: Picoseconds(-1), programCounter: 0)
    let far = TraceEvent(
      start: Picoseconds(TraceEvent.limit + 1), duration: .zero, programCounter: 0)
    for bad in [negative, far] {
      let error = #expect(throws: TraceError.self) {
        try writeTrace(
          folder.file("bad.trntrace"), events: [(.sync, Events.loop(count: 5) + [bad])])
      }
      #expect(error == .illegalRecord(track: .sync, index: 5))
      #expect(error?.exitCode == 1)
    }
  }

  // MARK: The container

  @Test func theZstdToolAcceptsTheFile() throws {
    let tool = ["/usr/bin/zstd", "/usr/local/bin/zstd", "/opt/homebrew/bin/zstd"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
    guard let tool else { return }
    let path = folder.file("tool.trntrace")
    try writeTrace(path, rows: Events.rows(9), events: [(.tensor, Events.loop(count: 70_000))])
    #expect(try run(tool, ["-t", "-q", path]).status == 0)
    let decoded = try run(tool, ["-dc", path])
    #expect(decoded.status == 0)
    #expect(decoded.output.starts(with: Array(#"{"format":"trntrace""#.utf8)))
  }

  private func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, output: Data) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
