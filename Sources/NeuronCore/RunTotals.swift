public import Hardware
public import InstructionSet
public import Units

/// What a finished run adds up to.
public struct RunTotals: Hashable, Sendable {
  /// The latest completion, without the kernel envelope.
  public var duration: Picoseconds
  /// Machine instructions retired per engine, in the order of `Engine`.
  public var retired: [Int]
  /// Time in which each engine had an instruction under way that is no control row, in the order of
  /// `Engine`.
  public var active: [Picoseconds]
  /// Time in which each engine had any instruction under way, in the order of `Engine`.
  public var busy: [Picoseconds]
  /// Time that each engine stood still per cause, in the order of `Engine` and `StallCause`.
  public var stalls: [[Picoseconds]]
  /// Time in which each DMA engine moved data.
  public var dmaEngineActive: [Picoseconds]
  /// Bytes read from HBM.
  public var hbmReadBytes: Int64
  /// Bytes written to HBM.
  public var hbmWriteBytes: Int64
  /// Cycles that the tensor engine streamed at half rate, in full-rate time.
  public var throttled: Picoseconds

  /// When each invocation's last instruction completed, in the order of the program.
  public var invocationEnds: [Picoseconds]

  /// Time in which at least one DMA engine moved data.
  public var dmaActive: Picoseconds { dmaEngineActive.first ?? .zero }

  /// Machine instructions retired in all.
  public var instructions: Int { retired.reduce(0, +) }
}

/// Why a run did not finish.
public enum RunError: Error, CustomStringConvertible, Sendable {
  /// An address left its memory, or another fault while running.
  case fault(Fault)
  /// Every engine waits and nothing can wake one.
  case deadlock(DeadlockReport)
  /// Accesses that no semaphore orders.
  case hazards([HazardReport])
  /// The caller asked to stop.
  case cancelled

  /// What happened, for people.
  public var description: String {
    switch self {
    case .fault(let fault): "fault while running: \(fault)"
    case .deadlock(let report): report.description
    case .hazards(let reports):
      "\(reports.count == 1 ? "one hazard" : "\(reports.count) hazards"):\n"
        + reports.prefix(16).map { "  \($0)" }.joined(separator: "\n")
    case .cancelled: "interrupted"
    }
  }
}

/// Who waits for whom when nothing can go on.
public struct DeadlockReport: Hashable, Sendable, CustomStringConvertible {
  /// One engine that stands still.
  public struct Waiting: Hashable, Sendable {
    /// The engine.
    public var engine: Engine
    /// Its instruction's place in the segment and its name.
    public var index: Int
    /// The opcode's name.
    public var instruction: String
    /// The segment's name.
    public var segment: String
    /// The statement that emitted it.
    public var source: String
    /// The semaphore, what it holds and what is waited for.
    public var semaphore: UInt8
    /// What the semaphore holds.
    public var value: UInt32
    /// The condition as text: `>= 3` or `= 1`.
    public var wanted: String
    /// Engines whose remaining instructions would update that semaphore.
    public var updaters: [Engine]
  }

  /// Every engine that stands still.
  public var waiting: [Waiting]
  /// When the last thing happened.
  public var time: Picoseconds

  /// Engines that wait for one another in a circle, the first again at the end; empty when somebody
  /// waits for an update that nothing in any queue makes.
  public var cycle: [Engine] {
    for start in waiting {
      var path = [start.engine]
      while let entry = waiting.first(where: { $0.engine == path.last! }),
        let next = entry.updaters.first(where: { updater in
          waiting.contains { $0.engine == updater }
        })
      {
        if let first = path.firstIndex(of: next) { return Array(path[first...]) + [next] }
        path.append(next)
      }
    }
    return []
  }

  /// One line per engine: what it waits for and who could have updated it; then the circle.
  public var description: String {
    let lines = waiting.map { entry in
      let who =
        entry.updaters.isEmpty
        ? "nothing left in any queue updates it"
        : "would be updated by " + entry.updaters.map(\.name).joined(separator: ", ")
      return "  \(entry.engine.name): \(entry.instruction) (instruction \(entry.index) of "
        + "\(entry.segment)\(entry.source.isEmpty ? "" : ", \(entry.source)")) waits for S"
        + "\(entry.semaphore) \(entry.wanted), which is \(entry.value); \(who)"
    }
    let circle = cycle.map(\.name).joined(separator: " waits for ")
    return "deadlock at \(time.value) ps: every engine that is not done waits\n"
      + lines.joined(separator: "\n") + (circle.isEmpty ? "" : "\n  in a circle: \(circle)")
  }
}
