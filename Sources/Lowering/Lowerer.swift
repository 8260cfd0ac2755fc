package import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
package import ModelGraph
import NumericFormats

/// Turns graphs into programs: nodes into fused kernels, tensors into allocations, equal kernels
/// into one segment that is invoked often.
package struct Lowerer {
  private let device: Device

  /// Lowers for a device.
  package init(device: Device) { self.device = device }

  /// A program that computes the graph.
  ///
  /// - Parameter keepsIntermediates: true gives every tensor memory of its own, and state that is
  ///   replaced stays readable: what a check of each kernel needs. False lets the calls of a
  ///   function share memory and replaces state in place.
  package func lower(_ graph: Graph, keepsIntermediates: Bool) throws(LoweringError)
    -> LoweredGraph
  {
    let flat: Graph
    do {
      flat = try graph.flattened(sharesIntermediates: !keepsIntermediates)
    } catch { throw .graph(error) }
    var plan = LoweringPlan(graph: flat, device: device, keepsIntermediates: keepsIntermediates)
    var position = 0
    while position < flat.nodes.count {
      position += try plan.lower(at: position)
    }
    return try plan.finish()
  }
}

/// A program under construction.
struct LoweringPlan {
  let graph: Graph
  let keepsIntermediates: Bool
  let uses: [String: Int]
  private let device: Device
  private var memory: TensorMemory
  private var segments: [Segment] = []
  private var segmentIndices: [AnyHashable: Int] = [:]
  private var invocations: [Invocation] = []
  private var steps: [LoweredStep] = []

  init(graph: Graph, device: Device, keepsIntermediates: Bool) {
    self.graph = graph
    self.device = device
    self.keepsIntermediates = keepsIntermediates
    memory = TensorMemory(graph: graph)
    var uses: [String: Int] = [:]
    for node in graph.nodes { for input in node.inputs { uses[input, default: 0] += 1 } }
    self.uses = uses
  }

  /// The declaration of a tensor.
  func tensor(_ name: String) throws(LoweringError) -> TensorDeclaration {
    guard let tensor = graph.tensor(name) else {
      throw .graph(.unknownTensor(node: "lowering", tensor: name))
    }
    return tensor
  }

  /// Appends a kernel that carries out `nodes`, its parameters bound to tensors by name.
  mutating func invoke<K: Kernel>(_ kernel: K, _ tensors: [String], nodes: [Node])
    throws(LoweringError)
  {
    let index: Int
    if let known = segmentIndices[AnyHashable(kernel)] {
      index = known
    } else {
      do {
        segments.append(try kernel.segment(on: device))
      } catch {
        throw .kernel(node: nodes.first?.name ?? kernel.name, reason: "\(error)")
      }
      index = segments.count - 1
      segmentIndices[AnyHashable(kernel)] = index
    }
    var bound: [Int] = []
    for name in tensors { bound.append(memory.allocation(name)) }
    let layer = nodes.first?.layer.map { "layer \($0)" } ?? ""
    invocations.append(Invocation(segment: index, tensors: bound, layer: layer))
    steps.append(LoweredStep(kernel: kernel.name, nodes: nodes, layer: layer))
  }

  /// Stores a tensor in the memory of another one, from an element on.
  mutating func alias(_ name: String, to other: String, byteOffset: Int = 0) {
    memory.alias(name, to: other, byteOffset: byteOffset)
  }

  /// Memory that no node names: what a kernel writes and nobody reads.
  mutating func scratch(_ name: String, sizeBytes: Int, format: NumberFormat) -> String {
    memory.scratch(name, sizeBytes: sizeBytes, format: format)
  }

  /// The program.
  consuming func finish() throws(LoweringError) -> LoweredGraph {
    let limit =
      device.memory.hbmBytesPerChip.value / device.memory.coresPerChip.value
      * device.memory.coresPerStack.value
    guard memory.sizeBytes <= limit else {
      throw .tooLarge(bytes: memory.sizeBytes, limit: limit)
    }
    return LoweredGraph(
      graph: graph,
      program: Program(
        segments: segments, invocations: invocations, tensors: memory.allocations),
      allocations: memory.indices, steps: steps)
  }
}
