import InstructionSet
import ModelGraph
import NumericFormats

/// Where the tensors of a graph lie in HBM: one behind the other, in the order of first use.
struct TensorMemory {
  /// Allocations start at multiples of this: DMA rows of any tensor begin aligned.
  private static let alignment = 4_096

  private let graph: Graph
  private(set) var allocations: [TensorAllocation] = []
  /// Index of each tensor's allocation.
  private(set) var indices: [String: Int] = [:]
  /// Bytes in use.
  private(set) var sizeBytes = 0

  init(graph: Graph) { self.graph = graph }

  /// The index of a tensor's allocation, made when it is first asked for.
  mutating func allocation(_ name: String) -> Int {
    if let index = indices[name] { return index }
    let tensor = graph.tensor(name)
    return add(
      name, sizeBytes: tensor?.sizeBytes ?? 0, format: tensor?.format ?? .float32,
      address: nil)
  }

  /// Memory under a name of its own.
  mutating func scratch(_ name: String, sizeBytes: Int, format: NumberFormat) -> String {
    if indices[name] == nil {
      _ = add(name, sizeBytes: sizeBytes, format: format, address: nil)
      allocations[allocations.count - 1].contents = .undefined
    }
    return name
  }

  /// Puts a tensor into the memory of another.
  mutating func alias(_ name: String, to other: String, byteOffset: Int) {
    guard indices[name] == nil else { return }
    let target = allocation(other)
    let base = allocations[target]
    let tensor = graph.tensor(name)
    _ = add(
      name, sizeBytes: tensor?.sizeBytes ?? base.sizeBytes, format: base.format,
      address: base.address + byteOffset)
    allocations[allocations.count - 1].aliasOf = base.aliasOf ?? target
  }

  /// True when a node makes the tensor: it holds nothing before.
  private func isProduced(_ name: String) -> Bool {
    graph.tensor(name).map { !$0.role.isGiven } ?? false
  }

  private mutating func add(
    _ name: String, sizeBytes bytes: Int, format: NumberFormat, address: Int?
  ) -> Int {
    let start = address ?? sizeBytes
    allocations.append(
      TensorAllocation(
        name: name, address: start, sizeBytes: bytes, format: format,
        contents: isProduced(name) ? .undefined : .given))
    if address == nil {
      sizeBytes += (bytes + Self.alignment - 1) / Self.alignment * Self.alignment
    }
    indices[name] = allocations.count - 1
    return allocations.count - 1
  }
}
