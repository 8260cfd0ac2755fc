import CoreState
import Hardware
import InstructionSet

extension KernelBuilder {
  /// Appends a compute instruction of an engine.
  mutating func append(_ operation: Operation, on engine: Engine, site: UInt32) {
    let domain = ProgressDomain(index: Int(engine.rawValue))
    let point = nextPoint(in: domain)
    let entry = Entry(
      operation: operation, site: site, engine: engine, domain: domain, sequence: point.sequence)
    append(entry, point: point, isTransfer: false)
  }

  /// Appends the rows of one tensor-engine operation. They count as one: its completion is that of
  /// its last MATMUL, because a background weight load may complete before the product ahead of it.
  mutating func appendTensor(_ operations: [Operation], site: UInt32) {
    let domain = ProgressDomain(index: Int(Engine.tensor.rawValue))
    let point = nextPoint(in: domain)
    for (index, operation) in operations.enumerated() {
      let isLast = index == operations.count - 1
      let entry = Entry(
        operation: operation, site: site, engine: .tensor, domain: isLast ? domain : nil,
        sequence: isLast ? point.sequence : 0)
      append(entry, point: point, isTransfer: false)
    }
  }

  /// Appends a transfer that `engine` triggers on a ring.
  mutating func appendTransfer(
    _ operation: Operation, on engine: Engine, ring: ProgressDomain, engines: Int, site: UInt32
  ) {
    let point = nextPoint(in: ring)
    let entry = Entry(
      operation: operation, site: site, engine: engine, domain: ring, sequence: point.sequence,
      increments: UInt8(engines))
    append(entry, point: point, isTransfer: true)
  }

  /// Appends a row that touches no memory and that nobody waits for.
  mutating func appendControl(_ operation: Operation, on engine: Engine, site: UInt32) {
    entries.append(Entry(operation: operation, site: site, engine: engine, domain: nil))
  }

  private func nextPoint(in domain: ProgressDomain) -> ProgressPoint {
    ProgressPoint(domain: domain, sequence: Int32(domains[domain.index].count + 1))
  }

  /// Finds what the instruction must wait for, notes what its engine knows then, and remembers its
  /// accesses under `point`.
  private mutating func append(_ entry: Entry, point: ProgressPoint, isTransfer: Bool) {
    var entry = entry
    accesses.set(entry.operation)
    findConflicts(of: entry.engine, isTransfer: isTransfer)
    placeWaits(in: &entry)
    entry.clock = snapshot(of: entry.engine)
    for access in accesses.onChip { tracker.add(access.pattern, point, isWrite: access.isWrite) }
    for access in accesses.hbm {
      let region = region(access.tensor, reach: accesses.tableBytes)
      tracker.add(
        tensor: Int(access.tensor.tensor), region, point, isWrite: access.isWrite)
    }
    if entry.domain != nil { domains[point.domain.index].append(Int32(entries.count)) }
    entries.append(entry)
  }

  /// - Parameter reach: bytes from the first element on that an index or a register may choose
  ///   from, if one does.
  private func region(_ access: TensorAccess, reach: Int?) -> Region {
    let rowBytes = tensors[Int(access.tensor)].rowBytes
    guard let reach else { return access.region(rowBytes: rowBytes) }
    let first = Int(access.byteOffset)
    return Region(
      rows: first / rowBytes..<(first + reach - 1) / rowBytes + 1, bytes: 0..<rowBytes,
      isDense: false)
  }

  /// Puts into `needed` the latest operation of each domain that must have completed, unless the
  /// engine knows that it has.
  private mutating func findConflicts(of engine: Engine, isTransfer: Bool) {
    let own = ProgressDomain(index: Int(engine.rawValue))
    var latest: [ProgressPoint] = []
    swap(&latest, &needed)
    latest.removeAll(keepingCapacity: true)
    let note = { (point: ProgressPoint, conflict: Conflict) in
      // One engine's data path works in order; only a read needs the result to have arrived.
      if point.domain == own, !isTransfer, engine == .tensor || conflict != .readAfterWrite {
        return
      }
      if engineClocks[own.index, point.domain] >= point.sequence { return }
      if let index = latest.firstIndex(where: { $0.domain == point.domain }) {
        latest[index].sequence = max(latest[index].sequence, point.sequence)
      } else {
        latest.append(point)
      }
    }
    for access in accesses.onChip {
      tracker.forEachConflict(access.pattern, isWrite: access.isWrite, note)
    }
    for access in accesses.hbm {
      tracker.forEachConflict(
        tensor: Int(access.tensor.tensor),
        region(access.tensor, reach: accesses.tableBytes), isWrite: access.isWrite, note)
    }
    swap(&latest, &needed)
  }

  /// Drops waits that another implies, orders the rest with the one expected last at the end.
  private mutating func placeWaits(in entry: inout Entry) {
    entry.firstWait = Int32(waits.count)
    guard !needed.isEmpty else { return }
    let kept = needed.filter { point in
      !needed.contains { $0.domain != point.domain && knows($0, of: point) }
    }
    let ordered = kept.sorted { position(of: $0) < position(of: $1) }
    let engine = Int(entry.engine.rawValue)
    for point in ordered {
      waits.append(point)
      let position = position(of: point)
      entries[position].isSignalled = true
      engineClocks.learn(engine, from: clocks, Int(entries[position].clock))
      engineClocks.learn(engine, point)
    }
    entry.waitCount = Int32(ordered.count)
    snapshots[engine] = -1
  }

  /// The index of an operation among the entries.
  func position(of point: ProgressPoint) -> Int {
    Int(domains[point.domain.index][Int(point.sequence) - 1])
  }

  /// True when an operation of another domain has completed, once `point` has.
  func knows(_ point: ProgressPoint, of other: ProgressPoint) -> Bool {
    clocks[Int(entries[position(of: point)].clock), other.domain] >= other.sequence
  }

  /// The index of what an engine knows now.
  private mutating func snapshot(of engine: Engine) -> Int32 {
    let index = Int(engine.rawValue)
    if snapshots[index] < 0 {
      snapshots[index] = Int32(clocks.count)
      clocks.append(index, of: engineClocks)
    }
    return snapshots[index]
  }
}

/// What an instruction reads and writes in memory.
struct AccessList {
  private(set) var onChip: [(pattern: AccessPattern, isWrite: Bool)] = []
  private(set) var hbm: [(tensor: TensorAccess, isWrite: Bool)] = []
  /// Bytes of the table of which an index or a register chooses a part, if one does.
  private(set) var tableBytes: Int?

  /// Takes what an operation names in place of what was there.
  mutating func set(_ operation: Operation) {
    onChip.removeAll(keepingCapacity: true)
    hbm.removeAll(keepingCapacity: true)
    tableBytes = nil
    operation.memoryAccesses { location, isWrite in
      switch location {
      case .onChip(let access): onChip.append((access, isWrite))
      case .hbm(let access): hbm.append((access, isWrite))
      }
    }
    if case .dmaIndirect(let indirect) = operation {
      tableBytes = Int(indirect.rowCount) * Int(indirect.rowStrideBytes)
    }
    if case .dma(let direct) = operation, case .hbm(let access) = direct.source,
      access.register != AccessPattern.noRegister
    {
      tableBytes = Int(direct.bound) + access.byteExtent.upperBound - Int(access.byteOffset)
    }
  }
}
