package import KernelBuilder
package import NumericFormats

/// The gradient of attention in its queries, keys and values, without ever storing the scores.
///
/// With P the softmax of scale · Q · Kᵀ and D the sum of dO · O over a head's elements:
/// dS = P · (dO · Vᵀ − D), dQ = scale · dS · K, dK = scale · dSᵀ · Q, dV = Pᵀ · dO; heads of a
/// group add up in the gradients of the keys and values that they share.
///
/// Layouts: q, out, slope (dO) and dQ are [batch · queries, heads · size], k, v, dK and dV [batch ·
/// keys, kvHeads · size]. With pitches, rows lie further apart: a tensor then begins with the first
/// element of these heads and ends with their last.
///
/// Scheme, head by head: a first pass over the scores finds the logarithm of each row's sum of
/// exponentials, from maxima and sums of 512 keys at a time. The second pass goes through blocks of
/// 512 keys and, within, tiles of 128 queries: probabilities come straight from the scores, less
/// that logarithm, queries on partitions, as the products for dK and dV want them; dS is turned by
/// the tensor engine for dQ. dK and dV gather in PSUM while the queries pass, dQ in SBUF. Scores of
/// later steps are computed before the products of earlier ones, so that no engine waits.
/// Bound: the tensor engine, seven passes per 128 × 128 scores where five are useful.
///
/// Parameters in order: q, k, v, out, slope, dQ, dK, dV.
package struct AttentionGradientKernel: Kernel {
  /// Independent sequences.
  package var batch: Int
  /// Queries of each sequence.
  package var queries: Int
  /// Keys of each sequence.
  package var keys: Int
  /// Query heads.
  package var heads: Int
  /// Key and value heads; heads is a multiple.
  package var kvHeads: Int
  /// Elements of a head, at most 128.
  package var size: Int
  /// Elements from one query's row to the next; those of the heads unless set.
  package var queryPitch: Int
  /// Elements from one key's row to the next.
  package var keyPitch: Int
  /// Query i sees the keys up to i + keys − queries.
  package var isCausal: Bool
  /// Multiplies the scores.
  package var scale: Float
  /// Format of all tensors: bf16 or fp16.
  package var format: NumberFormat

  /// The gradient of one form of attention.
  package init(
    batch: Int = 1, queries: Int, keys: Int, heads: Int, kvHeads: Int, size: Int, isCausal: Bool,
    scale: Float? = nil, format: NumberFormat = .bfloat16
  ) {
    self.batch = batch
    self.queries = queries
    self.keys = keys
    self.heads = heads
    self.kvHeads = kvHeads
    self.size = size
    queryPitch = heads * size
    keyPitch = kvHeads * size
    self.isCausal = isCausal
    self.scale = scale ?? 1 / Float(size).squareRoot()
    self.format = format
  }

  package var name: String {
    "attention-gradient \(batch)x\(queries)x\(keys) heads \(heads)/\(kvHeads)x\(size)"
      + "\(isCausal ? " causal" : "") \(format.name)"
  }

  /// Query heads that share a key head.
  var group: Int { heads / max(1, kvHeads) }
  /// Where query 0 stands among the keys.
  var firstPosition: Int { keys - queries }

  package var parameters: [KernelParameter] {
    let query = [(batch * queries - 1) * queryPitch + heads * size]
    let key = [(batch * keys - 1) * keyPitch + kvHeads * size]
    return [
      KernelParameter("q", query, format), KernelParameter("k", key, format),
      KernelParameter("v", key, format), KernelParameter("out", query, format),
      KernelParameter("slope", query, format), KernelParameter("dQ", query, format, .output),
      KernelParameter("dK", key, format, .output), KernelParameter("dV", key, format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard (1...128).contains(size), kvHeads > 0, heads % kvHeads == 0, format.sizeBytes == 2 else {
      throw unsupported(
        "\(heads) heads of \(size) over \(kvHeads), \(format.name)",
        allowed: "sizes up to 128, whole groups, bf16 or fp16")
    }
    guard scale > 0, queries > 0, keys >= (isCausal ? queries : 1) else {
      throw unsupported(
        "\(queries) queries over \(keys) keys, scale \(scale)",
        allowed: "at least one query, no more causal queries than keys, a scale above zero")
    }
    guard queryPitch >= heads * size, keyPitch >= kvHeads * size else {
      throw unsupported(
        "rows \(queryPitch) and \(keyPitch) elements apart", allowed: "no less than their heads")
    }
    let query = [batch * queries, queryPitch]
    let key = [batch * keys, keyPitch]
    let rows = zip(tensors, [query, key, key, query, query, query, key, key])
      .map { $0.shaped($1) }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try AttentionGradientEmitter(self, rows, &builder)
      emitter.emit(into: &builder)
    }
  }
}

/// One tile of queries against one block of keys.
struct AttentionGradientStep: Hashable {
  /// The tile of 128 queries.
  var tile: Int
  /// Queries of the tile.
  var rows: Int
  /// Keys of the block that matter: whole tiles of 128, or up to the last key.
  var width: Int
  /// The distance from the block's first key to the tile's first query.
  var distance: Int
  /// True when some of the queries do not see all of these keys.
  var isPartial: Bool
}

extension AttentionGradientKernel {
  /// Keys of a block: a bank of PSUM.
  static var blockKeys: Int { 512 }

  /// The tiles of queries that see something of a block of keys.
  func steps(block: Int) -> [AttentionGradientStep] {
    let first = block * Self.blockKeys
    let end = min(keys, first + Self.blockKeys)
    return pieces(queries, 128).enumerated().compactMap { tile, range in
      let seen = isCausal ? ceilDivide(range.upperBound + firstPosition, 128) * 128 : keys
      let width = min(end, seen) - first
      guard width > 0 else { return nil }
      let distance = range.lowerBound + firstPosition - first
      return AttentionGradientStep(
        tile: tile, rows: range.count, width: width, distance: distance,
        isPartial: isCausal && width - 1 > distance)
    }
  }
}
