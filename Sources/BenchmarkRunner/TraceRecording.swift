import CoreState
import Foundation
import Hardware
import InstructionSet
import NeuronCore
import Results
import TraceFile
import Units

/// Brings what an observer saw into a trace file.
///
/// The step loop fills blocks; a serial queue turns full ones into trace records or draws samples
/// from them, gives them back to be filled again and hands the records to the writer, whose own
/// thread encodes and compresses them. Blocks keep their order, so the file does not depend on
/// threads.
///
/// Unchecked because everything that changes is touched on the queue alone, or after it is empty,
/// but for the full blocks at hand, which are the step loop's.
final class TraceRecording: @unchecked Sendable {
  /// Bytes of blocks under way at most: the model waits when the writer is that far behind. It
  /// covers the time in which the program is written, before the first block.
  private static let maximumBytes = 32 << 20
  /// Blocks that are handed over together: to wake another thread costs the step loop as much as
  /// to write some thousand events down. All that an engine has not handed over is less than a
  /// block of the file.
  private static let blocksTogether = 4
  /// About how many events there are for each that samples need: eight instructions run in the
  /// usual interval of a microsecond where products follow each other.
  private static let eventsPerSample = 8

  private let blocksTogether: Int
  /// Full blocks that were not handed over yet. The step loop alone touches them.
  private var pending: [(track: Int, block: RecordBlock<EventRecord>)] = []
  private let queue = DispatchQueue(label: "trnbench.trace")
  private let slots: DispatchSemaphore
  private var writer: TraceWriter?
  private var failure: TraceError?
  private let program: LoadedProgram
  private let skews: TransferSkews
  /// Draws samples from the events; nil where the events themselves are kept.
  private var sampler: Sampler?
  private let sampleInterval: Int64
  /// Records that do not touch this stretch of time are left out.
  private var window: (from: Int64, to: Int64)?
  /// What the semaphores hold when the window begins; nil where there is none.
  private var before: SemaphoreTally?
  /// When each engine came to each kernel.
  private var clock: InvocationClock
  /// Transfers that one which is still under way may have begun before.
  private var ended = EndedTransfers()
  /// How often each instruction ran; nil where the events themselves are kept.
  private var executions: RowExecutions?
  /// The samples of the block at hand.
  private var drawn: [Sample] = []
  /// The instant after the last sample of each track.
  private var nextInstants = [Int64](repeating: 0, count: EventRecorder.trackCount)
  /// Where the step loop finds blocks of events.
  let pool: RecordPool<EventRecord>
  /// What it is to write down.
  let extent: EventRecorder.Extent
  /// The file that is being written.
  let path: String

  /// Opens the file and begins to write the program.
  init(
    _ request: TraceRequest, program: LoadedProgram, recording: RunOptions.Trace, computes: Bool
  ) throws(TraceError) {
    path = request.path
    self.program = program
    sampleInterval = recording.intervalPicoseconds
    extent = Self.extent(recording)
    // A run that computes values is slow, so that as many events as elsewhere would keep many
    // seconds of it from the files, and where samples are drawn few events are written down.
    blocksTogether = computes ? 1 : Self.blocksTogether
    var capacity = EventRecorder.blockCapacity / (computes ? Self.blocksTogether : 1)
    if extent != .everything { capacity /= Self.eventsPerSample }
    pool = RecordPool(capacity: capacity)
    let bytes = blocksTogether * capacity * MemoryLayout<EventRecord>.stride
    slots = DispatchSemaphore(value: Self.maximumBytes / bytes)
    if case .samples(let interval) = recording {
      sampler = Sampler(intervalPicoseconds: interval.value)
    }
    var retention = TraceRetention.all
    if case .ring(let sizeBytes) = recording { retention = .last(sizeBytes: sizeBytes) }
    if case .window(let from, let to) = recording {
      window = (from.value, to.value)
      before = SemaphoreTally(program)
    }
    clock = InvocationClock(program, request.labels)
    skews = TransferSkews(program.device.dma.skew.value.map(\.value))
    writer = try TraceWriter(
      path: path, metadata: request.metadata, retention: retention, skews: skews)
    enqueue { recording in
      if recording.sampler != nil { recording.executions = RowExecutions(program) }
      recording.append(request.program)
    }
  }

  /// What the step loop is to write down.
  static func extent(_ trace: RunOptions.Trace) -> EventRecorder.Extent {
    if case .samples(let interval) = trace {
      .samples(intervalPicoseconds: interval.value)
    } else {
      .everything
    }
  }

  /// A block of events of one track of the step loop.
  func append(track: Int, _ block: RecordBlock<EventRecord>) {
    pending.append((track, block))
    if pending.count == blocksTogether { handOver() }
  }

  /// Hands over the blocks that have come.
  private func handOver() {
    let blocks = pending
    pending.removeAll(keepingCapacity: true)
    enqueue { recording in
      for (track, block) in blocks {
        if recording.sampler != nil {
          recording.sample(track: track, block)
        } else {
          recording.convert(track: track, block)
        }
        recording.pool.give(block)
      }
    }
  }

  /// The program, so that the trace alone is enough to run it again.
  private func append(_ program: EncodedProgram) {
    guard var writer = writer.take() else { return }
    do { try program.append(to: &writer) } catch { failure = error }
    self.writer = consume writer
  }

  private func enqueue(_ work: @escaping @Sendable (TraceRecording) -> Void) {
    slots.wait()
    queue.async {
      work(self)
      self.slots.signal()
    }
  }

  private func convert(track: Int, _ block: RecordBlock<EventRecord>) {
    guard failure == nil else { return }
    do {
      if track == EventRecorder.dmaTrack {
        try append(transfers: block)
      } else if let id = TrackID(rawValue: UInt8(track)) {
        var records = writer?.takeBuffer() ?? []
        records.reserveCapacity(block.count)
        clock.note(block.events, on: track)
        for event in block.events {
          let semaphore = program.waitSemaphore(at: Int(event.programCounter))
          records.append(Self.record(event, detail: UInt16(semaphore)))
        }
        try append(records, to: id)
      }
    } catch { failure = error }
  }

  /// A transfer is one record on each DMA engine that takes part; the engines differ by their skew.
  private func append(transfers block: RecordBlock<EventRecord>) throws(TraceError) {
    var transfers: [TraceTransfer] = []
    transfers.reserveCapacity(block.count)
    for event in block.events {
      guard let shape = program.transferShape(at: Int(event.programCounter)) else { continue }
      let record = Self.record(event, detail: UInt16(event.ring))
      var engines: UInt16 = 0
      for engine in 0..<min(Int(shape.engines), TrackID.dmaCount) {
        let skew = skews.values[engine]
        if isInWindow(record, skew: skew) {
          engines |= 1 << UInt16(engine)
        } else {
          leaveOut(record, skew: skew, .dma(engine))
        }
      }
      if engines != 0 { transfers.append(TraceTransfer(record, engines: engines)) }
    }
    let ordered = ended.takeOrdered(adding: transfers)
    if !ordered.isEmpty { try writer?.append(transfers: ordered) }
  }

  /// Whether a record that starts `skew` later touches the window.
  private func isInWindow(_ record: TraceEvent, skew: Int64) -> Bool {
    guard let window else { return true }
    return record.end.value + skew >= window.from
      && record.start.value - record.wait.value + skew < window.to
  }

  /// Hands over those records that lie in the window.
  private func append(_ records: [TraceEvent], to track: TrackID) throws(TraceError) {
    let kept =
      window == nil
      ? records
      : records.filter { record in
        let isKept = isInWindow(record, skew: 0)
        if !isKept { leaveOut(record, skew: 0, track) }
        return isKept
      }
    if !kept.isEmpty { try writer?.append(track: track, events: kept) }
  }

  /// Takes note of what a record that is left out did to semaphores before the window.
  private func leaveOut(_ record: TraceEvent, skew: Int64, _ track: TrackID) {
    let end = record.end.value + skew
    guard let window, end < window.from else { return }
    before?.add(record.programCounter, endingAt: end, on: track)
  }

  /// Draws samples from a block of events of one track.
  private func sample(track: Int, _ block: RecordBlock<EventRecord>) {
    guard failure == nil else { return }
    let id = track == EventRecorder.dmaTrack ? TrackID.dma(0) : TrackID(rawValue: UInt8(track))
    guard let id else { return }
    if track != EventRecorder.dmaTrack {
      clock.note(block.events, on: track, waits: true)
      executions?.add(block.steps)
    }
    drawn.removeAll(keepingCapacity: true)
    sampler?.sample(block, track: track, into: &drawn)
    var runs: [TraceSampleRun] = []
    runs.reserveCapacity(drawn.count)
    var time = nextInstants[track]
    for sample in drawn {
      runs.append(Self.run(sample, at: time))
      time += Int64(sample.count) * sampleInterval
    }
    nextInstants[track] = time
    do {
      try writer?.append(track: id, runs: runs, step: Picoseconds(sampleInterval))
    } catch { failure = error }
  }

  /// Closes the file; `totals` are what the model counted itself.
  func finish(_ totals: NeuronCore.RunTotals?, isComplete: Bool) throws(TraceError) {
    handOver()
    queue.sync {}
    if let failure { throw failure }
    let last = ended.takeAll()
    if !last.isEmpty { try writer?.append(transfers: last) }
    if let before { try writer?.append(table: SemaphoresBefore.table(before.values)) }
    guard let writer = writer.take() else { return }
    let end = totals?.duration.value ?? 0
    var tracks = totals.map(Self.trackTotals) ?? []
    // Of a run that was stopped it is not known which of its transfers were carried out.
    var counts: RowCounts?
    if isComplete, totals != nil, let executions {
      let own = executions.counts
      for (engine, moved) in executions.transfers(own).enumerated() {
        let track = Int(TrackID.dma(engine).rawValue)
        (tracks[track].events, tracks[track].bytes) = (moved.count, moved.bytes)
      }
      counts = own
    }
    var counted = TraceFile.RunTotals(
      end: end, tracks: tracks, throttled: totals?.throttled.value)
    counted.rowCounts = counts
    counted.invocations = clock.table
    try writer.finish(state: isComplete ? .complete : .interrupted, totals: counted)
  }

  private static func trackTotals(_ totals: NeuronCore.RunTotals) -> [TrackTotals] {
    let engines = Engine.allCases.enumerated().map { index, engine in
      var track = TrackTotals(track: TrackID(rawValue: engine.rawValue)!)
      track.events = Int64(totals.retired[index])
      track.busy = totals.busy[index].value
      track.end = totals.duration.value
      for cause in NeuronCore.StallCause.allCases where cause != .none {
        track.stall[Int(traceCause(cause).rawValue)] +=
          totals.stalls[index][Int(cause.rawValue)].value
      }
      return track
    }
    // Transfers are dealt evenly: each engine has its share of the bytes.
    let bytes = (totals.hbmReadBytes + totals.hbmWriteBytes) / Int64(TrackID.dmaCount)
    let transfers = TrackID.dmaEngines.enumerated().map { engine, id in
      var track = TrackTotals(track: id)
      track.busy = totals.dmaEngineActive[engine].value
      track.bytes = bytes
      track.end = totals.duration.value
      return track
    }
    return engines + transfers
  }

  private static func traceCause(_ cause: NeuronCore.StallCause) -> TraceFile.StallCause {
    switch cause {
    case .none: .none
    case .semaphore: .semaphore
    case .dma: .dma
    case .dependency, .port: .dependency
    case .queueEmpty: .queueEmpty
    }
  }

  private static func record(_ event: Event, detail: UInt16) -> TraceEvent {
    TraceEvent(
      start: Picoseconds(event.start), duration: Picoseconds(event.duration),
      wait: Picoseconds(event.wait), stallCause: traceCause(event.cause),
      detail: detail, programCounter: event.programCounter)
  }

  private static func run(_ sample: Sample, at time: Int64) -> TraceSampleRun {
    let state: TrackState =
      if sample.isBusy {
        sample.engines > 0 ? .moving(engines: Int(sample.engines)) : .busy
      } else {
        sample.cause == .none ? .idle : .stalled(traceCause(sample.cause))
      }
    return TraceSampleRun(
      first: TraceSample(
        time: Picoseconds(time), state: state, programCounter: sample.programCounter),
      count: sample.count)
  }
}
