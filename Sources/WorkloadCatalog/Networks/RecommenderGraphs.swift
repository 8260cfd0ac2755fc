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
  /// Trains: forward, backward, this step on the layers, and Adagrad on the rows looked up.
  var optimizer: Optimizer?
  package var isTraining: Bool { optimizer != nil }

  static func read(_ section: inout YAMLSection) throws(WorkloadError)
    -> RecommenderGraphs
  {
    var graphs = RecommenderGraphs(
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
    if section.has("optimizer") {
      graphs.optimizer = try TrainingParameters.optimizer(section.section("optimizer"))
      guard case .adagrad = graphs.optimizer else {
        throw section.badValue(
          "optimizer", expected: "method: adagrad, which tables are trained by")
      }
    }
    return graphs
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    builder.trainsWeights = optimizer != nil
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
        try table(
          "table\(index)", rows: count,
          deviation: 1 / Double(lengths[index]).squareRoot(), &builder))
    }
    let bag = EmbeddingBag(
      lengths: lengths, hasLeading: true, isRagged: false, width: optimizer == nil ? nil : width)
    let start = try builder.apply(.embeddingBag(bag), to: inputs + [features], name: "x0")
    let crossed = try cross(start, width: (lengths.count + 1) * width, &builder)
    let click = try builder.multilayer(
      crossed, from: (lengths.count + 1) * width, top, name: "top", isLastLinear: true,
      role: .output)
    if let optimizer { try train(optimizer, click: click, &builder) }
    return try builder.finish()
  }

  /// A table; one that is trained has Adagrad's state behind its weights.
  private func table(
    _ name: String, rows: Int, deviation: Double, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    if optimizer == nil {
      return try builder.given(
        name, [rows, width], role: .weight, fill: .normal(standardDeviation: deviation))
    }
    return try builder.given(
      name, [rows + BagAdagrad.spareRows, BagAdagrad.rowLength(width)], role: .state,
      format: .float32, fill: .leading(columns: width, standardDeviation: deviation))
  }

  /// The mean of log(1 + exp(z)) − y·z, its derivatives, and the steps.
  private func train(_ optimizer: Optimizer, click: String, _ builder: inout GraphBuilder)
    throws(GraphError)
  {
    guard case .adagrad(let rate, let epsilon) = optimizer else { return }
    builder.trainsWeights = false
    try builder.given("labels", [batch, 1], format: .float32, fill: .indices(count: 2))
    try builder.apply(
      .elementwise(Elementwise(.softplus)), to: [click], name: "all", format: .float32)
    try builder.apply(.multiply, to: [click, "labels"], name: "clicked", format: .float32)
    try builder.apply(
      .elementwise(Elementwise(.subtract)), to: ["all", "clicked"], name: "losses",
      format: .float32)
    try builder.apply(
      .reduce(Reduction(.mean, axes: [0, 1], keepsDimensions: true)), to: ["losses"],
      name: "loss", format: .float32, role: .output)
    let weights = builder.graph.tensors
      .filter { $0.role == .state && !$0.name.hasPrefix("table") }.map(\.name)
    var gradients = try builder.differentiate("loss", in: weights, and: ["x0"])
    guard let slope = gradients.removeValue(forKey: "x0") else { return }
    var place = 0
    for (index, length) in lengths.enumerated() {
      try builder.apply(
        .bagAdagrad(
          BagAdagrad(
            places: place..<place + length, column: (index + 1) * width, width: width,
            rate: rate, epsilon: epsilon)), to: ["indices", slope, "table\(index)"],
        name: "table\(index).step", format: .float32, role: .output, updates: "table\(index)")
      place += length
    }
    try builder.step(optimizer, gradients)
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
