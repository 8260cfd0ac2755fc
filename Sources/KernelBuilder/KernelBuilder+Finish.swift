import Hardware
package import InstructionSet

extension KernelBuilder {
  /// Semaphores 0 to 3 release the four engines that wait for sync at the end of a segment.
  package static var releaseSemaphores: Range<Int> { 0..<4 }
  /// The semaphore by which engines tell the sync engine that they have reached the barrier.
  package static var arrivalSemaphore: UInt8 { UInt8(releaseSemaphores.upperBound) }

  /// All semaphores of the barrier; those after them belong to the segment and end at zero.
  package static var barrierSemaphores: Range<Int> {
    releaseSemaphores.lowerBound..<Int(arrivalSemaphore) + 1
  }

  /// Numbers the semaphores, places the waits and closes the segment with a barrier.
  ///
  /// The barrier: sync waits for the last completion of every engine and ring, clears the
  /// semaphores that the segment used, then releases the other engines one by one.
  ///
  /// - Throws: the first error of an emission call, or `outOfSemaphores`.
  package consuming func finish() throws(BuilderError) -> Segment {
    if let failure { throw failure }
    let last = lastCompletions()
    for point in last { entries[position(of: point)].isSignalled = true }
    var plan = SemaphorePlan(first: semaphores.lowerBound)
    var targets: [SemaphoreWait] = Array(repeating: .none, count: entries.count)
    for index in entries.indices where entries[index].isSignalled {
      targets[index] = plan.signal(entries[index], ownKnown: ownKnown(index))
    }
    guard plan.next <= semaphores.upperBound else {
      throw .outOfSemaphores(
        needed: plan.next - semaphores.lowerBound, limit: semaphores.count, kernel: name)
    }
    let barrier = site("KernelBuilder/Barrier", 0)
    var streams = streams(targets)
    appendBarrier(
      &streams, waits: last.map { targets[position(of: $0)] },
      clearing: semaphores.lowerBound..<plan.next, site: barrier)
    var segment = Segment(
      name: name, streams: streams,
      tensors: tensors.map { TensorParameter(name: $0.name, sizeBytes: $0.sizeBytes) },
      sites: sites)
    segment.buffers = buffers
    return segment
  }

  /// What the triggering engine knew of its own ring when it triggered a transfer.
  private func ownKnown(_ index: Int) -> Int32 {
    let entry = entries[index]
    guard let domain = entry.domain else { return 0 }
    return clocks[Int(entry.clock), domain]
  }

  /// The fewest completions whose arrival means that everything is done.
  private func lastCompletions() -> [ProgressPoint] {
    var points: [ProgressPoint] = []
    for index in domains.indices where !domains[index].isEmpty {
      let domain = ProgressDomain(index: index)
      let point = ProgressPoint(domain: domain, sequence: Int32(domains[index].count))
      if engineClocks[Int(Engine.sync.rawValue), domain] < point.sequence { points.append(point) }
    }
    let kept = points.filter { point in
      !points.contains { $0.domain != point.domain && knows($0, of: point) }
    }
    return kept.sorted { position(of: $0) < position(of: $1) }
  }

  private func streams(_ targets: [SemaphoreWait]) -> [[Instruction]] {
    var streams = [[Instruction]](repeating: [], count: Engine.allCases.count)
    var counts = [Int](repeating: 16, count: streams.count)
    for entry in entries { counts[Int(entry.engine.rawValue)] += max(1, Int(entry.waitCount)) }
    for (engine, count) in counts.enumerated() { streams[engine].reserveCapacity(count) }
    if let firstTable {
      streams[Int(Engine.scalar.rawValue)].append(
        Instruction(firstTable.operation, site: firstTable.site))
    }
    for (index, entry) in entries.enumerated() {
      let engine = Int(entry.engine.rawValue)
      var wait = SemaphoreWait.none
      for position in 0..<Int(entry.waitCount) {
        let point = waits[Int(entry.firstWait) + position]
        wait = targets[self.position(of: point)]
        if position < Int(entry.waitCount) - 1 {
          streams[engine].append(
            Instruction(
              .control(ControlInstruction(.eventSemaphore)), wait: wait, site: entry.site))
        }
      }
      var update = SemaphoreUpdate.none
      if entry.isSignalled {
        update = SemaphoreUpdate(targets[index].semaphore, .add, UInt32(entry.increments))
      }
      streams[engine].append(
        Instruction(entry.operation, wait: wait, update: update, site: entry.site))
    }
    return streams
  }

  private func appendBarrier(
    _ streams: inout [[Instruction]], waits: [SemaphoreWait], clearing: Range<Int>, site: UInt32
  ) {
    let sync = Int(Engine.sync.rawValue)
    let row = Operation.control(ControlInstruction(.eventSemaphore))
    for wait in waits { streams[sync].append(Instruction(row, wait: wait, site: site)) }
    // An engine without work of its own must not be released twice: each one arrives first.
    let others = Engine.allCases.filter { $0 != .sync }
    for engine in others {
      streams[Int(engine.rawValue)].append(
        Instruction(row, update: SemaphoreUpdate(Self.arrivalSemaphore), site: site))
    }
    let all = UInt32(others.count)
    streams[sync].append(
      Instruction(
        row, wait: SemaphoreWait(Self.arrivalSemaphore, .atLeast, all),
        update: SemaphoreUpdate(Self.arrivalSemaphore, .subtract, all), site: site))
    if !clearing.isEmpty {
      streams[sync].append(
        Instruction(
          .control(ControlInstruction(clear: clearing.lowerBound, count: clearing.count)),
          site: site))
    }
    for engine in others {
      let semaphore = UInt8(Self.releaseSemaphores.lowerBound + Int(engine.rawValue))
      streams[sync].append(
        Instruction(row, update: SemaphoreUpdate(semaphore, .add, 1), site: site))
      streams[Int(engine.rawValue)].append(
        Instruction(
          row, wait: SemaphoreWait(semaphore, .equal, 1),
          update: SemaphoreUpdate(semaphore, .subtract, 1), site: site))
    }
  }
}

/// Deals semaphores to engines and rings and counts their updates.
///
/// An engine needs one: its completions are in order. The sixteen increments of two transfers of a
/// ring can mix, so a transfer gets a semaphore whose earlier transfers the triggering engine knew
/// to be complete; up to `semaphoresPerRing` are opened for that. Beyond, the one whose transfer is
/// furthest back is taken: rings are first in, first out, and engines drift apart by far less than
/// that many transfers.
struct SemaphorePlan {
  static let semaphoresPerRing = 8

  private struct Slot {
    var semaphore: Int
    var lastSequence: Int32 = 0
    var value: UInt32 = 0
  }

  private var slots = [[Slot]](repeating: [], count: ProgressDomain.count)
  /// One past the last semaphore in use.
  private(set) var next: Int

  init(first: Int) { next = first }

  /// The semaphore and the value that mean: this operation has completed.
  mutating func signal(_ entry: Entry, ownKnown: Int32) -> SemaphoreWait {
    guard let domain = entry.domain else { return .none }
    let slot = slot(domain, ownKnown: ownKnown)
    slots[domain.index][slot].lastSequence = entry.sequence
    slots[domain.index][slot].value += UInt32(entry.increments)
    let chosen = slots[domain.index][slot]
    return SemaphoreWait(UInt8(truncatingIfNeeded: chosen.semaphore), .atLeast, chosen.value)
  }

  private mutating func slot(_ domain: ProgressDomain, ownKnown: Int32) -> Int {
    let open = slots[domain.index]
    if !domain.isRing, !open.isEmpty { return 0 }
    if let free = open.firstIndex(where: { $0.lastSequence <= ownKnown }) { return free }
    if open.count < Self.semaphoresPerRing {
      slots[domain.index].append(Slot(semaphore: next))
      next += 1
      return open.count
    }
    return open.indices.min { open[$0].lastSequence < open[$1].lastSequence } ?? 0
  }
}
