import Foundation
import Testing
import TraceFile
import Units

/// Files of earlier minor versions are kept and read.
@Suite struct EarlierVersionTests {
  private func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Goldens/\(name).trntrace").path
  }

  /// A file of version 1.1: transfers stand on each track, waits' values are stored as they are.
  @Test func transfersOnEachTrack() throws {
    let path = path("version-1.1")
    let reader = try TraceReader(path: path)
    #expect(reader.version == FormatVersion(major: 1, minor: 1))
    #expect(try reader.verify().isEmpty)
    let rows = (0..<UInt32(reader.program.count)).compactMap { reader.program[$0] }
    #expect(rows.map(\.wait.value) == [16, 32, 0, 0, 1, 2])
    for engine in 0..<16 {
      let (read, damage) = try readAll(path, .dma(engine))
      #expect(damage.isEmpty && read.count == 8)
      #expect(read.map(\.programCounter) == [2, 3, 4, 5, 2, 3, 4, 5])
    }
  }

  /// A file of version 1.2: the first wait of a row is stored without a guess.
  @Test func waitsWithoutAGuess() throws {
    let path = path("version-1.2")
    let reader = try TraceReader(path: path)
    #expect(reader.version == FormatVersion(major: 1, minor: 2))
    #expect(try reader.verify().isEmpty)
    let (vector, first) = try readAll(path, .vector)
    #expect(first.isEmpty)
    #expect(vector.map(\.start.value) == [2_946_441, 5_898_382, 5_965_882])
    #expect(vector.map(\.wait.value) == [2_946_441, 2_884_441, 0])
    let (pool, second) = try readAll(path, .gpsimd)
    #expect(second.isEmpty)
    #expect(pool.map(\.wait.value) == [0, 0, 1_645_608, 0, 1_739_941])
    #expect(pool.map(\.stallCause) == [.none, .none, .dma, .none, .dma])
    for engine in 0..<16 {
      let (read, damage) = try readAll(path, .dma(engine))
      #expect(damage.isEmpty && read.map(\.programCounter) == [3, 6])
    }
  }

  /// A file of version 1.3: no stretch of records is stored as the repeat of another one.
  @Test func recordsWithoutRepeats() throws {
    let path = path("version-1.3")
    let reader = try TraceReader(path: path)
    #expect(reader.version == FormatVersion(major: 1, minor: 3))
    #expect(try reader.verify().isEmpty)
    let (tensor, first) = try readAll(path, .tensor)
    #expect(first.isEmpty && tensor.count == 34)
    #expect(tensor.prefix(4).map(\.start.value) == [3_658_501, 3_660_501, 3_662_501, 4_064_834])
    #expect(tensor.prefix(4).map(\.duration.value) == [101_667, 611_333, 146_333, 633_667])
    let (vector, second) = try readAll(path, .vector)
    #expect(second.isEmpty)
    #expect(vector.map(\.programCounter) == [34, 35, 36, 37])
    #expect(vector.map(\.wait.value) == [8_223_951, 0, 0, 4_892_011])
    #expect(vector.map(\.stallCause) == [.semaphore, .none, .none, .semaphore])
    #expect(try readAll(path, .dma(15)).0.count == 12)
  }
}
