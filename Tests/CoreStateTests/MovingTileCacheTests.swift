import CoreState
import Hardware
import NumericFormats
import Testing

/// The cache of widened moving tiles: how often tiles are widened is a count to hold.
@Suite struct MovingTileCacheTests {
  private static let weights = pattern(.sbuf, .bfloat16, partitions: 0..<32, byte: 0, [(32, 1)])
  private static let result = pattern(.psum, .float32, partitions: 0..<32, byte: 0, [(16, 1)])

  private static func moving(_ byte: Int) -> AccessPattern {
    pattern(.sbuf, .bfloat16, partitions: 0..<32, byte: byte, [(16, 1)])
  }

  private static func multiply(_ core: inout CoreState, _ byte: Int) -> [Float] {
    core.loadWeights(weights, part: .whole, row: 0, column: 0, engine: .tensor)
    core.multiply(
      moving(byte), columns: 32, to: result, accumulate: false, row: 0, column: 0,
      engine: .tensor)
    return core.elements(result)
  }

  @Test func aTileIsWidenedOnceForManyWeights() throws {
    var core = try makeCore()
    for _ in 0..<10 { _ = Self.multiply(&core, 4096) }
    let count = core.array.widenedTileCount
    #expect(count == 1)
  }

  @Test func everyKindOfWriteMakesATileStale() throws {
    var core = try makeCore()
    core.tensorAddresses = [0]
    core.setElements(Self.weights, to: (0..<1024).map { $0 / 32 == $0 % 32 ? 2 : 0 })
    let part = pattern(.sbuf, .bfloat16, partitions: 0..<1, byte: 4096 + 8, [(4, 1)])
    let column = pattern(.sbuf, .bfloat16, partitions: 0..<1, byte: 4096 + 8, [(4, 1)])
    core.hbm.upload([UInt16](repeating: 0x4040, count: 4), at: 0)
    let other = pattern(.sbuf, .bfloat16, partitions: 32..<33, byte: 512, [(4, 1)])
    core.setElements(other, to: [5, 5, 5, 5])
    let index = pattern(.sbuf, .uint32, partitions: 64..<65, byte: 0, [(1, 1)])
    _ = Self.multiply(&core, 4096)
    core.rows.fill(.a, with: 2, count: 4)
    core.store(.a, to: part, partition: 0, engine: .vector)
    #expect(Self.multiply(&core, 4096)[4] == 4)
    core.transfer(
      from: .hbm(tensor(0, .bfloat16, byte: 0, [(4, 1)])), to: .onChip(column), engine: .sync)
    #expect(Self.multiply(&core, 4096)[4] == 6)
    core.copyBits(from: other, to: part, partition: 0, engine: .vector)
    #expect(Self.multiply(&core, 4096)[4] == 10)
    core.transferRows(
      onChip: part, row: tensor(0, .bfloat16, byte: 0, [(4, 1)]), index: index,
      isScatter: false, rowStrideBytes: 8, rowCount: 1, engine: .gpsimd)
    #expect(Self.multiply(&core, 4096)[4] == 6)
    core.transferTransposed(
      from: .onChip(pattern(.sbuf, .bfloat16, partitions: 32..<36, byte: 600, [(1, 1)])),
      to: part, engine: .sync)
    #expect(Self.multiply(&core, 4096)[4] == 0)
    let count = core.array.widenedTileCount
    #expect(count == 6)
  }

  @Test func aWriteElsewhereKeepsATile() throws {
    var core = try makeCore()
    _ = Self.multiply(&core, 4096)
    core.setElements(Self.moving(8192), to: Array(repeating: 1, count: 512))
    _ = Self.multiply(&core, 4096)
    let count = core.array.widenedTileCount
    #expect(count == 1)
  }

  @Test func theLeastRecentlyUsedTileMakesRoom() throws {
    var core = try makeCore()
    for tile in 0..<128 { _ = Self.multiply(&core, 4096 + 256 * tile) }
    _ = Self.multiply(&core, 4096)
    let full = core.array.widenedTileCount
    #expect(full == 128)
    _ = Self.multiply(&core, 4096 + 256 * 128)
    _ = Self.multiply(&core, 4096)
    let kept = core.array.widenedTileCount
    #expect(kept == 129)
    _ = Self.multiply(&core, 4096 + 256)
    let evicted = core.array.widenedTileCount
    #expect(evicted == 130)
  }
}
