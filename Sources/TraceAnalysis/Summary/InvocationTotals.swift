import TraceFile
import Units

/// What the records of each invocation of a kernel add up to within a range.
struct InvocationTotals {
  private let table: InvocationTable
  private let program: ProgramTable
  private let range: TrackFold.Range
  /// One per invocation, and the last for records that belong to none.
  private(set) var groups: [SummaryGroup]
  private var lastSample: (track: TrackID, sample: TraceSample)?
  private var lastStep: Int64 = 0

  init(_ table: InvocationTable, _ program: ProgramTable, _ range: TrackFold.Range) {
    self.table = table
    self.program = program
    self.range = range
    groups = Array(repeating: SummaryGroup(name: ""), count: table.all.count + 1)
  }

  /// The invocation of each group; nil for the last.
  var invocations: [TraceInvocation?] { table.all + [nil] }

  private func place(_ programCounter: UInt32, _ track: TrackID, _ time: Int64) -> Int {
    // A transfer belongs to the engine that triggered it.
    let engine = track.isDMA ? program[programCounter]?.engine ?? track : track
    return table.index(of: programCounter, on: engine, at: time) ?? table.all.count
  }

  /// Adds a batch of events of a track.
  mutating func add(_ batch: EventBatch, of track: TrackID) {
    var cursor = batch.cursor
    for event in batch {
      guard let part = range.part(event, cursor.place(event)) else { continue }
      let row = program[event.programCounter]
      let index = place(event.programCounter, track, event.start.value)
      if track.isDMA {
        groups[index].dmaBusy += part.busy
        if part.isCounted { groups[index].count(transfer: row) }
      } else {
        groups[index].busy += part.busy
        groups[index].stall += part.stalled
        if part.isCounted { groups[index].count(instruction: row) }
      }
    }
  }

  /// Adds samples of a track: each stands for the time until the next one.
  mutating func add(_ samples: [TraceSample], of track: TrackID) {
    for sample in samples {
      if let last = lastSample {
        lastStep = sample.time.value - last.sample.time.value
        add(last.sample, of: track, to: sample.time.value)
      }
      lastSample = (track, sample)
    }
  }

  /// Gives a track's last sample the length of the one before.
  mutating func finishSamples() {
    guard let last = lastSample else { return }
    add(last.sample, of: last.track, to: min(range.to, last.sample.time.value + lastStep))
    lastSample = nil
  }

  private mutating func add(_ sample: TraceSample, of track: TrackID, to end: Int64) {
    let length = min(end, range.to) - max(sample.time.value, range.from)
    guard length > 0 else { return }
    // The instant lies anywhere in the interval, and a kernel may have begun in it.
    let index = place(sample.programCounter, track, end - 1)
    if sample.state.isBusy(on: track) {
      if track.isDMA { groups[index].dmaBusy += length } else { groups[index].busy += length }
    } else if sample.state.stallCause != nil, !track.isDMA {
      groups[index].stall += length
    }
  }
}

extension TraceSummary {
  /// Groups of invocations that share what `name` says of them; nil where they are not told apart.
  func invocationGroups(_ name: (TraceInvocation) -> String) -> [SummaryGroup]? {
    guard let invocations else { return nil }
    var found: [SummaryGroup] = []
    var places: [String: Int] = [:]
    for (index, group) in invocations.groups.enumerated() where group != SummaryGroup(name: "") {
      let invocation = invocations.invocations[index]
      let key = invocation.map(name) ?? "(unknown)"
      let place = places[key] ?? found.count
      if place == found.count {
        places[key] = place
        found.append(SummaryGroup(name: key))
      }
      found[place].add(group)
      guard let path else { continue }
      found[place].pathTime = (found[place].pathTime ?? 0) + (path.invocations[index] ?? 0)
    }
    for place in found.indices {
      guard let flops = found[place].flops, let bytes = found[place].hbmBytes else { continue }
      found[place].bound = bound(flops: flops, hbmBytes: bytes)
    }
    share(&found)
    return found.sorted(by: Self.isBefore)
  }
}

extension SummaryGroup {
  fileprivate mutating func count(transfer row: ProgramRow?) {
    countFromZero()
    transfers = (transfers ?? 0) + 1
    bytes = (bytes ?? 0) &+ (row?.bytes ?? 0)
    hbmBytes = (hbmBytes ?? 0) &+ (row?.hbmReadBytes ?? 0) &+ (row?.hbmWriteBytes ?? 0)
  }

  /// Where records are counted, what there is none of is zero.
  private mutating func countFromZero() {
    (instructions, transfers) = (instructions ?? 0, transfers ?? 0)
    (bytes, hbmBytes, flops) = (bytes ?? 0, hbmBytes ?? 0, flops ?? 0)
  }

  fileprivate mutating func count(instruction row: ProgramRow?) {
    countFromZero()
    instructions = (instructions ?? 0) + 1
    flops = (flops ?? 0) &+ (row?.flops ?? 0)
  }

  fileprivate mutating func add(_ other: SummaryGroup) {
    func sum(_ a: Int64?, _ b: Int64?) -> Int64? { b.map { (a ?? 0) &+ $0 } ?? a }
    busy &+= other.busy
    stall &+= other.stall
    dmaBusy &+= other.dmaBusy
    instructions = sum(instructions, other.instructions)
    transfers = sum(transfers, other.transfers)
    bytes = sum(bytes, other.bytes)
    flops = sum(flops, other.flops)
    hbmBytes = sum(hbmBytes, other.hbmBytes)
  }
}
