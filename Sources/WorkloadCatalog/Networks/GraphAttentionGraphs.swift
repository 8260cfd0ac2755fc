import ModelGraph
import NumericFormats

/// R-GAT: relational graph attention over a sampled neighbourhood of a graph with several types of
/// nodes.
///
///     features of sampled nodes → layers of (per relation: W · x, shares of the neighbours by
///     leaky scores, weighted sum; the sum over the relations of a type; leaky) → classes
///
/// Layer by layer the nodes shrink to the seeds: what is `h` hops away is computed from what is
/// `h + 1` hops away. Nodes that a type's deeper list has in common with the list before stand
/// first. A relation's score is a product of the node's features, whose weights aᵀ · W stand behind
/// W, so that one row holds what a neighbour contributes.
///
/// Source: MLPerf Training's graph task (mlcommons/training, graph_neural_network): GAT
/// convolutions per relation without loops of a node to itself, added up over relations.
struct GraphAttentionGraphs: ReadableNetwork {
  /// A type of nodes.
  struct NodeType: Hashable {
    var name: String
    /// Rows of its table of features.
    var rows: Int
    /// Distinct nodes that the first layers need, from the seeds outwards.
    var sampled: [Int]
  }

  /// Edges from one type to another, as indices of the types.
  struct Relation: Hashable {
    var name: String
    var source: Int
    var target: Int
  }

  var types: [NodeType]
  var relations: [Relation]
  /// Neighbours of a node by each relation, from the seeds outwards.
  var fanOut: [Int]
  /// Elements of a node's features, of a layer's results, and heads that share these.
  var features: Int
  var hidden: Int
  var heads: Int
  /// What the seeds are told apart by.
  var classes: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> GraphAttentionGraphs {
    let fanOut = try section.integers("fan_out")
    let names = try section.texts("node_types")
    let rows = try section.integers("table_rows")
    guard rows.count == names.count else {
      throw section.badValue("table_rows", expected: "one number per type of node")
    }
    var lists = try section.section("sampled")
    var types: [NodeType] = []
    for (name, rows) in zip(names, rows) {
      let sampled = try lists.integers(name, atLeast: 0)
      guard sampled.count == fanOut.count + 1, sampled == sampled.sorted() else {
        throw lists.badValue(
          name, expected: "\(fanOut.count + 1) numbers that do not fall, seeds first")
      }
      types.append(NodeType(name: name, rows: rows, sampled: sampled))
    }
    try lists.finish()
    let graphs = GraphAttentionGraphs(
      types: types, relations: try relations(names, &section), fanOut: fanOut,
      features: try section.integer("features"), hidden: try section.integer("hidden"),
      heads: try section.integer("heads"), classes: try section.integer("classes"))
    guard graphs.hidden % graphs.heads == 0 else {
      throw section.badValue("heads", expected: "a divisor of hidden")
    }
    guard let seeds = types.first?.sampled.first, seeds > 0 else {
      throw section.badValue("sampled", expected: "seeds of the first type")
    }
    return graphs
  }

  /// Relations are written `source to target`.
  private static func relations(_ names: [String], _ section: inout YAMLSection)
    throws(WorkloadError) -> [Relation]
  {
    var relations: [Relation] = []
    for text in try section.texts("relations") {
      let words = text.split(separator: " ").map(String.init)
      guard words.count == 3, words[1] == "to", let source = names.firstIndex(of: words[0]),
        let target = names.firstIndex(of: words[2])
      else {
        throw section.badValue("relations", expected: "'SOURCE to TARGET', both types of nodes")
      }
      relations.append(Relation(name: "\(words[0])-\(words[2])", source: source, target: target))
    }
    return relations
  }

  var itemCount: Int { types[0].sampled[0] }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    var x: [String?] = []
    for type in types { x.append(try look(up: type, &builder)) }
    var width = features
    for layer in fanOut.indices {
      builder.layer = layer
      let hop = fanOut.count - 1 - layer
      var next: [String?] = []
      for (index, type) in types.enumerated() {
        let isNeeded = type.sampled[hop] > 0
        next.append(
          isNeeded ? try receive(index, x, from: width, hop: hop, layer, &builder) : nil)
      }
      x = next
      width = hidden
    }
    builder.layer = nil
    guard let seeds = x[0] else { throw .unknownTensor(node: name, tensor: "seeds") }
    try builder.dense(seeds, from: width, to: classes, name: "classes", role: .output)
    return try builder.finish()
  }

  /// The features of all nodes of a type that take part; nil for a type without any.
  private func look(up type: NodeType, _ builder: inout GraphBuilder) throws(GraphError)
    -> String?
  {
    guard let count = type.sampled.last, count > 0 else { return nil }
    try builder.given("\(type.name).table", [type.rows, features])
    try builder.given(
      "\(type.name).rows", [count], format: .int32,
      fill: .powerLaw(counts: [type.rows], exponent: 1.05))
    return try builder.apply(
      .gather, to: ["\(type.name).table", "\(type.name).rows"], name: "\(type.name).features")
  }

  /// What the nodes of a type `hop` hops away take from their neighbours by all relations.
  private func receive(
    _ type: Int, _ x: [String?], from width: Int, hop: Int, _ layer: Int,
    _ builder: inout GraphBuilder
  ) throws(GraphError) -> String? {
    let (name, nodes) = (types[type].name, types[type].sampled[hop])
    let incoming = relations.filter { $0.target == type && x[$0.source] != nil }
    guard let own = x[type], !incoming.isEmpty else { return nil }
    let prefix = "layer\(layer).\(name)"
    let isWhole = nodes == types[type].sampled[hop + 1]
    let first =
      isWhole
      ? own
      : try builder.apply(.slice(start: 0, count: nodes), to: [own], name: "\(prefix).nodes")
    try builder.weight("\(prefix).scores.w", rows: width, columns: heads * incoming.count)
    let scores = try builder.product(first, "\(prefix).scores.w", name: "\(prefix).scores")
    var sum: String?
    for (number, relation) in incoming.enumerated() {
      guard let source = x[relation.source] else { continue }
      let message = try send(
        relation, source, from: width, hop: hop, scores, first: number * heads, layer, &builder)
      sum =
        try sum.map { (before) throws(GraphError) in
          try builder.apply(.add, to: [before, message], name: "\(message).sum")
        } ?? message
    }
    guard let sum, hop > 0 else { return sum }
    return try builder.apply(
      .elementwise(Elementwise(.leakyRelu, alpha: 0.01)), to: [sum], name: prefix)
  }

  /// One relation: every source's row, then each target's weighted sum.
  private func send(
    _ relation: Relation, _ source: String, from width: Int, hop: Int, _ scores: String,
    first: Int, _ layer: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let prefix = "layer\(layer).\(relation.name)"
    let (sources, nodes) = (
      types[relation.source].sampled[hop + 1], types[relation.target].sampled[hop]
    )
    try builder.weight("\(prefix).w", rows: width, columns: hidden + heads)
    let rows = try builder.product(source, "\(prefix).w", name: "\(prefix).rows")
    let places = Array(repeating: sources, count: fanOut[hop])
    try builder.given(
      "\(prefix).neighbours", [nodes, fanOut[hop]], format: .uint32,
      fill: .powerLaw(counts: places, exponent: 1.05))
    return try builder.apply(
      .neighbourAttention(
        NeighbourAttention(heads: heads, firstScore: first, isRagged: false)),
      to: [rows, scores, "\(prefix).neighbours"], name: prefix)
  }
}
