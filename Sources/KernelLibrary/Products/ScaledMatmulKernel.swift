import Hardware
import InstructionSet
package import KernelBuilder
import NumericFormats

/// A product of activations, quantised to MXFP8 on the way, with weights in MXFP4. NeuronCore-v4
/// and later.
///
/// Layouts: aᵀ [K, M] bf16; numbers of b [K / 4, N], four rows' codes in an element; scales [K /
/// 32, N]; out [M, N]. A packed row of 512 rows of K lies on each of 128 partitions, so that the
/// four rows of a partition come in one run; the vector engine quantises them where they lie.
/// Activations are stationary, weights stream as they were stored, 512 columns at a time; scales of
/// all weights stay on chip. The next rows of a are quantised between the products of these.
/// Bound: the tensor engine, K / 512 · M / 128 products of N columns.
///
/// Parameters in order: aᵀ, numbers, scales, out.
package struct ScaledMatmulKernel: Kernel {
  /// Rows of a and out: M, an even number, as stationary operands of such products have.
  package var rows: Int
  /// Rows of b: K, a multiple of 512.
  package var depth: Int
  /// Columns of b and out: N.
  package var columns: Int

  /// A product of [M, K] and [K, N].
  package init(rows: Int, depth: Int, columns: Int) {
    self.rows = rows
    self.depth = depth
    self.columns = columns
  }

  package var name: String { "matmul-mx \(rows)x\(depth)x\(columns) mxfp8xmxfp4" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("aT", [depth, rows], .bfloat16),
      KernelParameter("numbers", [depth / ScaledExpertKernel.packed, columns], .uint16),
      KernelParameter("scales", [depth / ScaledExpertKernel.block, columns], .uint8),
      KernelParameter("out", [rows, columns], .bfloat16, .output),
    ]
  }

  /// Rows of K on the partitions.
  static let tileDepth = 128 * ScaledExpertKernel.packed
  /// Bytes of a partition that scales of b may take, and quantised rows of a.
  private static let scaleBytes = 32 << 10
  static let rowBytes = 64 << 10
  /// The longest K: two buffers of 128 quantised rows, and two of 512 columns of b, fit.
  private static let mostDepth = 40 * tileDepth

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try requireMicroscaledProducts(builder.device)
    let tiles = depth / Self.tileDepth
    guard (1...Self.mostDepth).contains(depth), depth % Self.tileDepth == 0, rows > 0,
      rows % 2 == 0, columns > 0,
      ceilDivide(tiles, 4) * columns <= Self.scaleBytes
    else {
      throw unsupported(
        "\(rows) x \(depth) x \(columns)",
        allowed: "an even number of rows, a K of up to \(Self.mostDepth) that is a multiple of "
          + "\(Self.tileDepth), and at most \(Self.scaleBytes) scales of four tiles of it")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try ScaledMatmulEmitter(self, tensors, &builder)
      emitter.emit(into: &builder)
    }
  }
}

/// Emits a product with weights in MXFP4.
private struct ScaledMatmulEmitter {
  private let kernel: ScaledMatmulKernel
  private let tensors: [TensorHandle]
  private let tiles: Int
  /// Rows of a that are quantised together.
  private let blocks: [Range<Int>]
  private let cuts: [Range<Int>]
  /// [128, four tiles over each other, N].
  private let scales: Tile
  private var sources: TilePool
  private var quantised: [Quantised] = []
  private var panels: TilePool
  private var results: TilePool
  private var banks: BankPool
  /// Columns of b that are on their way, and how many have been used.
  private var loaded: [Tile] = []
  private var used = 0
  private var turn = 0

  /// Rows of a as microscaled operands: [128, tiles, rows], and the scales of four tiles over each
  /// other.
  private struct Quantised {
    var numbers: Tile
    var scales: Tile
  }

  init(_ kernel: ScaledMatmulKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    let tiles = kernel.depth / ScaledMatmulKernel.tileDepth
    self.tiles = tiles
    let groups = ceilDivide(tiles, 4)
    let most = [1024, 512, 256, 128].first {
      2 * $0 * (4 * tiles + groups) <= ScaledMatmulKernel.rowBytes
    }
    let block = min(most ?? 128, kernel.rows)
    blocks = pieces(kernel.rows, block)
    cuts = pieces(kernel.columns, 512)
    scales = try builder.tile("scales", groups, kernel.columns, format: .uint8)
    sources = try builder.pool(
      "a", buffers: 2, ScaledExpertKernel.packed * block, format: .bfloat16)
    for index in 0..<2 {
      quantised.append(
        Quantised(
          numbers: try builder.tile(
            "a numbers.\(index)", tiles, block, format: .float8e4m3fnx4),
          scales: try builder.tile("a scales.\(index)", groups, block, format: .uint8)))
    }
    // Partitions without scales are read, and must be numbers.
    builder.memset(scales, 0)
    for part in quantised { builder.memset(part.scales, 0, on: .gpsimd) }
    let width = min(512, kernel.columns)
    results = try builder.pool("out", buffers: 4, width, format: .bfloat16)
    let buffers = builder.freeSBUFBytes / (2 * tiles * width + KernelBuilder.alignmentBytes)
    panels = try builder.pool(
      "b", buffers: max(2, min(3, buffers)), tiles * width, format: .uint16)
    banks = try builder.banks("product", buffers: 8)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    loadScales(&builder)
    for tile in 0..<tiles { quantise(0, tile, &builder) }
    for block in blocks.indices {
      var ready = 0
      for (index, cut) in cuts.enumerated() {
        multiply(block, cut, &builder)
        // A share of the next rows, so that they are there when these are done.
        let due = block + 1 < blocks.count ? tiles * (index + 1) / cuts.count : 0
        for tile in ready..<max(ready, due) { quantise(block + 1, tile, &builder) }
        ready = max(ready, due)
      }
    }
  }

  private func loadScales(_ builder: inout KernelBuilder) {
    let columns = kernel.columns
    for run in ScaleRun.all(of: kernel.depth / ScaledExpertKernel.block) {
      builder.load(
        scales.block(run.group).rows(run.partitions),
        from: tensors[2].access(
          offset: run.firstRow * columns,
          sizes: [run.quadrants, run.copies, run.tiles, run.rows * columns],
          strides: [4 * columns, 0, 16 * columns, 1]),
        on: run.partitions.lowerBound / 32 % 2 == 0 ? .scalar : .sync)
    }
  }

  /// A tile of K of a block of rows.
  private mutating func quantise(_ block: Int, _ tile: Int, _ builder: inout KernelBuilder) {
    let rows = blocks[block]
    let packed = ScaledExpertKernel.packed
    let source = sources.next().columns(0..<packed * rows.count)
    builder.load(
      source,
      from: tensors[0].access(
        offset: tile * ScaledMatmulKernel.tileDepth * kernel.rows + rows.lowerBound,
        sizes: [128, packed, rows.count], strides: [packed * kernel.rows, kernel.rows, 1]),
      on: .scalar)
    let target = quantised[block % 2]
    builder.quantizeMX(
      target.numbers.block(tile).columns(0..<rows.count),
      source.viewed(sizes: [rows.count, packed], strides: [1, rows.count]),
      scales: target.scales.block(tile / 4).columns(0..<rows.count), offset: tile % 4 * 4)
  }

  /// All rows of a block with 512 columns of b.
  private mutating func multiply(
    _ block: Int, _ cut: Range<Int>, _ builder: inout KernelBuilder
  ) {
    let panel = nextPanel(&builder)
    let a = quantised[block % 2]
    let numbers = panel.reinterpreted(as: .float4e2m1fnx4)
    for rows in pieces(blocks[block].count, 128) {
      let bank = banks.next(partitions: rows.count, columns: cut.count)
      for tile in 0..<tiles {
        builder.matmulMX(
          bank, stationary: a.numbers.block(tile).columns(rows),
          stationaryScales: a.scales.block(tile / 4).columns(rows), moving: numbers.block(tile),
          movingScales: scales.block(tile / 4).columns(cut), offset: tile % 4 * 4,
          accumulates: tile > 0)
      }
      turn += 1
      let result = results.next()[0..<rows.count, 0..<cut.count]
      builder.copy(result, bank, on: turn % 2 == 0 ? .vector : .scalar)
      let first = blocks[block].lowerBound + rows.lowerBound
      builder.store(
        tensors[3].block(rows: first..<first + rows.count, columns: cut), from: result,
        on: .scalar)
    }
  }

  /// The next 512 columns of b, which every block of rows meets in order; those after them are on
  /// their way as far as there are buffers.
  private mutating func nextPanel(_ builder: inout KernelBuilder) -> Tile {
    let columns = kernel.columns
    while loaded.count < min(blocks.count * cuts.count, used + panels.tiles.count) {
      let cut = cuts[loaded.count % cuts.count]
      let panel = panels.next().columns(0..<tiles * cut.count).shaped(tiles, cut.count)
      builder.load(
        panel,
        from: tensors[1].access(
          offset: cut.lowerBound, sizes: [128, tiles, cut.count],
          strides: [columns, 128 * columns, 1]))
      loaded.append(panel)
    }
    defer { used += 1 }
    return loaded[used]
  }
}
