/// Up to 128 queries of one head, which lie on partitions while their maxima are found.
struct AttentionTile: Hashable {
  /// The head within the group.
  var head: Int
  /// The queries of the sequence.
  var queries: Range<Int>
  /// Their place among the rows of the block.
  var columns: Range<Int>
  /// Keys that at least one of them sees, from the beginning of a tile of 128 keys on.
  var keys: Range<Int>

  /// The tiles of 128 keys that at least one of the queries sees.
  var keyTiles: Range<Int> { keys.lowerBound / 128..<ceilDivide(keys.upperBound, 128) }
}

/// Up to four tiles of queries that share a key head: the columns of one product.
struct AttentionBlock: Hashable {
  /// The sequence.
  var batch: Int
  /// The key head.
  var kvHead: Int
  /// Index of the key head among those of all sequences.
  var groupIndex: Int
  /// Tiles of queries, later ones seeing no fewer keys at their end.
  var tiles: [AttentionTile]

  /// Queries of all tiles.
  var rows: Int { tiles.last?.columns.upperBound ?? 0 }
  /// The tiles of 128 keys that at least one of the queries sees.
  var keyTiles: Range<Int> {
    (tiles.map(\.keyTiles.lowerBound).min() ?? 0)..<(tiles.map(\.keyTiles.upperBound).max() ?? 0)
  }

  /// The tiles of queries that see a tile of keys.
  func tiles(seeing keyTile: Int) -> ArraySlice<AttentionTile> {
    let first = tiles.firstIndex { $0.keyTiles.contains(keyTile) } ?? tiles.count
    let last = tiles.lastIndex { $0.keyTiles.contains(keyTile) } ?? first - 1
    return tiles[first..<max(first, last + 1)]
  }
}

/// What the tensor engine does for one tile of 128 keys of a block.
struct AttentionStep: Hashable {
  var block: Int
  var keyTile: Int
  var isLast: Bool
}

/// Keys over which one maximum of each query of a tile is taken.
struct AttentionPiece: Hashable {
  var block: Int
  var tile: Int
  /// Its place among the pieces of the tile.
  var position: Int
  var keys: Range<Int>
}

extension AttentionKernel {
  /// Tiles of queries of a block: 512 columns, as many as one product takes.
  static var blockTiles: Int { 4 }

  /// Where query 0 stands among the keys.
  var firstPosition: Int { keys - queries }

  /// The keys that at least one of some queries sees.
  func visibleKeys(_ range: Range<Int>) -> Range<Int> {
    let end = isCausal ? min(keys, range.upperBound + firstPosition) : keys
    let start = window.map { max(0, range.lowerBound + firstPosition + 1 - $0) } ?? 0
    return start..<end
  }

  /// True when some of the queries do not see all keys of the tile.
  func isPartial(_ tile: AttentionTile, keyTile: Int) -> Bool {
    let first = tile.queries.lowerBound + firstPosition
    let last = tile.queries.upperBound - 1 + firstPosition
    let end = min(keys, keyTile * 128 + 128)
    return isCausal && end - 1 > first || window.map { keyTile * 128 < last + 1 - $0 } ?? false
  }

  /// All blocks in the order in which they are computed: all heads of a group for one tile of
  /// queries, so that blocks mix queries only where the heads of a group do not fill them.
  func blocks() -> [AttentionBlock] {
    var blocks: [AttentionBlock] = []
    for batchIndex in 0..<batch {
      for kvHead in 0..<kvHeads {
        let all = pieces(queries, 128).flatMap { range in (0..<group).map { ($0, range) } }
        for cut in pieces(all.count, Self.blockTiles) {
          var tiles: [AttentionTile] = []
          var column = 0
          for (head, range) in all[cut] {
            let seen = visibleKeys(range)
            tiles.append(
              AttentionTile(
                head: head, queries: range, columns: column..<column + range.count,
                keys: seen.lowerBound / 128 * 128..<seen.upperBound))
            column += range.count
          }
          blocks.append(
            AttentionBlock(
              batch: batchIndex, kvHead: kvHead, groupIndex: batchIndex * kvHeads + kvHead,
              tiles: tiles))
        }
      }
    }
    return blocks
  }
}
