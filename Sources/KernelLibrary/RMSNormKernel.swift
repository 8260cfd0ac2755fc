import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Root-mean-square norm: out = x / √(mean(x²) + epsilon) · gamma, over the last axis.
///
/// Layout: rows on partitions, several per partition when they are short; few long rows are spread
/// over all partitions (`emitSpread`). gamma is held once per partition. fp32 inside. Per element:
/// one pass of the scalar engine (squares, summed as it goes) and one of the vector engine (both
/// factors at once).
/// Bound: the vector and scalar engines about alike, one cycle per element each.
///
/// Parameters in order: x [rows, columns], gamma [columns], out [rows, columns]; with an addend x,
/// addend, gamma, sum, out.
package struct RMSNormKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Elements per row.
  package var columns: Int
  /// Is added to the mean square.
  package var epsilon: Float
  /// Format of x, gamma and out.
  package var format: NumberFormat
  /// True when another tensor is added to x first, and the sum is stored too: few long rows only.
  package var hasAddend = false

  /// The norm of a [rows, columns] tensor.
  package init(rows: Int, columns: Int, epsilon: Float = 1e-5, format: NumberFormat = .bfloat16) {
    self.rows = rows
    self.columns = columns
    self.epsilon = epsilon
    self.format = format
  }

  package var name: String {
    "\(hasAddend ? "add+" : "")rmsnorm \(rows)x\(columns) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    let gamma = KernelParameter("gamma", [columns], format)
    let out = KernelParameter("out", [rows, columns], format, .output)
    let x = KernelParameter("x", [rows, columns], format)
    guard hasAddend else { return [x, gamma, out] }
    return [
      x, KernelParameter("addend", [rows, columns], format), gamma,
      KernelParameter("sum", [rows, columns], format, .output), out,
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      if isSpread { return try emitSpread(into: &builder, tensors) }
      guard !hasAddend else {
        throw unsupported("an addend", allowed: "up to 64 rows of 128s, of 1,024 or more")
      }
      let tiles = RowTile.tiles(rows, rowBytes: columns * format.sizeBytes)
      let most = tiles.map(\.perPartition).max() ?? 1
      let gamma = try builder.tile("gamma", columns, format: format)
      builder.load(
        gamma, from: tensors[1].broadcast(columns: 0..<columns, partitions: 128), on: .scalar)
      var inputs = try builder.pool("x", buffers: 3, most, columns, format: format)
      var outputs = try builder.pool("out", buffers: 2, most, columns, format: format)
      // The squares themselves are not wanted; only their sums are.
      let squares = try builder.tile("squares", columns, format: .bfloat16)
      var statistics = try builder.pool("statistics", buffers: 3, 2 * most, format: .float32)
      builder.pipelined(tiles) { builder, tile in
        let x = tile.view(inputs.next())
        builder.load(x, from: tile.access(tensors[0]))
        return x
      } compute: { builder, tile, x in
        let out = tile.view(outputs.next())
        let sums = statistics.next().rows(0..<tile.partitions)
        for row in 0..<tile.perPartition {
          builder.activation(
            squares.rows(0..<tile.partitions), .square, x.block(row),
            sum: sums.columns(row..<row + 1))
        }
        let scales = sums.columns(most..<most + tile.perPartition)
        builder.activation(
          scales, .rsqrt, sums.columns(0..<tile.perPartition),
          scale: .immediate(1 / Float(columns)), bias: .immediate(epsilon))
        for row in 0..<tile.perPartition {
          builder.scalarTensorTensor(
            out.block(row), x.block(row), .multiply, scales.columns(row..<row + 1).pointer,
            .multiply, gamma.rows(0..<tile.partitions))
        }
        builder.store(tile.access(tensors[2]), from: out)
      }
    }
  }
}
