import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Layer norm: out = (x − mean) / √(variance + epsilon) · gamma + beta, over the last axis.
///
/// Layout: rows on partitions; gamma and beta are held once per partition. Mean and variance come
/// from bn_stats over pieces of up to 512 elements and bn_aggr, in fp32. Per element: one pass of the
/// vector engine for the statistics, one of the scalar engine for (x − mean) · scale, two of the
/// vector engine for gamma and beta.
/// Bound: the vector engine, two to three cycles per element.
///
/// Parameters in order: x [rows, columns], gamma [columns], beta [columns], out [rows, columns].
package struct LayerNormKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Elements per row.
  package var columns: Int
  /// Is added to the variance.
  package var epsilon: Float
  /// Format of x, gamma, beta and out.
  package var format: NumberFormat

  /// The norm of a [rows, columns] tensor.
  package init(rows: Int, columns: Int, epsilon: Float = 1e-5, format: NumberFormat = .bfloat16) {
    self.rows = rows
    self.columns = columns
    self.epsilon = epsilon
    self.format = format
  }

  package var name: String { "layernorm \(rows)x\(columns) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [rows, columns], format), KernelParameter("gamma", [columns], format),
      KernelParameter("beta", [columns], format),
      KernelParameter("out", [rows, columns], format, .output),
    ]
  }

  /// Elements that one bn_stats takes.
  private static let statisticsColumns = 512

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      let gamma = try builder.tile("gamma", columns, format: format)
      let beta = try builder.tile("beta", columns, format: format)
      for (tile, tensor) in [(gamma, tensors[1]), (beta, tensors[2])] {
        builder.load(
          tile, from: tensor.broadcast(columns: 0..<columns, partitions: 128), on: .scalar)
      }
      let tiles = RowTile.tiles(rows, rowBytes: columns * format.sizeBytes)
      let most = tiles.map(\.perPartition).max() ?? 1
      var inputs = try builder.pool("x", buffers: 3, most, columns, format: format)
      var normal = try builder.pool("normal", buffers: 2, columns, format: .float32)
      var outputs = try builder.pool("out", buffers: 2, most, columns, format: format)
      let parts = ceilDivide(columns, Self.statisticsColumns)
      var statistics = try builder.pool("statistics", buffers: 4, 6 * parts + 4, format: .float32)
      for tile in tiles {
        let x = tile.view(inputs.next())
        builder.load(x, from: tile.access(tensors[0]))
        let out = tile.view(outputs.next())
        for row in 0..<tile.perPartition {
          normalise(
            x.block(row), to: out.block(row), normal.next().rows(0..<tile.partitions),
            statistics.next().rows(0..<tile.partitions), gamma.rows(0..<tile.partitions),
            beta.rows(0..<tile.partitions), &builder)
        }
        builder.store(tile.access(tensors[3]), from: out)
      }
    }
  }

  private func normalise(
    _ x: Tile, to out: Tile, _ normal: Tile, _ statistics: Tile, _ gamma: Tile, _ beta: Tile,
    _ builder: inout KernelBuilder
  ) {
    let cuts = pieces(columns, Self.statisticsColumns)
    for (index, cut) in cuts.enumerated() {
      builder.batchNormStatistics(statistics.columns(6 * index..<6 * index + 6), x.columns(cut))
    }
    let rest = 6 * cuts.count
    let moments = statistics.columns(rest..<rest + 2)
    builder.batchNormAggregate(moments, statistics.columns(0..<rest))
    let scale = statistics.columns(rest + 2..<rest + 3)
    builder.activation(scale, .rsqrt, moments.columns(1..<2), bias: .immediate(epsilon))
    // −mean · scale, so that one pass of the scalar engine normalises.
    let shift = statistics.columns(rest + 3..<rest + 4)
    builder.scalarTensorTensor(
      shift, moments.columns(0..<1), .multiply, .immediate(-1), .multiply, scale)
    builder.activation(normal, .identity, x, scale: scale.pointer, bias: shift.pointer)
    builder.tensorTensor(normal, normal, gamma, .multiply)
    builder.tensorTensor(out, normal, beta, .add)
  }
}
