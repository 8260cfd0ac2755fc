import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Streams weights through SBUF, one matrix after the other, each as the stationary operand of
/// products with few rows.
///
/// As the moving operand, weights of one byte pass at 128 bytes a cycle, slower than HBM brings
/// them. Stationary, 128 × 128 of them take a load and the least time of a product, 96 cycles: 171
/// bytes a cycle (NKI architecture guide: a load takes a quarter of its columns, a product at least
/// 64 cycles). Those of two bytes are fast enough in both ways, but gain from how they are loaded:
/// the sums of all columns are open at once, element t · rows + r of partition p being column
/// t · cut + p of row r, so that a load brings whole rows of the weights, or 8 KiB of them, where
/// blocks of columns make runs of 2 KiB.
struct StationaryStream {
  /// One matrix [K, columns] and how its rows lie on partitions.
  struct Weights {
    var loader: ContractionLoader
    /// Tiles of K.
    var tiles: Int
    /// Rows of K in each.
    var rows = 128
    var columns: Int
    /// Columns that are a stationary operand together.
    var cut = 128
  }

  /// What one load brings.
  private struct Chunk {
    var weights: Int
    var tiles: Range<Int>
    var columns: Range<Int>
  }

  /// Bytes of a partition that one load brings: 1 MiB in all. After a prefetch the next load waits
  /// until the first is used, and the last one's products follow its last byte.
  private static let loadBytes = 8 << 10
  private static let mostBuffers = 12
  /// The sums of a partition that a bank holds in fp32.
  private static let sumsPerBank = 512
  /// The most banks that sums take: a gated layer has four sets of them in turn.
  private static let mostBanks = 2

  /// Bytes of a partition that the rows may take, which are held whole.
  private static let rowBytes = 32 << 10

  /// True where rows of so many tiles of K, of two bytes, can be held beside the stream.
  static func holds(rows: Int, tiles: Int) -> Bool { rows * tiles * 2 <= rowBytes }

  /// The most tiles of columns whose sums of so many rows fit.
  static func mostTiles(rows: Int) -> Int {
    max(1, sumsPerBank / rows * (sumsPerBank % rows == 0 ? mostBanks : 1))
  }

  /// The banks that sums of so many rows and tiles of columns take; nil for too many, or where a
  /// tile's sums would lie in two of them.
  static func banks(rows: Int, tiles: Int) -> Int? {
    let banks = ceilDivide(rows * tiles, sumsPerBank)
    return banks <= mostBanks && (banks == 1 || sumsPerBank % rows == 0) ? banks : nil
  }

  private let weights: [Weights]
  private let chunks: [Chunk]
  private var buffers: TilePool
  private var loaded: [Tile] = []
  private var next = 0

  /// A stream in what is left of SBUF.
  init(_ weights: [Weights], _ format: NumberFormat, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.weights = weights
    let free = builder.freeSBUFBytes
    let elements = min(Self.loadBytes, free / 4) / format.sizeBytes / 128 * 128
    guard elements > 0 else {
      throw .outOfSBUF(
        name: "weights", neededBytes: 4 * 128 * format.sizeBytes, freeBytes: free,
        kernel: builder.name)
    }
    var chunks: [Chunk] = []
    for (index, matrix) in weights.enumerated() {
      for tiles in pieces(matrix.tiles, max(1, elements / matrix.columns)) {
        for columns in pieces(matrix.columns, elements / matrix.cut * matrix.cut) {
          chunks.append(Chunk(weights: index, tiles: tiles, columns: columns))
        }
      }
    }
    self.chunks = chunks
    let bytes = elements * format.sizeBytes + KernelBuilder.alignmentBytes
    buffers = try builder.pool(
      "weights", buffers: min(Self.mostBuffers, chunks.count, free / max(1, bytes)), elements,
      format: format)
  }

  /// Multiplies the next matrix: adds up the products of its tiles of K with `moving` of the same
  /// tile, [rows of K, rows].
  mutating func multiply(
    rows: Int, into sums: Tile, _ builder: inout KernelBuilder, moving: (_ tile: Int) -> Tile
  ) {
    guard next < chunks.count else { return }
    let number = chunks[next].weights
    let matrix = weights[number]
    while next < chunks.count, chunks[next].weights == number {
      while loaded.count < min(chunks.count, next + buffers.tiles.count) { load(&builder) }
      let (chunk, tile) = (chunks[next], loaded[next])
      for (place, column) in pieces(chunk.columns.count, matrix.cut).enumerated() {
        let first = (chunk.columns.lowerBound / matrix.cut + place) * rows
        for k in chunk.tiles {
          builder.matmul(
            sums.columns(first..<first + rows).rows(0..<matrix.cut),
            stationary: tile.block(k - chunk.tiles.lowerBound).columns(column)
              .rows(0..<matrix.rows),
            moving: moving(k), accumulates: k > 0)
        }
      }
      next += 1
    }
  }

  private mutating func load(_ builder: inout KernelBuilder) {
    let chunk = chunks[loaded.count]
    let tile = buffers.next().columns(0..<chunk.tiles.count * chunk.columns.count)
      .shaped(chunk.tiles.count, chunk.columns.count)
    weights[chunk.weights].loader.load(
      tile, firstTile: chunk.tiles.lowerBound, chunk.tiles, chunk.columns, on: .sync, &builder)
    loaded.append(tile)
  }
}
