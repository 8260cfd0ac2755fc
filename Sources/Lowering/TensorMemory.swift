import InstructionSet
import ModelGraph
import NumericFormats

/// Where the tensors of a graph lie in HBM.
///
/// Tensors that come from outside, and those that are handed back, have memory of their own. Others
/// may share: their memory is free again after the last invocation that names them or a view of
/// them.
struct TensorMemory {
  /// Allocations start at multiples of this: DMA rows of any tensor begin aligned.
  private static let alignment = 4_096

  /// An allocation before it has an address.
  private struct Entry {
    var name: String
    var sizeBytes: Int
    var format: NumberFormat
    var isGiven: Bool
    /// The allocation in whose memory it lies, and where.
    var root: Int
    var byteOffset = 0
    /// The first and the last invocation that names it.
    var first = Int.max
    var last = -1
    /// It stays to the end.
    var stays: Bool
  }

  private let graph: Graph
  private let reuses: Bool
  private var entries: [Entry] = []
  /// Index of each tensor's allocation.
  private(set) var indices: [String: Int] = [:]

  /// - Parameter reuses: gives the memory of tensors that nobody reads any more to others.
  init(graph: Graph, reuses: Bool) {
    self.graph = graph
    self.reuses = reuses
  }

  /// The index of a tensor's allocation, made when it is first asked for, for an invocation.
  mutating func allocation(_ name: String, at invocation: Int) -> Int {
    let index = index(name)
    for place in Set([index, entries[index].root]) {
      entries[place].first = min(entries[place].first, invocation)
      entries[place].last = max(entries[place].last, invocation)
    }
    return index
  }

  private mutating func index(_ name: String) -> Int {
    if let index = indices[name] { return index }
    let tensor = graph.tensor(name)
    let role = tensor?.role ?? .intermediate
    return add(
      Entry(
        name: name, sizeBytes: tensor?.sizeBytes ?? 0, format: tensor?.format ?? .float32,
        isGiven: role.isGiven, root: entries.count, stays: role != .intermediate))
  }

  /// Memory under a name of its own.
  mutating func scratch(_ name: String, sizeBytes: Int, format: NumberFormat) -> String {
    if indices[name] == nil {
      _ = add(
        Entry(
          name: name, sizeBytes: sizeBytes, format: format, isGiven: false, root: entries.count,
          stays: false))
    }
    return name
  }

  /// Gives a tensor memory of its own that holds the values of some state before the program runs,
  /// and keeps the state beside it.
  mutating func give(_ name: String, valuesOf state: String) {
    _ = index(state)
    entries[index(name)].isGiven = true
  }

  /// Puts a tensor into the memory of another.
  mutating func alias(
    _ name: String, to other: String, byteOffset: Int, sizeBytes: Int? = nil
  ) {
    guard indices[name] == nil else { return }
    let target = index(other)
    let base = entries[target]
    let tensor = graph.tensor(name)
    let role = tensor?.role ?? .intermediate
    // What a part of a given tensor holds is given too.
    let isGiven = tensor == nil ? base.isGiven : role.isGiven
    if role != .intermediate { entries[base.root].stays = true }
    _ = add(
      Entry(
        name: name, sizeBytes: sizeBytes ?? tensor?.sizeBytes ?? base.sizeBytes,
        format: tensor?.format ?? base.format, isGiven: isGiven, root: base.root,
        byteOffset: base.byteOffset + byteOffset, stays: true))
  }

  /// True when both tensors have memory, and the same.
  func sharesMemory(_ a: String, _ b: String) -> Bool {
    guard let first = indices[a], let second = indices[b] else { return false }
    return entries[first].root == entries[second].root
  }

  private mutating func add(_ entry: Entry) -> Int {
    entries.append(entry)
    indices[entry.name] = entries.count - 1
    return entries.count - 1
  }

  /// True for an allocation that holds weights, which no kernel writes.
  func isWeight(_ index: Int) -> Bool {
    graph.tensor(entries[entries[index].root].name)?.role == .weight
  }

  /// All allocations with their addresses, and where the last one ends.
  func placed() -> (allocations: [TensorAllocation], sizeBytes: Int) {
    var addresses = [Int](repeating: 0, count: entries.count)
    var space = FreeSpace()
    var expiring: [(last: Int, index: Int)] = []
    for index in rootsByBirth {
      let entry = entries[index]
      for gone in expiring where gone.last < entry.first {
        space.release(at: addresses[gone.index], aligned(entries[gone.index].sizeBytes))
      }
      expiring.removeAll { $0.last < entry.first }
      addresses[index] = space.take(aligned(entry.sizeBytes))
      if reuses, !entry.stays, entry.last >= 0 { expiring.append((entry.last, index)) }
    }
    let allocations = entries.enumerated().map { index, entry in
      TensorAllocation(
        name: entry.name, address: addresses[entry.root] + entry.byteOffset,
        sizeBytes: entry.sizeBytes, format: entry.format,
        contents: entry.isGiven ? .given : .undefined,
        aliasOf: entry.root == index ? nil : entry.root)
    }
    return (allocations, space.end)
  }

  /// Allocations with memory of their own: what stays first, then by their first invocation.
  private var rootsByBirth: [Int] {
    let roots = entries.indices.filter { entries[$0].root == $0 }
    guard reuses else { return roots }
    let staying = roots.filter { entries[$0].stays }
    let passing = roots.filter { !entries[$0].stays }
      .sorted { (entries[$0].first, $0) < (entries[$1].first, $1) }
    return staying + passing
  }

  private func aligned(_ bytes: Int) -> Int {
    (bytes + Self.alignment - 1) / Self.alignment * Self.alignment
  }

  private var roots: [Entry] {
    entries.indices.filter { entries[$0].root == $0 }.map { entries[$0] }
  }

  /// Bytes of the inputs, weights and state that nodes read.
  var givenBytes: Int {
    let read = Set(graph.nodes.flatMap(\.inputs))
    return graph.givenTensors.reduce(0) {
      $0 + (read.contains($1.name) ? aligned($1.sizeBytes) : 0)
    }
  }

  /// What makes the tensors too large for a device.
  func overflow(bytes: Int, limit: Int) -> MemoryOverflow {
    let sizes =
      roots.map { ($0.name, $0.sizeBytes) } + graph.tensors.map { ($0.name, $0.sizeBytes) }
    let largest = sizes.max { $0.1 < $1.1 }
    return MemoryOverflow(
      bytes: bytes, limit: limit, givenBytes: givenBytes,
      largest: largest?.0 ?? "", largestBytes: largest?.1 ?? 0,
      largestBatch: graph.tensors.filter { $0.role == .input }
        .compactMap(\.shape.dimensions.first).max() ?? 1)
  }
}

/// Stretches of memory that are free again below the end of what is in use.
struct FreeSpace {
  private var gaps: [Range<Int>] = []
  /// One past the last byte that ever was in use.
  private(set) var end = 0

  /// The lowest address with room for `size` bytes.
  mutating func take(_ size: Int) -> Int {
    if let index = gaps.firstIndex(where: { $0.count >= size }) {
      let gap = gaps[index]
      gaps[index] = gap.lowerBound + size..<gap.upperBound
      if gaps[index].isEmpty { gaps.remove(at: index) }
      return gap.lowerBound
    }
    // The last gap grows when it touches the end.
    if let last = gaps.last, last.upperBound == end {
      gaps.removeLast()
      end = last.lowerBound + size
      return last.lowerBound
    }
    defer { end += size }
    return end
  }

  /// Gives memory back.
  mutating func release(at address: Int, _ size: Int) {
    guard size > 0 else { return }
    var gap = address..<address + size
    gaps.removeAll { other in
      guard other.upperBound == gap.lowerBound || other.lowerBound == gap.upperBound else {
        return false
      }
      gap = min(other.lowerBound, gap.lowerBound)..<max(other.upperBound, gap.upperBound)
      return true
    }
    let place = gaps.firstIndex { $0.lowerBound > gap.lowerBound } ?? gaps.count
    gaps.insert(gap, at: place)
  }
}
