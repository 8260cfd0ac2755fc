import Foundation
import ModelGraph
import NumericFormats
import ONNXSchema

/// One walk over the nodes of a model, in their order.
struct ImportPass {
  /// Why a walk ends early.
  enum Stop: Error {
    /// Shapes depend on these inputs, whose values are given: they have to be folded.
    case needsInputs(Set<String>)
    case error(ImportError)
  }

  /// Names and what they stand for, in one graph or function.
  typealias Scope = [String: ImportedValue]

  /// Functions and branches within each other; ONNX forbids recursion.
  private static let deepest = 16

  let model: ONNXModel
  let options: ImportOptions
  private let types: [String: TensorType]
  private let frozen: Set<String>
  private let tensors: TensorReader
  private let functions: [String: Onnx_FunctionProto]
  private var graph: Graph
  private var unsupported: [UnsupportedNode] = []
  private var needed: Set<String> = []
  private var nodeCount = 0
  private var foldedCount = 0
  private var operators: [String: Int] = [:]
  private var names: Set<String> = []
  private var nodeNames: Set<String> = []
  private var constants: [String: String] = [:]

  init(
    _ model: ONNXModel, _ options: ImportOptions, types: [String: TensorType],
    frozen: Set<String>
  ) {
    self.model = model
    self.options = options
    self.types = types
    self.frozen = frozen
    tensors = TensorReader(folder: model.folder, path: model.path)
    graph = Graph(name: model.path)
    var functions: [String: Onnx_FunctionProto] = [:]
    for function in model.proto.functions {
      functions[Self.key(function.domain, function.name)] = function
    }
    self.functions = functions
  }

  mutating func run() throws -> ImportedModel {
    var scope: Scope = [:]
    do {
      for input in model.inputs { scope[input.name] = try self.input(input.name) }
      try initialise(model.proto.graph, &scope)
      try walk(model.proto.graph.node, &scope, depth: 0)
      let given = needed.filter { options.inputs[$0] != nil && !frozen.contains($0) }
      if !given.isEmpty { throw Stop.needsInputs(given) }
      guard unsupported.isEmpty else {
        throw ImportError.unsupported(path: model.path, nodes: unsupported)
      }
      return try finish(scope)
    } catch let error as ImportError { throw Stop.error(error) } catch let error as GraphError {
      throw Stop.error(.graph(path: model.path, error: error))
    }
  }

  private mutating func input(_ name: String) throws -> ImportedValue {
    let type = types[name]!
    let given = options.inputs[name]
    if frozen.contains(name), let given {
      return .constant(given.type == type.type ? given : try cast(given, to: type.type))
    }
    let stored = self.stored(type.type)
    let fill: TensorFill
    if let given {
      fill = .values(TensorConstant(given))
    } else {
      fill = type.type.isInteger ? .indices(count: 2) : .normal(standardDeviation: 1)
    }
    if frozen.contains(name) {
      let drawn = SeededGenerator.values(
        of: TensorDeclaration(
          name: name, shape: type.shape, format: stored.format, role: .input, fill: fill),
        seed: options.seed)
      return .constant(
        try TensorView(drawn.map(Double.init), shape: type.shape, type: type.type))
    }
    let unique = uniqueName(name)
    try graph.declare(
      TensorDeclaration(
        name: unique, shape: type.shape, format: stored.format, role: .input, fill: fill,
        type: stored.type))
    return .tensor(unique, type, sources: [name])
  }

  private func cast(_ view: TensorView, to type: ElementType) throws(GraphError) -> TensorView {
    try Float64Interpreter.results(.cast(Cast(to: type)), inputs: [view])[0]
  }

  /// How the device keeps a type: real numbers in the format asked for.
  private func stored(_ type: ElementType) -> (format: NumberFormat, type: ElementType) {
    switch type {
    case .format(.float32), .float64, .format(.float16):
      (options.precision, .format(options.precision))
    default: (type.storage, type)
    }
  }

  private mutating func initialise(_ graph: Onnx_GraphProto, _ scope: inout Scope) throws {
    guard graph.sparseInitializer.isEmpty else {
      throw ImportError.unsupported(
        path: model.path,
        nodes: [
          UnsupportedNode(
            node: graph.name, operation: "sparse initialiser", reason: "only dense ones are read")
        ])
    }
    for tensor in graph.initializer { scope[tensor.name] = .constant(try tensors.view(tensor)) }
  }

  // MARK: Nodes

  private mutating func walk(_ nodes: [Onnx_NodeProto], _ scope: inout Scope, depth: Int) throws {
    for node in nodes {
      nodeCount += 1
      try carry(node, &scope, depth)
    }
  }

  private mutating func carry(_ node: Onnx_NodeProto, _ scope: inout Scope, _ depth: Int) throws {
    let title = node.name.isEmpty ? (node.output.first ?? "") : node.name
    operators[node.opType, default: 0] += 1
    func refuse(_ reason: String, _ scope: inout Scope, _ list: inout [UnsupportedNode]) {
      list.append(UnsupportedNode(node: title, operation: node.opType, reason: reason))
      for output in node.output { scope[output] = .unknown }
    }
    var inputs: [ImportedValue?] = []
    for name in node.input {
      guard name.isEmpty || scope[name] != nil else {
        throw ImportError.graph(
          path: model.path, error: .notYetProduced(node: title, tensor: name))
      }
      inputs.append(name.isEmpty ? nil : scope[name])
    }
    let isUnknown = inputs.contains { if case .unknown? = $0 { true } else { false } }
    if let function = functions[Self.key(node.domain, node.opType)], !isUnknown {
      guard depth < Self.deepest else {
        return refuse("functions call each other", &scope, &unsupported)
      }
      return try call(function, node, inputs, &scope, depth)
    }
    let reading = NodeReading(
      node, inputs: inputs, opset: model.opset, tensors: tensors,
      largestElements: options.largestElements,
      attributes: Dictionary(node.attribute.map { ($0.name, $0) }) { first, _ in first })
    guard Self.isStandard(node.domain), OperatorRules.knows(node.opType) || node.opType == "If"
    else {
      let isLoop = ["Loop", "Scan", "SequenceMap"].contains(node.opType)
      let reason =
        isLoop ? "a loop's program depends on its values" : "the operator is not known"
      return refuse(reason, &scope, &unsupported)
    }
    if isUnknown {
      for output in node.output { scope[output] = .unknown }
      return
    }
    do {
      if node.opType == "If" { return try branch(reading, &scope, depth) }
      let translation = try OperatorRules.translate(reading)
      try apply(translation, reading, title, &scope)
    } catch let failure as TranslationFailure {
      needed.formUnion(failure.neededInputs)
      refuse(failure.reason, &scope, &unsupported)
    } catch let error as GraphError {
      refuse("\(error)", &scope, &unsupported)
    }
  }

  static func isStandard(_ domain: String) -> Bool { domain.isEmpty || domain == "ai.onnx" }

  private static func key(_ domain: String, _ name: String) -> String {
    "\(isStandard(domain) ? "" : domain)::\(name)"
  }

  /// A function's nodes in place of a call, its attributes filled in.
  private mutating func call(
    _ function: Onnx_FunctionProto, _ node: Onnx_NodeProto, _ inputs: [ImportedValue?],
    _ scope: inout Scope, _ depth: Int
  ) throws {
    var inner: Scope = [:]
    for (name, value) in zip(function.input, inputs) { if let value { inner[name] = value } }
    var given = Dictionary(
      function.attributeProto.map { ($0.name, $0) }
    ) { first, _ in first }
    for attribute in node.attribute { given[attribute.name] = attribute }
    let optional = Set(function.input).subtracting(inner.keys)
    let nodes = function.node.map { original in
      var copy = original
      copy.name = "\(node.name.isEmpty ? node.opType : node.name)/\(original.name)"
      copy.input = original.input.map { optional.contains($0) ? "" : $0 }
      copy.attribute = original.attribute.compactMap { attribute in
        if attribute.refAttrName.isEmpty { return attribute }
        guard var value = given[attribute.refAttrName] else { return nil }
        value.name = attribute.name
        return value
      }
      return copy
    }
    try walk(nodes, &inner, depth: depth + 1)
    for (name, output) in zip(node.output, function.output) where !name.isEmpty {
      scope[name] = inner[output] ?? .unknown
    }
  }

  /// The branch that a known condition chooses, in place of an If.
  private mutating func branch(_ reading: NodeReading, _ scope: inout Scope, _ depth: Int) throws {
    let condition = try reading.constant(0, "the condition")
    let name = condition.count > 0 && condition[0] != 0 ? "then_branch" : "else_branch"
    guard depth < Self.deepest, let attribute = reading.attribute(name), attribute.hasG else {
      throw TranslationFailure("it has no \(name)")
    }
    var inner = scope
    try initialise(attribute.g, &inner)
    try walk(attribute.g.node, &inner, depth: depth + 1)
    for (outer, output) in zip(reading.node.output, attribute.g.output) {
      scope[outer] = inner[output.name] ?? .unknown
    }
  }

  // MARK: Results

  /// A value and the name that it has in the model.
  private typealias Named = (name: String, value: ImportedValue?)

  private mutating func apply(
    _ translation: Translation, _ reading: NodeReading, _ title: String, _ scope: inout Scope
  ) throws {
    func named(_ positions: [Int]) -> [Named] {
      positions.map { position in
        position < reading.inputs.count
          ? (reading.node.input[position], reading.inputs[position]) : ("", nil)
      }
    }
    let outputs = reading.node.output
    switch translation {
    case .values(let views):
      foldedCount += 1
      for (output, view) in zip(outputs, views) { scope[output] = .constant(view) }
    case .apply(let operation, let positions):
      let made = try carried(operation, named(positions), to: outputs, title)
      for (output, value) in zip(outputs, made) where !output.isEmpty { scope[output] = value }
    case .chain(let first, let positions, let second, let others):
      let inner = "\(outputs.first ?? title)/\(first.name)"
      let middle = try carried(first, named(positions), to: [inner], "\(title)/\(first.name)")
      let operands: [Named] = [(inner, middle[0])] + named(others)
      let made = try carried(second, operands, to: outputs, title)
      for (output, value) in zip(outputs, made) where !output.isEmpty { scope[output] = value }
    }
  }

  /// An operator's results: known where its inputs are, else tensors of the graph.
  private mutating func carried(
    _ operation: Operator, _ given: [Named], to outputs: [String], _ title: String
  ) throws -> [ImportedValue] {
    var inputs = given
    while let last = inputs.last, last.value == nil { inputs.removeLast() }
    let results = try ShapeInference.results(
      of: operation, inputs: inputs.map { $0.value?.type }, node: title)
    for result in results where !TensorReader.fits(result.shape) {
      throw TranslationFailure("the result \(result.shape) is too large")
    }
    if let views = Self.constants(inputs.map(\.value)) {
      guard results.allSatisfy({ $0.shape.elementCount <= options.largestElements }) else {
        throw TranslationFailure("the result is too large to be folded")
      }
      foldedCount += 1
      let made = try Float64Interpreter.results(operation, inputs: views, node: title)
      return made.map { .constant($0) }
    }
    if case .elementwise(let function) = operation, function.function == .identity,
      let value = inputs[0].value
    {
      foldedCount += 1
      return [value]
    }
    return try emit(operation, inputs, results, to: outputs, title)
  }

  /// The values of inputs that are all known.
  private static func constants(_ values: [ImportedValue?]) -> [TensorView?]? {
    var views: [TensorView?] = []
    for value in values {
      switch value {
      case nil: views.append(nil)
      case .constant(let view): views.append(view)
      default: return nil
      }
    }
    return views
  }

  private mutating func emit(
    _ operation: Operator, _ given: [Named], _ results: [TensorType], to outputs: [String],
    _ title: String
  ) throws -> [ImportedValue] {
    var inputs: [String] = []
    var sources: Set<String> = []
    // Kernels add a bias where sums are kept, in fp32, and norm channels by parameters in fp32.
    let firstInFull: Int
    switch operation {
    case .convolution: firstInFull = 2
    case .channelNormalization: firstInFull = 1
    default: firstInFull = .max
    }
    for (position, (name, value)) in given.enumerated() {
      switch value {
      case .constant(let view):
        inputs.append(try weight(name, view, keepsFull: position >= firstInFull))
      case .tensor(let tensor, _, let owners):
        inputs.append(tensor)
        sources.formUnion(owners)
      default: inputs.append("")
      }
    }
    var names: [String] = []
    var made: [ImportedValue] = []
    for (output, result) in zip(outputs, results) {
      let name = output.isEmpty ? "" : uniqueName(output)
      names.append(name)
      made.append(.tensor(name, result, sources: sources))
      if output.isEmpty { continue }
      let stored = self.stored(result.type)
      try graph.declare(
        TensorDeclaration(
          name: name, shape: result.shape, format: stored.format, role: .intermediate,
          type: stored.type))
    }
    while names.last == "" { names.removeLast() }
    graph.append(
      Node(name: uniqueNode(title), operation: operation, inputs: inputs, outputs: names))
    return made
  }

  /// An input that is an output as it is, as a tensor of its own. Returns its name.
  private mutating func copy(of tensor: String, _ type: TensorType, _ name: String) throws
    -> String
  {
    let tile = Operator.tile(Tile(repeats: type.shape.dimensions.map { _ in 1 }))
    let values = try emit(
      tile, [(tensor, .tensor(tensor, type, sources: []))], [type], to: [name], name)
    guard case .tensor(let copy, _, _) = values[0] else { return tensor }
    return copy
  }

  /// A known value as a weight of the graph, once per name.
  private mutating func weight(_ name: String, _ view: TensorView, keepsFull: Bool) throws
    -> String
  {
    let key = "\(name) \(view.shape) \(keepsFull)"
    if let known = constants[key], !name.isEmpty { return known }
    let unique = uniqueName(name.isEmpty ? "constant" : name)
    let stored =
      keepsFull && view.type.isFloat
      ? (format: .float32, type: .float32) : self.stored(view.type)
    try graph.declare(
      TensorDeclaration(
        name: unique, shape: view.shape, format: stored.format, role: .weight,
        fill: .values(TensorConstant(view)), type: stored.type))
    constants[key] = unique
    return unique
  }

  private mutating func uniqueName(_ name: String) -> String {
    var candidate = name
    var count = 1
    while !names.insert(candidate).inserted {
      count += 1
      candidate = "\(name)#\(count)"
    }
    return candidate
  }

  private mutating func uniqueNode(_ name: String) -> String {
    var candidate = name
    var count = 1
    while !nodeNames.insert(candidate).inserted {
      count += 1
      candidate = "\(name)#\(count)"
    }
    return candidate
  }

  /// The graph without what no output needs, verified.
  private mutating func finish(_ scope: Scope) throws -> ImportedModel {
    var outputs: [ImportedOutput] = []
    for name in model.outputs {
      switch scope[name] {
      case .constant(let view)?: outputs.append(ImportedOutput(name: name, constant: view))
      case .tensor(let tensor, let type, _)?:
        let isInput = graph.tensor(tensor)?.role == .input
        outputs.append(
          ImportedOutput(name: name, tensor: isInput ? try copy(of: tensor, type, name) : tensor))
      default:
        throw ImportError.graph(
          path: model.path, error: .neverProduced(graph: graph.name, tensor: name))
      }
    }
    var result = try graph.pruned(to: Set(outputs.compactMap(\.tensor)))
    for tensor in outputs.compactMap(\.tensor) {
      if result.tensor(tensor)?.role == .intermediate { try result.mark(tensor, as: .output) }
    }
    try result.verify()
    return ImportedModel(
      graph: result, outputs: outputs, nodeCount: nodeCount, foldedCount: foldedCount,
      frozenInputs: options.foldsInputs ? [] : frozen.sorted(), operators: operators)
  }
}

extension Graph {
  /// The nodes and tensors that these tensors depend on.
  func pruned(to wanted: Set<String>) throws(GraphError) -> Graph {
    var needed = wanted
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      kept.append(node)
      needed.formUnion(node.inputs)
      needed.formUnion(node.outputs)
    }
    var result = Graph(name: name)
    for tensor in tensors where needed.contains(tensor.name) { try result.declare(tensor) }
    for node in kept.reversed() { result.append(node) }
    return result
  }
}
