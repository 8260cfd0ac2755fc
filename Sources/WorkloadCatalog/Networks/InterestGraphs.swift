import ModelGraph
import NumericFormats

/// Networks that look at a user's past through the item in question.
///
///     candidate ─────────────────────────────┐
///     history → MLP(h, c, h − c, h · c) → Σ weight · h → MLP(candidate, interest, user) → click
///
/// With a search, the history is what a search of a longer one finds: the items whose products
/// with the candidate are largest (SIM's soft search, its general search unit); the network above
/// is then its exact search unit.
///
/// Source: Zhou et al., Deep Interest Network (arXiv 1706.06978), figure 2 and section 4.3: weights
/// of the history are not normalised; Pi et al., Search-based User Interest Modeling (arXiv
/// 2006.05639), section 3.2, for the search. Rectifiers stand for Dice, whose mean and variance
/// fold into scale and bias once trained.
struct InterestGraphs: ReadableNetwork {
  /// Rows of the tables of items, of categories and of user fields.
  var items: Int
  var categories: Int
  var userRows: Int
  /// Fields of a user.
  var userFields: Int
  /// Past items that weigh in.
  var history: Int
  /// Past items that are searched for these; 0 without a search.
  var searched: Int
  /// Elements of each table's rows: an item is its own row and its category's.
  var width: Int
  /// Widths of the MLP that weighs an item, and of the one behind; a last width of 1 is added.
  var attention: [Int]
  var top: [Int]
  /// Candidates.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> InterestGraphs {
    let graphs = InterestGraphs(
      items: try section.integer("items"), categories: try section.integer("categories"),
      userRows: try section.integer("user_rows"),
      userFields: try section.integer("user_fields"), history: try section.integer("history"),
      searched: section.has("searched") ? try section.integer("searched") : 0,
      width: try section.integer("width"), attention: try section.integers("attention"),
      top: try section.integers("top"), batch: try section.integer("batch"))
    guard graphs.searched == 0 || graphs.searched >= graphs.history else {
      throw section.badValue("searched", expected: "at least as many items as history")
    }
    return graphs
  }

  var itemCount: Int { batch }
  /// Elements of an item's vector.
  private var itemWidth: Int { 2 * width }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("items", [items, width], role: .weight)
    try builder.given("categories", [categories, width], role: .weight)
    try vectors("candidate", count: 1, &builder)
    if searched > 0 {
      try vectors("past", count: searched, &builder)
      try search(&builder)
    } else {
      try vectors("history", count: history, &builder)
    }
    try interest(&builder)
    try user(&builder)
    try builder.apply(
      .concatenate(Concatenation(axis: 1)), to: ["candidate", "interest", "user"],
      name: "features")
    try builder.multilayer(
      "features", from: 2 * itemWidth + userFields * width, top + [1], name: "top",
      isLastLinear: true, role: .output)
    return try builder.finish()
  }

  /// Rows of `count` items of each candidate, their own beside their category's.
  private func vectors(_ name: String, count: Int, _ builder: inout GraphBuilder)
    throws(GraphError)
  {
    let rows = batch * count
    for (table, size) in [("items", items), ("categories", categories)] {
      try builder.given(
        "\(name).\(table).rows", [rows], format: .int32,
        fill: .powerLaw(counts: [size], exponent: 1.05))
      try builder.apply(
        .gather, to: [table, "\(name).\(table).rows"], name: "\(name).\(table)")
    }
    try builder.apply(
      .concatenate(Concatenation(axis: 1)), to: ["\(name).items", "\(name).categories"],
      name: name)
  }

  /// The past items with the largest products.
  private func search(_ builder: inout GraphBuilder) throws(GraphError) {
    try reshape("past", to: [batch, searched, itemWidth], name: "past.items3", &builder)
    try reshape("candidate", to: [batch, itemWidth, 1], name: "candidate.column", &builder)
    try builder.apply(
      .batchMatMul(BatchMatMul()), to: ["past.items3", "candidate.column"], name: "products",
      format: .float32)
    try reshape("products", to: [batch, searched], name: "relevance", format: .float32, &builder)
    try builder.apply(
      .topK(TopK(count: history)), to: ["relevance"], name: "best",
      results: ["best.values", "best.places"], format: .float32)
    let starts = (0..<batch).map { Int64($0 * searched) }
    let view = try TensorView(integers: starts, shape: [batch, 1], type: .int64)
    try builder.given(
      "starts", [batch, 1], role: .weight, fill: .values(TensorConstant(view)), type: .int64)
    try builder.apply(
      .elementwise(Elementwise(.add)), to: ["best.places", "starts"], name: "found.rows2")
    try reshape("found.rows2", to: [batch * history], name: "found.rows", &builder)
    try builder.apply(.gather, to: ["past", "found.rows"], name: "history")
  }

  /// Σ weight · h, the weight from what an item and the candidate have to do with each other.
  private func interest(_ builder: inout GraphBuilder) throws(GraphError) {
    let shape: TensorShape = [batch, history, itemWidth]
    try reshape("history", to: shape, name: "keys", &builder)
    try reshape("candidate", to: [batch, 1, itemWidth], name: "candidate.row", &builder)
    try builder.apply(.expand(Expand(to: shape)), to: ["candidate.row"], name: "queries")
    try builder.apply(
      .elementwise(Elementwise(.subtract)), to: ["keys", "candidate.row"], name: "differences")
    try builder.apply(
      .elementwise(Elementwise(.multiply)), to: ["keys", "candidate.row"], name: "likeness")
    try builder.apply(
      .concatenate(Concatenation(axis: 2)), to: ["keys", "queries", "differences", "likeness"],
      name: "pairs3")
    var x = "pairs"
    var inputs = 4 * itemWidth
    try reshape("pairs3", to: [batch * history, inputs], name: x, &builder)
    for (index, outputs) in attention.enumerated() {
      x = try builder.dense(x, from: inputs, to: outputs, name: "attention.\(index).sum")
      x = try builder.apply(.sigmoid, to: [x], name: "attention.\(index)")
      inputs = outputs
    }
    x = try builder.dense(x, from: inputs, to: 1, name: "weights")
    try reshape(x, to: [batch, history, 1], name: "weights3", &builder)
    try builder.apply(
      .elementwise(Elementwise(.multiply)), to: ["keys", "weights3"], name: "weighted")
    try builder.apply(
      .reduce(Reduction(.sum, axes: [1], keepsDimensions: false)), to: ["weighted"],
      name: "interest")
  }

  /// One look-up per field of the user.
  private func user(_ builder: inout GraphBuilder) throws(GraphError) {
    try builder.given("profile", [userRows, width], role: .weight)
    try builder.given(
      "profile.rows", [batch * userFields], format: .int32,
      fill: .powerLaw(counts: [userRows], exponent: 1.05))
    try builder.apply(.gather, to: ["profile", "profile.rows"], name: "fields")
    try reshape("fields", to: [batch, userFields * width], name: "user", &builder)
  }

  private func reshape(
    _ x: String, to shape: TensorShape, name: String, format: NumberFormat? = nil,
    _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.apply(.reshape(Reshape(to: shape)), to: [x], name: name, format: format)
  }
}
