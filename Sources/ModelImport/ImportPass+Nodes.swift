import ModelGraph
import NumericFormats
import ONNXSchema

extension ImportPass {
  /// A value and the name that it has in the model.
  typealias Named = (name: String, value: ImportedValue?)

  /// Puts what becomes of a node in its place, and notes what of it the host carried out.
  mutating func apply(
    _ translation: Translation, _ reading: NodeReading, _ title: String, _ scope: inout Scope
  ) throws {
    func named(_ positions: [Int]) -> [Named] {
      positions.map { position in
        position < reading.inputs.count
          ? (reading.node.input[position], reading.inputs[position]) : ("", nil)
      }
    }
    let outputs = reading.node.output
    folded = FoldedWork()
    switch translation {
    case .values(let views):
      let sources = reading.readsShapesAlone ? [] : Self.sources(of: reading.inputs)
      if !sources.isEmpty {
        folded.add(
          sources, flops: 0,
          bytes: reading.inputs.reduce(0) { $0 + ($1?.type.map(sizeBytes) ?? 0) }
            + views.reduce(0) { $0 + sizeBytes(TensorType($1.shape, $1.type)) })
      }
      if reading.node.opType == "Constant", let view = views.first { noteNonFinite(view, title) }
      for (output, view) in zip(outputs, views) { scope[output] = .constant(view, from: sources) }
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
    note(reading.node, outputs.filter { !$0.isEmpty }.map { scope[$0] })
  }

  /// Counts a node whose results are known, and lists one that the host carried out because an
  /// input is folded.
  private mutating func note(_ node: Onnx_NodeProto, _ results: [ImportedValue?]) {
    if !folded.sources.isEmpty {
      hostNodes.append(
        HostNode(node.title, node.opType, because: reasons(folded.sources), folded))
    } else if results.allSatisfy({ $0?.isKnown ?? false }) {
      foldedCount += 1
    }
  }

  /// Who needs the values of which inputs.
  func reasons(_ inputs: Set<String>) -> String {
    let byNode = Dictionary(grouping: inputs.sorted()) { frozen[$0] ?? "a shape" }
    return byNode.keys.sorted().map { node in
      let names = byNode[node] ?? []
      return "\(node) needs the values of input\(names.count > 1 ? "s" : "") "
        + names.joined(separator: " and ")
    }.joined(separator: " and ")
  }

  private static func sources(of values: [ImportedValue?]) -> Set<String> {
    values.reduce(into: []) { $0.formUnion($1?.followsFrom ?? []) }
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
      let sources = Self.sources(of: inputs.map(\.value))
      if !sources.isEmpty {
        let cost = cost(operation, inputs.map { $0.value?.type }, results)
        folded.add(sources, flops: cost.flops, bytes: cost.bytes)
      }
      let made = try Float64Interpreter.results(operation, inputs: views, node: title)
      return made.map { .constant($0, from: sources) }
    }
    if case .elementwise(let function) = operation, function.function == .identity,
      let value = inputs[0].value
    {
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
      case .constant(let view, _): views.append(view)
      default: return nil
      }
    }
    return views
  }

  /// Operations, and bytes that its operands take on the device; a reshape moves none.
  private func cost(_ operation: Operator, _ inputs: [TensorType?], _ results: [TensorType])
    -> (flops: Int, bytes: Int)
  {
    var scratch = Graph(name: "")
    var bytes = 0
    func declare(_ name: String, _ type: TensorType?) -> String {
      guard let type else { return "" }
      bytes += sizeBytes(type)
      let declaration = TensorDeclaration(
        name: name, shape: type.shape, format: stored(type.type).format, role: .intermediate,
        type: type.type)
      return (try? scratch.declare(declaration)) == nil ? "" : name
    }
    let node = Node(
      name: "", operation: operation,
      inputs: inputs.enumerated().map { declare("i\($0)", $1) },
      outputs: results.enumerated().map { declare("o\($0)", $1) })
    if case .reshape = operation { bytes = 0 }
    return (scratch.operationCount(of: node), bytes)
  }

  private func sizeBytes(_ type: TensorType) -> Int {
    type.shape.elementCount * stored(type.type).format.sizeBytes
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
      case .constant(let view, _):
        let bounded = try DeviceIntegers.bound(view, at: position, of: operation)
        inputs.append(
          try weight(
            bounded == nil ? name : "\(name)/within", bounded ?? view,
            keepsFull: position >= firstInFull))
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
    let node = uniqueNode(title)
    origins.made(node)
    graph.append(Node(name: node, operation: operation, inputs: inputs, outputs: names))
    return made
  }

  /// An input that is an output as it is, as a tensor of its own. Returns its name.
  mutating func copy(of tensor: String, _ type: TensorType, _ name: String) throws
    -> String
  {
    origins.enter(name, "Identity")
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
        fill: .values(TensorConstant(try within(stored.format, view))), type: stored.type))
    constants[key] = unique
    return unique
  }

  private static let valuesAtOnce = 1 << 16

  /// Known real numbers in a narrower format than theirs: those beyond its largest become that, as
  /// masks mean it that add the lowest number of fp32. Infinity times zero would be no number.
  private func within(_ format: NumberFormat, _ view: TensorView) throws -> TensorView {
    guard view.type.isFloat, format != .float32, !format.isInteger else { return view }
    let limit = Double(format.largestFinite)
    // Weights are large, and those beyond are rare: a part at a time is looked at.
    let count = view.shape.elementCount
    let isBeyond = stride(from: 0, to: count, by: Self.valuesAtOnce).contains { start in
      view.vector(start: start, stride: 1, count: min(Self.valuesAtOnce, count - start))
        .contains { $0.isFinite && abs($0) > limit }
    }
    guard isBeyond else { return view }
    return try TensorView(
      view.allValues.map { $0.isFinite ? max(-limit, min(limit, $0)) : $0 }, shape: view.shape,
      type: view.type)
  }

  mutating func uniqueName(_ name: String) -> String {
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
}
