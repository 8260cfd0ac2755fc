import ModelGraph
import NumericFormats

/// DLRM with the DCNv2 interaction: MLPerf's recommendation model.
///
///     dense → bottom MLP ┐
///     bags of 26 tables  ┴→ x0 → cross layers: x ← x0 · (W (V x) + b) + x → top MLP → click
///
/// Source: MLPerf training README (dlrm_dcnv2): 13 dense features, tables, multi-hot lengths, MLPs
/// 512-256-128 and 1024-1024-512-256-1, three low-rank cross layers of rank 512.
struct RecommenderGraphs: ReadableNetwork {
  /// Dense features.
  var dense: Int
  /// Rows of each table as published.
  var tableRows: [Int]
  /// Tables have no more rows than this here; look-ups and their distribution stay.
  var mostRows: Int
  /// Look-ups per sample and table.
  var lengths: [Int]
  /// Elements per row.
  var width: Int
  /// Widths of the MLP over dense features; the last one is `width`.
  var bottom: [Int]
  /// Widths of the MLP over the interaction; the last one is 1.
  var top: [Int]
  /// Cross layers and their rank.
  var crossLayers: Int
  var crossRank: Int
  /// Samples.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError)
    -> RecommenderGraphs
  {
    let graphs = RecommenderGraphs(
      dense: try section.integer("dense"), tableRows: try section.integers("table_rows"),
      mostRows: try section.integer("most_rows"), lengths: try section.integers("lengths"),
      width: try section.integer("width"), bottom: try section.integers("bottom"),
      top: try section.integers("top"), crossLayers: try section.integer("cross_layers"),
      crossRank: try section.integer("cross_rank"), batch: try section.integer("batch"))
    guard graphs.tableRows.count == graphs.lengths.count else {
      throw section.badValue("lengths", expected: "one per table, \(graphs.tableRows.count)")
    }
    guard graphs.bottom.last == graphs.width else {
      throw section.badValue("bottom", expected: "a last width of \(graphs.width)")
    }
    return graphs
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("dense", [batch, dense])
    let features = try builder.multilayer("dense", from: dense, bottom, name: "bottom")
    let places = lengths.reduce(0, +)
    let rows = tableRows.map { min($0, mostRows) }
    try builder.given(
      "indices", [batch, places], format: .uint32,
      fill: .powerLaw(
        counts: zip(rows, lengths).flatMap { Array(repeating: $0, count: $1) }, exponent: 1.05))
    var inputs = ["indices"]
    for (index, count) in rows.enumerated() {
      inputs.append(
        try builder.given(
          "table\(index)", [count, width], role: .weight,
          fill: .normal(standardDeviation: 1 / Double(lengths[index]).squareRoot())))
    }
    let start = try builder.apply(
      .embeddingBag(EmbeddingBag(lengths: lengths, hasLeading: true, isRagged: false)),
      to: inputs + [features], name: "x0")
    let crossed = try cross(start, width: (lengths.count + 1) * width, &builder)
    try builder.multilayer(
      crossed, from: (lengths.count + 1) * width, top, name: "top", isLastLinear: true,
      role: .output)
    return try builder.finish()
  }

  private func cross(_ start: String, width: Int, _ builder: inout GraphBuilder)
    throws(GraphError) -> String
  {
    var x = start
    for layer in 0..<crossLayers {
      builder.layer = layer
      let name = "cross\(layer)"
      try builder.weight("\(name).v", rows: width, columns: crossRank)
      let low = try builder.product(x, "\(name).v", name: "\(name).low")
      let high = try builder.dense(low, from: crossRank, to: width, name: "\(name).high")
      let gated = try builder.apply(.multiply, to: [start, high], name: "\(name).gated")
      x = try builder.apply(.add, to: [gated, x], name: name)
    }
    builder.layer = nil
    return x
  }
}

extension GraphBuilder {
  /// Dense layers with rectifiers between them, and after the last unless it is linear.
  @discardableResult
  mutating func multilayer(
    _ x: String, from inputs: Int, _ widths: [Int], name: String, isLastLinear: Bool = false,
    role: TensorRole = .intermediate
  ) throws(GraphError) -> String {
    var result = x
    var width = inputs
    for (index, next) in widths.enumerated() {
      let isLast = index == widths.count - 1
      let isLinear = isLast && isLastLinear
      let layer = "\(name).\(index)"
      result = try dense(
        result, from: width, to: next, name: isLinear ? layer : "\(layer).sum",
        role: isLinear ? role : .intermediate)
      if !isLinear {
        result = try apply(
          .relu, to: [result], name: layer, role: isLast ? role : .intermediate)
      }
      width = next
    }
    return result
  }
}
