package import Hardware
package import InstructionSet
package import ModelGraph

/// Turns graphs into programs: nodes into fused kernels, tensors into allocations, equal kernels
/// into one segment that is invoked often.
package struct Lowerer {
  private let device: Device
  private let coresOnStack: Int
  private let prefetchesWeights: Bool

  /// Lowers for a core of a device.
  ///
  /// - Parameters:
  ///   - coresOnStack: cores that run the program beside each other on one stack of HBM and share
  ///     its bytes evenly.
  ///   - prefetchesWeights: lets kernels bring their first weights while the kernel before them
  ///     still runs; see `WeightPrefetch`.
  package init(device: Device, coresOnStack: Int = 1, prefetchesWeights: Bool = true) {
    self.device = device
    self.coresOnStack = max(1, coresOnStack)
    self.prefetchesWeights = prefetchesWeights
  }

  /// A program that computes the graph.
  ///
  /// - Parameter keepsIntermediates: true gives every tensor memory of its own, and state that is
  ///   replaced stays readable: what a check of each kernel needs. False lets tensors share memory
  ///   when their lives do not overlap and replaces state in place.
  /// - Parameter reusesMemory: false gives every tensor memory of its own in that case too: for
  ///   programs whose invocations are run more than once.
  /// - Parameter onSegment: gets each segment of the program as soon as it is made, in their order,
  ///   so that others can use it while the next one is made.
  /// - Throws: all nodes at once that no rule takes.
  package func lower(
    _ graph: Graph, keepsIntermediates: Bool, reusesMemory: Bool = true,
    onSegment: @escaping (Segment) -> Void = { _ in }
  ) throws(LoweringError) -> LoweredGraph {
    let flat: Graph
    do {
      flat = try graph.flattened().fusingAttention().fusingNorms().fusingGatedLayers()
        .foldingScales().expanded()
    } catch { throw .graph(error) }
    var plan = LoweringPlan(
      graph: flat, device: device, keepsIntermediates: keepsIntermediates,
      reusesMemory: reusesMemory && !keepsIntermediates, prefetchesWeights: prefetchesWeights,
      onSegment: onSegment)
    try plan.checkGiven(coresOnStack: coresOnStack)
    let refused = try Self.carryOut(&plan)
    if refused.count == 1 {
      let only = refused[0]
      throw .unsupported(node: only.node, operation: only.operation, reason: only.reason)
    }
    if !refused.isEmpty { throw .unsupportedNodes(refused) }
    try plan.storeState()
    var lowered = try plan.finish(coresOnStack: coresOnStack)
    lowered.operationCount = graph.operationCount
    return lowered
  }

  /// The nodes of a graph that no rule takes, and nothing else: for a graph of which parts are
  /// missing, so that no program of it is wanted.
  package func refusals(_ graph: Graph) -> [UnsupportedNode] {
    guard let flat = try? graph.flattened().expanded() else { return [] }
    var plan = LoweringPlan(
      graph: flat, device: device, keepsIntermediates: false, reusesMemory: false,
      prefetchesWeights: false, onSegment: { _ in })
    return (try? Self.carryOut(&plan)) ?? []
  }

  /// Gives every node to the rules. Returns those that none takes.
  private static func carryOut(_ plan: inout LoweringPlan) throws(LoweringError)
    -> [UnsupportedNode]
  {
    var refused: [UnsupportedNode] = []
    for position in plan.graph.nodes.indices where !plan.done[position] {
      do {
        plan.finish(try LoweringRules.lower(at: position, in: &plan))
      } catch {
        refused.append(try refusal(error, at: plan.graph.nodes[position]))
        plan.finish([position])
      }
    }
    return refused
  }

  /// What joins the list of refused nodes; other errors end the lowering.
  private static func refusal(_ error: LoweringError, at node: Node) throws(LoweringError)
    -> UnsupportedNode
  {
    switch error {
    case .unsupported(let name, let operation, let reason):
      UnsupportedNode(node: name, operation: operation, reason: reason)
    case .kernel(let name, let reason):
      UnsupportedNode(node: name, operation: node.operation.name, reason: reason)
    case .unsupportedNodes, .tooLarge, .graph: throw error
    }
  }
}
