import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// The gradient of a layer norm or root-mean-square norm in its input, over the last axis.
///
/// With g = dy · scale and x̂ the normalised row: out = r · (g − [mean g] − x̂ · mean(g · x̂)).
///
/// Layout: rows on partitions, the scale once per partition. Per element three passes of the vector
/// engine (g, g · x̂, the difference) and four or five of the scalar engine (moments, x̂, sums, the
/// last scale); nothing but dy, x and out passes through HBM.
/// Bound: the vector and scalar engines alike.
///
/// Parameters in order: dy [rows, columns], x [rows, columns], scale [columns], out [rows,
/// columns].
package struct NormGradientKernel: Kernel {
  /// What both kernels of a norm's gradient have to know of it.
  package var norm: NormShape
  /// Format of the scale.
  package var scale: NumberFormat
  /// Format of out.
  package var output: NumberFormat

  /// The gradient of a norm of that shape.
  package init(_ norm: NormShape, scale: NumberFormat, output: NumberFormat) {
    self.norm = norm
    self.scale = scale
    self.output = output
  }

  package var name: String { "\(norm.label)-gradient \(norm.size)" }

  package var parameters: [KernelParameter] {
    let shape = [norm.rows, norm.columns]
    return [
      KernelParameter("dy", shape, norm.slope), KernelParameter("x", shape, norm.format),
      KernelParameter("scale", [norm.columns], scale),
      KernelParameter("out", shape, output, .output),
    ]
  }

  /// Elements of a row that are multiplied at a time on their way to a sum.
  private static let partColumns = 2048

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let columns = norm.columns
    try builder.scope { builder throws(BuilderError) in
      let weights = try builder.tile("scale", columns, format: scale)
      builder.load(
        weights, from: tensors[2].broadcast(columns: 0..<columns, partitions: 128), on: .scalar)
      var rows = try NormRows(norm, &builder)
      let parts = pieces(columns, Self.partColumns)
      let buffers = columns > 4096 ? 1 : 2
      var weighted = try builder.pool("g", buffers: buffers, columns, format: .float32)
      var products = try builder.pool(
        "g·x̂", buffers: 2, min(columns, Self.partColumns), format: .float32)
      var sums = try builder.pool("sums", buffers: 4, parts.count + 4, format: .float32)
      var outputs = try builder.pool("out", buffers: buffers, columns, format: output)
      let ahead = norm.ahead
      builder.pipelined(pieces(norm.rows, 128), ahead: ahead) { builder, tile in
        rows.load(tile, slope: tensors[0], x: tensors[1], &builder)
      } compute: { builder, tile, loaded in
        let normal = rows.normalize(loaded.x, &builder)
        let count = 0..<tile.count
        let g = weighted.next().rows(count)
        builder.tensorTensor(g, loaded.slope, weights.rows(count), .multiply)
        let sum = sums.next().rows(count)
        for (index, part) in parts.enumerated() {
          let product = products.next()[count, 0..<part.count]
          builder.tensorTensor(product, g.columns(part), normal.values.columns(part), .multiply)
          builder.activation(
            product, .identity, product, sum: sum.columns(index..<index + 1))
        }
        let rest = parts.count
        let total = sum.columns(rest..<rest + 1)
        builder.tensorReduce(total, sum.columns(0..<rest), .add)
        let share = sum.columns(rest + 1..<rest + 2)
        builder.tensorScalar(share, total, .multiply, .immediate(-1 / Float(columns)))
        var shift = ScalarOperand.immediate(0)
        if norm.centres {
          let mean = sum.columns(rest + 2..<rest + 3)
          // Only the sum is wanted; out takes the elements.
          let out = outputs.next().rows(count)
          builder.activation(out, .identity, g, sum: mean)
          let scaled = sum.columns(rest + 3..<rest + 4)
          builder.tensorScalar(
            scaled, mean, .multiply, normal.scale.pointer, .multiply,
            .immediate(-1 / Float(columns)))
          shift = scaled.pointer
        }
        builder.scalarTensorTensor(
          g, normal.values, .multiply, share.pointer, .add, g)
        let out = outputs.next().rows(count)
        builder.activation(out, .identity, g, scale: normal.scale.pointer, bias: shift)
        builder.store(tensors[3].rows(tile), from: out)
      }
    }
  }
}

/// The sums over rows that the gradient of a norm takes: Σ dy · x̂ and, of a layer norm, Σ dy.
///
/// Layout: rows on partitions; the tensor engine adds up partitions and tiles as products with a
/// column of ones, in PSUM. Bound: the DMA, or the scalar engine's two passes for x̂.
///
/// Parameters in order: dy [rows, columns], x [rows, columns], out [1 or 2, columns] in fp32.
package struct NormSumsKernel: Kernel {
  /// The norm.
  package var norm: NormShape

  /// The sums of a norm of that shape.
  package init(_ norm: NormShape) { self.norm = norm }

  package var name: String { "\(norm.label)-sums \(norm.size)" }

  package var parameters: [KernelParameter] {
    let shape = [norm.rows, norm.columns]
    return [
      KernelParameter("dy", shape, norm.slope), KernelParameter("x", shape, norm.format),
      KernelParameter("out", [norm.centres ? 2 : 1, norm.columns], .float32, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      let bank = builder.bankColumns
      let width = min(norm.columns, builder.freeBanks / (norm.centres ? 2 : 1) * bank)
      let ones = try builder.tile("ones", 1, format: .float32)
      builder.memset(ones, 1)
      let plainOnes = try builder.tile("ones of dy", 1, format: norm.slope)
      builder.memset(plainOnes, 1)
      var rows = try NormRows(norm, &builder)
      var products = try builder.pool("dy·x̂", buffers: 2, min(width, 2048), format: .float32)
      var sums = try builder.pool("sum", buffers: 2, partitions: 1, bank, format: .float32)
      var banks = try builder.banks("sums", buffers: builder.freeBanks)
      for range in pieces(norm.columns, width) {
        let cuts = pieces(range.count, bank)
        let weighted = cuts.map { banks.next(partitions: 1, columns: $0.count) }
        let plain = norm.centres ? cuts.map { banks.next(partitions: 1, columns: $0.count) } : []
        builder.pipelined(pieces(norm.rows, 128), ahead: norm.ahead) { builder, tile in
          rows.load(tile, slope: tensors[0], x: tensors[1], &builder)
        } compute: { builder, tile, loaded in
          let normal = rows.normalize(loaded.x, &builder)
          let count = 0..<tile.count
          let isStarted = tile.lowerBound > 0
          for part in pieces(range.count, 2048) {
            let own = range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
            let product = products.next()[count, 0..<part.count]
            builder.tensorTensor(
              product, loaded.slope.columns(own), normal.values.columns(own), .multiply)
            for (cut, target) in zip(cuts, weighted) where part.contains(cut.lowerBound) {
              builder.matmul(
                target, stationary: ones.rows(count),
                moving: product.columns(
                  cut.lowerBound - part.lowerBound..<cut.upperBound - part.lowerBound),
                accumulates: isStarted)
            }
          }
          for (cut, target) in zip(cuts, plain) {
            builder.matmul(
              target, stationary: plainOnes.rows(count),
              moving: loaded.slope.columns(
                range.lowerBound + cut.lowerBound..<range.lowerBound + cut.upperBound),
              accumulates: isStarted)
          }
        }
        for (row, open) in [weighted, plain].enumerated() {
          for (cut, source) in zip(cuts, open) {
            let sum = sums.next().columns(0..<cut.count)
            builder.copy(sum, source)
            let own = range.lowerBound + cut.lowerBound..<range.lowerBound + cut.upperBound
            builder.store(tensors[2].block(rows: row..<row + 1, columns: own), from: sum)
          }
        }
      }
    }
  }
}

/// A norm over the last axis, as its gradient's kernels see it.
package struct NormShape: Hashable, Sendable {
  /// Rows.
  package var rows: Int
  /// Elements of a row.
  package var columns: Int
  /// Is added to the mean square.
  package var epsilon: Float
  /// True where the mean is taken off first.
  package var centres: Bool
  /// Format of dy.
  package var slope: NumberFormat
  /// Format of x.
  package var format: NumberFormat

  /// A norm of [rows, columns].
  package init(
    rows: Int, columns: Int, epsilon: Float, centres: Bool, slope: NumberFormat,
    format: NumberFormat
  ) {
    self.rows = rows
    self.columns = columns
    self.epsilon = epsilon
    self.centres = centres
    self.slope = slope
    self.format = format
  }

  var label: String { centres ? "layernorm" : "rmsnorm" }
  var size: String { "\(rows)x\(columns) \(format.name)" }
  /// Tiles of rows that are loaded ahead.
  var ahead: Int { columns > 4096 ? 1 : 2 }
}

/// Rows of dy and x as they are loaded, and x̂.
private struct NormRows {
  private let norm: NormShape
  private var slopes: TilePool
  private var inputs: TilePool
  private var normals: TilePool
  private var moments: TilePool

  /// A tile of rows.
  struct Loaded {
    var slope: Tile
    var x: Tile
  }

  /// x̂, and r of each row.
  struct Normal {
    var values: Tile
    var scale: Tile
  }

  /// Elements that one bn_stats takes.
  private static let statisticsColumns = 512

  init(_ norm: NormShape, _ builder: inout KernelBuilder) throws(BuilderError) {
    self.norm = norm
    slopes = try builder.pool(
      "dy", buffers: norm.ahead + 1, norm.columns, format: norm.slope)
    inputs = try builder.pool("x", buffers: norm.ahead + 1, norm.columns, format: norm.format)
    normals = try builder.pool(
      "x̂", buffers: norm.columns > 4096 ? 1 : 2, norm.columns, format: .float32)
    let parts = ceilDivide(norm.columns, Self.statisticsColumns)
    moments = try builder.pool(
      "moments", buffers: 4, (norm.centres ? 6 * parts : 0) + 5, format: .float32)
  }

  mutating func load(
    _ tile: Range<Int>, slope: TensorHandle, x: TensorHandle, _ builder: inout KernelBuilder
  ) -> Loaded {
    let loaded = Loaded(
      slope: slopes.next().rows(0..<tile.count), x: inputs.next().rows(0..<tile.count))
    builder.load(loaded.x, from: x.rows(tile))
    builder.load(loaded.slope, from: slope.rows(tile), on: .scalar)
    return loaded
  }

  mutating func normalize(_ x: Tile, _ builder: inout KernelBuilder) -> Normal {
    let values = normals.next().rows(0..<x.partitions)
    let work = moments.next().rows(0..<x.partitions)
    let (scale, square) = (work.columns(0..<1), work.columns(1..<2))
    guard norm.centres else {
      builder.activation(values, .square, x, sum: square)
      builder.tensorScalar(
        square, square, .multiply, .immediate(1 / Float(norm.columns)), .add,
        .immediate(norm.epsilon))
      builder.activation(scale, .rsqrt, square)
      builder.activation(values, .identity, x, scale: scale.pointer)
      return Normal(values: values, scale: scale)
    }
    let cuts = pieces(norm.columns, Self.statisticsColumns)
    for (index, cut) in cuts.enumerated() {
      builder.batchNormStatistics(
        work.columns(5 + 6 * index..<11 + 6 * index), x.columns(cut))
    }
    let pair = work.columns(1..<3)
    builder.batchNormAggregate(pair, work.columns(5..<5 + 6 * cuts.count))
    builder.activation(scale, .rsqrt, pair.columns(1..<2), bias: .immediate(norm.epsilon))
    let shift = work.columns(3..<4)
    builder.tensorScalar(
      shift, pair.columns(0..<1), .multiply, scale.pointer, .multiply, .immediate(-1))
    builder.activation(values, .identity, x, scale: scale.pointer, bias: shift.pointer)
    return Normal(values: values, scale: scale)
  }
}
