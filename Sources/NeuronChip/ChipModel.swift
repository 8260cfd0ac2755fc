public import CoreState
import Dispatch
import Hardware
import InstructionSet
public import NeuronCore
import Synchronization
public import Units

/// What a finished run of several cores adds up to.
public struct ChipTotals: Hashable, Sendable {
  /// One core's part.
  public struct Core: Hashable, Sendable {
    /// The core's number.
    public var number: Int
    /// What its own run adds up to.
    public var totals: RunTotals
  }

  /// The cores in ascending order of their numbers.
  public var cores: [Core]

  /// The latest completion on any core, without the kernel envelope.
  public var duration: Picoseconds { cores.map(\.totals.duration).max() ?? .zero }
  /// Machine instructions retired on all cores.
  public var instructions: Int { cores.reduce(0) { $0 + $1.totals.instructions } }
}

/// Several cores of one chip that run side by side.
///
/// Cores advance in picosecond order, as far as nobody else could reach into them: until another
/// core may come to a meeting that they wait for, or may change what is left of their HBM stack.
/// Stacks are independent in between and may run on threads of their own; what threads do never
/// shows in a result.
///
/// Not in the model: bytes that collectives move do not slow the transfers of a core's own program.
public struct ChipModel: ~Copyable {
  private let loaded: LoadedChip
  private let stacks: [StackSlot]
  /// The stack of each core, by its place among the cores.
  private let stackOfCore: [Int: Int]
  private var table: MeetingTable

  /// Picoseconds between two looks at the cancellation: nothing of the machine.
  private static let window: Int64 = 1_000_000_000

  /// Cores that are about to run.
  ///
  /// - Parameters:
  ///   - computes: false for timing mode, in which no memory has an image.
  ///   - checksHazards: true to watch the accesses of each core.
  ///   - watch: who sees what the cores do.
  public init(
    _ loaded: LoadedChip, computes: Bool, checksHazards: Bool, watch: ChipWatch = .nothing
  ) throws(ChipError) {
    self.loaded = loaded
    table = MeetingTable(loaded.program, device: loaded.device)
    let coresPerStack = max(1, loaded.device.memory.coresPerStack.value)
    var stacks: [StackSlot] = []
    var stackOfCore: [Int: Int] = [:]
    let numbers = loaded.program.cores.map(\.number)
    for stack in Set(numbers.map { $0 / coresPerStack }).sorted() {
      let own = numbers.indices.filter { numbers[$0] / coresPerStack == stack }
      for index in own { stackOfCore[numbers[index]] = stacks.count }
      stacks.append(
        try StackSlot(
          loaded, own, computes: computes, checksHazards: checksHazards, watch: watch))
    }
    self.stacks = stacks
    self.stackOfCore = stackOfCore
  }

  /// Reads or changes what a core holds, before or after the run.
  public func withCore<Result: Sendable>(
    _ number: Int, _ body: @Sendable (inout CoreState) -> Result
  ) -> Result {
    precondition(stackOfCore[number] != nil, "the core has a program")
    return stacks[stackOfCore[number]!].stack.withLock { stack in
      let core = stack.cores.first { $0.number == number }!
      return body(&core.model.core)
    }
  }

  /// Runs every core to its end.
  ///
  /// - Parameter threads: host threads; any number gives the same result.
  public mutating func run(threads: Int = 1, isCancelled: () -> Bool = { false })
    throws(ChipError) -> ChipTotals
  {
    // Also of a run that ends early: what was seen until then is kept.
    defer { for stack in stacks { stack.finishWatching() } }
    while true {
      if isCancelled() { throw .cancelled }
      let times = stacks.map(\.nextTime)
      let earliest = times.reduce(Int64.max) { min($0, $1) }
      if earliest == .max { break }
      let limits = stacks.indices.map { limit(of: stacks[$0], earliest: earliest) }
      let arrivals = try advance(to: limits, threads)
      for arrival in arrivals { table.add(arrival) }
      while let settlement = try table.next() { settle(settlement) }
    }
    return try finish()
  }

  /// How far a stack may go: until something that one of its cores waits for could be over.
  private func limit(of stack: StackSlot, earliest: Int64) -> Int64 {
    stack.numbers.reduce(earliest + Self.window) { limit, core in
      min(limit, table.earliestEnd(for: core, whenOthersComeFrom: earliest))
    }
  }

  /// Advances the stacks, side by side where there are threads for it; who came to a meeting, in
  /// the order of the stacks.
  private func advance(to limits: [Int64], _ threads: Int) throws(ChipError) -> [CoreMeeting] {
    let stacks = stacks
    let count = max(1, min(threads, stacks.count))
    if count == 1 {
      for (index, slot) in stacks.enumerated() { slot.advance(to: limits[index]) }
    } else {
      DispatchQueue.concurrentPerform(iterations: count) { thread in
        for index in stride(from: thread, to: stacks.count, by: count) {
          stacks[index].advance(to: limits[index])
        }
      }
    }
    var arrivals: [CoreMeeting] = []
    for slot in stacks { arrivals += try slot.takeOutcome() }
    return arrivals
  }

  private func settle(_ settlement: Settlement) {
    for part in settlement.parts {
      stacks[stackOfCore[part.core]!].settle(
        part, start: settlement.start, completion: settlement.completion,
        trafficBytes: settlement.trafficBytes)
    }
  }

  private func finish() throws(ChipError) -> ChipTotals {
    if stacks.contains(where: { !$0.isFinished }) { throw .deadlock(deadlock()) }
    var cores: [ChipTotals.Core] = []
    for slot in stacks { cores += try slot.totals() }
    return ChipTotals(cores: cores)
  }

  private func deadlock() -> ChipDeadlock {
    var waiting: [ChipDeadlock.Waiting] = []
    var time: Int64 = 0
    for slot in stacks {
      slot.stack.withLock { stack in
        for core in stack.cores { time = max(time, core.model.lastCompletion) }
      }
      for number in slot.numbers {
        waiting += WaitingEngines(core: number, stack: slot, table: table).list {
          missing, matches in
          stacks[stackOfCore[missing]!].engines(of: missing, whoseRest: matches)
        }
      }
    }
    return ChipDeadlock(waiting: waiting, time: Picoseconds(time))
  }
}
