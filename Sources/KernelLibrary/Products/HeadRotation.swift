import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// The rotary embedding of heads that lie whole on partitions, all at one position: with x = (x1,
/// x2) the halves of a head, (x1 · cos − x2 · sin, x2 · cos + x1 · sin).
///
/// One product runs on GpSimd, the other and the sum on the vector engine.
struct HeadRotation {
  private let size: Int
  private let cosine: Tile
  /// The sine, negative for the first half of a head.
  private let sine: Tile
  private let crossed: Tile
  private let straight: Tile

  /// Elements of a partition that are turned at once.
  private static let mostElements = 1024

  /// Loads the tables [1, size / 2] for heads of `size` elements on `partitions` partitions, each
  /// of which holds up to `elements` elements.
  init(
    _ tables: (cosine: TensorHandle, sine: TensorHandle), size: Int, partitions: Int,
    elements: Int, _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.size = size
    let half = size / 2
    let format = tables.cosine.format
    cosine = try builder.tile("cos", partitions: partitions, half, format: format)
    let given = try builder.tile("sin", partitions: partitions, half, format: format)
    sine = try builder.tile("signed sin", partitions: partitions, 2, half, format: format)
    for (tile, table) in [(cosine, tables.cosine), (given, tables.sine)] {
      builder.load(
        tile, from: table.broadcast(columns: 0..<half, partitions: partitions), on: .scalar)
    }
    builder.tensorScalar(sine.block(0), given, .multiply, .immediate(-1))
    builder.copy(sine.block(1), given)
    let most = min(elements, max(size, Self.mostElements / size * size))
    crossed = try builder.tile("crossed", partitions: partitions, most, format: .float32)
    straight = try builder.tile("straight", partitions: partitions, most, format: .float32)
  }

  /// Turns heads [partitions, heads · size], as many at once as there is room for.
  func turn(_ x: Tile, into out: Tile, _ builder: inout KernelBuilder) {
    for heads in pieces(x.columns / size, crossed.columns / size) {
      let elements = heads.lowerBound * size..<heads.upperBound * size
      turn(x.columns(elements), out.columns(elements), heads: heads.count, &builder)
    }
  }

  private func turn(_ x: Tile, _ out: Tile, heads: Int, _ builder: inout KernelBuilder) {
    let half = size / 2
    let shape = [heads, 2, half]
    let strides = [size, half, 1]
    let partitions = 0..<x.partitions
    let byHalf = { (tile: Tile) in
      tile.rows(partitions).viewed(sizes: shape, strides: strides)
    }
    // The second half of each head stands before the first.
    builder.tensorTensor(
      byHalf(crossed), x.viewed(offset: half, sizes: shape, strides: [size, -half, 1]),
      sine.rows(partitions).viewed(sizes: shape, strides: [0, half, 1]), .multiply, on: .gpsimd)
    builder.tensorTensor(
      byHalf(straight), byHalf(x),
      cosine.rows(partitions).viewed(sizes: shape, strides: [0, 0, 1]), .multiply)
    builder.tensorTensor(byHalf(out), byHalf(straight), byHalf(crossed), .add)
  }
}
