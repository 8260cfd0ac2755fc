import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the gated feed-forward layer for blocks of tokens.
struct SwiGLUEmitter {
  private let kernel: SwiGLUKernel
  private let tensors: [TensorHandle]
  private let inputs: ContractionLoader
  private let dTiles: Int
  private let fTiles: Int
  /// Tiles of F whose sums are open at a time.
  private let tilesPerPass: Int
  /// Tiles of F whose sums share a bank.
  private let tilesPerBank: Int
  /// True when gate's tiles come first and then those of up.
  private let isSplit: Bool
  private let chunkTiles: Int
  private let chunkWidth: Int
  private let buffers: Int
  private let x: Tile
  private let h: Tile
  private var gates: TilePool
  private var chunks: TilePool
  private var results: TilePool
  private var residuals: TilePool?
  private var banks: BankPool
  private var turn = 0
  /// Added to where the three weights begin: those of one expert of a table.
  var offset: OffsetRegister?

  /// Weights of one pass: which tensor, which of its rows and columns.
  private struct Chunk {
    var tensor: Int
    var tiles: Range<Int>
    var columns: Range<Int>
  }

  init(_ kernel: SwiGLUKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    dTiles = kernel.width / 128
    fTiles = kernel.hidden / 128
    let block = min(kernel.tokens, 512)
    // Few tokens: the DMA is the bound, and wide rows of one weight keep it busy.
    let isNarrow = block <= 128
    isSplit = isNarrow
    // The wider the rows of a chunk, the longer the descriptors: 2 KiB keep the DMA engines busy.
    tilesPerBank = isNarrow && kernel.weightFormat.sizeBytes == 1 ? 2 : 1
    tilesPerPass = isNarrow ? 8 * tilesPerBank : 4
    let isStrided = kernel.layout == .contractionColumns && block <= 64
    inputs = ContractionLoader(
      tensor: tensors[0], layout: kernel.layout, contraction: kernel.width,
      isPartitionMajor: isStrided || kernel.layout == .contractionRows, isStrided: isStrided)
    let format = kernel.format
    x = try builder.tile("x", dTiles, block, format: format)
    h = try builder.tile("hidden", fTiles, block, format: format)
    gates = try builder.pool("gate", buffers: tilesPerPass + 1, block, format: .float32)
    let outColumns = min(kernel.width, isNarrow ? 4096 : 1024)
    results = try builder.pool("out", buffers: 2, outColumns, format: format)
    if kernel.hasResidual {
      residuals = try builder.pool("residual", buffers: 2, outColumns, format: format)
    }
    chunkWidth = max(outColumns, tilesPerPass * 128)
    let free = builder.freeSBUFBytes - 1024
    let rowBytes = chunkWidth * kernel.weightFormat.sizeBytes
    chunkTiles = max(1, min(8, free / 6 / rowBytes))
    buffers = max(2, min(6, free / (chunkTiles * rowBytes)))
    chunks = try builder.pool(
      "weights", buffers: buffers, chunkTiles * chunkWidth, format: kernel.weightFormat)
    banks = try builder.banks("product", buffers: 8)
  }

  mutating func emit(_ block: Range<Int>, into builder: inout KernelBuilder) {
    inputs.load(x, 0..<dTiles, block, on: .scalar, &builder)
    var plan: [Chunk] = []
    for tiles in pieces(fTiles, tilesPerPass) {
      plan += hiddenChunks(tiles)
    }
    let firstDown = plan.count
    let outWidth = results.tiles[0].columns
    for columns in pieces(kernel.width, outWidth) {
      for tiles in pieces(fTiles, chunkTiles) {
        plan.append(Chunk(tensor: 3, tiles: tiles, columns: columns))
      }
    }
    var loaded: [Tile] = []
    var open: [Tile] = []
    for (index, chunk) in plan.enumerated() {
      while loaded.count < min(plan.count, index + buffers) {
        loaded.append(load(plan[loaded.count], &builder))
      }
      if index < firstDown {
        multiplyHidden(chunk, loaded[index], block, &open, &builder)
      } else {
        multiplyDown(chunk, loaded[index], block, &open, &builder)
      }
    }
  }

  /// The chunks of both weights for some tiles of F: side by side, or one weight after the other.
  private func hiddenChunks(_ tiles: Range<Int>) -> [Chunk] {
    let columns = tiles.lowerBound * 128..<tiles.upperBound * 128
    let cuts = pieces(dTiles, chunkTiles)
    if isSplit {
      return [1, 2].flatMap { tensor in
        cuts.map { Chunk(tensor: tensor, tiles: $0, columns: columns) }
      }
    }
    return cuts.flatMap { cut in
      [1, 2].map { Chunk(tensor: $0, tiles: cut, columns: columns) }
    }
  }

  private mutating func load(_ chunk: Chunk, _ builder: inout KernelBuilder) -> Tile {
    let tile = chunks.next().columns(0..<chunk.tiles.count * chunk.columns.count)
      .shaped(chunk.tiles.count, chunk.columns.count)
    // Wd's rows are F, whose tiles lie in the order in which they were computed.
    var loader = ContractionLoader(
      tensor: tensors[chunk.tensor], layout: .contractionRows,
      contraction: chunk.tensor == 3 ? kernel.hidden : kernel.width,
      isPartitionMajor: chunk.tensor != 3 && inputs.isPartitionMajor)
    loader.offset = offset
    loader.load(
      tile, firstTile: chunk.tiles.lowerBound, chunk.tiles, chunk.columns, on: .sync, &builder)
    return tile
  }

  /// hᵀ tiles: open banks hold the gate's tiles first, then those of up.
  private mutating func multiplyHidden(
    _ chunk: Chunk, _ weights: Tile, _ block: Range<Int>, _ open: inout [Tile],
    _ builder: inout KernelBuilder
  ) {
    let count = chunk.columns.count / 128
    if chunk.tiles.lowerBound == 0, isSplit || chunk.tensor == 1 {
      let kept = isSplit && chunk.tensor == 2 ? Array(open.suffix(count)) : []
      open = kept + sums(isSplit ? count : 2 * count, columns: block.count)
    }
    let first = isSplit ? open.count - count : (chunk.tensor - 1) * count
    for tile in 0..<count {
      for k in chunk.tiles {
        builder.matmul(
          open[first + tile],
          stationary: weights.block(k - chunk.tiles.lowerBound).columns(
            tile * 128..<tile * 128 + 128),
          moving: inputs.tile(x, k, 0..<block.count), accumulates: k > 0)
      }
      guard chunk.tiles.upperBound == dTiles else { continue }
      finishHidden(chunk, tile, open[first + tile], block, &open, &builder)
    }
  }

  /// Places in PSUM for the sums of some tiles of F.
  private mutating func sums(_ count: Int, columns: Int) -> [Tile] {
    pieces(count, tilesPerBank).flatMap { tiles in
      let bank = banks.next(columns: tiles.count * columns)
      return (0..<tiles.count).map { bank.columns($0 * columns..<($0 + 1) * columns) }
    }
  }

  /// silu of a finished gate tile, or its product with a finished tile of up.
  private mutating func finishHidden(
    _ chunk: Chunk, _ tile: Int, _ bank: Tile, _ block: Range<Int>, _ open: inout [Tile],
    _ builder: inout KernelBuilder
  ) {
    if chunk.tensor == 1 {
      let gate = gates.next().columns(0..<block.count)
      builder.activation(gate, .silu, bank)
      // From here on the gate's place among the open banks names its silu in SBUF.
      if let place = open.firstIndex(of: bank) { open[place] = gate }
      return
    }
    let target = h.block(chunk.columns.lowerBound / 128 + tile).columns(0..<block.count)
    builder.tensorTensor(target, bank, open[tile], .multiply)
  }

  /// out [tokens, columns]: rows of tiles outside, columns inside.
  private mutating func multiplyDown(
    _ chunk: Chunk, _ weights: Tile, _ block: Range<Int>, _ open: inout [Tile],
    _ builder: inout KernelBuilder
  ) {
    let rowTiles = pieces(block.count, 128)
    let columnTiles = pieces(chunk.columns.count, 512)
    if chunk.tiles.lowerBound == 0 {
      open = rowTiles.flatMap { rows in
        columnTiles.map { banks.next(partitions: rows.count, columns: $0.count) }
      }
    }
    for (row, rows) in rowTiles.enumerated() {
      for (column, columns) in columnTiles.enumerated() {
        for k in chunk.tiles {
          builder.matmul(
            open[row * columnTiles.count + column], stationary: h.block(k).columns(rows),
            moving: weights.block(k - chunk.tiles.lowerBound).columns(columns), accumulates: k > 0)
        }
      }
      if chunk.tiles.upperBound == fTiles {
        let first = row * columnTiles.count
        store(
          Array(open[first..<first + columnTiles.count]), columnTiles, chunk.columns,
          block.lowerBound + rows.lowerBound..<block.lowerBound + rows.upperBound, &builder)
      }
    }
  }

  private mutating func store(
    _ banks: [Tile], _ cuts: [Range<Int>], _ columns: Range<Int>, _ rows: Range<Int>,
    _ builder: inout KernelBuilder
  ) {
    let result = results.next()[0..<rows.count, 0..<columns.count]
    var other: Tile?
    if kernel.hasResidual, var pool = residuals {
      let tile = pool.next()[0..<rows.count, 0..<columns.count]
      residuals = pool
      builder.load(tile, from: tensors[4].block(rows: rows, columns: columns), on: .scalar)
      other = tile
    }
    for (cut, bank) in zip(cuts, banks) {
      if let other {
        builder.tensorTensor(result.columns(cut), bank, other.columns(cut), .add)
      } else {
        turn += 1
        builder.copy(result.columns(cut), bank, on: turn % 2 == 0 ? .scalar : .vector)
      }
    }
    builder.store(
      tensors[tensors.count - 1].block(rows: rows, columns: columns), from: result, on: .scalar)
  }
}
