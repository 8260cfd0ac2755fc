import KernelLibrary
import ModelGraph
import NumericFormats

/// Nodes that look at each element by itself: as many as possible in one kernel.
///
/// A chain grows by nodes that read what it makes, give the same shape, and need nothing that is
/// not there yet. Tensors between its nodes are stored only when somebody else reads them.
struct ElementRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard ElementMeaning.takes(node.operation) else { return nil }
    var group = try ElementGroup(node, at: position, in: plan)
    try group.grow(in: plan)
    if group.positions.count == 1, let kernel = try plain(node, plan) {
      try plan.invoke(kernel.0, kernel.1 + node.outputs, nodes: [node])
    } else {
      for name in group.outputs(in: plan) where plan.mayReplace(name, reading: group.positions) {
        guard let state = plan.graph.tensor(name)?.updates, group.inputs.contains(state) else {
          continue
        }
        plan.replace(name, state)
      }
      try plan.invoke(
        group.kernel(in: plan), group.inputs + group.outputs(in: plan), nodes: group.nodes)
    }
    return group.positions
  }

  /// One operation on whole tensors of one shape and format has a kernel of its own.
  private func plain(_ node: Node, _ plan: LoweringPlan) throws(LoweringError)
    -> (ElementwiseKernel, [String])?
  {
    let operation: ElementwiseKernel.Operation
    var inputs = node.inputs
    switch node.operation {
    case .add: operation = .add
    case .multiply: operation = .multiply
    case .silu: operation = .silu
    case .relu: operation = .relu
    case .copy: operation = .cast
    case .reluGradient:
      // The kernel takes the input that decides first, the gradient second.
      operation = .reluGradient
      inputs = [inputs[1], inputs[0]]
    default: return nil
    }
    let output = try plan.tensor(node.outputs[0])
    let first = try plan.tensor(inputs[0])
    for name in inputs {
      let input = try plan.tensor(name)
      if input.shape != output.shape || input.format != first.format { return nil }
    }
    return (
      ElementwiseKernel(
        count: output.shape.elementCount, operation, input: first.format, output: output.format),
      inputs
    )
  }
}

/// Nodes that become one chain.
struct ElementGroup {
  /// Their positions in the graph, in order.
  private(set) var positions: [Int] = []
  /// The nodes, in order.
  private(set) var nodes: [Node] = []
  /// Tensors that the chain reads from HBM.
  private(set) var inputs: [String] = []
  private var chain = ElementChain()
  private let shape: TensorShape
  /// Where each tensor's element is in the chain.
  private var values: [String: ElementChain.Value] = [:]

  /// A chain longer than this gains nothing more and takes SBUF for registers.
  private static let mostSteps = 40
  private static let mostInputs = 8

  /// The chain of one node.
  init(_ node: Node, at position: Int, in plan: LoweringPlan) throws(LoweringError) {
    shape = try plan.tensor(node.outputs[0]).shape
    try append(node, at: position, in: plan)
  }

  private mutating func append(_ node: Node, at position: Int, in plan: LoweringPlan)
    throws(LoweringError)
  {
    var operands: [ElementChain.Value?] = []
    for name in node.inputs {
      if name.isEmpty {
        operands.append(nil)
      } else if let known = values[name] {
        operands.append(known)
      } else if let number = plan.constant(name) {
        operands.append(.constant(number))
      } else {
        inputs.append(name)
        let value = ElementChain.Value.input(inputs.count - 1)
        values[name] = value
        operands.append(value)
      }
    }
    var types: [ElementType?] = []
    for name in node.inputs { types.append(name.isEmpty ? nil : try plan.tensor(name).type) }
    let application = ElementMeaning.Application(
      node: node, operands: operands, output: try plan.tensor(node.outputs[0]).type,
      inputs: types)
    values[node.outputs[0]] = try ElementMeaning.append(application, to: &chain)
    positions.append(position)
    nodes.append(node)
  }

  /// Takes along the nodes that read what the chain makes.
  mutating func grow(in plan: LoweringPlan) throws(LoweringError) {
    if ElementMeaning.standsAlone(nodes[0].operation) { return }
    var index = 0
    while index < nodes.count {
      for position in plan.readers[nodes[index].outputs[0]] ?? []
      where !positions.contains(position) && !plan.done[position] {
        guard let longer = try joined(position, in: plan),
          longer.chain.steps.count <= Self.mostSteps, longer.inputs.count <= Self.mostInputs
        else { continue }
        self = longer
      }
      index += 1
    }
  }

  /// The chain with a node behind it, and before that one whatever else it reads that is not there
  /// yet and fits the chain as well: the second moment of an optimiser beside the first. Nil where
  /// the node cannot be part of the chain.
  private func joined(_ position: Int, in plan: LoweringPlan) throws(LoweringError)
    -> ElementGroup?
  {
    let node = plan.graph.nodes[position]
    guard try fits(node, in: plan) else { return nil }
    var longer = self
    for name in node.inputs
    where !name.isEmpty && longer.values[name] == nil && !plan.isAvailable(name) {
      guard let maker = plan.makers[name], let more = try longer.joined(maker, in: plan) else {
        return nil
      }
      longer = more
      // A long way back gains nothing.
      if longer.chain.steps.count > Self.mostSteps { return nil }
    }
    do { try longer.append(node, at: position, in: plan) } catch { return nil }
    return longer
  }

  /// What a step on the way would be rounded to before it is compared or cut decides the result:
  /// such functions only begin a chain.
  private func fits(_ node: Node, in plan: LoweringPlan) throws(LoweringError) -> Bool {
    guard ElementMeaning.takes(node.operation), !ElementMeaning.jumps(node.operation),
      !ElementMeaning.standsAlone(node.operation),
      node.outputs.count == 1
    else { return false }
    return try plan.tensor(node.outputs[0]).shape == shape
  }

  /// Tensors that are stored: what others read, or the graph hands back.
  func outputs(in plan: LoweringPlan) -> [String] {
    nodes.map { $0.outputs[0] }.filter { name in
      let isInner =
        plan.graph.tensor(name)?.role == .intermediate
        && (plan.readers[name] ?? []).allSatisfy { positions.contains($0) }
      return !isInner || (plan.readers[name] ?? []).isEmpty
    }
  }

  /// The kernel of the whole chain.
  func kernel(in plan: LoweringPlan) throws(LoweringError) -> ElementChainKernel {
    var chain = chain
    var operands: [ElementChainKernel.Input] = []
    for name in inputs {
      let tensor = try plan.tensor(name)
      operands.append(
        .init(
          format: tensor.format, tensor.shape.dimensions, repeatedTo: shape.dimensions))
    }
    let stored = outputs(in: plan)
    chain.outputs = stored.map { values[$0] ?? .constant(0) }
    let formats = try stored.map { (name) throws(LoweringError) in try plan.tensor(name).format }
    return ElementChainKernel(
      label, shape: shape.dimensions, inputs: operands, chain: chain, outputs: formats)
  }

  /// The operators' names: all of a short chain, the first and the number of a long one.
  private var label: String {
    let names = nodes.map { ElementMeaning.name($0.operation) }
    return names.count <= 4
      ? names.joined(separator: "+") : "\(names[0])+\(names[1])+\(names.count - 2) more"
  }
}
