import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import ModelGraph
import NumericFormats

/// A program under construction: what rules ask about the graph and what they append.
struct LoweringPlan {
  let graph: Graph
  let device: Device
  let keepsIntermediates: Bool
  /// New state that is written over the old one when intermediates are not kept.
  var replaced: Set<String> = []
  /// Positions of the nodes that read each tensor, in order; a node that reads it twice stands
  /// there twice.
  let readers: [String: [Int]]
  /// Position of the node that makes each tensor.
  let makers: [String: Int]
  /// Nodes that are carried out.
  private(set) var done: [Bool]
  private var memory: TensorMemory
  private var kernels: WeightPrefetch
  private var kernelNumbers: [AnyHashable: Int] = [:]
  private var steps: [LoweredStep] = []
  private var views: [Node] = []
  private var prefilled: [String: String] = [:]

  init(
    graph: Graph, device: Device, keepsIntermediates: Bool, reusesMemory: Bool,
    prefetchesWeights: Bool, onSegment: @escaping (Segment) -> Void
  ) {
    kernels = WeightPrefetch(on: device, isOn: prefetchesWeights, onSegment: onSegment)
    self.graph = graph
    self.device = device
    self.keepsIntermediates = keepsIntermediates
    memory = TensorMemory(graph: graph, reuses: reusesMemory)
    done = [Bool](repeating: false, count: graph.nodes.count)
    let walk = GraphWalk(graph)
    (readers, makers) = (walk.readers, walk.makers)
  }

  /// The declaration of a tensor.
  func tensor(_ name: String) throws(LoweringError) -> TensorDeclaration {
    guard let tensor = graph.tensor(name) else {
      throw .graph(.unknownTensor(node: "lowering", tensor: name))
    }
    return tensor
  }

  /// True when the tensor is there before the next kernel runs.
  func isAvailable(_ name: String) -> Bool { makers[name].map { done[$0] } ?? true }

  /// The one node that reads a tensor which is nothing but a step on the way, and its position.
  func onlyReader(of name: String) -> (position: Int, node: Node)? {
    guard let places = readers[name], places.count == 1, !done[places[0]],
      graph.tensor(name)?.role == .intermediate
    else { return nil }
    return (places[0], graph.nodes[places[0]])
  }

  /// The one number that a given tensor holds by its declaration, as its format stores it.
  func constant(_ name: String) -> Float? {
    guard let tensor = graph.tensor(name), tensor.role == .weight,
      tensor.shape.elementCount == 1
    else { return nil }
    let value: Float
    switch tensor.fill {
    case .zeros: value = 0
    case .constant(let number): value = Float(number)
    case .values(let constant): value = Float(constant.view[0])
    default: return nil
    }
    return tensor.format.decode(tensor.format.encode(value))
  }

  /// The whole numbers that a given tensor holds by its declaration.
  func wholeNumbers(_ name: String) -> [Int]? {
    guard let tensor = graph.tensor(name), tensor.role == .weight,
      case .values(let constant) = tensor.fill
    else { return nil }
    return constant.view.integerValues.map { Int($0) }
  }

  /// Notes that nodes are carried out.
  mutating func finish(_ positions: [Int]) {
    for position in positions { done[position] = true }
  }

  /// Appends a kernel that carries out `nodes`, its parameters bound to tensors by name.
  mutating func invoke<K: Kernel>(_ kernel: K, _ tensors: [String], nodes: [Node])
    throws(LoweringError)
  {
    let number: Int
    if let known = kernelNumbers[AnyHashable(kernel)] {
      number = known
    } else {
      do {
        let device = device
        number = kernels.add(
          WeightPrefetch.Source(
            segment: try kernel.segment(on: device), streamsWeights: kernel.streamsWeights
          ) { half in try? kernel.segment(on: device, half: half) })
      } catch {
        throw .kernel(node: nodes.first?.name ?? kernel.name, reason: "\(error)")
      }
      kernelNumbers[AnyHashable(kernel)] = number
    }
    try check(kernel, tensors, nodes)
    var bound: [Int] = []
    for name in tensors { bound.append(memory.allocation(name, at: steps.count)) }
    let layer = nodes.first?.layer.map { "layer \($0)" } ?? ""
    kernels.invoke(number, tensors: bound, layer: layer) { memory.isWeight(bound[$0]) }
    steps.append(LoweredStep(kernel: kernel.name, nodes: nodes, layer: layer))
  }

  /// Throws where a kernel would read or write behind a tensor of the graph.
  private func check<K: Kernel>(_ kernel: K, _ tensors: [String], _ nodes: [Node])
    throws(LoweringError)
  {
    let parameters = kernel.parameters
    for (parameter, name) in zip(parameters, tensors) {
      guard let tensor = graph.tensor(name) else { continue }
      let needed = parameter.shape.reduce(1, *) * parameter.format.sizeBytes
      let held = tensor.shape.elementCount * tensor.format.sizeBytes
      guard needed <= held else {
        throw .kernel(
          node: nodes.first?.name ?? kernel.name,
          reason: "\(kernel.name) takes \(needed) bytes of \(parameter.name), and \(name) has "
            + "\(held)")
      }
    }
    guard parameters.count == tensors.count else {
      throw .kernel(
        node: nodes.first?.name ?? kernel.name,
        reason: "\(kernel.name) takes \(parameters.count) tensors, and \(tensors.count) are given")
    }
  }

  /// Stores a tensor in the memory of another one, from a byte on.
  mutating func alias(_ name: String, to other: String, byteOffset: Int = 0) {
    memory.alias(name, to: other, byteOffset: byteOffset)
  }

  /// Says that a kernel turns state into a tensor in place. Where the old values are kept for a
  /// check, the tensor has memory of its own, which holds them before the program runs.
  mutating func turn(_ state: String, into name: String) {
    if keepsIntermediates {
      memory.give(name, valuesOf: state)
      prefilled[name] = state
      replaced.insert(name)
    } else {
      alias(name, to: state)
    }
  }

  /// Carries out a node by looking at its input differently: no instruction runs.
  mutating func view(_ node: Node, byteOffset: Int = 0) {
    alias(node.outputs[0], to: node.inputs[0], byteOffset: byteOffset)
    views.append(node)
  }

  /// Carries out a node whose results lie one behind the other in its input.
  mutating func views(_ node: Node, _ places: [(name: String, byteOffset: Int)]) {
    for place in places { alias(place.name, to: node.inputs[0], byteOffset: place.byteOffset) }
    views.append(node)
  }

  /// Carries out a node that makes no element.
  mutating func nothing(_ node: Node) { views.append(node) }

  /// A stretch of a tensor under a name of its own.
  mutating func part(of name: String, byteOffset: Int, sizeBytes: Int) -> String {
    let part = "\(name)@\(byteOffset)+\(sizeBytes)"
    memory.alias(part, to: name, byteOffset: byteOffset, sizeBytes: sizeBytes)
    return part
  }

  /// True when a node is carried out without an instruction.
  func isView(_ node: Node) -> Bool { views.contains { $0.name == node.name } }

  /// True when two tensors lie in one allocation.
  func sharesMemory(_ a: String, _ b: String) -> Bool { memory.sharesMemory(a, b) }

  /// Memory that no node names: what a kernel writes and nobody reads, or only the next kernels.
  mutating func scratch(_ name: String, sizeBytes: Int, format: NumberFormat) -> String {
    memory.scratch(name, sizeBytes: sizeBytes, format: format)
  }

  /// Bytes of HBM that a core can have.
  private func memoryLimit(_ coresOnStack: Int) -> Int {
    device.memory.hbmBytesPerChip.value / device.memory.coresPerChip.value
      * device.memory.coresPerStack.value / coresOnStack
  }

  /// Refuses a graph whose inputs, weights and state alone are too large, before kernels are made.
  func checkGiven(coresOnStack: Int) throws(LoweringError) {
    let (bytes, limit) = (memory.givenBytes, memoryLimit(coresOnStack))
    guard bytes <= limit else { throw .tooLarge(memory.overflow(bytes: bytes, limit: limit)) }
  }

  /// The program.
  ///
  /// Throws `tooLarge` when the tensors do not fit the core's share of its stack.
  consuming func finish(coresOnStack: Int) throws(LoweringError) -> LoweredGraph {
    let limit = memoryLimit(coresOnStack)
    let placed = memory.placed()
    guard placed.sizeBytes <= limit else {
      throw .tooLarge(memory.overflow(bytes: placed.sizeBytes, limit: limit))
    }
    kernels.finish()
    let program = Program(
      segments: kernels.segments, invocations: kernels.invocations, tensors: placed.allocations)
    return LoweredGraph(
      graph: graph, program: program,
      allocations: memory.indices, steps: steps, views: views, prefilled: prefilled)
  }
}

extension TensorDeclaration {
  /// All axes but the last merged.
  var rowCount: Int { shape.elementCount / max(1, shape.columnCount) }
}
