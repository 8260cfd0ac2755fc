import Hardware
import InstructionSet
import KernelBuilder

/// The causal mask as constants: tiles that an accumulating product adds to the scores.
///
/// Row r of a unit is query r mod queries; it sees the keys up to its own position. For a tile of
/// 128 keys only the distance between the first query and the first key matters, so a few tiles
/// serve all units. selectorᵀ [queries, rows] picks the mask's row for each row of the scores.
struct AttentionMasks {
  private struct Mask {
    var distance: Int
    var tile: Tile
  }

  /// Large enough to leave nothing of any score, small enough to stay finite in bf16 and fp16 after
  /// it was added.
  private static let lowest: Float = -60_000

  private let kernel: AttentionKernel
  private let selector: Tile?
  private var masks: [Mask] = []

  init(_ kernel: AttentionKernel, identity: Tile, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    guard kernel.isCausal, kernel.queries > 1 else {
      selector = nil
      return
    }
    if kernel.isDecode {
      let tile = try builder.tile(
        "row selector", partitions: kernel.queries, kernel.group, kernel.queries,
        format: kernel.format)
      builder.memset(tile, 1, on: .gpsimd)
      builder.affineSelect(
        tile, tile, .isEqual, channelMultiplier: -1, steps: [0, 1], onFalse: 0)
      selector = tile.viewed(sizes: [kernel.group * kernel.queries], strides: [1])
    } else {
      selector = identity
    }
    for unit in kernel.units() {
      for tile in Self.tiles(kernel, unit) { try add(tile.distance, &builder) }
    }
  }

  /// The tiles of 128 keys of a unit that some of its rows do not see in full.
  private static func tiles(_ kernel: AttentionKernel, _ unit: AttentionUnit)
    -> [(columns: Range<Int>, distance: Int)]
  {
    let first = unit.rows.queries.lowerBound + kernel.keys - kernel.queries
    return pieces(unit.keys.count, 128).compactMap { tile in
      let key = unit.keys.lowerBound + tile.lowerBound
      return key + tile.count - 1 > first ? (tile, first - key) : nil
    }
  }

  private mutating func add(_ distance: Int, _ builder: inout KernelBuilder) throws(BuilderError) {
    guard !masks.contains(where: { $0.distance == distance }) else { return }
    let rows = min(128, kernel.queries)
    let tile = try builder.tile("mask", partitions: rows, 128, format: kernel.format)
    builder.memset(tile, 0, on: .gpsimd)
    builder.affineSelect(
      tile, tile, .greaterEqual, start: distance, channelMultiplier: 1, steps: [-1],
      onFalse: Self.lowest)
    masks.append(Mask(distance: distance, tile: tile))
  }

  /// Adds the mask to a unit's scores.
  func apply(to bank: Tile, _ unit: AttentionUnit, _ builder: inout KernelBuilder) {
    guard let selector else { return }
    let queries = unit.rows.queries.count
    for tile in Self.tiles(kernel, unit) {
      guard let mask = masks.first(where: { $0.distance == tile.distance }) else { continue }
      builder.matmul(
        bank.columns(tile.columns), stationary: selector[0..<queries, 0..<unit.rows.count],
        moving: mask.tile[0..<queries, 0..<tile.columns.count], accumulates: true)
    }
  }
}
