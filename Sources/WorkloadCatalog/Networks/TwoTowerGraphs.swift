import ModelGraph
import NumericFormats

/// Two-tower retrieval: queries and items become vectors that are compared by their products.
///
///     user fields, history → bags → MLP → query ┐
///     item, item fields    → bags → MLP → item  ┴→ scores of all pairs of the batch
///
/// or, where there is a corpus of items whose vectors were computed before:
///
///     user fields, history → bags → MLP → query ┐
///     vectors of the corpus                     ┴→ scores of all items → a query's best
///
/// Source: Yi et al., Sampling-Bias-Corrected Neural Modeling (2019) for both forms, of training
/// and of serving (there approximate, here of every item); the widths are our own, near published
/// recommenders of this kind: 8 user fields, 50 history items.
struct TwoTowerGraphs: ReadableNetwork {
  /// Rows of the tables of user fields, of items and of item fields.
  var userRows: Int
  var itemRows: Int
  var itemFieldRows: Int
  /// Fields of a user, past items of a user, fields of an item beside its number.
  var userFields: Int
  var history: Int
  var itemFields: Int
  /// Elements per row.
  var width: Int
  /// Widths of the query's and of the item's MLP; the last ones are equal.
  var queryTower: [Int]
  var itemTower: [Int]
  /// Queries, and items without a corpus, of a batch.
  var batch: Int
  /// Items that queries are compared with, and how many are found for each; nil for the items of
  /// the batch.
  var corpus: Corpus?

  /// Items whose vectors were computed before.
  struct Corpus: Hashable {
    var items: Int
    /// How many of them are found for each query.
    var best: Int
  }

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> TwoTowerGraphs {
    var graphs = TwoTowerGraphs(
      userRows: try section.integer("user_rows"), itemRows: try section.integer("item_rows"),
      itemFieldRows: try section.integer("item_field_rows"),
      userFields: try section.integer("user_fields"), history: try section.integer("history"),
      itemFields: try section.integer("item_fields"), width: try section.integer("width"),
      queryTower: try section.integers("query_tower"),
      itemTower: try section.integers("item_tower"), batch: try section.integer("batch"))
    guard graphs.queryTower.last == graphs.itemTower.last, graphs.queryTower.last != nil else {
      throw section.badValue("item_tower", expected: "the query tower's last width at the end")
    }
    if section.has("corpus") {
      let corpus = Corpus(
        items: try section.integer("corpus"), best: try section.integer("best"))
      guard corpus.best <= corpus.items else {
        throw section.badValue("best", expected: "at most as many as the corpus has")
      }
      graphs.corpus = corpus
    }
    return graphs
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    let query = try tower(
      "query", fields: userFields, rows: userRows, bag: history, queryTower, &builder)
    guard let corpus else {
      let item = try tower(
        "item", fields: itemFields, rows: itemFieldRows, bag: 1, itemTower, &builder)
      try builder.product(
        query, item, name: "scores", transposeB: true, format: .float32, role: .output)
      return try builder.finish()
    }
    // Vectors lie with one item per column, as the product wants them.
    try builder.given("corpus", [queryTower.last ?? width, corpus.items], role: .weight)
    try builder.product(query, "corpus", name: "scores", format: .float32)
    try builder.apply(
      .topK(TopK(count: corpus.best)), to: ["scores"], name: "best",
      results: ["best.scores", "best.items"], format: .float32, role: .output)
    return try builder.finish()
  }

  /// One look-up per field, and a bag of items.
  private func tower(
    _ name: String, fields: Int, rows: Int, bag: Int, _ widths: [Int],
    _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let lengths = Array(repeating: 1, count: fields) + [bag]
    let counts = Array(repeating: rows, count: fields) + Array(repeating: itemRows, count: bag)
    var inputs = [
      try builder.given(
        "\(name).indices", [batch, fields + bag], format: .uint32,
        fill: .powerLaw(counts: counts, exponent: 1.05))
    ]
    for field in 0..<fields {
      inputs.append(
        try builder.given("\(name).field\(field)", [rows, width], role: .weight))
    }
    if builder.graph.tensor("items") == nil {
      try builder.given("items", [itemRows, width], role: .weight)
    }
    let bags = try builder.apply(
      .embeddingBag(EmbeddingBag(lengths: lengths)), to: inputs + ["items"],
      name: "\(name).bags")
    return try builder.multilayer(
      bags, from: (fields + 1) * width, widths, name: name, isLastLinear: true)
  }
}
