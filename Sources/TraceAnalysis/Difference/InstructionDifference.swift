import TraceFile

/// Which instructions of two programs are new, gone, or in another place.
package struct InstructionDifference: Sendable {
  /// What happened to a group of equal instructions.
  package enum Change: String, CaseIterable, Sendable {
    case added, removed, moved
  }

  /// Instructions that look alike and changed alike.
  package struct Group: Equatable, Sendable {
    /// What happened.
    package var change: Change
    /// The engine in whose stream they stand.
    package var engine: String
    /// The machine instruction.
    package var opcode: String
    /// The kernel that emitted them.
    package var kernel: String
    /// `file:line`; empty when unknown.
    package var source: String
    /// Rows of the program.
    package var rows = 0
    /// Executions: of the new run when added or moved, of the base when removed; nil where that run
    /// was sampled.
    package var executions: Int64?
    /// Busy and stalled picoseconds of those executions on their engine.
    package var time: Int64 = 0
  }

  /// Those that changed, the ones with most time first.
  package let groups: [Group]
  /// Rows that stand in both programs in the same order.
  package let sameRows: Int

  /// What became of the instructions of `base` in `new`.
  package init(base: TraceSummary, new: TraceSummary) {
    var keys = RowKeys()
    let before = keys.streams(base.program)
    let after = keys.streams(new.program)
    var collector = Collector()
    var same = 0
    for track in before.indices {
      let pairs = SequenceAlignment.pairs(before[track].keys, after[track].keys)
      same += pairs.count
      collector.add(before[track], after[track], pairs, base: base, new: new)
    }
    sameRows = same
    groups = collector.sorted
  }

  /// Rows of one change, added up over the groups.
  package func rows(_ change: Change) -> Int {
    groups.reduce(0) { $0 + ($1.change == change ? $1.rows : 0) }
  }
}

/// One engine's instructions, as numbers that are equal where the instructions are.
private struct Stream {
  var keys: [Int] = []
  var counters: [UInt32] = []
}

/// Numbers for rows: equal rows of two programs get equal ones.
private struct RowKeys {
  private struct Key: Hashable {
    var opcode, kernel, layer, file: String
    var line: UInt32
    var bytes, flops: Int64
    var ring: UInt8?
  }

  private var numbers: [Key: Int] = [:]

  /// The streams of the engines, in order of track.
  mutating func streams(_ program: ProgramTable) -> [Stream] {
    var streams = Array(repeating: Stream(), count: TrackID.engineCount)
    for counter in 0..<UInt32(program.count) {
      guard let row = program[counter], !row.engine.isDMA else { continue }
      let key = Key(
        opcode: row.opcode, kernel: row.kernel, layer: row.layer, file: row.sourceFile,
        line: row.sourceLine, bytes: row.bytes, flops: row.flops, ring: row.ring)
      let number = numbers[key] ?? numbers.count
      numbers[key] = number
      streams[Int(row.engine.rawValue)].keys.append(number)
      streams[Int(row.engine.rawValue)].counters.append(counter)
    }
    return streams
  }
}

/// Sorts what did not pair into groups.
private struct Collector {
  private var groups: [InstructionDifference.Group] = []

  private struct Name: Hashable {
    var change: InstructionDifference.Change
    var engine: TrackID
    var opcode, kernel, source: String
  }

  private var places: [Name: Int] = [:]

  mutating func add(
    _ before: Stream, _ after: Stream, _ pairs: [(base: Int, new: Int)], base: TraceSummary,
    new: TraceSummary
  ) {
    let keptBefore = Set(pairs.map(\.base))
    let keptAfter = Set(pairs.map(\.new))
    var gone: [Int: [UInt32]] = [:]
    for index in before.keys.indices where !keptBefore.contains(index) {
      gone[before.keys[index], default: []].append(before.counters[index])
    }
    // One that is gone here and new there has moved.
    for index in after.keys.indices where !keptAfter.contains(index) {
      let key = after.keys[index]
      let isMoved = gone[key]?.isEmpty == false
      if isMoved { gone[key]?.removeFirst() }
      add(isMoved ? .moved : .added, after.counters[index], new)
    }
    for counter in gone.values.flatMap({ $0 }).sorted() { add(.removed, counter, base) }
  }

  private mutating func add(
    _ change: InstructionDifference.Change, _ counter: UInt32, _ summary: TraceSummary
  ) {
    guard let row = summary.program[counter] else { return }
    let name = Name(
      change: change, engine: row.engine, opcode: row.opcode, kernel: row.kernel,
      source: row.source)
    let place = places[name] ?? groups.count
    if place == groups.count {
      places[name] = place
      groups.append(
        InstructionDifference.Group(
          change: change, engine: row.engine.name, opcode: row.opcode, kernel: row.kernel,
          source: row.source))
    }
    let total = summary.total(counter)
    groups[place].rows += 1
    if summary.isCounted {
      groups[place].executions = (groups[place].executions ?? 0) + total.instructions
    }
    groups[place].time &+= total.busy &+ total.stall.wrappedSum()
  }

  var sorted: [InstructionDifference.Group] {
    groups.sorted { a, b in
      if a.time != b.time { return a.time > b.time }
      if a.rows != b.rows { return a.rows > b.rows }
      return (a.change.rawValue, a.engine, a.opcode, a.kernel, a.source)
        < (b.change.rawValue, b.engine, b.opcode, b.kernel, b.source)
    }
  }
}
