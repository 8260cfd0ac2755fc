import ModelGraph
import NumericFormats

extension Graph {
  /// The same graph with every operator that has no kernel of its own replaced by nodes that have
  /// one. The graph holds no calls any more.
  func expanded() throws(GraphError) -> Graph {
    var result = Graph(name: name)
    for tensor in tensors { try result.declare(tensor) }
    for node in nodes {
      if let grown = try OperatorExpansions.grown(result, by: node) {
        result = grown
      } else {
        result.append(node)
      }
    }
    return result
  }
}

/// Operators that are written as others.
enum OperatorExpansions {
  /// The graph with what stands for a node; nil where the node stands for itself. What an attempt
  /// left behind goes with it.
  static func grown(_ graph: Graph, by node: Node) throws(GraphError) -> Graph? {
    var expansion = NodeExpansion(node, in: graph)
    return try expand(node.operation, &expansion) ? expansion.graph : nil
  }

  /// Why an operator of this kind has to stay as it is; nil where there is nothing to say.
  static func limit(of node: Node, in graph: Graph) -> String? {
    switch node.operation {
    case .quantizedMatMul(let product):
      product.limit(node.inputs.compactMap { graph.tensor($0)?.shape })
    case .dequantize: "32-bit numbers less a zero point may not be whole in fp32"
    default: nil
    }
  }

  /// Appends what an operator is written as; false where its form has to stay as it is, so that the
  /// lowering refuses it by name.
  private static func expand(_ operation: Operator, _ expansion: inout NodeExpansion)
    throws(GraphError)
    -> Bool
  {
    switch operation {
    case .attention(let attention): return try attention.expand(&expansion)
    case .recurrent(let network): try network.expand(&expansion)
    case .maskedAttention(let attention): try attention.expand(&expansion)
    case .linearAttention(let attention): try attention.expand(&expansion)
    case .cumulative(let running): try running.expand(&expansion)
    case .quantize(let quantize): return try quantize.expand(&expansion)
    case .dequantize(let dequantize): return try dequantize.expand(&expansion)
    case .dynamicQuantize: try DynamicQuantize.expand(&expansion)
    case .quantizedMatMul(let product): return try product.expand(&expansion)
    case .gridSample(let sampling): try sampling.expand(&expansion)
    case .tableRotary(let rotary): try rotary.expand(&expansion)
    case .causalConvolution(let convolution): try convolution.expand(&expansion)
    case .pool(let pooling): return try pooling.expand(&expansion)
    case .windowNorm(let norm): try norm.expand(&expansion)
    case .localResponse(let response): try response.expand(&expansion)
    case .resample(let resample): try resample.expand(&expansion)
    case .resize(let resize): return try resize.expand(&expansion)
    case .convTranspose(let convolution): try convolution.expand(&expansion)
    case .einsum(let einsum): return try einsum.expand(&expansion)
    case .axisSoftmax(let softmax): return try softmax.expand(&expansion)
    case .cacheScatter(let scatter): try scatter.expand(&expansion)
    case .reverseSequence(let reversal): try reversal.expand(&expansion)
    case .batchNorm(let norm): try norm.expand(&expansion)
    case .normGradient(let gradient): return try gradient.expand(&expansion)
    case .normSums(let sums): return try sums.expand(&expansion)
    case .scatter(let scatter): return try scatter.expand(&expansion)
    case .indexedMaxPool(let pooling): return try pooling.expand(&expansion)
    default: return false
    }
    return true
  }
}

/// Nodes that stand in place of one. What they make on the way is kept in fp32 unless it is a whole
/// number or moved as it was.
struct NodeExpansion {
  /// The node that is replaced.
  let node: Node
  /// The graph so far.
  private(set) var graph: Graph
  private var count = 0

  init(_ node: Node, in graph: Graph) {
    self.node = node
    self.graph = graph
  }

  // MARK: What is there

  /// An input of the node by its place; nil where it is left out.
  func input(_ place: Int) -> String? {
    guard place < node.inputs.count, !node.inputs[place].isEmpty else { return nil }
    return node.inputs[place]
  }

  /// True where somebody wants that result.
  func wants(_ result: Int) -> Bool {
    result < node.outputs.count && !node.outputs[result].isEmpty
  }

  /// The shape of a tensor.
  func shape(_ name: String) -> TensorShape { graph.tensor(name)?.shape ?? [] }

  /// What kind of numbers a tensor holds.
  func type(_ name: String) -> ElementType { graph.tensor(name)?.type ?? .float32 }

  // MARK: Nodes

  /// Applies an operator. Real numbers come out in `type`, or in fp32, or as they were where they
  /// only move.
  mutating func apply(
    _ operation: Operator, _ inputs: [String], type: ElementType? = nil
  ) throws(GraphError) -> String {
    let results = try results(operation, inputs)
    let name = nextName(operation)
    try graph.declare(declaration(name, results[0], operation, type))
    append(operation, inputs, [name])
    return name
  }

  /// Cuts a tensor along an axis into pieces of one length.
  mutating func pieces(_ x: String, axis: Int, count: Int) throws(GraphError) -> [String] {
    if count == 1 { return [x] }
    let length = shape(x)[axis] / count
    let operation = Operator.split(
      Split(axis: axis, lengths: [Int](repeating: length, count: count)))
    let results = try results(operation, [x])
    let base = nextName(operation)
    var names: [String] = []
    for (index, result) in results.enumerated() {
      names.append("\(base).\(index)")
      try graph.declare(declaration(names[index], result, operation, nil))
    }
    append(operation, [x], names)
    return names
  }

  /// Applies an operator whose result is one of the node's own. Does nothing for one that nobody
  /// wants.
  mutating func finish(_ operation: Operator, _ inputs: [String], as result: Int = 0) {
    guard wants(result) else { return }
    count += 1
    append(operation, inputs, [node.outputs[result]])
  }

  /// Hands a tensor of the right shape out as one of the node's results, in its format.
  mutating func finish(_ x: String, as result: Int = 0) {
    guard wants(result) else { return }
    let out = node.outputs[result]
    let isMoved = graph.tensor(out)?.format == graph.tensor(x)?.format
    finish(isMoved ? .reshape(Reshape(to: shape(out))) : .copy, [x], as: result)
  }

  /// A tensor of known values.
  mutating func constant(
    _ values: [Double], _ shape: TensorShape, _ type: ElementType = .float32
  ) throws(GraphError) -> String {
    count += 1
    let name = "\(node.name)/constant\(count)"
    let view = try TensorView(values, shape: shape, type: type)
    try graph.declare(
      TensorDeclaration(
        name: name, shape: shape, format: type.storage, role: .weight,
        fill: .values(TensorConstant(view)), type: type))
    return name
  }

  /// One known number.
  mutating func number(_ value: Double, _ type: ElementType = .float32) throws(GraphError)
    -> String
  {
    try constant([value], [], type)
  }

  private mutating func nextName(_ operation: Operator) -> String {
    count += 1
    return "\(node.name)/\(operation.name.lowercased())\(count)"
  }

  private func results(_ operation: Operator, _ inputs: [String]) throws(GraphError)
    -> [TensorType]
  {
    try ShapeInference.results(
      of: operation,
      inputs: inputs.map { name in
        graph.tensor(name).map { TensorType($0.shape, $0.type) }
      }, node: node.name)
  }

  private func declaration(
    _ name: String, _ result: TensorType, _ operation: Operator, _ wanted: ElementType?
  ) -> TensorDeclaration {
    let moves: Bool
    switch operation {
    case .transpose, .slice: moves = true
    default: moves = operation.family?.movesOnly == true
    }
    let type = wanted ?? (result.type.isInteger || moves ? result.type : .float32)
    return TensorDeclaration(
      name: name, shape: result.shape, format: type.storage, role: .intermediate, type: type)
  }

  private mutating func append(_ operation: Operator, _ inputs: [String], _ outputs: [String]) {
    let suffix = count == 0 ? "" : "/\(count)"
    graph.append(
      Node(
        name: "\(node.name)\(suffix)", operation: operation, inputs: inputs, outputs: outputs,
        layer: node.layer))
  }
}

// MARK: The usual nodes

extension NodeExpansion {
  /// A function of each element.
  mutating func elements(
    _ function: ElementwiseFunction, _ inputs: String..., type: ElementType? = nil
  ) throws(GraphError) -> String {
    try apply(.elementwise(Elementwise(function)), inputs, type: type)
  }

  /// Products of matrices side by side.
  mutating func product(
    _ a: String, _ b: String, transposeA: Bool = false, transposeB: Bool = false
  ) throws(GraphError) -> String {
    try apply(.batchMatMul(BatchMatMul(transposeA: transposeA, transposeB: transposeB)), [a, b])
  }

  /// The same elements under another shape.
  mutating func reshape(_ x: String, _ shape: TensorShape) throws(GraphError) -> String {
    self.shape(x) == shape ? x : try apply(.reshape(Reshape(to: shape)), [x])
  }

  /// Axes in another order.
  mutating func transpose(_ x: String, _ permutation: [Int]) throws(GraphError) -> String {
    permutation == Array(permutation.indices)
      ? x : try apply(.transpose(permutation: permutation), [x])
  }

  /// `count` places of an axis from `start` on, every `step`-th.
  mutating func slice(_ x: String, axis: Int, start: Int, count: Int, step: Int = 1)
    throws(GraphError) -> String
  {
    let own = shape(x)
    if start == 0, count == own[axis], step == 1 { return x }
    var (starts, counts) = (own.dimensions.map { _ in 0 }, own.dimensions)
    var steps = own.dimensions.map { _ in 1 }
    (starts[axis], counts[axis], steps[axis]) = (start, count, step)
    return try apply(
      .stridedSlice(StridedSlice(starts: starts, counts: counts, steps: steps)), [x])
  }

  /// Tensors behind each other along an axis.
  mutating func joined(_ parts: [String], axis: Int) throws(GraphError) -> String {
    parts.count == 1 ? parts[0] : try apply(.concatenate(Concatenation(axis: axis)), parts)
  }

  /// Elements joined over axes that stay with length 1.
  mutating func reduced(_ kind: ReductionKind, _ x: String, axes: [Int]) throws(GraphError)
    -> String
  {
    try apply(.reduce(Reduction(kind, axes: axes, keepsDimensions: true)), [x])
  }

  /// The tensor in another type; itself where it is of that type.
  mutating func cast(_ x: String, to type: ElementType) throws(GraphError) -> String {
    self.type(x) == type ? x : try apply(.cast(Cast(to: type)), [x], type: type)
  }
}
