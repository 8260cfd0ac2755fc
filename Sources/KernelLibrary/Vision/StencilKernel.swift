import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// A star-shaped stencil of seven points over a grid [planes, rows, columns]: out = centre · x +
/// neighbour · (the six neighbours), zero outside the grid.
///
/// Layout: rows on partitions, so that a neighbouring row is another partition: the tensor engine
/// reaches it as a product with a banded matrix, which brings the point itself and both rows beside
/// it at once. The neighbours along columns and planes are the same tile through shifted access
/// patterns, as products with a shifted diagonal, and all five add up in PSUM. 126 rows of a tile
/// of 128 are results, the others only neighbours. Bound: the DMA in 16-bit formats (each point is
/// read and written once, plus rows and planes that are read again at the edges of tiles), the
/// tensor engine in fp32.
///
/// Parameters in order: x [planes, rows, columns], out [planes, rows, columns].
package struct StencilKernel: Kernel {
  /// Planes of the grid.
  package var planes: Int
  /// Rows of a plane.
  package var rows: Int
  /// Columns of a row.
  package var columns: Int
  /// The weight of the point itself.
  package var centre: Float
  /// The weight of each neighbour.
  package var neighbour: Float
  /// Format of x and out.
  package var format: NumberFormat

  /// A stencil over a grid.
  package init(
    planes: Int, rows: Int, columns: Int, centre: Float, neighbour: Float,
    format: NumberFormat = .bfloat16
  ) {
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.centre = centre
    self.neighbour = neighbour
    self.format = format
  }

  package var name: String { "stencil \(planes)x\(rows)x\(columns) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [planes, rows, columns], format),
      KernelParameter("out", [planes, rows, columns], format, .output),
    ]
  }

  /// Rows of results in a tile of 128.
  private static let tileRows = 126
  /// Elements per partition that one load brings.
  private static let mostColumns = 16 << 10

  /// Rows of some planes.
  private struct Item: Hashable {
    var rows: Range<Int>
    var planes: Range<Int>
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard planes > 0, rows > 0, columns > 0, columns * 3 <= Self.mostColumns else {
      throw unsupported(
        "a grid of \(planes)x\(rows)x\(columns)",
        allowed: "at least one point, and at most \(Self.mostColumns / 3) columns")
    }
    try builder.scope { builder throws(BuilderError) in
      let weights = try Weights(self, &builder)
      let perItem = max(1, min(planes, Self.mostColumns / columns - 2))
      var inputs = try builder.pool("x", buffers: 3, (perItem + 2) * columns, format: format)
      var outputs = try builder.pool("out", buffers: 2, perItem * columns, format: format)
      var banks = try builder.banks("sums", buffers: builder.freeBanks)
      var turn = 0
      let items = pieces(rows, Self.tileRows).flatMap { rows in
        pieces(planes, perItem).map { Item(rows: rows, planes: $0) }
      }
      builder.pipelined(items) { builder, item in
        let seen = seen(item)
        let x = inputs.next()[0..<seen.rows.count, 0..<seen.planes.count * columns]
        builder.load(x, from: access(tensors[0], seen))
        return x
      } compute: { builder, item, x in
        let out = outputs.next()[0..<item.rows.count, 0..<item.planes.count * columns]
        for tile in tiles(item) {
          let bank = banks.next(
            partitions: item.rows.count, columns: tile.planes.count * tile.columns.count)
          multiply(bank, item, tile, x, weights, &builder)
          turn += 1
          builder.copy(
            view(out, tile.planes, tile.columns, from: item.planes.lowerBound), bank,
            on: turn % 2 == 0 ? .vector : .scalar)
        }
        builder.store(access(tensors[1], item), from: out)
      }
    }
  }

  /// The points that an item reads.
  private func seen(_ item: Item) -> Item {
    Item(
      rows: max(0, item.rows.lowerBound - 1)..<min(rows, item.rows.upperBound + 1),
      planes: max(0, item.planes.lowerBound - 1)..<min(planes, item.planes.upperBound + 1))
  }

  private func access(_ tensor: TensorHandle, _ item: Item) -> TensorAccess {
    tensor.access(
      offset: (item.planes.lowerBound * rows + item.rows.lowerBound) * columns,
      sizes: [item.rows.count, item.planes.count, columns],
      strides: [columns, rows * columns, 1])
  }

  /// Places of one product.
  private struct Part: Hashable {
    var planes: Range<Int>
    var columns: Range<Int>
  }

  /// At most 512 places: whole planes' rows, or parts of one.
  private func tiles(_ item: Item) -> [Part] {
    let together = max(1, 512 / columns)
    return pieces(item.planes.count, together).flatMap { planes in
      pieces(columns, 512).map {
        Part(
          planes: item.planes.lowerBound + planes.lowerBound..<item.planes.lowerBound
            + planes.upperBound, columns: $0)
      }
    }
  }

  private func view(_ tile: Tile, _ planes: Range<Int>, _ part: Range<Int>, from first: Int)
    -> Tile
  {
    tile.viewed(
      offset: (planes.lowerBound - first) * columns + part.lowerBound,
      sizes: [planes.count, part.count], strides: [planes.count > 1 ? columns : 0, 1])
  }

  /// The point and its rows, then the neighbours along planes and columns, each over the places
  /// that have one.
  private func multiply(
    _ bank: Tile, _ item: Item, _ tile: Part, _ x: Tile, _ weights: Weights,
    _ builder: inout KernelBuilder
  ) {
    let seen = seen(item)
    let hasRowBefore = seen.rows.lowerBound < item.rows.lowerBound
    let (band, side) = weights.matrices(hasRowBefore: hasRowBefore)
    let rows = (from: 0..<seen.rows.count, to: 0..<item.rows.count)
    let first = seen.planes.lowerBound
    builder.matmul(
      bank, stationary: band[rows.from, rows.to],
      moving: view(x, tile.planes, tile.columns, from: first))
    for step in [-1, 1] {
      let planes = tile.planes.shared(with: -step..<self.planes - step)
      if !planes.isEmpty {
        add(
          bank, tile, Part(planes: planes, columns: tile.columns), side[rows.from, rows.to],
          view(
            x, planes.lowerBound + step..<planes.upperBound + step, tile.columns, from: first),
          &builder)
      }
      let part = tile.columns.shared(with: -step..<columns - step)
      if !part.isEmpty {
        add(
          bank, tile, Part(planes: tile.planes, columns: part), side[rows.from, rows.to],
          view(x, tile.planes, part.lowerBound + step..<part.upperBound + step, from: first),
          &builder)
      }
    }
  }

  private func add(
    _ bank: Tile, _ tile: Part, _ part: Part, _ stationary: Tile, _ moving: Tile,
    _ builder: inout KernelBuilder
  ) {
    let target = bank.viewed(
      offset: (part.planes.lowerBound - tile.planes.lowerBound) * tile.columns.count
        + part.columns.lowerBound - tile.columns.lowerBound,
      sizes: [part.planes.count, part.columns.count],
      strides: [part.planes.count > 1 ? tile.columns.count : 0, 1])
    builder.matmul(target, stationary: stationary, moving: moving, accumulates: true)
  }

  /// The matrices that reach rows: results in columns, rows of x in rows.
  private struct Weights {
    /// For tiles with a row before their first result, and for the first tile.
    private var bands: [Tile] = []
    private var sides: [Tile] = []

    init(_ kernel: StencilKernel, _ builder: inout KernelBuilder) throws(BuilderError) {
      for shift in [0, 1] {
        // Row p of x is result m's own where p = m + shift.
        let band = try builder.tile("band", 128, format: kernel.format)
        builder.memset(band, kernel.neighbour, on: .gpsimd)
        builder.affineSelect(
          band, band, .greaterEqual, start: 1 - shift, channelMultiplier: 1, steps: [-1],
          onFalse: 0)
        builder.affineSelect(
          band, band, .greaterEqual, start: 1 + shift, channelMultiplier: -1, steps: [1],
          onFalse: 0)
        builder.affineSelect(
          band, band, .notEqual, start: -shift, channelMultiplier: 1, steps: [-1],
          onFalse: kernel.centre)
        bands.append(band)
        let side = try builder.tile("side", 128, format: kernel.format)
        builder.memset(side, kernel.neighbour, on: .gpsimd)
        builder.affineSelect(
          side, side, .isEqual, start: -shift, channelMultiplier: 1, steps: [-1], onFalse: 0)
        sides.append(side)
      }
    }

    func matrices(hasRowBefore: Bool) -> (band: Tile, side: Tile) {
      hasRowBefore ? (bands[1], sides[1]) : (bands[0], sides[0])
    }
  }
}
