import Foundation
import ModelGraph
import NumericFormats
import ONNXSchema

/// One walk over the nodes of a model, in their order.
struct ImportPass {
  /// Why a walk ends early.
  enum Stop: Error {
    /// Shapes or choices depend on these inputs, whose values are given: they have to be folded.
    /// Beside each stands the node that asked first.
    case needsInputs([String: String])
    case error(ImportError)
  }

  /// Names and what they stand for, in one graph or function.
  typealias Scope = [String: ImportedValue]

  /// Functions and branches within each other; ONNX forbids recursion.
  static let deepest = 16

  let model: ONNXModel
  let options: ImportOptions
  /// Inputs that are folded, and the node that asked for the value of each.
  let frozen: [String: String]
  var graph: Graph
  var unsupported: [UnsupportedNode] = []
  /// What nodes cost that are folded because an input is.
  var hostNodes: [HostNode] = []
  /// What the node that is read now had folded.
  var folded = FoldedWork()
  /// Where the nodes of the graph come from.
  var origins = NodeOrigins()
  /// Tensors of the file that hold values which are not finite.
  var nonFinite: [NonFiniteTensor] = []
  var foldedCount = 0
  var nodeCount = 0
  var operators: [String: Int] = [:]
  var names: Set<String> = []
  var nodeNames: Set<String> = []
  var constants: [String: String] = [:]
  private let types: [String: TensorType]
  private let tensors: TensorReader
  private let functions: [String: Onnx_FunctionProto]
  private var needed: [String: String] = [:]

  init(
    _ model: ONNXModel, _ options: ImportOptions, types: [String: TensorType],
    frozen: [String: String]
  ) {
    self.model = model
    self.options = options
    self.types = types
    self.frozen = frozen
    tensors = TensorReader(folder: model.folder, path: model.path)
    graph = Graph(name: model.path)
    functions = model.functions
  }

  /// The model as a graph. Where nodes cannot be carried over, `unsupported` lists them, and the
  /// graph holds what could be read.
  mutating func run() throws -> ImportedModel {
    var scope: Scope = [:]
    do {
      for input in model.inputs { scope[input.name] = try self.input(input.name) }
      try initialise(model.proto.graph, &scope)
      try order(model.proto.graph.node, Set(scope.keys)).refuseTwins()
      try walk(model.proto.graph.node, &scope, depth: 0)
      let given = needed.filter { options.inputs[$0.key] != nil && frozen[$0.key] == nil }
      if !given.isEmpty { throw Stop.needsInputs(given) }
      if !unsupported.isEmpty { return try readablePart() }
      try compareDeclared(scope)
      return try finish(scope)
    } catch let error as ImportError { throw Stop.error(error) } catch let error as GraphError {
      throw Stop.error(.graph(path: model.path, error: error))
    }
  }

  private mutating func input(_ name: String) throws -> ImportedValue {
    let type = types[name]!
    let given = options.inputs[name]
    if let given { noteNonFinite(given, name) }
    // With everything folded nothing is left for a device, and no input stands out.
    let source: Set<String> = options.foldsInputs ? [] : [name]
    if frozen[name] != nil, let given {
      return .constant(
        given.type == type.type ? given : try cast(given, to: type.type), from: source)
    }
    let stored = self.stored(type.type)
    let fill: TensorFill
    if let given {
      fill = .values(TensorConstant(given))
    } else {
      fill = type.type.isInteger ? .indices(count: 2) : .normal(standardDeviation: 1)
    }
    if frozen[name] != nil {
      let drawn = SeededGenerator.values(
        of: TensorDeclaration(
          name: name, shape: type.shape, format: stored.format, role: .input, fill: fill),
        seed: options.seed)
      return .constant(
        try TensorView(drawn.map(Double.init), shape: type.shape, type: type.type), from: source)
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
  func stored(_ type: ElementType) -> (format: NumberFormat, type: ElementType) {
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
    for tensor in graph.initializer {
      let view = try tensors.view(tensor)
      noteNonFinite(view, tensor.name)
      scope[tensor.name] = .constant(view)
    }
  }

  // MARK: Nodes

  private mutating func walk(_ nodes: [Onnx_NodeProto], _ scope: inout Scope, depth: Int) throws {
    for node in nodes {
      nodeCount += 1
      for name in node.input where !name.isEmpty && scope[name] == nil {
        throw order(nodes, Set(scope.keys)).missing(name, of: node)
      }
      try carry(node, &scope, depth)
    }
  }

  private func order(_ nodes: [Onnx_NodeProto], _ given: Set<String>) -> NodeOrder {
    NodeOrder(nodes, given: given, path: model.path)
  }

  private mutating func carry(_ node: Onnx_NodeProto, _ scope: inout Scope, _ depth: Int) throws {
    let title = node.title
    operators[node.opType, default: 0] += 1
    func refuse(_ reason: String, _ scope: inout Scope, _ list: inout [UnsupportedNode]) {
      list.append(UnsupportedNode(node: title, operation: node.opType, reason: reason))
      for output in node.output { scope[output] = .unknown }
    }
    let inputs = node.input.map { $0.isEmpty ? nil : scope[$0] }
    let isUnknown = inputs.contains { if case .unknown? = $0 { true } else { false } }
    if let function = functions[Self.key(node.domain, node.opType)], !isUnknown {
      guard depth < Self.deepest else {
        return refuse("it stands too deep in other calls", &scope, &unsupported)
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
      origins.enter(title, node.opType)
      try apply(translation, reading, title, &scope)
    } catch let failure as TranslationFailure {
      for name in failure.neededInputs where needed[name] == nil {
        needed[name] = "\(node.opType) '\(title)'"
      }
      refuse(failure.reason, &scope, &unsupported)
    } catch let error as GraphError {
      refuse("\(error)", &scope, &unsupported)
    }
  }

  static func isStandard(_ domain: String) -> Bool { domain.isEmpty || domain == "ai.onnx" }

  static func key(_ domain: String, _ name: String) -> String {
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
    try order(nodes, Set(inner.keys)).refuseTwins()
    try walk(nodes, &inner, depth: depth + 1)
    for (name, output) in zip(node.output, function.output) where !name.isEmpty {
      scope[name] = inner[output] ?? .unknown
    }
  }

  /// The branch that a known condition chooses, in place of an If.
  private mutating func branch(_ reading: NodeReading, _ scope: inout Scope, _ depth: Int) throws {
    let condition = try reading.constant(0, "the condition")
    if let deciding = reading.inputs[0]?.followsFrom, !deciding.isEmpty, !options.foldsInputs {
      hostNodes.append(
        HostNode(reading.node.title, "If", because: reasons(deciding), FoldedWork()))
    }
    let name = condition.count > 0 && condition[0] != 0 ? "then_branch" : "else_branch"
    guard depth < Self.deepest, let attribute = reading.attribute(name), attribute.hasG else {
      throw TranslationFailure("it has no \(name)")
    }
    var inner = scope
    try initialise(attribute.g, &inner)
    try order(attribute.g.node, []).refuseTwins()
    try walk(attribute.g.node, &inner, depth: depth + 1)
    for (outer, output) in zip(reading.node.output, attribute.g.output) {
      scope[outer] = inner[output.name] ?? .unknown
    }
  }
}

extension Onnx_NodeProto {
  /// The name in messages: its own, or that of what it makes.
  var title: String { name.isEmpty ? (output.first ?? "") : name }
}
