package import KernelBuilder
package import NumericFormats

/// Attention, forward: out = softmax(scale · Q · Kᵀ) · V per head, with grouped heads and an
/// optional causal mask, without ever storing the scores.
///
/// Layouts: Q is Qᵀ [heads · size, batch · queries] or [batch · queries, heads · size]; K likewise
/// with its own heads; V and out are [batch · keys, kvHeads · size] and [batch · queries, heads ·
/// size]. The transposed forms are what a product with stationary weights leaves behind; the others
/// are transposed by the DMA while they are loaded. With `keepsHeadsApart` the tokens of a head lie
/// together instead: [batch · heads · queries, size], keys and values with their own lengths. With
/// a causal mask query i sees the keys up to i + keys − queries, so that fewer queries than keys
/// continue a sequence.
///
/// Scheme, many queries: the maxima of all rows come first, from scores with queries on partitions.
/// The scores are then computed again with keys on partitions, less the maximum of their row, which
/// a product of ones with three bf16 parts of it brings in exactly; their exponential is at once
/// the stationary operand of the product with V, and a column of ones beside V gives the sums.
/// Nothing is transposed, rescaled or copied out of PSUM on the way, and no score can overflow and
/// no row lose its terms, whatever the inputs. Masked tiles of keys are never computed.
/// Bound: the tensor engine, four passes where two are useful: 2,094 cycles per 512 queries × 128
/// keys at size 128, of which 1,024 are useful (49 %); the vector engine (maxima) is busy for 71 %
/// of that time, the scalar engine (exponentials) for 65 %. At size 64 both come close to it.
///
/// Scheme, decoding: see `DecodeAttention`. Bound: the DMA, which reads the cache once.
///
/// Parameters in order: q, k, v, table [1, batch · pages of a sequence] (of a cache in pages), out.
package struct AttentionKernel: Kernel {
  /// How Q or K lies in HBM.
  package enum Layout: Hashable, Sendable {
    /// [heads · size, tokens].
    case transposed
    /// [tokens, heads · size].
    case rowMajor
  }

  /// Independent sequences.
  package var batch = 1
  /// Queries of each sequence.
  package var queries: Int
  /// Keys of each sequence that are attended to.
  package var keys: Int
  /// Keys that the K and V tensors hold per sequence; more than `keys` for a cache with room.
  package var capacity: Int
  /// Query heads.
  package var heads: Int
  /// Key and value heads; heads is a multiple.
  package var kvHeads: Int
  /// Elements of a head, at most 128.
  package var size: Int
  /// Query i sees the keys up to i + keys − queries.
  package var isCausal: Bool
  /// With a causal mask: how many keys, its own position included, a query sees; all unless given.
  package var window: Int?
  /// The first key of the cache that counts: a decoding step over a window begins there.
  package var firstKey = 0
  /// Multiplies the scores; 1 / √size unless given.
  package var scale: Float
  /// How Q lies in HBM.
  package var queryLayout: Layout
  /// How K lies in HBM.
  package var keyLayout: Layout
  /// True where the tokens of a head lie together, of row-major tensors: ONNX's four axes.
  package var keepsHeadsApart = false
  /// The pages of a cache that does not lie in one piece; of a decoding step alone.
  package var pages: AttentionPages?
  /// Format of all tensors: bf16 or fp16.
  package var format: NumberFormat

  /// Attention of one sequence; set `batch` and `capacity` for more.
  package init(
    queries: Int, keys: Int, heads: Int, kvHeads: Int? = nil, size: Int = 128,
    isCausal: Bool = true, scale: Float? = nil, queryLayout: Layout = .rowMajor,
    keyLayout: Layout = .rowMajor, format: NumberFormat = .bfloat16
  ) {
    self.queries = queries
    self.keys = keys
    capacity = keys
    self.heads = heads
    self.kvHeads = kvHeads ?? heads
    self.size = size
    self.isCausal = isCausal
    self.scale = scale ?? 1 / Float(size).squareRoot()
    self.queryLayout = queryLayout
    self.keyLayout = keyLayout
    self.format = format
  }

  /// One step of decoding: 1 to 16 new queries per sequence against a cache of `keys` keys, all
  /// heads of a group on partitions at once. K is cached transposed [batch · kvHeads · size,
  /// capacity], V as [batch · capacity, kvHeads · size].
  package static func decode(
    batch: Int = 1, queries: Int = 1, keys: Int, capacity: Int? = nil, heads: Int, kvHeads: Int,
    size: Int = 128, format: NumberFormat = .bfloat16
  ) -> AttentionKernel {
    var kernel = AttentionKernel(
      queries: queries, keys: keys, heads: heads, kvHeads: kvHeads, size: size,
      queryLayout: .rowMajor, keyLayout: .transposed, format: format)
    kernel.batch = batch
    kernel.capacity = capacity ?? keys
    return kernel
  }

  package var name: String {
    "attention \(batch)x\(queries)x\(keys) heads \(heads)/\(kvHeads)x\(size)"
      + "\(isCausal ? " causal" : "")\(keepsHeadsApart ? " apart" : "")"
      + "\(pages.map { " in pages of \($0.tokens)" } ?? "") \(format.name)"
  }

  /// Query heads that share a key head.
  var group: Int { heads / max(1, kvHeads) }
  /// Elements of a head wider than the partitions, which many queries may have.
  package static let widestHead = 256
  /// The most keys of such heads: K and V of a key head are held whole, half of the smallest SBUF.
  package static let mostKeysOfWidest = 12 << 10
  /// Banks of PSUM that they take: half for outputs, and two for each form of the scores.
  private static let banksOfWidest = 8
  /// The most queries that count as decoding.
  package static let mostDecodeQueries = 16
  /// True when all heads of a group fit the partitions together.
  var isDecode: Bool { queries * group <= 128 && queries <= Self.mostDecodeQueries }

  package var parameters: [KernelParameter] {
    func rows(_ tokens: Int, _ heads: Int) -> [Int] {
      keepsHeadsApart ? [batch * heads * tokens, size] : [batch * tokens, heads * size]
    }
    let q =
      queryLayout == .transposed ? [heads * size, batch * queries] : rows(queries, heads)
    // A transposed cache keeps each sequence apart, so that appending a key touches one column.
    let k =
      keyLayout == .transposed ? [batch * kvHeads * size, capacity] : rows(capacity, kvHeads)
    let out = KernelParameter("out", rows(queries, heads), format, .output)
    if let pages {
      return [
        KernelParameter("q", q, format),
        KernelParameter("k", [pages.count * kvHeads * size, pages.tokens], format),
        KernelParameter("v", [pages.count * pages.tokens, kvHeads * size], format),
        KernelParameter("table", [1, batch * pages.perSequence(keys)], .int32), out,
      ]
    }
    return [
      KernelParameter("q", q, format), KernelParameter("k", k, format),
      KernelParameter("v", rows(capacity, kvHeads), format), out,
    ]
  }

  /// Where the first query of a head begins in row-major tensors of queries and outputs.
  func queryPlace(batch index: Int, head: Int) -> (row: Int, column: Int) {
    keepsHeadsApart
      ? ((index * heads + head) * queries, 0) : (index * queries, head * size)
  }

  /// Where the first key of a head begins in row-major tensors of keys and values.
  func keyPlace(batch index: Int, kvHead: Int) -> (row: Int, column: Int) {
    keepsHeadsApart
      ? ((index * kvHeads + kvHead) * capacity, 0) : (index * capacity, kvHead * size)
  }

  /// Elements from a query to the same one of the next head.
  var headStride: Int { keepsHeadsApart ? queries * size : size }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard 1...128 ~= size || size == Self.widestHead && !isDecode && window == nil, kvHeads > 0,
      heads % kvHeads == 0, format.sizeBytes == 2
    else {
      throw unsupported(
        "\(heads) heads of \(size) over \(kvHeads), \(format.name)",
        allowed: "sizes up to 128, of many queries also \(Self.widestHead), whole groups, bf16 or "
          + "fp16")
    }
    guard size <= 128 || keys <= Self.mostKeysOfWidest && builder.freeBanks >= Self.banksOfWidest
    else {
      throw unsupported(
        "heads of \(size) over \(keys) keys with \(builder.freeBanks) banks",
        allowed: "\(Self.mostKeysOfWidest) keys and \(Self.banksOfWidest) banks")
    }
    guard !keepsHeadsApart || queryLayout == .rowMajor else {
      throw unsupported("heads apart of transposed queries", allowed: "row-major queries")
    }
    guard scale > 0 else { throw unsupported("scale \(scale)", allowed: "above zero") }
    guard queries > 0, keys >= (isCausal ? queries : 1), capacity >= keys else {
      throw unsupported(
        "\(queries) queries over \(keys) of \(capacity) keys",
        allowed: "at least one query, no more causal queries than keys, keys within the capacity")
    }
    guard window == nil || isCausal && !isDecode else {
      throw unsupported(
        "a window", allowed: "causal attention of more queries than a decoding step")
    }
    try pages?.check(self)
    try builder.scope { builder throws(BuilderError) in
      if isDecode {
        var emitter = try DecodeAttention(self, tensors, &builder)
        emitter.emit(into: &builder)
      } else {
        var emitter = try PrefillAttention(self, tensors, &builder)
        emitter.emit(into: &builder)
      }
    }
  }
}
