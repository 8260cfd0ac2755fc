import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Pointwise attention, as HSTU has it: out = scale · silu(Q Kᵀ) V, head by head, without a
/// softmax; causal if asked.
///
/// Layout: q, k, v and out by tokens, [batch · tokens, heads · size]. Scores are made turned, keys
/// on partitions and up to 512 queries along the row, so that the scalar engine's result is the
/// stationary tile of the second product as it is; nothing is transposed but q and k on their way
/// from HBM. Sums over keys stay in PSUM. Tiles of keys that no query of a block sees are left out,
/// the others are masked by GpSimd where the diagonal crosses them. Bound: the scalar engine, one
/// cycle per score; the tensor engine for wide heads.
///
/// Parameters in order: q, k [batch · tokens, heads · size], v, out [batch · tokens, heads ·
/// width].
package struct PointwiseAttentionKernel: Kernel {
  /// Sequences.
  package var batch: Int
  /// Tokens of a sequence.
  package var tokens: Int
  /// Heads.
  package var heads: Int
  /// Elements of a query and of a key.
  package var size: Int
  /// Elements of a value.
  package var width: Int
  /// True when a query sees no key after itself.
  package var isCausal: Bool
  /// Multiplies the sums.
  package var scale: Float
  /// Format of all tensors.
  package var format: NumberFormat

  /// Attention of these lengths.
  package init(
    batch: Int, tokens: Int, heads: Int, size: Int, width: Int, isCausal: Bool, scale: Float,
    format: NumberFormat = .bfloat16
  ) {
    self.batch = batch
    self.tokens = tokens
    self.heads = heads
    self.size = size
    self.width = width
    self.isCausal = isCausal
    self.scale = scale
    self.format = format
  }

  package var name: String {
    "pointwise-attention \(batch)x\(tokens)x\(heads)x\(size) \(isCausal ? "causal " : "")"
      + format.name
  }

  package var parameters: [KernelParameter] {
    let (rows, keys, values) = (batch * tokens, heads * size, heads * width)
    return [
      KernelParameter("q", [rows, keys], format), KernelParameter("k", [rows, keys], format),
      KernelParameter("v", [rows, values], format),
      KernelParameter("out", [rows, values], format, .output),
    ]
  }

  /// One head of one sequence.
  private struct Unit: Hashable {
    var batch: Int
    var head: Int
  }

  /// Its operands in SBUF.
  private struct Operands {
    /// [size, tokens].
    var query: Tile
    var key: Tile
    /// [128 keys, tiles of keys, width].
    var value: Tile
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard size <= 128, width <= 512, tokens > 0, tokens < 1 << 15, batch > 0, heads > 0 else {
      throw unsupported(
        "heads of \(size) and \(width)", allowed: "at most 128 for keys and 512 for values")
    }
    try builder.scope { builder throws(BuilderError) in
      let tiles = ceilDivide(tokens, 128)
      let padded = (tokens + 15) / 16 * 16
      var queries = try builder.pool("q", buffers: 2, partitions: size, padded, format: format)
      var keys = try builder.pool("k", buffers: 2, partitions: size, padded, format: format)
      var values = try builder.pool("v", buffers: 2, tiles, width, format: format)
      var stage = Stage(
        weights: try builder.pool("weights", buffers: 4, 512, format: format),
        outputs: try builder.pool("out", buffers: 4, width, format: format),
        scores: try builder.banks("scores", buffers: 3),
        sums: try builder.banks("sums", buffers: 5))
      let units = (0..<batch).flatMap { batch in
        (0..<heads).map { Unit(batch: batch, head: $0) }
      }
      builder.pipelined(units, ahead: 1) { builder, unit in
        let operands = Operands(
          query: queries.next(), key: keys.next(), value: values.next())
        load(operands, unit, tensors, &builder)
        return operands
      } compute: { builder, unit, operands in
        for block in pieces(tokens, 512) {
          attend(block, unit, operands, &stage, tensors[3], &builder)
        }
      }
    }
  }

  private func load(
    _ operands: Operands, _ unit: Unit, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) {
    let rows = unit.batch * tokens..<(unit.batch + 1) * tokens
    let columns = unit.head * size..<(unit.head + 1) * size
    for (tile, tensor) in [(operands.query, tensors[0]), (operands.key, tensors[1])] {
      builder.loadTransposedRows(
        tile.columns(0..<tokens), from: tensor, rows: rows, columns: columns)
    }
    let loader = ContractionLoader(
      tensor: tensors[2], layout: .contractionRows, contraction: tokens,
      isPartitionMajor: false, firstColumn: unit.head * width, firstRow: rows.lowerBound)
    loader.load(operands.value, 0..<ceilDivide(tokens, 128), 0..<width, on: .scalar, &builder)
  }

  /// Buffers between the two products.
  private struct Stage {
    var weights: TilePool
    var outputs: TilePool
    var scores: BankPool
    var sums: BankPool
    var turn = 0
  }

  /// A block of queries against all keys that some of them see.
  private func attend(
    _ block: Range<Int>, _ unit: Unit, _ operands: Operands, _ stage: inout Stage,
    _ out: TensorHandle, _ builder: inout KernelBuilder
  ) {
    let parts = pieces(block.count, 128).map {
      block.lowerBound + $0.lowerBound..<block.lowerBound + $0.upperBound
    }
    let sums = parts.map { stage.sums.next(partitions: $0.count, columns: width) }
    let end = isCausal ? block.upperBound : tokens
    for keys in pieces(tokens, 128) where keys.lowerBound < end {
      let weights = weights(block, keys, operands, &stage, &builder)
      for (part, sum) in zip(parts, sums) {
        guard !isCausal || keys.lowerBound < part.upperBound else { continue }
        builder.matmul(
          sum,
          stationary: weights.columns(
            part.lowerBound - block.lowerBound..<part.upperBound - block.lowerBound),
          moving: operands.value.block(keys.lowerBound / 128).rows(0..<keys.count),
          accumulates: keys.lowerBound > 0)
      }
    }
    for (part, sum) in zip(parts, sums) {
      let result = stage.outputs.next().rows(0..<part.count)
      builder.tensorScalar(result, sum, .multiply, .immediate(scale))
      let first = unit.batch * tokens
      builder.store(
        out.block(
          rows: first + part.lowerBound..<first + part.upperBound,
          columns: unit.head * width..<(unit.head + 1) * width), from: result)
    }
  }

  /// silu of a tile of keys against a block of queries, masked: [keys, queries].
  private func weights(
    _ block: Range<Int>, _ keys: Range<Int>, _ operands: Operands, _ stage: inout Stage,
    _ builder: inout KernelBuilder
  ) -> Tile {
    let bank = stage.scores.next(partitions: keys.count, columns: block.count)
    builder.matmul(
      bank, stationary: operands.key.columns(keys), moving: operands.query.columns(block))
    let weights = stage.weights.next()[0..<keys.count, 0..<block.count]
    builder.activation(weights, .silu, bank)
    if isCausal, keys.upperBound - 1 > block.lowerBound {
      // Query − key ≥ 0.
      builder.affineSelect(
        weights, weights, .greaterEqual, start: block.lowerBound - keys.lowerBound,
        channelMultiplier: -1, steps: [1], onFalse: 0)
    }
    return weights
  }
}
