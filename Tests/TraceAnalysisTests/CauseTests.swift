import Testing
import TraceAnalysis
import TraceFile
import Units

@Suite struct CauseTests {
  private func graph(
    _ machine: SmallMachine, from: Int64? = nil, to: Int64? = nil
  ) throws -> CauseGraph {
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    let reader = try TraceReader(path: trace.path)
    let window = try EventWindow.load(reader, from: from, to: to)
    return CauseGraph(try #require(window))
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func everyStallFindsWhoEndedIt(seed: UInt64) throws {
    let machine = SmallMachine(rounds: 40, seed: seed)
    let graph = try graph(machine)
    #expect(machine.releases.count > 100)
    for release in machine.releases {
      let waiter = EventReference(track: release.waiter.track, index: release.waiter.index)
      let source = EventReference(track: release.source.track, index: release.source.index)
      let cause = graph.cause(of: waiter)
      #expect(cause.source == source)
      #expect(cause.kind == (release.source.track >= 5 ? .dma : .semaphore))
    }
  }

  @Test func transfersNameTheirTrigger() throws {
    let graph = try graph(SmallMachine(rounds: 5))
    for index in 0..<5 {
      let cause = graph.cause(of: EventReference(track: 5, index: index))
      // sync alternates between triggers and clears.
      #expect(cause == Cause(kind: .trigger, source: EventReference(track: 4, index: 2 * index)))
    }
  }

  /// A window that begins in the middle does not know the semaphores until they are cleared.
  @Test func aWindowInTheMiddleNeverGuesses() throws {
    let machine = SmallMachine(rounds: 30)
    let whole = try graph(machine)
    let from = whole.window.events[0][15].start.value
    let part = try graph(machine, from: from)
    var known = 0
    for index in part.window.events[0].indices {
      let reference = EventReference(track: 0, index: index)
      guard let source = part.release(reference) else { continue }
      let original = whole.window.events[0].firstIndex(of: part.window[reference])!
      let expected = whole.release(EventReference(track: 0, index: original))!
      #expect(part.window[source] == whole.window[expected])
      known += 1
    }
    #expect(known >= 10)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func theCriticalPathAddsUpToTheRun(seed: UInt64) throws {
    let graph = try graph(SmallMachine(rounds: 25, seed: seed))
    let path = CriticalPath(graph)
    let parts = path.parts(graph.window)
    #expect(parts.values.reduce(0, +) == graph.window.to - graph.window.from)
    #expect(parts.values.allSatisfy { $0 > 0 })
    // Every round is on the path: load, product, copy and clear follow one another.
    #expect(path.steps.count == 25 * 5)
    let busy = parts[.init(engine: "tensor", cause: "busy", kernel: "product")]
    #expect(busy == graph.window.events[0].reduce(0) { $0 + $1.duration.value })
  }

  /// With the records before it, a part's causes and path are those of the whole run there.
  @Test func whatCameBeforeAPartTellsItsCauses() throws {
    let machine = SmallMachine(rounds: 25)
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    let reader = try TraceReader(path: trace.path)
    let from = machine.events[0][9].start.value + 1
    let to = machine.events[0][12].end.value
    let part = try #require(try EventWindow.load(reader, from: from, to: to, knowsBefore: true))
    #expect(part.isFromBeginning && part.from == from)
    let path = CriticalPath(CauseGraph(part))
    #expect(path.parts(part).values.reduce(0, +) == to - from)
    #expect(path.steps.allSatisfy { $0.cause.kind != .unknown && $0.cause.kind != .beginning })
    let alone = try #require(try EventWindow.load(reader, from: from, to: to))
    #expect(!alone.isFromBeginning)
    #expect(CriticalPath(CauseGraph(alone)).steps.last?.cause.kind == .unknown)
    // An explanation does not go on behind the part.
    let time = machine.events[0][12].start.value
    let explained = Explanation(CauseGraph(part), track: .tensor, at: time)
    #expect(explained.links.dropLast().allSatisfy { $0.from > from })
    #expect(explained.links.last.map { $0.from <= from } == true)
  }

  /// A barrier that waits through the whole run ends last of all, yet a part of the run is not its
  /// beginning: the path of a part starts at what works when the part ends.
  @Test func thePathOfAPartStartsAtWhatIsBusyAtItsEnd() throws {
    let machine = SmallMachine(rounds: 25, hasBarrier: true)
    let whole = try graph(machine)
    #expect(whole.last?.track == 3)
    let product = machine.events[0][12]
    let from = machine.events[0][9].start.value
    let to = product.start.value + product.duration.value / 2
    let part = try graph(machine, from: from, to: to)
    #expect(part.window.events[3].count == 1, "its wait lies in the part")
    let last = try #require(part.last)
    #expect(part.window[last] == product)
    let path = CriticalPath(part)
    #expect(path.steps.count > 10)
    let parts = path.parts(part.window)
    #expect(parts.values.reduce(0, +) == to - from)
    #expect(parts.keys.allSatisfy { $0.engine != "gpsimd" })
    let busy = parts.reduce(0) { $0 + ($1.key.cause == "busy" ? $1.value : 0) }
    #expect(busy > (to - from) / 2)
    let slack = Slack(part)
    for step in path.steps { #expect(slack[step.reference] == 0) }
    for track in 0..<TrackID.count {
      for index in part.window.events[track].indices {
        #expect(slack[EventReference(track: track, index: index)] <= to - from)
      }
    }
  }

  private func summary(
    _ rows: [ProgramRow], _ events: [(TrackID, [TraceEvent])]
  ) throws -> TraceSummary {
    let trace = TemporaryTrace()
    let peaks = ["peak_flops_per_second": "1e13", "hbm_bytes_per_second": "1e12"]
    var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata(peaks))
    _ = try writer.append(program: rows)
    for (track, list) in events { try writer.append(track: track, events: list) }
    try writer.finish()
    return try TraceSummary(TraceReader(path: trace.path), followsPath: true)
  }

  private func event(_ row: UInt32, _ start: Int64, _ duration: Int64) -> TraceEvent {
    TraceEvent(
      start: Picoseconds(start), duration: Picoseconds(duration), programCounter: row)
  }

  /// Weights are loaded while the product before streams: the path's time is the product's, and no
  /// row has more of it than it was busy.
  @Test func overlappedWorkIsNotTwiceOnThePath() throws {
    let rows = [
      ProgramRow(opcode: "MATMUL", engine: .tensor, flops: 1_000),
      ProgramRow(opcode: "LDWEIGHTS", engine: .tensor),
    ]
    let events = (Int64(0)..<100).flatMap { round in
      [event(0, round * 100, 110), event(1, round * 100 + 5, 60)]
    }
    let whole = try summary(rows, [(.tensor, events)])
    let groups = Dictionary(
      uniqueKeysWithValues: whole.groups(by: .opcode).map { ($0.name, $0) })
    #expect(groups["MATMUL"]?.pathTime == whole.duration.value)
    let lost = try #require(groups["MATMUL"]?.lost)
    #expect(abs(lost - (whole.duration.value - 100 * 100)) <= 1)
    #expect(groups["LDWEIGHTS"]?.pathTime == 0)
    #expect(groups["LDWEIGHTS"]?.lost == 0)
    for group in groups.values { #expect(group.pathTime ?? 0 <= group.busy) }
    // With a pause after each product, that alone is the issue of the next.
    let paused = (0..<100).map { event(0, Int64($0) * 130, 110) }
    let parts = try #require(try summary(rows, [(.tensor, paused)]).path).byEngineAndCause
    #expect(parts.map(\.cause) == ["busy", "issue"])
    #expect(parts.map(\.time) == [11_000, 99 * 20])
  }

  /// A vector engine that works while transfers do hides them: it can lose what is over, no more.
  @Test func lossesAreAtMostWhatTheRangeLoses() throws {
    let rows = [
      ProgramRow(opcode: "TENSOR_COPY", engine: .vector, kernel: "a"),
      ProgramRow(
        opcode: "DMA_DIRECT2D", engine: .sync, kernel: "b", bytes: 950, hbmReadBytes: 950,
        ring: 0),
    ]
    let whole = try summary(rows, [(.vector, [event(0, 0, 1_000)]), (.dma(0), [event(1, 0, 950)])])
    for grouping in [SummaryGrouping.kernel, .opcode, .engine] {
      let lost = whole.groups(by: grouping).compactMap(\.lost)
      #expect(lost.count == 2 && abs(lost[0] - 50) <= 1 && lost[1] == 0, "\(lost)")
    }
  }

  @Test func whatIsOnThePathHasNoSlackAndTheOtherTransferHas() throws {
    let machine = SmallMachine(rounds: 12)
    let graph = try graph(machine)
    let slack = Slack(graph)
    for step in CriticalPath(graph).steps { #expect(slack[step.reference] == 0) }
    for index in 0..<12 {
      let ends = [5, 6].map { machine.events[$0][index].end.value }
      let early = ends[0] < ends[1] ? 5 : 6
      guard ends[0] != ends[1] else { continue }
      let own = slack[EventReference(track: early, index: index)]
      // It may be as late as the other one; more than the next round would have to wait.
      #expect(own >= 0)
    }
  }

  /// What an engine did before a moment and does next, without reading the rest of the run.
  @Test func neighboursAreThoseOfTheWholeRun() throws {
    let machine = SmallMachine(rounds: 40)
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    let reader = try TraceReader(path: trace.path)
    let end = reader.summary.end
    for (index, track) in TrackID.all.enumerated() {
      for time in stride(from: Int64(-10), through: end + 10, by: 997) {
        let events = machine.events[index]
        let found = try reader.neighbours(of: track, at: time)
        let next = events.firstIndex { $0.end.value > time }
        #expect(found.next == next.map { events[$0] })
        #expect(found.lastEnd == events[..<(next ?? events.count)].map(\.end.value).max())
      }
    }
  }

  /// A moment is explained alike from the records about it alone; slack is against what comes next.
  @Test func anExplanationNeedsNoMoreThanWhatComesNext() throws {
    let machine = SmallMachine(rounds: 30)
    let (before, next) = (machine.events[0][14], machine.events[0][15])
    let time = (before.end.value + next.start.value) / 2
    let whole = Explanation(try graph(machine), track: .tensor, at: time, limit: 8)
    let from = machine.events[0][9].start.value
    let part = Explanation(
      try graph(machine, from: from, to: next.end.value), track: .tensor, at: time, limit: 8)
    #expect((part.state, part.from, part.to) == (whole.state, whole.from, whole.to))
    #expect(part.links.map(\.cause.kind) == whole.links.map(\.cause.kind))
    #expect(part.links.map(\.from) == whole.links.map(\.from))
    #expect(part.links.allSatisfy { $0.slack == 0 })
  }

  @Test func anExplanationGoesBackToTheTrigger() throws {
    let machine = SmallMachine(rounds: 6)
    let graph = try graph(machine)
    let product = machine.events[0][3]
    let before = machine.events[0][2].end.value
    let explained = Explanation(graph, track: .tensor, at: (before + product.start.value) / 2)
    #expect(explained.state == .waiting)
    #expect((explained.from, explained.to) == (before, product.start.value))
    let kinds = explained.links.prefix(4).map(\.cause.kind)
    #expect(kinds == [.dma, .trigger, .semaphore, .semaphore])
    #expect(explained.links.first?.handOff == SmallMachine.handOff)
    let busy = Explanation(graph, track: .tensor, at: product.start.value)
    #expect(busy.state == .busy)
    let end = Explanation(graph, track: .tensor, at: graph.window.to)
    #expect(end.state == .finished)
    #expect(end.links.isEmpty)
  }
}
