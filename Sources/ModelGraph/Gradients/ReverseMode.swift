package import NumericFormats

extension GraphBuilder {
  /// How an operator that has no rule is written as others that have one: the graph with nodes that
  /// make the results of the given node, which is not part of it; nil where there is no way.
  package typealias WritingOut = @Sendable (Graph, Node) throws(GraphError) -> Graph?

  /// Appends the nodes that compute a scalar's derivatives in some tensors (reverse mode).
  ///
  /// The rules are written in the graph's own operators: a training step is nothing but more of
  /// what an inference is made of, lowered, timed and checked in the same way. Calls have to be
  /// flattened first.
  ///
  /// - Parameters:
  ///   - loss: a tensor of one element.
  ///   - parameters: the tensors to derive in; each must reach the loss.
  ///   - others: more tensors to derive in, inputs or results of nodes.
  ///   - format: how derivatives of parameters are stored, and of their narrower copies. Other
  ///     derivatives are stored in the builder's format.
  ///   - writingOut: what to do about operators without a rule: nothing unless given.
  /// - Returns: the derivative's name for each of them, of its shape.
  ///
  /// Throws `notDifferentiable` for an operator without a rule between a parameter and the loss.
  package mutating func differentiate(
    _ loss: String, in parameters: [String], and others: [String] = [],
    format: NumberFormat = .float32, writingOut: WritingOut? = nil
  ) throws(GraphError) -> [String: String] {
    guard let scalar = graph.tensor(loss) else {
      throw .unknownTensor(node: "differentiate", tensor: loss)
    }
    guard scalar.shape.elementCount == 1 else {
      throw .badValue(tensor: loss, reason: "only a tensor of one element has a gradient")
    }
    let one = try given(
      "d.\(loss)", scalar.shape, role: .weight, format: .float32, fill: .constant(1))
    return try run(
      ReverseMode(
        self, result: loss, derivative: one, isOne: true, parameters: parameters,
        inputs: others, format: format, writingOut: writingOut))
  }

  /// Appends the nodes that carry the derivative of a loss in `result`, which comes from elsewhere
  /// as the tensor `derivative`, on to parameters and inputs: one layer's part of a backward pass.
  /// Derivatives of inputs are stored in the builder's format.
  ///
  /// Throws `notDifferentiable` for an operator without a rule on the way.
  package mutating func differentiate(
    _ result: String, derivative: String, in parameters: [String], inputs: [String],
    format: NumberFormat = .float32
  ) throws(GraphError) -> [String: String] {
    try run(
      ReverseMode(
        self, result: result, derivative: derivative, isOne: false, parameters: parameters,
        inputs: inputs, format: format, writingOut: nil))
  }

  private mutating func run(_ given: ReverseMode) throws(GraphError) -> [String: String] {
    var pass = given
    let derivatives = try pass.run()
    self = pass.builder
    return derivatives
  }
}

/// One pass backwards over a graph.
struct ReverseMode {
  /// The graph that grows.
  private(set) var builder: GraphBuilder
  private let result: String
  private let derivative: String
  /// True when the derivative that all begins with is 1.
  private let isOne: Bool
  private let wanted: [String]
  private let format: NumberFormat
  private let writingOut: GraphBuilder.WritingOut?
  /// Tensors that a parameter reaches.
  private var active: Set<String>
  /// Parameters and their copies in other formats.
  private let precise: Set<String>
  /// What has been found of each tensor's derivative; the parts are added up when it is needed.
  private var parts: [String: [String]] = [:]
  private var constants: [Double: String] = [:]
  private var madeCount = 0

  init(
    _ builder: GraphBuilder, result: String, derivative: String, isOne: Bool,
    parameters: [String], inputs: [String], format: NumberFormat,
    writingOut: GraphBuilder.WritingOut?
  ) throws(GraphError) {
    self.builder = builder
    self.result = result
    self.derivative = derivative
    self.isOne = isOne
    wanted = parameters + inputs
    self.format = format
    self.writingOut = writingOut
    var active = Set(wanted)
    var precise = Set(parameters)
    for name in wanted + [result, derivative] where builder.graph.tensor(name) == nil {
      throw .unknownTensor(node: "differentiate", tensor: name)
    }
    for node in builder.graph.nodes where node.inputs.contains(where: active.contains) {
      active.formUnion(node.outputs)
      if node.operation == .copy, precise.contains(node.inputs[0]) {
        precise.formUnion(node.outputs)
      }
    }
    self.active = active
    self.precise = precise
  }

  mutating func run() throws(GraphError) -> [String: String] {
    parts[result] = [derivative]
    try walk(builder.graph.nodes)
    builder.layer = nil
    var found: [String: String] = [:]
    for name in wanted {
      guard let derivative = try derivative(of: name) else {
        throw .badValue(tensor: name, reason: "'\(result)' does not depend on it")
      }
      found[name] = derivative
    }
    return found
  }

  /// Carries derivatives back over nodes in order.
  private mutating func walk(_ nodes: [Node]) throws(GraphError) {
    for node in nodes.reversed() {
      guard node.inputs.contains(where: active.contains) else { continue }
      var gradients: [String?] = []
      for output in node.outputs { gradients.append(try derivative(of: output)) }
      guard gradients.contains(where: { $0 != nil }) else { continue }
      builder.layer = node.layer
      try differentiate(node, gradients)
    }
  }

  /// Carries derivatives back over what a node is written as, which is computed once more for it.
  /// False where there is no way.
  private mutating func writtenOut(_ node: Node, _ gradients: [String?]) throws(GraphError) -> Bool
  {
    guard let writingOut else { return false }
    madeCount += 1
    var (copy, graph) = (node, builder.graph)
    copy.name = "d\(madeCount).\(node.name)"
    for (index, output) in node.outputs.enumerated() {
      guard var tensor = graph.tensor(output), index == 0 || gradients[index] != nil else {
        copy.outputs[index] = ""
        continue
      }
      tensor.name = "\(copy.name).\(index)"
      (tensor.role, tensor.updates) = (.intermediate, nil)
      try graph.declare(tensor)
      copy.outputs[index] = tensor.name
    }
    let first = graph.nodes.count
    guard let grown = try writingOut(graph, copy), grown.nodes.count > first else { return false }
    builder.take(grown)
    let nodes = Array(grown.nodes[first...])
    for node in nodes where node.inputs.contains(where: active.contains) {
      active.formUnion(node.outputs)
    }
    for (output, gradient) in zip(copy.outputs, gradients) {
      if let gradient { parts[output] = [gradient] }
    }
    try walk(nodes)
    return true
  }

  private mutating func differentiate(_ node: Node, _ gradients: [String?]) throws(GraphError) {
    if case .split(let split) = node.operation { return try self.split(split, node, gradients) }
    if !hasRule(node), try writtenOut(node, gradients) { return }
    guard gradients.dropFirst().allSatisfy({ $0 == nil }), let gradient = gradients[0] else {
      throw missingRule(node, "only its first result has a rule")
    }
    switch node.operation {
    case .matMul(let transposeA, let transposeB):
      try product(node, gradient, transposeA: transposeA, transposeB: transposeB)
    case .batchMatMul(let product): try batchProduct(product, node, gradient)
    case .softmax, .rmsNormalization, .layerNormalization, .softmaxCrossEntropyLoss:
      try row(node, gradient)
    case .attention(let attention): try self.attention(attention, node, gradient)
    case .rotaryEmbedding(let rotary): try self.rotary(rotary, node, gradient)
    case .add, .multiply, .silu, .sigmoid, .relu, .elementwise:
      try elementwise(node, gradient)
    case .reduce, .reduceSum: try reduction(node, gradient)
    case .convolution(let convolution): try self.convolution(convolution, node, gradient)
    case .convTranspose(let convolution): try upsampling(convolution, node, gradient)
    case .embeddingBag(let bag): try self.bag(bag, node, gradient)
    case .batchNorm(let norm): try batchNorm(norm, node, gradient)
    case .pool(let pooling): try self.pooling(pooling, node, gradient)
    case .gemm(let gemm): try self.gemm(gemm, node, gradient)
    case .einsum(let einsum): try self.einsum(einsum, node, gradient)
    case .gatedSwish(let gate): try gatedSwish(gate, node, gradient)
    case .maskedAttention(let attention): try maskedAttention(attention, node, gradient)
    case .axisSoftmax(let softmax): try axisSoftmax(softmax, node, gradient)
    case .axisNormalization(let norm): try axisNormalization(norm, node, gradient)
    case .channelNormalization(let norm): try channelNormalization(norm, node, gradient)
    case .lpNormalization(let norm): try lpNormalization(norm, node, gradient)
    case .cumulative(let running): try cumulative(running, node, gradient)
    case .axisGather, .elementGather, .tupleGather, .scatter, .topK:
      try indexed(node, gradient)
    case .allReduce: try sumOverRanks(node, gradient)
    case .parallelRegion(let region): try parallelRegion(region, node, gradient)
    default: try movement(node, gradient)
    }
  }

  // MARK: What the rules are written with

  /// Applies an operator and returns the name of its result.
  mutating func made(
    _ operation: Operator, _ inputs: String..., format: NumberFormat? = nil
  ) throws(GraphError) -> String { try made(operation, inputs, format: format) }

  /// Applies an operator to any number of inputs.
  mutating func made(
    _ operation: Operator, _ inputs: [String], format: NumberFormat? = nil
  ) throws(GraphError) -> String {
    madeCount += 1
    return try builder.apply(
      operation, to: inputs, name: "d\(madeCount).\(operation.name)", format: format)
  }

  /// Applies an operator whose result has a name of its own and the format of what it reads.
  mutating func combined(_ operation: Operator, _ input: String, name: String)
    throws(GraphError) -> String
  {
    try builder.apply(operation, to: [input], name: name, format: format(of: input))
  }

  /// Applies a function to each element.
  mutating func element(
    _ function: ElementwiseFunction, _ inputs: String..., format: NumberFormat? = nil
  ) throws(GraphError) -> String {
    madeCount += 1
    return try builder.apply(
      .elementwise(Elementwise(function)), to: inputs,
      name: "d\(madeCount).\(function.rawValue)", format: format)
  }

  /// A number, as a tensor of one element.
  mutating func constant(_ value: Double) throws(GraphError) -> String {
    if let known = constants[value] { return known }
    let name = try builder.given(
      "constant \(value)", [1], role: .weight, format: .float32, fill: .constant(value))
    constants[value] = name
    return name
  }

  /// A tensor of these values.
  mutating func table(_ values: [Double], _ shape: TensorShape, type: ElementType = .float32)
    throws(GraphError) -> String
  {
    madeCount += 1
    let view = try TensorView(values, shape: shape, type: type)
    return try builder.given(
      "d\(madeCount).table", shape, role: .weight, format: type.storage,
      fill: .values(TensorConstant(view)))
  }

  /// The lengths of a tensor of the graph.
  func shape(_ name: String) -> TensorShape { builder.graph.tensor(name)?.shape ?? [] }

  /// How a tensor of the graph is stored.
  func format(of name: String) -> NumberFormat? { builder.graph.tensor(name)?.format }

  /// True when the tensor is the loss's own derivative: 1.
  func isSeed(_ name: String) -> Bool { isOne && name == derivative }

  /// True when the tensor's derivative is asked for.
  func isActive(_ name: String) -> Bool { active.contains(name) }

  /// How the derivative of a tensor is stored.
  func gradientFormat(_ name: String) -> NumberFormat {
    precise.contains(name) ? format : builder.format
  }

  /// The same elements under another shape.
  mutating func reshaped(_ name: String, to wanted: TensorShape) throws(GraphError) -> String {
    if shape(name) == wanted { return name }
    return try made(
      .reshape(Reshape(to: wanted)), name, format: builder.graph.tensor(name)?.format)
  }

  /// Sums over the axes along which a tensor of `wanted` was repeated to reach this one.
  mutating func unbroadcast(_ name: String, to wanted: TensorShape, for target: String)
    throws(GraphError) -> String
  {
    let given = shape(name)
    if given == wanted { return name }
    let extra = given.rank - wanted.rank
    let axes = (0..<given.rank).filter { axis in
      axis < extra || wanted[axis - extra] == 1 && given[axis] != 1
    }
    if axes.isEmpty { return try reshaped(name, to: wanted) }
    let summed: String
    if axes == Array(0..<given.rank - 1), gradientFormat(target) == .float32 {
      // All rows into one, which the tensor engine adds up.
      let rows = try reshaped(name, to: [given.rowCount, given.columnCount])
      summed = try made(.reduceSum, rows, format: gradientFormat(target))
    } else {
      summed = try made(
        .reduce(Reduction(.sum, axes: axes, keepsDimensions: true)), name,
        format: gradientFormat(target))
    }
    return try reshaped(summed, to: wanted)
  }

  /// Adds a part to a tensor's derivative; parts of tensors that no parameter reaches are dropped.
  mutating func contribute(_ part: String, to target: String) throws(GraphError) {
    guard isActive(target) else { return }
    parts[target, default: []].append(
      try unbroadcast(part, to: shape(target), for: target))
  }

  /// The sum of the parts found so far; nil when there is none.
  private mutating func derivative(of name: String) throws(GraphError) -> String? {
    guard let found = parts[name], let first = found.first else { return nil }
    var sum = first
    for part in found.dropFirst() {
      sum = try element(.add, sum, part, format: gradientFormat(name))
    }
    parts[name] = [sum]
    return sum
  }

  /// The error for a node without a rule.
  func missingRule(_ node: Node, _ reason: String = "there is no rule for it") -> GraphError {
    .notDifferentiable(node: node.name, operation: node.operation.name, reason: reason)
  }
}
