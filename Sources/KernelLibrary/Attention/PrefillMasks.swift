import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// What hides keys from queries, on both orders of the scores.
///
/// Queries on partitions: a tile of constants is added by an accumulating product with the
/// identity; only the distance between the first query and the first key matters, so a few tiles
/// serve all blocks. Keys on partitions: hidden probabilities are replaced by zero after the
/// exponential, on GpSimd, which has nothing else to do.
struct PrefillMasks {
  /// Leaves nothing of any score, and stays finite in bf16 and fp32 after it was added.
  static let lowest: Float = -1e30

  private let kernel: AttentionKernel
  private let identity: Tile
  private var masks: [Int: Tile] = [:]

  /// - Parameter identity: bf16, 128 × 128.
  init(
    _ kernel: AttentionKernel, _ blocks: [AttentionBlock], identity: Tile,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.identity = identity
    for block in blocks {
      for tile in block.tiles {
        for keyTile in tile.keyTiles where kernel.isPartial(tile, keyTile: keyTile) {
          try add(distance(tile, keyTile), &builder)
        }
      }
    }
  }

  private func distance(_ tile: AttentionTile, _ keyTile: Int) -> Int {
    tile.queries.lowerBound + kernel.firstPosition - keyTile * 128
  }

  private mutating func add(_ distance: Int, _ builder: inout KernelBuilder) throws(BuilderError) {
    guard masks[distance] == nil else { return }
    let tile = try builder.tile("mask", 128, format: .bfloat16)
    builder.memset(tile, 0, on: .gpsimd)
    if kernel.isCausal {
      builder.affineSelect(
        tile, tile, .greaterEqual, start: distance, channelMultiplier: 1, steps: [-1],
        onFalse: Self.lowest)
    }
    if let window = kernel.window {
      builder.affineSelect(
        tile, tile, .greaterEqual, start: window - 1 - distance, channelMultiplier: -1,
        steps: [1], onFalse: Self.lowest)
    }
    masks[distance] = tile
  }

  /// Adds the mask to scores [queries, keys] of a tile of queries; `keys` begin at a tile of keys.
  func apply(to bank: Tile, _ tile: AttentionTile, keys: Range<Int>, _ builder: inout KernelBuilder)
  {
    let count = tile.queries.count
    for cut in pieces(keys.count, 128) {
      let keyTile = (keys.lowerBound + cut.lowerBound) / 128
      guard kernel.isPartial(tile, keyTile: keyTile), let mask = masks[distance(tile, keyTile)]
      else { continue }
      builder.matmul(
        bank.columns(cut), stationary: identity[0..<count, 0..<count],
        moving: mask[0..<count, 0..<cut.count], accumulates: true)
    }
  }

  /// Clears the hidden probabilities [keys, rows of the block].
  func clear(
    _ probabilities: Tile, _ tiles: ArraySlice<AttentionTile>, keyTile: Int,
    _ builder: inout KernelBuilder
  ) {
    let hidden = tiles.filter { kernel.isPartial($0, keyTile: keyTile) }
    guard let first = hidden.first else { return }
    let count = first.queries.count
    if hidden.allSatisfy({ $0.queries == first.queries }), let last = hidden.last {
      // All heads of a group at once.
      clear(
        probabilities.columns(first.columns.lowerBound..<last.columns.upperBound)
          .viewed(sizes: [hidden.count, count], strides: [count, 1]),
        distance(first, keyTile), steps: [0, 1], &builder)
      return
    }
    for tile in hidden {
      clear(probabilities.columns(tile.columns), distance(tile, keyTile), steps: [1], &builder)
    }
  }

  private func clear(
    _ tile: Tile, _ distance: Int, steps: [Int], _ builder: inout KernelBuilder
  ) {
    if kernel.isCausal {
      builder.affineSelect(
        tile, tile, .greaterEqual, start: distance, channelMultiplier: -1, steps: steps,
        onFalse: 0)
    }
    if let window = kernel.window {
      builder.affineSelect(
        tile, tile, .greaterEqual, start: window - 1 - distance, channelMultiplier: 1,
        steps: steps.map { -$0 }, onFalse: 0)
    }
  }
}
