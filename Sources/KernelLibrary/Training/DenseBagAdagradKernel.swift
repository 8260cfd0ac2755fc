import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
import NumericFormats

/// A step of Adagrad on a small table that embedding bags name rows of.
///
/// The sums of gradients are a product: the matrix of how often each bag names each row, found by
/// comparing row numbers with a ramp, transposed, times the bags' gradients. They gather in PSUM,
/// `passRows` rows at a time; then all rows take the step, those that no bag names with a gradient
/// of zero, which leaves them as they are. No descriptor per look-up is needed.
/// Bound: the vector engine, one pass over the rows per place and 128 bags.
///
/// Parameters in order: index [bags, places] uint32, gradient [bags, columns], table [rows + 128,
/// row] fp32.
package struct DenseBagAdagradKernel: Kernel {
  /// Lengths and rates.
  package var step: BagStep
  /// The table.
  package var table: TrainedTable

  /// A step on a table.
  package init(_ step: BagStep, table: TrainedTable) {
    self.step = step
    self.table = table
  }

  /// The most rows for which this is taken instead of transfers of rows: a pass of the vector
  /// engine over so many takes 4.3 µs at 0.96 GHz, about as long as a chain of three transfers of
  /// 128 rows.
  package static let mostRows = 4_096

  package var name: String {
    "dense-bag-adagrad \(step.bags)x\(table.places.count) of \(table.rows)x\(step.width)"
      + " \(step.gradient.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("index", [step.bags, step.places], .uint32),
      KernelParameter("gradient", [step.bags, step.columns], step.gradient),
      step.parameter(0, rows: table.rows),
    ]
  }

  /// Blocks of 128 rows in one bank.
  private var perBank: Int { max(1, 512 / step.width) }
  /// Banks that sums gather in.
  private static let bankCount = 4

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let bags = pieces(step.bags, 128)
    guard step.bags > 0, (1...512).contains(step.width), !table.places.isEmpty,
      table.rows <= Self.mostRows, bags.count * step.width * 4 <= 64 << 10
    else {
      throw unsupported(
        "\(table.rows) rows", allowed: "at most \(Self.mostRows) rows of 1 to 512 weights")
    }
    try builder.scope { builder throws(BuilderError) in
      let length = table.places.count
      let index = try builder.tile("index", bags.count * length, format: .uint32)
      let rows = try builder.tile("row", bags.count * length, format: .float32)
      let slopes = try builder.tile("gradient", bags.count * step.width, format: step.gradient)
      for (number, tile) in bags.enumerated() {
        let own = number * length..<(number + 1) * length
        builder.load(
          index[0..<tile.count, own], from: tensors[0].block(rows: tile, columns: table.places))
        builder.copy(rows[0..<tile.count, own], index[0..<tile.count, own])
        builder.load(
          slopes[0..<tile.count, number * step.width..<(number + 1) * step.width],
          from: tensors[1].block(
            rows: tile, columns: table.column..<table.column + step.width), on: .scalar)
      }
      let passRows = Self.bankCount * perBank * 128
      var banks = try builder.banks("sums", buffers: 2 * Self.bankCount)
      var buffers = try Buffers(passRows: min(passRows, table.rows), step, perBank, &builder)
      for pass in pieces(table.rows, passRows) {
        let sums = pieces(ceilDivide(pass.count, 128), perBank).map { blocks in
          (blocks, banks.next(columns: blocks.count * step.width))
        }
        gather(pass, bags, rows, slopes, sums.map(\.1), &buffers, &builder)
        for (blocks, sum) in sums {
          let first = pass.lowerBound + blocks.lowerBound * 128
          update(rows: first, blocks.count, sum, tensors[2], &buffers, &builder)
        }
      }
    }
  }

  private struct Buffers {
    var ramp: Tile
    var counts: TilePool
    var olds: TilePool
    var news: TilePool
    var scratches: TilePool

    init(
      passRows: Int, _ step: BagStep, _ perBank: Int, _ builder: inout KernelBuilder
    ) throws(BuilderError) {
      let wide = perBank * 2 * step.width
      ramp = try builder.tile("ramp", passRows, format: .float32)
      counts = try builder.pool("counts", buffers: 2, passRows, format: step.gradient)
      olds = try builder.pool("old", buffers: 3, wide, format: .float32)
      news = try builder.pool("new", buffers: 3, wide, format: .float32)
      scratches = try builder.pool("root", buffers: 2, perBank * step.width, format: .float32)
    }
  }

  /// Sums of the gradients of the rows of a pass.
  private func gather(
    _ pass: Range<Int>, _ bags: [Range<Int>], _ rows: Tile, _ slopes: Tile, _ sums: [Tile],
    _ buffers: inout Buffers, _ builder: inout KernelBuilder
  ) {
    let ramp = buffers.ramp.columns(0..<pass.count)
    builder.iota(ramp, start: pass.lowerBound, steps: [1])
    let length = table.places.count
    for (number, tile) in bags.enumerated() {
      let own = 0..<tile.count
      let counts = buffers.counts.next()[own, 0..<pass.count]
      for place in 0..<length {
        let column = number * length + place
        let row = rows[own, column..<column + 1].pointer
        if place == 0 {
          builder.tensorScalar(counts, ramp.rows(own), .isEqual, row)
        } else {
          builder.scalarTensorTensor(counts, ramp.rows(own), .isEqual, row, .add, counts)
        }
      }
      let slope = slopes[own, number * step.width..<(number + 1) * step.width]
      for (block, range) in pieces(pass.count, 128).enumerated() {
        let start = block % perBank * step.width
        builder.matmul(
          sums[block / perBank][0..<range.count, start..<start + step.width],
          stationary: counts.columns(range), moving: slope, accumulates: number > 0)
      }
    }
  }

  /// The step of some blocks of rows, the last of which may reach into the spare rows.
  private func update(
    rows first: Int, _ blocks: Int, _ sum: Tile, _ tensor: TensorHandle,
    _ buffers: inout Buffers, _ builder: inout KernelBuilder
  ) {
    let width = step.width
    for (count, start) in wholeAndRest(rows: min(blocks * 128, table.rows - first)) {
      let partitions = 0..<min(128, count)
      let inner = max(1, count / 128)
      let shape = { (buffer: Tile, columns: Int) in
        buffer[partitions, 0..<inner * columns].shaped(inner, columns)
      }
      let place = tensor.access(
        offset: (first + start) * step.rowLength, sizes: [partitions.count, inner, 2 * width],
        strides: [step.rowLength, 128 * step.rowLength, 1])
      let (old, new) = (
        shape(buffers.olds.next(), 2 * width), shape(buffers.news.next(), 2 * width)
      )
      builder.load(old, from: place)
      let begin = start / 128 * width
      step.update(
        weights: (old.columns(0..<width), new.columns(0..<width)),
        squares: (old.columns(width..<2 * width), new.columns(width..<2 * width)),
        gradient: sum[partitions, begin..<begin + inner * width].shaped(inner, width),
        scratch: shape(buffers.scratches.next(), width), &builder)
      builder.store(place, from: new, on: .scalar)
    }
  }

  /// Whole blocks of 128 rows, and what is left.
  private func wholeAndRest(rows: Int) -> [(count: Int, start: Int)] {
    let whole = rows / 128 * 128
    return [(whole, 0), (rows - whole, whole)].filter { $0.0 > 0 }
  }
}
