import CoreState
import Hardware
import InstructionSet

/// Finds accesses that no semaphore orders, by happens-before and not by luck of timing.
///
/// Every engine and every ring that moves data is an agent with a vector clock. A semaphore carries
/// the clocks of whoever updated it to whoever waits for it. Two accesses to the same word, one of
/// them a write, are ordered when the later agent's clock already covers the earlier access.
/// Instructions of one engine, and transfers of one ring, are in order by themselves.
struct OrderChecker {
  /// Engines first, then rings in the order of their first use.
  private static let maximumAgents = ShadowMemory.maximumAgents

  private var clocks: [[UInt32]]
  private var histories: [SemaphoreHistory]
  private var ringAgents: [Int: Int] = [:]
  private var ringOwners: [Engine] = []
  private var sbuf: ShadowMemory
  private var psum: ShadowMemory
  private var hbm = ShadowRanges()

  /// `wordBytes`: the bytes of a memory whose accesses are told apart.
  init(device: Device, wordBytes: Int) {
    let memory = device.memory
    clocks = Array(
      repeating: Array(repeating: 0, count: Self.maximumAgents), count: Self.maximumAgents)
    histories = Array(
      repeating: SemaphoreHistory(agents: Self.maximumAgents), count: memory.semaphores.value)
    sbuf = ShadowMemory(
      bytesPerPartition: memory.sbufBytesPerPartition.value,
      quadrantPartitions: memory.partitions.value / 4, wordBytes: wordBytes)
    psum = ShadowMemory(
      bytesPerPartition: memory.psumBytesPerPartition.value,
      quadrantPartitions: memory.partitions.value / 4, wordBytes: wordBytes)
  }

  /// An engine's wait is met: it now knows what the updaters knew.
  mutating func wait(_ wait: SemaphoreWait, engine: Int) {
    histories[Int(wait.semaphore)].join(into: &clocks[engine], when: wait)
  }

  /// An instruction begins: returns the agent that makes its accesses.
  mutating func begin(_ record: IssueRecord, engine: Int, ring: Int, invocation: Int) -> Int {
    var agent = engine
    if record.opcode.isDMA {
      agent = ringAgent(ring, engine)
      Self.join(&clocks[agent], clocks[engine])
    }
    clocks[agent][agent] += 1
    hbm.enter(invocation: invocation)
    return agent
  }

  /// The instruction's update carries what its agent knows.
  mutating func end(_ operation: Operation, _ record: IssueRecord, agent: Int) {
    if record.opcode == .eventSemaphoreRangeClear, case .control(let clear) = operation {
      for semaphore in Int(clear.first)..<Int(clear.first + clear.count) {
        histories[semaphore].apply(
          SemaphoreUpdate(UInt8(semaphore), .write, 0), clock: clocks[agent])
      }
    }
    if record.update.operation != .none {
      histories[Int(record.update.semaphore)].apply(record.update, clock: clocks[agent])
    }
  }

  /// The agent of a transfer's ring. Rings beyond the last agent share one: that may hide a hazard
  /// between them, never invent one.
  private mutating func ringAgent(_ ring: Int, _ engine: Int) -> Int {
    let key = engine << 8 | ring
    if let agent = ringAgents[key] { return agent }
    let agent = min(Self.maximumAgents - 1, Engine.allCases.count + ringAgents.count)
    ringAgents[key] = agent
    ringOwners.append(Engine(rawValue: UInt8(engine))!)
    return agent
  }

  static func join(_ target: inout [UInt32], _ source: [UInt32]) {
    for index in target.indices { target[index] = max(target[index], source[index]) }
  }

  /// An access on chip: the first earlier one that nothing orders before it.
  mutating func note(
    _ access: AccessPattern, runs: [Range<Int>], isWrite: Bool, agent: Int, counter: Int
  ) -> ShadowConflict? {
    let clock = clocks[agent]
    return access.space == .sbuf
      ? sbuf.note(
        access, runs: runs, isWrite: isWrite, agent: agent, clock: clock, counter: counter)
      : psum.note(
        access, runs: runs, isWrite: isWrite, agent: agent, clock: clock, counter: counter)
  }

  /// An access to HBM: the first earlier one that nothing orders before it.
  mutating func note(
    _ access: TensorAccess, allocation: Int, isWrite: Bool, agent: Int, counter: Int
  ) -> ShadowConflict? {
    hbm.note(
      access, allocation: allocation, isWrite: isWrite, agent: agent, clock: clocks[agent],
      counter: counter)
  }

  /// The engine of an agent, and whether its transfers make the accesses.
  func owner(_ agent: Int) -> (engine: Engine, isTransfer: Bool) {
    let engines = Engine.allCases.count
    return agent < engines
      ? (Engine(rawValue: UInt8(agent))!, false) : (ringOwners[agent - engines], true)
  }
}

/// What a semaphore's value implies about those who updated it.
struct SemaphoreHistory {
  /// The value after an update, and the joined clocks of all updates up to it.
  private struct Entry {
    var value: UInt32
    var clock: [UInt32]
  }

  /// Entries kept: waits reach back at most as far as engines run apart.
  private static let maximumEntries = 4_096
  private var entries: [Entry]

  init(agents: Int) { entries = [Entry(value: 0, clock: Array(repeating: 0, count: agents))] }

  mutating func apply(_ update: SemaphoreUpdate, clock: [UInt32]) {
    var joined = entries[entries.count - 1].clock
    OrderChecker.join(&joined, clock)
    let value = update.applied(to: entries[entries.count - 1].value)
    // A value that does not rise starts a new count: what was known before stays known.
    if update.operation != .add { entries.removeAll(keepingCapacity: true) }
    entries.append(Entry(value: value, clock: joined))
    if entries.count > Self.maximumEntries { entries.removeFirst(Self.maximumEntries / 2) }
  }

  func join(into clock: inout [UInt32], when wait: SemaphoreWait) {
    // Values rise from entry to entry: the first that meets the wait is what is known for certain.
    var low = 0
    var high = entries.count - 1
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].value >= wait.value { high = middle } else { low = middle + 1 }
    }
    OrderChecker.join(&clock, entries[low].clock)
  }
}
