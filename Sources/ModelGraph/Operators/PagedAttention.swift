/// A decoding step over a cache in pages: inputs queries [batch, heads · size], pages of keys
/// [pages, kvHeads, size, page], pages of values [pages, page, kvHeads · size], and a table [batch,
/// pages of a sequence] of page numbers; result like the queries.
///
/// Each sequence sees its first `keys` tokens, which lie in the pages that its row of the table
/// names, in their order; sequences may share pages. Source: PagedAttention of vLLM (Kwon et al.,
/// arXiv 2309.06180, section 4.1). Keys are kept transposed within a page, as the tensor engine
/// takes them.
package struct PagedAttention: OperatorFamily {
  /// Query heads.
  package var heads: Int
  /// Key and value heads.
  package var kvHeads: Int
  /// Elements of a head.
  package var size: Int
  /// Tokens of each sequence, the query's own included.
  package var keys: Int
  /// Tokens of a page.
  package var page: Int

  /// A step over pages; scores are multiplied by 1/sqrt(size).
  package init(heads: Int, kvHeads: Int, size: Int, keys: Int, page: Int) {
    self.heads = heads
    self.kvHeads = kvHeads
    self.size = size
    self.keys = keys
    self.page = page
  }

  /// Pages of a sequence.
  package var pagesPerSequence: Int { (keys + page - 1) / max(1, page) }

  package var name: String { "PagedAttention" }
  package var inputCount: ClosedRange<Int> { 4...4 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (query, keyPages, valuePages, table) = (
      inputs[0].shape, inputs[1].shape, inputs[2].shape, inputs[3].shape
    )
    try inputs.require(
      keys > 0 && page > 0 && kvHeads > 0 && heads % kvHeads == 0,
      "heads share keys in whole groups, and there is a token")
    try inputs.require(
      query.rank == 2 && query[1] == heads * size, "queries are [batch, heads · size]")
    try inputs.require(
      keyPages.rank == 4 && keyPages.dimensions.dropFirst() == [kvHeads, size, page],
      "pages of keys are [pages, kvHeads, size, page]")
    try inputs.require(
      valuePages == [keyPages[0], page, kvHeads * size],
      "pages of values are [pages, page, kvHeads · size]")
    try inputs.require(
      table == [query[0], pagesPerSequence], "the table is [batch, pages of a sequence]")
    return [TensorType(query, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    attention(batch: inputs[0].shape[0]).operationCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let values = try elements(inputs, at: Array(0..<inputs[0].count))
    return [try TensorView(values, shape: inputs[0].shape, type: inputs[0].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    Float64Interpreter.attentionElements(
      attention(batch: inputs[0].shape[0]), try gathered(inputs), at: indices)
  }

  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { Optional($0) }, of: self, node: name)
    let attention = attention(batch: inputs[0].shape[0])
    return Tolerance(
      .attention(attention), inputs: try gathered(inputs), shape: tolerance.shape,
      rounding: tolerance.rounding
    ).attention(attention, at: indices)
  }

  /// The same over caches in one piece, as long as whole pages.
  private func attention(batch: Int) -> Attention {
    Attention(
      query: HeadDimensions(batch: batch, heads: heads, tokens: 1, channels: size),
      key: HeadDimensions(
        batch: batch, heads: kvHeads, tokens: pagesPerSequence * page, channels: size),
      isCausal: true, queryOffset: keys - 1, keyLayout: .headsTransposed)
  }

  /// Queries, and keys and values in one piece for each sequence.
  private func gathered(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (pages, batch) = (inputs[1].shape[0], inputs[0].shape[0])
    let numbers = inputs[3].allValues.map { Int($0) }
    guard numbers.allSatisfy((0..<pages).contains) else {
      throw .badValue(tensor: "table", reason: "it names a page beyond the \(pages) that there are")
    }
    let count = pagesPerSequence
    var keyPlaces: [Int] = []
    var valuePlaces: [Int] = []
    keyPlaces.reserveCapacity(batch * kvHeads * size * count * page)
    valuePlaces.reserveCapacity(batch * kvHeads * size * count * page)
    for sequence in 0..<batch {
      let own = numbers[sequence * count..<(sequence + 1) * count]
      for row in 0..<kvHeads * size {
        for number in own {
          let start = (number * kvHeads * size + row) * page
          keyPlaces += start..<start + page
        }
      }
      for number in own {
        let start = number * page * kvHeads * size
        valuePlaces += start..<start + page * kvHeads * size
      }
    }
    return [
      inputs[0],
      try inputs[1].picked(keyPlaces, shape: [batch, kvHeads, size, count * page]),
      try inputs[2].picked(valuePlaces, shape: [batch * count * page, kvHeads * size]),
    ]
  }
}
