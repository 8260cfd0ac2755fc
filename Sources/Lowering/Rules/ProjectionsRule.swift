import KernelLibrary
import ModelGraph
import NumericFormats

/// Products of the same few rows with several weights in one kernel, with what a decoding step does
/// to each result before attention.
struct ProjectionsRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let match = try ProjectionsMatch(at: position, in: plan), match.kernel.isSupported else {
      return nil
    }
    return try match.invoke(match.kernel, [node.inputs[0]], in: &plan)
  }
}

/// Products of the same rows, and what follows each of them.
struct ProjectionsMatch {
  /// The products and all that they take along, in the order in which they are carried out.
  private(set) var nodes: [Node] = []
  private(set) var positions: [Int] = []
  /// The positions of the products.
  private(set) var products: [Int] = []
  private(set) var kernel: ProjectionsKernel
  private var weights: [String] = []
  private var biases: [String] = []
  private var tables: [String] = []
  private var results: [String] = []
  /// Caches that are written where they lie.
  private var caches: [(made: String, given: String)] = []

  init?(at position: Int, in plan: LoweringPlan) throws(LoweringError) {
    let node = plan.graph.nodes[position]
    // Few rows gain in every model; more are taken where its builder says so.
    guard case .matMul(false, false) = node.operation, let name = node.inputs.first,
      let readers = plan.readers[name]
    else { return nil }
    let hasFewRows = try plan.tensor(name).rowCount <= ProjectionsKernel.mostRows
    guard node.hints.fusion == "projections" || node.hints.fusion == nil && hasFewRows else {
      return nil
    }
    let products = Set(readers).sorted().filter { place in
      guard case .matMul(false, false) = plan.graph.nodes[place].operation else { return false }
      let other = plan.graph.nodes[place]
      return other.hints.fusion == node.hints.fusion && other.inputs[0] == name
        && !plan.done[place]
    }
    guard products.count > 1, products.first == position else { return nil }
    self.products = products
    let x = try plan.tensor(name)
    let formats = try Set(
      products.map { place throws(LoweringError) in
        try plan.tensor(plan.graph.nodes[place].inputs[1]).format
      })
    guard formats.count == 1, let format = formats.first else { return nil }
    kernel = ProjectionsKernel(
      rows: x.rowCount, depth: x.shape.columnCount, widths: [], format: x.format,
      weightFormat: format)
    for place in products {
      guard try add(place, x, in: plan) else { return nil }
    }
    guard node.hints.fusion != nil || kernel.gains else { return nil }
  }

  /// Adds a product with what it takes along.
  private mutating func add(
    _ place: Int, _ x: TensorDeclaration, in plan: LoweringPlan
  ) throws(LoweringError) -> Bool {
    let product = plan.graph.nodes[place]
    guard try plan.tensor(product.outputs[0]).format == x.format,
      plan.isAvailable(product.inputs[1])
    else { return false }
    take(product, place)
    weights.append(product.inputs[1])
    var one = ProjectionsKernel.Projection(
      width: try plan.tensor(product.inputs[1]).shape.columnCount)
    let tail = try ProductTail(after: product, in: plan)
    guard tail.activation == nil, tail.residual == nil else { return false }
    if let bias = tail.bias {
      guard try plan.tensor(tail.output).format == x.format else { return false }
      one.bias = try plan.tensor(bias).format
      biases.append(bias)
      take(tail.nodes[1], tail.positions[0])
    }
    try takeRotary(&one, x, in: plan)
    try takeCache(&one, x, in: plan)
    results.append(nodes[nodes.count - 1].outputs[0])
    kernel.projections.append(one)
    return true
  }

  private mutating func take(_ node: Node, _ position: Int) {
    nodes.append(node)
    positions.append(position)
  }

  /// The node that alone reads what comes out so far.
  private func next(in plan: LoweringPlan) -> (position: Int, node: Node)? {
    guard let last = nodes.last else { return nil }
    return plan.onlyReader(of: last.outputs[0])
  }

  /// True where the kernel takes a product by itself.
  private func isSupported(_ one: ProjectionsKernel.Projection) -> Bool {
    var alone = kernel
    alone.projections = [one]
    return alone.isSupported
  }

  /// Rows of one token each, all at the same place, are turned by one row of the tables.
  private mutating func takeRotary(
    _ one: inout ProjectionsKernel.Projection, _ x: TensorDeclaration, in plan: LoweringPlan
  ) throws(LoweringError) {
    guard let next = next(in: plan), case .rotaryEmbedding(let rotary) = next.node.operation,
      rotary.lengths.tokens == 1, rotary.turned == rotary.lengths.channels,
      !rotary.isInterleaved, next.node.inputs.count == 3,
      tables.isEmpty || tables == Array(next.node.inputs[1...]),
      next.node.inputs[1...].allSatisfy({ plan.isAvailable($0) }),
      try plan.tensor(next.node.outputs[0]).format == x.format
    else { return }
    let formats = [
      try plan.tensor(next.node.inputs[1]).format, try plan.tensor(next.node.inputs[2]).format,
    ]
    guard formats[0] == formats[1] else { return }
    var turned = one
    turned.turnedHead = rotary.lengths.channels
    guard isSupported(turned) else { return }
    kernel.table = formats[0]
    tables = Array(next.node.inputs[1...])
    one = turned
    take(next.node, next.position)
  }

  /// Rows of one token each are written where they belong in a cache.
  private mutating func takeCache(
    _ one: inout ProjectionsKernel.Projection, _ x: TensorDeclaration, in plan: LoweringPlan
  ) throws(LoweringError) {
    guard let next = next(in: plan), case .tensorScatter(let scatter) = next.node.operation,
      next.node.inputs[1] == nodes[nodes.count - 1].outputs[0], scatter.tokens == 1,
      scatter.cache.batch == kernel.rows,
      scatter.layout == .tokensHeads || scatter.layout == .headsTransposed,
      plan.isAvailable(next.node.inputs[0]), plan.readers[next.node.inputs[0]]?.count == 1,
      try plan.tensor(next.node.outputs[0]).format == x.format
    else { return }
    var stored = one
    stored.cache = TokenCache(
      position: scatter.position, capacity: scatter.cache.tokens,
      isTransposed: scatter.layout == .headsTransposed)
    guard isSupported(stored) else { return }
    one = stored
    caches.append((next.node.outputs[0], next.node.inputs[0]))
    take(next.node, next.position)
  }

  /// Carries all of it out in one kernel: that of the match, or the same with a norm.
  ///
  /// - Parameters:
  ///   - inputs: the rows and what a norm reads.
  ///   - before: the nodes before the products, with their positions.
  /// - Returns: the positions of all nodes; nil where the kernel does not take them.
  func invoke(
    _ kernel: ProjectionsKernel, _ inputs: [String], sum: [String] = [],
    before: (nodes: [Node], positions: [Int]) = ([], []), in plan: inout LoweringPlan
  ) throws(LoweringError) -> [Int]? {
    let tried = plan
    for cache in caches { plan.alias(cache.made, to: cache.given) }
    do {
      try plan.invoke(
        kernel, inputs + weights + biases + tables + sum + results, nodes: before.nodes + nodes)
    } catch .kernel {
      plan = tried
      return nil
    }
    return before.positions + positions
  }
}
