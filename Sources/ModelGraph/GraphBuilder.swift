package import NumericFormats

/// Builds a graph node by node; shapes of results are inferred and checked at once.
///
/// Each call of `apply` makes one node and one tensor of the same name, which it returns.
package struct GraphBuilder: Sendable {
  /// The graph so far.
  package private(set) var graph: Graph
  /// The format of results when a call names none.
  package var format: NumberFormat
  /// The layer that new nodes belong to.
  package var layer: Int?
  /// True when weights that are drawn are trained: they are state in fp32, and a copy of the same
  /// name in their own format is what nodes read.
  package var trainsWeights = false

  /// A builder of an empty graph.
  package init(name: String, format: NumberFormat) {
    graph = Graph(name: name)
    self.format = format
  }

  /// Declares a tensor that comes from outside; returns its name. Throws `duplicateName`.
  @discardableResult
  package mutating func given(
    _ name: String, _ shape: TensorShape, role: TensorRole = .input, format: NumberFormat? = nil,
    fill: TensorFill = .normal(standardDeviation: 1), type: ElementType? = nil
  ) throws(GraphError) -> String {
    let stored = format ?? type?.storage ?? self.format
    guard trainsWeights, role == .weight, fill.isDrawn else {
      try graph.declare(
        TensorDeclaration(
          name: name, shape: shape, format: stored, role: role, fill: fill, type: type))
      return name
    }
    let isPrecise = stored == .float32
    let kept = isPrecise ? name : "\(name).master"
    try graph.declare(
      TensorDeclaration(
        name: kept, shape: shape, format: .float32, role: .state, fill: fill))
    return isPrecise ? name : try apply(.copy, to: [kept], name: name, format: stored)
  }

  /// Declares a weight matrix `[rows, columns]` whose elements have a standard deviation of
  /// 1/sqrt(rows), so that a product keeps the size of its input. Throws `duplicateName`.
  @discardableResult
  package mutating func weight(
    _ name: String, rows: Int, columns: Int, format: NumberFormat? = nil
  ) throws(GraphError) -> String {
    let deviation = 1 / Double(rows).squareRoot()
    return try given(
      name, [rows, columns], role: .weight, format: format,
      fill: .normal(standardDeviation: deviation))
  }

  /// Applies an operator; the node and its result are both called `name`, which is returned.
  /// Throws what shape inference finds, `unknownTensor` and `duplicateName`.
  @discardableResult
  package mutating func apply(
    _ operation: Operator, to inputs: [String], name: String, format: NumberFormat? = nil,
    role: TensorRole = .intermediate, updates: String? = nil, hints: KernelHints = KernelHints()
  ) throws(GraphError) -> String {
    try apply(
      operation, to: inputs, name: name, results: [name], format: format, role: role,
      updates: updates, hints: hints)
    return name
  }

  /// Applies an operator of several results, which get these names; an empty name leaves a result
  /// or an optional input out. Throws what shape inference finds, `unknownTensor` and
  /// `duplicateName`.
  package mutating func apply(
    _ operation: Operator, to inputs: [String], name: String, results names: [String],
    format: NumberFormat? = nil, role: TensorRole = .intermediate, updates: String? = nil,
    hints: KernelHints = KernelHints()
  ) throws(GraphError) {
    var types: [TensorType?] = []
    for input in inputs {
      if input.isEmpty, operation.family != nil {
        types.append(nil)
        continue
      }
      guard let tensor = graph.tensor(input) else {
        throw .unknownTensor(node: name, tensor: input)
      }
      types.append(TensorType(tensor.shape, tensor.type))
    }
    let results = try ShapeInference.results(of: operation, inputs: types, node: name)
    for (result, made) in zip(names, results) where !result.isEmpty {
      // Only a family says that its results are whole numbers; other operators follow the call.
      let isWhole = operation.family != nil && made.type.isInteger
      let stored = isWhole ? made.type.storage : format ?? self.format
      try graph.declare(
        TensorDeclaration(
          name: result, shape: made.shape, format: stored, role: role, updates: updates,
          type: isWhole ? made.type : nil))
    }
    graph.append(
      Node(
        name: name, operation: operation, inputs: inputs, outputs: names, hints: hints,
        layer: layer))
  }

  /// A · B as `apply` does; B stored `[K, N]` and A `[M, K]` unless said otherwise.
  @discardableResult
  package mutating func product(
    _ a: String, _ b: String, name: String, transposeA: Bool = false, transposeB: Bool = false,
    format: NumberFormat? = nil, role: TensorRole = .intermediate,
    hints: KernelHints = KernelHints()
  ) throws(GraphError) -> String {
    try apply(
      .matMul(transposeA: transposeA, transposeB: transposeB), to: [a, b], name: name,
      format: format, role: role, hints: hints)
  }

  /// Holds a function once; `call` refers to it. Throws `duplicateName`.
  package mutating func add(function: Graph) throws(GraphError) {
    try graph.add(function: function)
  }

  /// Calls a function: declares one tensor per output, called `name.output`, and returns their
  /// names. Throws `unknownFunction` and `duplicateName`.
  package mutating func call(
    _ function: String, with inputs: [String], name: String, outputRole: [String: TensorRole] = [:]
  ) throws(GraphError) -> [String] {
    guard let callee = graph.function(function) else {
      throw .unknownFunction(node: name, function: function)
    }
    var outputs: [String] = []
    for output in callee.outputTensors {
      let made = "\(name).\(output.name)"
      try graph.declare(
        TensorDeclaration(
          name: made, shape: output.shape, format: output.format,
          role: outputRole[output.name] ?? .intermediate))
      outputs.append(made)
    }
    graph.append(
      Node(
        name: name, operation: .call(function: function), inputs: inputs, outputs: outputs,
        layer: layer))
    return outputs
  }

  /// Changes what a tensor is to the graph. Throws `unknownTensor`.
  package mutating func mark(_ tensor: String, as role: TensorRole, updates: String? = nil)
    throws(GraphError)
  {
    try graph.mark(tensor, as: role, updates: updates)
  }

  /// Goes on with a graph that grew elsewhere.
  mutating func take(_ grown: Graph) { graph = grown }

  /// The verified graph. Throws what `Graph.verify` finds.
  package consuming func finish() throws(GraphError) -> Graph {
    try graph.verify()
    return graph
  }
}
