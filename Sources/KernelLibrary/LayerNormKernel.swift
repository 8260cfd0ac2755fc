import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Layer norm: out = (x − mean) / √(variance + epsilon) · gamma + beta, over the last axis.
///
/// Layout: rows on partitions; gamma and beta are held once per partition. Mean and variance come
/// from bn_stats over pieces of up to 512 elements and bn_aggr, in fp32. Per element: one pass of
/// the vector engine for the statistics, one of the scalar engine for (x − mean) · scale, two of
/// the vector engine for gamma and beta.
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
      var inputs = try builder.pool("x", buffers: 4, most, columns, format: format)
      var normal = try builder.pool("normal", buffers: 3, columns, format: .float32)
      var outputs = try builder.pool("out", buffers: 3, most, columns, format: format)
      let parts = ceilDivide(columns, Self.statisticsColumns)
      var statistics = try builder.pool("statistics", buffers: 4, 6 * parts + 5, format: .float32)
      var previous: Stage?
      builder.pipelined(tiles) { builder, tile in
        let x = tile.view(inputs.next())
        builder.load(x, from: tile.access(tensors[0]))
        return x
      } compute: { builder, tile, x in
        let out = tile.view(outputs.next())
        for row in 0..<tile.perPartition {
          let current = Stage(
            x: x.block(row), out: out.block(row),
            normal: normal.next().rows(0..<tile.partitions),
            statistics: statistics.next().rows(0..<tile.partitions),
            store: row == tile.perPartition - 1 ? (tile.access(tensors[3]), out) : nil)
          emitMoments(current, &builder)
          // gamma and beta of the row before: the vector engine need not wait for the scalar
          // engine.
          if let previous { emitScale(previous, gamma, beta, &builder) }
          previous = current
        }
      }
      if let previous { emitScale(previous, gamma, beta, &builder) }
    }
  }

  /// A row per partition between its two stages.
  private struct Stage {
    var x: Tile
    var out: Tile
    var normal: Tile
    var statistics: Tile
    /// What is stored when the row is done: the last of its tile.
    var store: (access: TensorAccess, tile: Tile)?
  }

  /// Mean, scale, and the normalised row.
  private func emitMoments(_ stage: Stage, _ builder: inout KernelBuilder) {
    let cuts = pieces(columns, Self.statisticsColumns)
    let statistics = stage.statistics
    for (index, cut) in cuts.enumerated() {
      builder.batchNormStatistics(
        statistics.columns(6 * index..<6 * index + 6), stage.x.columns(cut))
    }
    let rest = 6 * cuts.count
    let moments = statistics.columns(rest..<rest + 2)
    builder.batchNormAggregate(moments, statistics.columns(0..<rest))
    let scale = statistics.columns(rest + 2..<rest + 3)
    builder.activation(scale, .rsqrt, moments.columns(1..<2), bias: .immediate(epsilon))
    // −mean · scale, so that one pass normalises; on the scalar engine, which needs it next.
    let shift = statistics.columns(rest + 3..<rest + 4)
    let negative = statistics.columns(rest + 4..<rest + 5)
    builder.tensorScalar(negative, moments.columns(0..<1), .multiply, .immediate(-1))
    builder.activation(shift, .identity, negative, scale: scale.pointer)
    builder.activation(
      stage.normal, .identity, stage.x, scale: scale.pointer, bias: shift.pointer)
  }

  private func emitScale(
    _ stage: Stage, _ gamma: Tile, _ beta: Tile, _ builder: inout KernelBuilder
  ) {
    let normal = stage.normal
    let rows = 0..<normal.partitions
    builder.tensorTensor(normal, normal, gamma.rows(rows), .multiply)
    builder.tensorTensor(stage.out, normal, beta.rows(rows), .add)
    if let store = stage.store { builder.store(store.access, from: store.tile) }
  }
}
