import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the product of few rows with weights of one byte, which are the stationary operand.
///
/// As the moving operand, weights pass at 128 bytes a cycle, slower than HBM brings them; a load of
/// 128 × 128 of them hides behind the least time of a product, 64 cycles: 256 bytes a cycle. The
/// sums come with their columns on partitions and are turned at the end (`TurnedSums`).
struct StationaryWeightsMatmul {
  private let kernel: MatmulKernel
  private let tensors: [TensorHandle]
  private let inputs: ContractionLoader
  private let weights: ContractionLoader
  private let kTiles: Int
  private let nTiles: Int
  private let chunkTiles: Int
  private let x: Tile
  private var chunks: TilePool
  private let sums: Tile
  private var turned: TurnedSums

  /// Bytes of a partition that one load brings: 2 MiB in all.
  private static let loadBytes = 16 << 10
  private static let mostBuffers = 6

  /// True for a product that gains: few rows, narrow weights in whole tiles, nothing to be done to
  /// the sums.
  static func fits(_ kernel: MatmulKernel) -> Bool {
    let tiles = kernel.n / 128
    return kernel.m <= TurnedSums.mostRows && kernel.k % 128 == 0 && kernel.n % 128 == 0
      && tiles <= 128 && tiles * kernel.m <= 512 && kernel.rhsFormat.sizeBytes == 1
      && kernel.input.sizeBytes == 2 && kernel.output.sizeBytes == 2
      && kernel.rhsLayout == .contractionRows && kernel.scale == 1 && kernel.bias == .none
      && kernel.activation == nil && !kernel.hasResidual
  }

  init(_ kernel: MatmulKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    kTiles = kernel.k / 128
    nTiles = kernel.n / 128
    inputs = ContractionLoader(
      tensor: tensors[0], layout: kernel.lhsLayout, contraction: kernel.k, isPartitionMajor: true,
      isStrided: kernel.lhsLayout == .contractionColumns)
    weights = ContractionLoader(
      tensor: tensors[1], layout: .contractionRows, contraction: kernel.k, isPartitionMajor: true)
    x = try builder.tile("x", kTiles, kernel.m, format: kernel.input)
    turned = try TurnedSums(rows: kernel.m, tiles: nTiles, format: kernel.output, &builder)
    var banks = try builder.banks("sums", buffers: 1)
    sums = banks.next(columns: nTiles * kernel.m)
    let free = builder.freeSBUFBytes
    chunkTiles = max(1, min(kTiles, min(Self.loadBytes, free / 4) / kernel.n))
    let chunkBytes = chunkTiles * kernel.n
    let wanted = min(Self.mostBuffers, ceilDivide(kTiles, chunkTiles))
    chunks = try builder.pool(
      "weights", buffers: max(1, min(wanted, free / (chunkBytes + KernelBuilder.alignmentBytes))),
      chunkTiles, kernel.n, format: kernel.rhsFormat)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    let rows = kernel.m
    inputs.load(x, 0..<kTiles, 0..<rows, on: .scalar, &builder)
    let cuts = pieces(kTiles, chunkTiles)
    var loaded: [Tile] = []
    for (index, cut) in cuts.enumerated() {
      while loaded.count < min(cuts.count, index + chunks.tiles.count) {
        let next = cuts[loaded.count]
        let tile = chunks.next()
        weights.load(
          tile, firstTile: next.lowerBound, next, 0..<kernel.n, on: .sync, &builder)
        loaded.append(tile)
      }
      for column in 0..<nTiles {
        for k in cut {
          builder.matmul(
            sums.columns(column * rows..<(column + 1) * rows),
            stationary: loaded[index].block(k - cut.lowerBound)
              .columns(column * 128..<(column + 1) * 128),
            moving: inputs.tile(x, k, 0..<rows), accumulates: k > 0)
        }
      }
    }
    turned.store(sums, tiles: nTiles, rows: rows, to: tensors[2], &builder)
  }
}
