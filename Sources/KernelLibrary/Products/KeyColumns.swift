import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Sums of products whose weights were stationary, stored as they lie: columns on partitions, which
/// is how a cache holds keys for attention. Their heads may be turned by position on the way.
///
/// All partitions and so all DMA engines take part in the store, whose elements are far apart.
struct KeyColumns {
  private let rows: Int
  private let cut: EvenCut
  private let cache: TokenCache
  private let bias: Tile?
  private let rotation: Rotation?
  private let values: Tile
  private let turned: Tile

  /// The tables of one position: what each partition's elements are multiplied by.
  private struct Rotation {
    let size: Int
    let cosine: Tile
    /// The sine, negative for the first half of a head.
    let sine: Tile
    let crossed: Tile
  }

  /// Room for sums of `rows` rows, and what they meet.
  ///
  /// - Parameters:
  ///   - bias: one value per column.
  ///   - tables: cos and sin [1, size / 2] for heads of `size` elements that are turned.
  init(
    rows: Int, _ cut: EvenCut, in cache: TokenCache, bias: TensorHandle?,
    tables: (cosine: TensorHandle, sine: TensorHandle, size: Int)?, format: NumberFormat,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.rows = rows
    self.cut = cut
    self.cache = cache
    let elements = cut.count * rows
    self.bias = try bias.map { tensor throws(BuilderError) in
      let tile = try builder.tile(
        "key bias", partitions: cut.size, cut.count, format: tensor.format)
      builder.load(
        tile,
        from: tensor.access(offset: 0, sizes: [cut.size, cut.count], strides: [1, cut.size]),
        on: .scalar)
      return tile
    }
    rotation = try tables.map { tables throws(BuilderError) in
      try Self.rotation(tables, cut, elements, &builder)
    }
    values = try builder.tile("keys", partitions: cut.size, elements, format: format)
    turned = try builder.tile("turned keys", partitions: cut.size, elements, format: format)
  }

  private static func rotation(
    _ tables: (cosine: TensorHandle, sine: TensorHandle, size: Int), _ cut: EvenCut,
    _ elements: Int, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Rotation {
    let half = tables.size / 2
    let format = tables.cosine.format
    let cosine = try builder.tile("key cos", partitions: cut.size, 1, format: format)
    let sine = try builder.tile("key sin", partitions: cut.size, 1, format: format)
    for (tile, table) in [(cosine, tables.cosine), (sine, tables.sine)] {
      // The same for every half of a head.
      builder.load(
        tile, from: table.access(offset: 0, sizes: [cut.size / half, half], strides: [0, 1]),
        on: .scalar)
    }
    for part in stride(from: 0, to: cut.size / half, by: 2) {
      let first = sine.rows(part * half..<(part + 1) * half)
      builder.tensorScalar(first, first, .multiply, .immediate(-1))
    }
    return Rotation(
      size: tables.size, cosine: cosine, sine: sine,
      crossed: try builder.tile("crossed keys", partitions: cut.size, elements, format: .float32))
  }

  /// True for heads whose halves begin where an engine can address partitions.
  static func fits(_ cut: EvenCut, head: Int) -> Bool {
    cut.size % head == 0 && (head == 64 || head == 128)
  }

  /// Stores sums [columns of a tile, tiles · rows], in which element t · rows + r of partition p is
  /// column t · cut.size + p of row r.
  func store(_ sums: Tile, to tensor: TensorHandle, _ builder: inout KernelBuilder) {
    let shape = [cut.count, rows]
    let byTile = { (tile: Tile) in tile.viewed(sizes: shape, strides: [rows, 1]) }
    if let bias {
      builder.tensorTensor(
        byTile(values), byTile(sums.rows(0..<cut.size)),
        bias.viewed(sizes: shape, strides: [1, 0]), .add)
    } else {
      builder.copy(values, sums.rows(0..<cut.size), on: .vector)
    }
    var result = values
    if let rotation {
      let half = rotation.size / 2
      for part in 0..<cut.size / half {
        let own = part * half..<(part + 1) * half
        // The half from the other partitions.
        let other = (part ^ 1) * half..<((part ^ 1) + 1) * half
        builder.tensorTensor(
          rotation.crossed.rows(own), values.rows(other),
          rotation.sine.rows(own).viewed(sizes: [values.columns], strides: [0]), .multiply)
      }
      builder.scalarTensorTensor(
        turned, values, .multiply, rotation.cosine.pointer, .add, rotation.crossed)
      result = turned
    }
    builder.store(cache.columns(tensor, rows, cut), from: byTile(result), on: .scalar)
  }
}
