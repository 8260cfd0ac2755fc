package import ModelGraph
package import NumericFormats
import ONNXSchema

/// What the command line says about a model.
package struct ImportOptions: Sendable {
  /// Lengths of axes that the model leaves open, by name.
  package var dimensions: [String: Int] = [:]
  /// The length of every open first axis.
  package var batch: Int?
  /// The format in which the device keeps real numbers.
  package var precision: NumberFormat = .float32
  /// Values of inputs by name.
  package var inputs: [String: TensorView] = [:]
  /// Tensors of more elements than this are not made while reading: a small file could otherwise
  /// ask for all memory.
  package var largestElements = 1 << 28
  /// What inputs without a value are drawn from.
  package var seed: UInt64 = 0
  /// True to fold all inputs: what remains are the outputs' values in float64.
  package var foldsInputs = false

  /// Nothing said: fp32, no values.
  package init() {}
}

/// An output of an imported model.
package struct ImportedOutput: Sendable {
  /// The name in the model.
  package var name: String
  /// Its value where no input decides it.
  package var constant: TensorView?
  /// The tensor of the graph that holds it otherwise.
  package var tensor: String?

  package init(name: String, constant: TensorView? = nil, tensor: String? = nil) {
    self.name = name
    self.constant = constant
    self.tensor = tensor
  }
}

/// A model as a graph.
package struct ImportedModel: Sendable {
  /// Nodes that depend on inputs; empty when everything is folded.
  package var graph: Graph
  /// The model's outputs in their order.
  package var outputs: [ImportedOutput]
  /// Nodes that the file holds, subgraphs that were entered included.
  package var nodeCount: Int
  /// Those that were evaluated while reading.
  package var foldedCount: Int
  /// Inputs whose values were taken as given, because shapes depend on them.
  package var frozenInputs: [String]
  /// Operators of the model by name and how often each stands in it.
  package var operators: [String: Int]
  /// Nodes that the host evaluated because the values of `frozenInputs` decide shapes or choices.
  package var hostNodes: [HostNode] = []
  /// Nodes that no output needs; they are not in the graph.
  package var unusedNodes: [UnusedNode] = []
  /// Tensors of the file and given inputs that hold values which are not finite.
  package var nonFinite: [NonFiniteTensor] = []
  /// Nodes that cannot be carried over; what depends on them is not in the graph either.
  package var unsupported: [UnsupportedNode] = []

  package init(
    graph: Graph, outputs: [ImportedOutput], nodeCount: Int, foldedCount: Int,
    frozenInputs: [String], operators: [String: Int]
  ) {
    self.graph = graph
    self.outputs = outputs
    self.nodeCount = nodeCount
    self.foldedCount = foldedCount
    self.frozenInputs = frozenInputs
    self.operators = operators
  }
}

extension ONNXModel {
  /// The model as a graph: open axes bound, shapes inferred, constants folded.
  ///
  /// Throws `unsupported` with every node that cannot be carried over, `unboundDimensions`,
  /// `unknownName`, `badInput`, and `graph` when the result contradicts itself.
  package func imported(_ options: ImportOptions) throws(ImportError) -> ImportedModel {
    let read = try read(options)
    guard read.unsupported.isEmpty else {
      throw .unsupported(path: path, nodes: read.unsupported)
    }
    return read
  }

  /// The same of a model of which not everything can be carried over: `unsupported` lists what
  /// cannot, and the graph holds the rest. Throws what `imported` throws but for that list.
  package func read(_ options: ImportOptions) throws(ImportError) -> ImportedModel {
    try refuseTwinInputs()
    let types = try InputBinding(self, options).types()
    var sizes = FunctionSizes(functions, path: path)
    try sizes.check(proto.graph.node)
    var frozen: [String: String] = [:]
    if options.foldsInputs { for name in types.keys { frozen[name] = "the reference" } }
    while true {
      var pass = ImportPass(self, options, types: types, frozen: frozen)
      do {
        return try pass.run()
      } catch ImportPass.Stop.needsInputs(let names) {
        frozen.merge(names) { first, _ in first }
      } catch ImportPass.Stop.error(let error) { throw error } catch {
        throw .damaged(path: path, reason: "\(error)")
      }
    }
  }
}

extension ONNXModel {
  /// The file's functions by domain and name.
  var functions: [String: Onnx_FunctionProto] {
    Dictionary(
      proto.functions.map { (ImportPass.key($0.domain, $0.name), $0) }
    ) { _, last in last }
  }

  private func refuseTwinInputs() throws(ImportError) {
    var names: Set<String> = []
    for input in proto.graph.input where !names.insert(input.name).inserted {
      throw .graph(
        path: path,
        error: .duplicateName(graph: proto.graph.name, kind: "input", name: input.name))
    }
  }
}

/// The types of a model's inputs, once the command line has been heard.
private struct InputBinding {
  private let model: ONNXModel
  private let options: ImportOptions

  init(_ model: ONNXModel, _ options: ImportOptions) {
    self.model = model
    self.options = options
  }

  func types() throws(ImportError) -> [String: TensorType] {
    let inputs = model.inputs
    for name in options.inputs.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
      throw .unknownName(what: "input", name: name, known: inputs.map(\.name))
    }
    var lengths = options.dimensions
    let names = Set(inputs.flatMap { input in (input.axes ?? []).compactMap(\.name) })
    for name in lengths.keys.sorted() where !names.contains(name) {
      throw .unknownName(what: "open dimension", name: name, known: names.sorted())
    }
    for input in inputs { try refuseImpossible(input) }
    try bindGiven(inputs, &lengths)
    try bindBatch(inputs, &lengths)
    var types: [String: TensorType] = [:]
    var missing: [String] = []
    for input in inputs {
      guard let type = input.type else {
        throw .unsupported(
          path: model.path,
          nodes: [
            UnsupportedNode(
              node: input.name, operation: "input",
              reason: "only tensors of numbers are read")
          ])
      }
      if let given = options.inputs[input.name], input.axes == nil {
        types[input.name] = TensorType(given.shape, type)
        continue
      }
      guard let axes = input.axes else {
        missing.append(input.name)
        continue
      }
      missing += axes.compactMap { axis in axis.name.flatMap { lengths[$0] == nil ? $0 : nil } }
      types[input.name] = TensorType(
        TensorShape(axes.map { $0.length ?? lengths[$0.name ?? ""] ?? 0 }), type)
    }
    for (name, type) in types.sorted(by: { $0.key < $1.key }) where !TensorReader.fits(type.shape) {
      throw .badInput(name: name, reason: "\(type.shape) is more than a tensor can have")
    }
    guard missing.isEmpty else {
      var unique: [String] = []
      for name in missing where !unique.contains(name) { unique.append(name) }
      throw .unboundDimensions(path: model.path, names: unique)
    }
    return types
  }

  /// The length of open first axes. Throws `badInput` where none is open, or one is bound to
  /// another length.
  private func bindBatch(_ inputs: [ModelInput], _ lengths: inout [String: Int])
    throws(ImportError)
  {
    guard let batch = options.batch else { return }
    let open = inputs.compactMap { input in input.axes?.first?.name.map { (input, $0) } }
    guard !open.isEmpty else {
      let shape = (inputs.first?.axes ?? []).map(\.text).joined(separator: ", ")
      throw .badInput(
        name: inputs.first?.name ?? "",
        reason: "it is [\(shape)] in the model, and no input leaves its first axis open, so that "
          + "--batch \(batch) has nothing to bind; export the model with an open batch axis")
    }
    for (input, name) in open {
      if let bound = lengths[name], bound != batch {
        throw .badInput(
          name: input.name,
          reason: "--batch \(batch) contradicts its first axis, which is \(bound) by "
            + (options.dimensions[name] == nil ? "a value given" : "--dim \(name)=\(bound)"))
      }
      lengths[name] = batch
    }
  }

  /// Throws `badInput` for an axis whose length no tensor can have.
  private func refuseImpossible(_ input: ModelInput) throws(ImportError) {
    for (place, axis) in (input.axes ?? []).enumerated() {
      guard case .impossible(let length) = axis else { continue }
      throw .badInput(
        name: input.name,
        reason: "the model says that axis \(place) is \(length) long; an axis is 0 to "
          + "\(TensorReader.largestCount) long, or left open by a name or -1")
    }
  }

  /// Lengths that follow from the values given.
  private func bindGiven(_ inputs: [ModelInput], _ lengths: inout [String: Int])
    throws(ImportError)
  {
    for input in inputs {
      guard let given = options.inputs[input.name], let axes = input.axes else { continue }
      guard given.shape.rank == axes.count else {
        throw .badInput(
          name: input.name, reason: "the value is \(given.shape); the model has \(axes.count) axes")
      }
      if let type = input.type, given.type.isInteger != type.isInteger {
        throw .badInput(
          name: input.name, reason: "the value is \(given.type.name); the model takes \(type.name)")
      }
      if let type = input.type, type != .bool, let bounds = type.integerBounds,
        let outside = given.integerValues.first(where: { !bounds.contains($0) })
      {
        throw .badInput(
          name: input.name,
          reason: "the value holds \(outside); \(type.name) is \(bounds.lowerBound) to "
            + "\(bounds.upperBound)")
      }
      for (axis, length) in zip(axes, given.shape.dimensions) {
        let expected = axis.length ?? axis.name.flatMap { lengths[$0] }
        guard expected == nil || expected == length else {
          throw .badInput(
            name: input.name,
            reason: "the value is \(given.shape); an axis of \(expected ?? 0) meets \(length)")
        }
        if let name = axis.name { lengths[name] = length }
      }
    }
  }
}

extension ModelInput.Axis {
  var name: String? {
    if case .named(let name) = self { return name }
    return nil
  }

  var length: Int? {
    if case .fixed(let length) = self { return length }
    return nil
  }

  /// As messages write it.
  var text: String {
    switch self {
    case .fixed(let length): "\(length)"
    case .named(let name): name
    case .impossible(let length): "\(length)"
    }
  }
}
