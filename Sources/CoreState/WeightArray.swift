import NumericFormats
import VectorKernels

/// What the tensor engine holds: the weights of each of its 32 × 32 tile positions, and a cache of
/// moving tiles widened to fp32 and packed for the host's product.
///
/// A moving tile is widened once, not once per stationary tile that it meets: an entry stays good
/// until something writes to the SBUF bytes that it came from. Stationary tiles are not kept: most
/// are met once, and a packed one takes as long to come from memory as to be packed again.
@safe public struct WeightArray: ~Copyable {
  /// Weights at one tile position.
  struct Slot {
    /// Contraction rows; zero while the position is empty.
    var depth = 0
    /// Contraction rows in each row of the array: two in the double-row mode of fp8.
    var rowsPerPartition = 1
    /// Columns of the array in use.
    var columns = 0
    /// How the weights were stored, for passing them through.
    var format = NumberFormat.float32
    /// Raw elements [depth][columns] to be passed through instead of packed fp32 panels.
    var isRaw = false
    /// Bytes of a raw element: four for values that are not rounded.
    var elementBytes = 4
    /// How large the packed weights are.
    var magnitudes = Magnitudes.none
    /// Ones where row and column are equal, and zeros elsewhere.
    var isIdentity = false
  }

  /// A widened moving tile: what it was made of, and when.
  struct Tile {
    var access: AccessPattern
    var offset: Int
    var depth: Int
    var rowsPerPartition: Int
    /// The smallest magnitude of a tile whose zeros may have been left out; nil for a whole one.
    var least: UInt32?
    /// Where in SBUF its bytes lie.
    var blocks: ClosedRange<Int>
    /// The write clock when it was made.
    var madeAt: UInt64
    /// The use clock when it was last met.
    var usedAt: UInt64
  }

  /// Tile positions along one side of the array.
  static let side = 4
  /// Rows and columns of a tile position.
  static let tileSize = 32
  /// Entries of the cache, fewer where tiles are so large that so many would take too much.
  private static let mostTiles = 128
  private static let fewestTiles = 4
  private static let tileBytesLimit = 1 << 28
  private static let blockBytes = 256

  private let memory: AlignedMemory
  private let slotBytes: Int
  private let slotFloats: Int
  private let tileFloats: Int
  private let tileCount: Int
  private(set) var slots = [Slot](repeating: Slot(), count: side * side)
  private var tiles: [Tile] = []
  /// The write clock at each block's last change.
  private var blockWrites: [UInt64]
  private var writeClock: UInt64 = 0
  private var useClock: UInt64 = 0
  /// The entry that was met last.
  private var lastMet = 0
  /// How often a moving tile was widened, for tests of the cache.
  public private(set) var widenedTileCount = 0
  /// The last permutation that was read for a pass-through.
  private var permutation: [Int32] = []
  private var permutationTile: Tile?

  init(maximumColumns: Int, rowsPerPartition: Int, bytesPerPartition: Int) throws(MemoryError) {
    let full = Self.side * Self.tileSize
    let depth = full * rowsPerPartition
    let slotFloats = MatrixTile.stationaryFloatCount(k: depth, m: full)
    let tileFloats = MatrixTile.movingFloatCount(k: depth, n: maximumColumns)
    // One block for both: everything that can fail comes before the first property is set.
    let slotBytes = Self.side * Self.side * slotFloats * 4
    let tileCount = max(
      Self.fewestTiles, min(Self.mostTiles, Self.tileBytesLimit / (tileFloats * 4)))
    memory = try AlignedMemory(sizeBytes: slotBytes + tileCount * tileFloats * 4)
    self.tileCount = tileCount
    self.slotFloats = slotFloats
    self.tileFloats = tileFloats
    self.slotBytes = slotBytes
    blockWrites = Array(repeating: 0, count: bytesPerPartition / Self.blockBytes + 1)
  }

  /// The tile position of a row and column of the array.
  static func position(row: Int, column: Int) -> Int {
    row / tileSize * side + column / tileSize
  }

  /// Where the weights of a position lie: packed panels, or raw elements.
  func weightMemory(_ position: Int) -> UnsafeMutableRawPointer {
    precondition(position >= 0 && position < slots.count, "a tile position of the array")
    return unsafe memory.base + position * slotFloats * 4
  }

  /// Replaces the weights of a position, and forgets those of every position that they cover.
  mutating func setSlot(_ slot: Slot, row: Int, column: Int) {
    for other in slots.indices where slots[other].depth > 0 {
      let top = other / Self.side * Self.tileSize
      let left = other % Self.side * Self.tileSize
      let rows = top..<(top + slots[other].depth / slots[other].rowsPerPartition)
      let columns = left..<(left + slots[other].columns)
      if rows.overlaps(row..<(row + slot.depth / slot.rowsPerPartition)),
        columns.overlaps(column..<(column + slot.columns))
      {
        slots[other] = Slot()
      }
    }
    slots[Self.position(row: row, column: column)] = slot
  }

  /// Looks at the weights that were packed at a position.
  mutating func measureWeights(_ position: Int) {
    let (depth, columns) = (slots[position].depth, slots[position].columns)
    let panels = unsafe weightMemory(position).assumingMemoryBound(to: Float.self)
    let magnitudes = unsafe MatrixTile.magnitudes(stationary: panels, k: depth, m: columns)
    let one = Float(1).bitPattern
    slots[position].magnitudes = magnitudes
    slots[position].isIdentity =
      unsafe magnitudes.least == one && magnitudes.most == one
      && MatrixTile.isIdentity(stationary: panels, k: depth, m: columns)
  }

  /// Marks the bytes of a pattern in SBUF as changed.
  public mutating func noteWrite(_ access: AccessPattern, offset: Int = 0) {
    writeClock += 1
    for block in blocks(access, offset) { blockWrites[block] = writeClock }
  }

  private func blocks(_ access: AccessPattern, _ offset: Int) -> ClosedRange<Int> {
    let extent = access.byteExtent
    let last = blockWrites.count - 1
    let low = min(max(0, (extent.lowerBound + offset) / Self.blockBytes), last)
    return low...min(max(low, (extent.upperBound - 1 + offset) / Self.blockBytes), last)
  }

  private func isFresh(_ tile: Tile) -> Bool {
    for block in tile.blocks where blockWrites[block] > tile.madeAt { return false }
    return true
  }

  /// The memory of the entry with that index.
  func tileMemory(_ index: Int) -> UnsafeMutablePointer<Float> {
    precondition(index >= 0 && index < tileCount, "an entry of the cache")
    return unsafe (memory.base + slotBytes + index * tileFloats * 4)
      .assumingMemoryBound(to: Float.self)
  }

  /// True when a moving tile of that many columns fits an entry.
  func fits(depth: Int, columns: Int) -> Bool {
    MatrixTile.movingFloatCount(k: depth, n: columns) <= tileFloats
  }

  /// The entry for a moving tile, and whether it must be filled first.
  mutating func entry(
    _ access: AccessPattern, offset: Int, depth: Int, rowsPerPartition: Int
  ) -> (index: Int, isFresh: Bool) {
    useClock += 1
    let isWanted = { (tile: Tile) in
      tile.access.byteOffset == access.byteOffset && tile.access == access
        && tile.offset == offset && tile.depth == depth
        && tile.rowsPerPartition == rowsPerPartition
    }
    // Tiles are met again in the order in which they came: the next entry is the likeliest.
    let next = lastMet + 1 < tiles.count ? lastMet + 1 : 0
    let isNext = next < tiles.count && isWanted(tiles[next])
    if let found = isNext ? next : tiles.firstIndex(where: isWanted) {
      lastMet = found
      tiles[found].usedAt = useClock
      if isFresh(tiles[found]) { return (found, true) }
      tiles[found].madeAt = writeClock
      widenedTileCount += 1
      return (found, false)
    }
    widenedTileCount += 1
    let tile = Tile(
      access: access, offset: offset, depth: depth, rowsPerPartition: rowsPerPartition,
      blocks: blocks(access, offset), madeAt: writeClock, usedAt: useClock)
    lastMet = room()
    if lastMet < tiles.count { tiles[lastMet] = tile } else { tiles.append(tile) }
    return (lastMet, false)
  }

  /// Where a new tile goes: in place of one whose bytes have changed since, of those the one that
  /// was used last, for it is the likeliest to lie in the host's caches; else to a free entry; else
  /// in place of the least recently used.
  private func room() -> Int {
    var stale: Int?
    var oldest = 0
    for (index, tile) in tiles.enumerated() {
      if tile.usedAt < tiles[oldest].usedAt { oldest = index }
      guard stale.map({ tiles[$0].usedAt < tile.usedAt }) ?? true, !isFresh(tile) else { continue }
      stale = index
    }
    return stale ?? (tiles.count < tileCount ? tiles.count : oldest)
  }

  /// True when a tile has all rows that count against those weights.
  func entry(_ index: Int, suits slot: Slot) -> Bool {
    guard let least = tiles[index].least else { return true }
    return MatrixTile.zerosAddNothing(slot.magnitudes, leastMoving: least)
  }

  /// Notes how a tile was packed: the smallest magnitude where zeros may have been left out.
  mutating func noteEntry(_ index: Int, least: UInt32?) { tiles[index].least = least }

  /// The permutation that was last kept, if it is of this pattern and still right.
  func keptPermutation(_ access: AccessPattern, offset: Int) -> [Int32]? {
    guard let tile = permutationTile, tile.access == access, tile.offset == offset, isFresh(tile)
    else { return nil }
    return permutation
  }

  /// Keeps a permutation until the bytes that it came from change.
  mutating func keep(_ permutation: [Int32], of access: AccessPattern, offset: Int) {
    self.permutation = permutation
    permutationTile = Tile(
      access: access, offset: offset, depth: 0, rowsPerPartition: 1,
      blocks: blocks(access, offset), madeAt: writeClock, usedAt: 0)
  }
}
