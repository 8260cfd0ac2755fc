import CoreState
import Hardware
import InstructionSet
import NumericFormats

/// Checks from a segment's semaphores alone that every two accesses that conflict are ordered, on
/// any machine that keeps the rules: engines issue and complete in order, each DMA engine serves a
/// ring first in first out, and nothing else is promised.
///
/// It shares no code with the builder: it plays the segment with counters and works out for every
/// wait which completions it guarantees, whatever else may have happened.
struct OrderChecker {
  /// A completed operation is named by its domain (an engine or a ring) and its place there.
  struct Node {
    var index: Int
    var engine: Int
    var domain: Int
    var place: Int
    var isTransfer: Bool
    var known: [Int: Int] = [:]
    var accesses: [(location: DataLocation, isWrite: Bool)] = []
    /// Bytes of a table whose rows an index chooses, if one does.
    var reach: Int?
  }

  /// How many transfers of one ring its DMA engines may be apart: what the plan relies on when a
  /// ring has more transfers in flight than semaphores.
  static let drift = 8

  let segment: Segment
  private(set) var nodes: [Int: Node] = [:]
  private(set) var problems: [String] = []
  private var producers: [Int: [(index: Int, cumulative: Int)]] = [:]
  private var values = [Int](repeating: 0, count: 256)
  private var places: [Int: Int] = [:]
  private var known = [[Int: Int]](repeating: [:], count: 5)
  private var transferWaits: [(semaphore: Int, value: Int, at: Int)] = []

  init(_ segment: Segment) {
    self.segment = segment
    play()
    checkTransferWaits()
    checkConflicts()
  }

  private mutating func play() {
    var counters = Engine.allCases.map { segment.range(of: $0).lowerBound }
    var isMoving = true
    while isMoving {
      isMoving = false
      for engine in Engine.allCases {
        let end = segment.range(of: engine).upperBound
        while counters[Int(engine.rawValue)] < end {
          let index = counters[Int(engine.rawValue)]
          let wait = segment.instructions[index].wait
          guard wait.isMet(by: UInt32(values[Int(wait.semaphore)])) else { break }
          step(index, engine)
          counters[Int(engine.rawValue)] += 1
          isMoving = true
        }
      }
    }
    for engine in Engine.allCases
    where counters[Int(engine.rawValue)] < segment.range(of: engine).upperBound {
      let index = counters[Int(engine.rawValue)]
      problems.append("deadlock: \(engine.name) waits at \(index): \(segment.instructions[index])")
    }
    for semaphore in values.indices where values[semaphore] != 0 {
      problems.append("semaphore \(semaphore) ends at \(values[semaphore])")
    }
    for engine in 0..<5 {
      for (domain, place) in places where known[engine][domain, default: 0] < place {
        problems.append("engine \(engine) leaves before domain \(domain) is done")
      }
    }
  }

  private mutating func step(_ index: Int, _ engine: Engine) {
    let instruction = segment.instructions[index]
    let e = Int(engine.rawValue)
    learn(instruction.wait, engine: e, at: index)
    if case .control(let control) = instruction.operation,
      control.opcode == .eventSemaphoreRangeClear
    {
      for semaphore in Int(control.first)..<Int(control.first + control.count) {
        values[semaphore] = 0
        producers[semaphore] = nil
      }
    }
    var node = Node(
      index: index, engine: e, domain: domain(instruction.operation, engine), place: 0,
      isTransfer: instruction.operation.opcode.isDMA)
    if node.domain >= 0 {
      places[node.domain, default: 0] += 1
      node.place = places[node.domain]!
    }
    node.known = known[e]
    instruction.operation.memoryAccesses { node.accesses.append(($0, $1)) }
    if case .dmaIndirect(let indirect) = instruction.operation {
      node.reach = Int(indirect.rowCount) * Int(indirect.rowStrideBytes)
    }
    if case .dma(let direct) = instruction.operation, case .hbm(let access) = direct.source,
      access.register != AccessPattern.noRegister
    {
      node.reach = Int(direct.bound) + access.byteExtent.upperBound - Int(access.byteOffset)
    }
    nodes[index] = node
    update(instruction.update, index)
  }

  /// Rings and engines are domains; a background weight load and control rows are none.
  private func domain(_ operation: Operation, _ engine: Engine) -> Int {
    switch operation {
    case .control, .loadWeights, .register, .tableLoad: return -1
    case .dma(let i): return 100 + Int(engine.rawValue) * 16 + Int(i.queue)
    case .dmaIndirect(let i): return 100 + Int(engine.rawValue) * 16 + Int(i.queue)
    case .dmaTranspose(let i): return 100 + Int(engine.rawValue) * 16 + Int(i.queue)
    default: return Int(engine.rawValue)
    }
  }

  private mutating func update(_ update: SemaphoreUpdate, _ index: Int) {
    guard update.operation != .none else { return }
    let semaphore = Int(update.semaphore)
    values[semaphore] = Int(update.applied(to: UInt32(values[semaphore])))
    if update.operation == .add {
      producers[semaphore, default: []].append((index, values[semaphore]))
    }
  }

  /// What a met wait guarantees: the fewest completions that reach the value.
  private mutating func learn(_ wait: SemaphoreWait, engine: Int, at index: Int) {
    guard wait.condition != .none else { return }
    let semaphore = Int(wait.semaphore)
    for producer in producers[semaphore] ?? [] {
      guard let node = nodes[producer.index] else { continue }
      for (domain, place) in node.known {
        known[engine][domain] = max(known[engine][domain, default: 0], place)
      }
      if node.domain >= 0 {
        known[engine][node.domain] = max(known[engine][node.domain, default: 0], node.place)
      }
      if node.isTransfer { transferWaits.append((semaphore, Int(wait.value), index)) }
      if producer.cumulative >= Int(wait.value) { break }
    }
  }

  /// A wait for a transfer holds only if no later transfer could have made up for a missing
  /// increment: those that start after the first was known complete, and those beyond the drift,
  /// cannot.
  private mutating func checkTransferWaits() {
    let bySemaphore = Dictionary(
      grouping: nodes.values.filter {
        $0.isTransfer && segment.instructions[$0.index].update.operation == .add
      }, by: { Int(segment.instructions[$0.index].update.semaphore) })
    for wait in transferWaits {
      let all = (bySemaphore[wait.semaphore] ?? []).sorted { $0.place < $1.place }
      var sum = 0
      for node in all {
        let engines = Int(segment.instructions[node.index].update.value)
        if segment.instructions[all[0].index].update.value != UInt32(engines) {
          problems.append("semaphore \(wait.semaphore) mixes transfers of different engines")
        }
        let later = all.filter {
          $0.place > node.place && $0.place < node.place + Self.drift
            && $0.known[node.domain, default: 0] < node.place
        }
        let most = sum + engines - 1 + later.count * (engines - 1)
        sum += engines
        if sum <= wait.value, most >= wait.value {
          problems.append("wait at \(wait.at) may be met before transfer \(node.index) is done")
        }
      }
    }
  }

  private mutating func checkConflicts() {
    let all = nodes.values.filter { !$0.accesses.isEmpty }.sorted { $0.index < $1.index }
    for (position, a) in all.enumerated() {
      for b in all[(position + 1)...] where conflicts(a, b) {
        if !isOrdered(a, b) && !isOrdered(b, a) {
          problems.append("not ordered: \(a.index) and \(b.index)")
        }
      }
    }
  }

  /// True when b starts after a is complete, or both work in order on one data path.
  private func isOrdered(_ a: Node, _ b: Node) -> Bool {
    if a.engine == b.engine, !a.isTransfer, !b.isTransfer, a.index < b.index {
      if a.engine == 0 { return true }
      if !readsAfterWrite(a, b) { return true }
    }
    return completion(a).map { b.known[$0.0, default: 0] >= $0.1 } ?? false
  }

  /// A weight load is complete when the product after it is.
  private func completion(_ node: Node) -> (Int, Int)? {
    if node.domain >= 0 { return (node.domain, node.place) }
    var next = node.index + 1
    while let other = nodes[next], other.engine == node.engine {
      if other.domain == node.engine { return (other.domain, other.place) }
      next += 1
    }
    return nil
  }

  private func readsAfterWrite(_ a: Node, _ b: Node) -> Bool {
    a.accesses.contains { x in
      x.isWrite
        && b.accesses.contains {
          !$0.isWrite && overlaps(x.location, $0.location, a.reach, b.reach)
        }
    }
  }

  private func conflicts(_ a: Node, _ b: Node) -> Bool {
    a.accesses.contains { x in
      b.accesses.contains {
        (x.isWrite || $0.isWrite)
          && overlaps(x.location, $0.location, a.reach, b.reach)
      }
    }
  }

  /// Exact: two accesses overlap when they name a common byte.
  private func overlaps(_ a: DataLocation, _ b: DataLocation, _ reachA: Int?, _ reachB: Int?)
    -> Bool
  {
    switch (a, b) {
    case (.onChip(let x), .onChip(let y)):
      guard x.mayOverlap(y) else { return false }
      return bytes(x).contains { bytes(y).contains($0) }
    case (.hbm(let x), .hbm(let y)):
      guard x.tensor == y.tensor else { return false }
      guard extent(x, reachA).overlaps(extent(y, reachB)) else { return false }
      if reachA != nil || reachB != nil { return true }
      let first = Set(starts(x))
      return starts(y).contains { first.contains($0) }
    default: return false
    }
  }

  private func extent(_ access: TensorAccess, _ reach: Int?) -> Range<Int> {
    let first = Int(access.byteOffset)
    return reach.map { first..<first + $0 } ?? access.byteExtent
  }

  private func bytes(_ access: AccessPattern) -> Set<Int> {
    var set: Set<Int> = []
    for index in 0..<access.columns {
      let start = Int(access.byteOffset) + access.elementOffset(of: index) * access.format.sizeBytes
      for byte in 0..<access.format.sizeBytes { set.insert(start + byte) }
    }
    return set
  }

  private func starts(_ access: TensorAccess) -> [Int] {
    (0..<access.count).map { index in
      var rest = index
      var offset = Int(access.byteOffset)
      for dimension in (0..<Int(access.dimensionCount)).reversed() {
        let size = Int(access.sizes[dimension])
        offset += rest % size * Int(access.strides[dimension]) * access.format.sizeBytes
        rest /= size
      }
      return offset
    }
  }
}
