import CoreState
import Hardware
import InstructionSet
import NeuronCore
import Synchronization

/// A stack of cores that one thread at a time advances.
final class StackSlot: Sendable {
  /// What an advance brought.
  private enum Outcome: Sendable {
    case arrivals([CoreMeeting])
    case failure(ChipError)
  }

  let stack: Mutex<CoreStack>
  private let outcome = Mutex(Outcome.arrivals([]))
  /// The numbers of its cores.
  let numbers: [Int]

  /// The cores of a stack; `indices` are their places among the chip's cores.
  init(
    _ loaded: LoadedChip, _ indices: [Int], computes: Bool, checksHazards: Bool, watch: ChipWatch
  ) throws(ChipError) {
    numbers = indices.map { loaded.program.cores[$0].number }
    stack = Mutex(
      try Self.makeStack(
        loaded, indices, computes: computes, checksHazards: checksHazards, watch: watch))
  }

  private static func makeStack(
    _ loaded: LoadedChip, _ indices: [Int], computes: Bool, checksHazards: Bool, watch: ChipWatch
  ) throws(ChipError) -> sending CoreStack {
    let bandwidth = loaded.device.hbmBytesPerMicrosecondPerStack
    // The cores of a logical core have one address space.
    let isShared = loaded.program.coresPerLogicalCore > 1
    var cores: [ChipCore] = []
    do throws(MemoryError) {
      let most = indices.map { loaded.cores[$0].program.hbmBytes }.max() ?? 0
      let shared =
        isShared ? try HBMMemory(sizeBytes: computes ? max(1, most) : 0) : nil
      for index in indices {
        let model = try CoreModel(
          loaded.cores[index], computes: computes, checksHazards: checksHazards, hbm: shared,
          hbmShare: bandwidth)
        let number = loaded.program.cores[index].number
        cores.append(
          ChipCore(number: number, model: model, watcher: watch.watcher(of: number)))
      }
    } catch { throw .memory(error) }
    return CoreStack(cores, bandwidth: bandwidth)
  }

  /// The next time at which something happens in any of the cores.
  var nextTime: Int64 { stack.withLock { $0.nextTime } }

  /// True when every core has come to its end.
  var isFinished: Bool {
    stack.withLock { stack in stack.cores.allSatisfy { $0.model.isFinished } }
  }

  /// Goes on until nothing is left before `limit`, or until a core comes to a meeting.
  func advance(to limit: Int64) {
    let result: Outcome = stack.withLock { stack in
      do throws(ChipError) {
        return .arrivals(try stack.advance(to: limit))
      } catch { return .failure(error) }
    }
    outcome.withLock { $0 = result }
  }

  /// Who came to a meeting in the last advance. Throws what went wrong in it.
  func takeOutcome() throws(ChipError) -> [CoreMeeting] {
    switch outcome.withLock({ $0 }) {
    case .arrivals(let arrivals): return arrivals
    case .failure(let error): throw error
    }
  }

  /// Ends a core's part of a meeting.
  func settle(
    _ part: Settlement.Part, start: Int64, completion: Int64, trafficBytes: Int64
  ) {
    stack.withLock { stack in
      let core = stack.cores.first { $0.number == part.core }!
      core.model.settle(
        part.meeting, start: start, completion: completion, elements: part.elements,
        watchedBy: &core.watcher)
      core.model.countTraffic(readBytes: trafficBytes, writtenBytes: trafficBytes)
    }
  }

  /// Hands over what watchers still hold.
  func finishWatching() {
    stack.withLock { stack in for core in stack.cores { core.watcher.finish() } }
  }

  /// What each core's run adds up to. Throws what the sanitizer found.
  func totals() throws(ChipError) -> [ChipTotals.Core] {
    let results: Result<[ChipTotals.Core], ChipError> = stack.withLock { stack in
      var totals: [ChipTotals.Core] = []
      for core in stack.cores {
        do throws(RunError) {
          totals.append(ChipTotals.Core(number: core.number, totals: try core.model.finish()))
        } catch { return .failure(.run(core: core.number, error)) }
      }
      return .success(totals)
    }
    return try results.get()
  }

  /// Engines of a core that have an instruction left for which `matches` holds.
  func engines(of number: Int, whoseRest matches: @Sendable (Operation) -> Bool) -> [Engine] {
    stack.withLock { stack in
      stack.cores.first { $0.number == number }?.model.engines(whoseRest: matches) ?? []
    }
  }
}

/// The engines of one core that stand still, and who could end that.
struct WaitingEngines {
  let core: Int
  let stack: StackSlot
  let table: MeetingTable

  /// `enginesWith` finds engines of another core that still have an instruction.
  func list(
    _ enginesWith: (Int, @escaping @Sendable (Operation) -> Bool) -> [Engine]
  ) -> [ChipDeadlock.Waiting] {
    let own = core
    let semaphores = stack.stack.withLock { stack in
      stack.cores.first { $0.number == own }!.model.waiting
    }
    let meetings = table.waiting(core)
    var result: [ChipDeadlock.Waiting] = []
    for entry in semaphores {
      var others = entry.updaters.map { ChipDeadlock.Place(core: own, engine: $0) }
      // A collective that others have not come to would update it as well.
      for meeting in meetings where meeting.meeting.updatedSemaphore == entry.semaphore {
        others += places(meeting.place, meeting.missing, enginesWith)
      }
      result.append(
        ChipDeadlock.Waiting(
          place: ChipDeadlock.Place(core: own, engine: entry.engine),
          what: "\(entry.instruction) (instruction \(entry.index) of \(entry.segment)) waits for "
            + "S\(entry.semaphore) \(entry.wanted), which is \(entry.value)",
          others: others))
    }
    for meeting in meetings where !meeting.meeting.isAsynchronous {
      let missing = meeting.missing.map { "core \($0)" }.joined(separator: ", ")
      result.append(
        ChipDeadlock.Waiting(
          place: ChipDeadlock.Place(core: own, engine: meeting.meeting.engine),
          what: "\(meeting.meeting.operation.opcode.name) \(Self.name(meeting.place)) waits for "
            + missing,
          others: places(meeting.place, meeting.missing, enginesWith)))
    }
    return result.sorted { $0.place.engine.rawValue < $1.place.engine.rawValue }
  }

  private func places(
    _ place: MeetingTable.Place, _ cores: [Int],
    _ enginesWith: (Int, @escaping @Sendable (Operation) -> Bool) -> [Engine]
  ) -> [ChipDeadlock.Place] {
    cores.flatMap { core in
      enginesWith(core, { place.isMet(by: $0) }).filter {
        place.engine == nil || $0 == place.engine
      }
      .map { ChipDeadlock.Place(core: core, engine: $0) }
    }
  }

  private static func name(_ place: MeetingTable.Place) -> String {
    switch place {
    case .exchange(_, let pipe): "on pipe \(pipe)"
    case .barrier(_, _, let identifier): "number \(identifier)"
    case .collective(let group): "of group \(group)"
    }
  }
}

extension MeetingTable.Place {
  /// True for instructions that come to this place.
  fileprivate func isMet(by operation: Operation) -> Bool {
    switch (self, operation) {
    case (.exchange(_, let pipe), .sendReceive(let exchange)): Int(exchange.pipe) == pipe
    case (.barrier(_, _, let identifier), .coreBarrier(let barrier)):
      Int(barrier.identifier) == identifier
    case (.collective(let group), .collective(let collective)): Int(collective.group) == group
    default: false
    }
  }

  /// The engine that must come, where only one can.
  fileprivate var engine: Engine? {
    if case .barrier(_, let engine, _) = self { engine } else { nil }
  }
}
