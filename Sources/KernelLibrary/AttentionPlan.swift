/// Rows of scores that are handled together: queries of one head, or of all heads of a group.
struct AttentionRows: Hashable {
  /// The sequence.
  var batch: Int
  /// The key head.
  var kvHead: Int
  /// The head within the group, or nil when all of them lie on partitions.
  var head: Int?
  /// The queries of the sequence.
  var queries: Range<Int>
  /// Keys that at least one of the rows sees.
  var keys: Int
  /// Rows in all.
  var count: Int
}

/// Some rows against one block of keys: what one stage of the pipeline handles.
struct AttentionUnit: Hashable {
  var rows: AttentionRows
  /// Index of the rows, for their running state.
  var rowIndex: Int
  var keys: Range<Int>
  var isFirst: Bool
  var isLast: Bool
  /// Index of the group of heads whose K and V are in use.
  var groupIndex: Int
}

extension AttentionKernel {
  /// Keys of one block: two PSUM banks of scores.
  static var blockKeys: Int { 1024 }

  /// All units in the order in which they are computed.
  func units() -> [AttentionUnit] {
    var units: [AttentionUnit] = []
    var rowIndex = 0
    for batchIndex in 0..<batch {
      for kvHead in 0..<kvHeads {
        for rows in rows(batch: batchIndex, kvHead: kvHead) {
          let blocks = pieces(rows.keys, Self.blockKeys)
          for block in blocks {
            units.append(
              AttentionUnit(
                rows: rows, rowIndex: rowIndex, keys: block, isFirst: block.lowerBound == 0,
                isLast: block.upperBound == rows.keys, groupIndex: batchIndex * kvHeads + kvHead))
          }
          rowIndex += 1
        }
      }
    }
    return units
  }

  private func rows(batch: Int, kvHead: Int) -> [AttentionRows] {
    if isDecode {
      return [
        AttentionRows(
          batch: batch, kvHead: kvHead, head: nil, queries: 0..<queries, keys: keys,
          count: group * queries)
      ]
    }
    // All heads of a group for one tile of queries, so that their outputs are stored together.
    return pieces(queries, 128).flatMap { tile in
      (0..<group).map { head in
        AttentionRows(
          batch: batch, kvHead: kvHead, head: head, queries: tile,
          keys: isCausal ? min(keys, tile.upperBound + keys - queries) : keys, count: tile.count)
      }
    }
  }
}
