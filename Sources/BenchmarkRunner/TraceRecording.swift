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
/// The step loop fills blocks; a serial queue turns each full one into trace records, gives the
/// block back to be filled again and hands the records to the writer, whose own thread encodes and
/// compresses them. Blocks keep their order, so the file does not depend on threads.
///
/// Unchecked because everything that changes is touched on the queue alone, or after it is empty.
final class TraceRecording: @unchecked Sendable {
  /// Bytes of blocks under way at most: the model waits when the writer is that far behind. It
  /// covers the time in which the program is written, before the first block.
  private static let maximumBytes = 32 << 20
  /// A run that computes values is slow, so that a block that fills would keep many seconds of it
  /// from the files: it hands over a fourth of one, which is a chunk of the side file.
  private static let eventsWhenComputing = EventRecorder.blockCapacity / 4
  /// Samples come slowly, so that they are handed over by chunks of the side file: little is left
  /// to be done when the run ends.
  private static let samplesPerBlock = 4_096

  private let queue = DispatchQueue(label: "trnbench.trace")
  private let slots: DispatchSemaphore
  private var writer: TraceWriter?
  private var failure: TraceError?
  private let program: LoadedProgram
  private let skews: TransferSkews
  private let sampleInterval: Int64
  /// Records that do not touch this stretch of time are left out.
  private var window: (from: Int64, to: Int64)?
  /// Transfers that one which is still under way may have begun before.
  private var ended = EndedTransfers()
  /// The instant after the last sample of each track.
  private var nextInstants = [Int64](repeating: 0, count: EventRecorder.trackCount)
  /// Where the step loop finds blocks of events.
  let eventPool: RecordPool<Event>
  /// Where it finds blocks of samples.
  let samplePool: RecordPool<Sample>
  /// The file that is being written.
  let path: String

  /// Opens the file and begins to write the program.
  init(
    _ request: TraceRequest, program: LoadedProgram, recording: RunOptions.Trace, computes: Bool
  ) throws(TraceError) {
    path = request.path
    self.program = program
    sampleInterval = recording.intervalPicoseconds
    let events = computes ? Self.eventsWhenComputing : EventRecorder.blockCapacity
    let samples = Self.samplesPerBlock
    eventPool = RecordPool(capacity: events)
    samplePool = RecordPool(capacity: samples)
    var blockBytes = events * MemoryLayout<Event>.stride
    if case .samples = recording { blockBytes = samples * MemoryLayout<Sample>.stride }
    slots = DispatchSemaphore(value: Self.maximumBytes / blockBytes)
    var retention = TraceRetention.all
    if case .ring(let sizeBytes) = recording { retention = .last(sizeBytes: sizeBytes) }
    if case .window(let from, let to) = recording { window = (from.value, to.value) }
    skews = TransferSkews(program.device.dma.skew.value.map(\.value))
    writer = try TraceWriter(
      path: path, metadata: request.metadata, retention: retention, skews: skews)
    enqueue { $0.append(request.program) }
  }

  /// A block of events of one track of the step loop.
  func append(track: Int, events: RecordBlock<Event>) {
    enqueue { recording in
      recording.convert(track: track, events: events)
      recording.eventPool.give(events)
    }
  }

  /// A block of samples of one track of the step loop.
  func append(track: Int, samples: RecordBlock<Sample>) {
    enqueue { recording in
      recording.convert(track: track, samples: samples)
      recording.samplePool.give(samples)
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

  private func convert(track: Int, events: RecordBlock<Event>) {
    guard failure == nil else { return }
    do {
      if track == EventRecorder.dmaTrack {
        try append(transfers: events)
      } else if let id = TrackID(rawValue: UInt8(track)) {
        var records = writer?.takeBuffer() ?? []
        records.reserveCapacity(events.count)
        for index in 0..<events.count { records.append(Self.record(events[index])) }
        try append(records, to: id)
      }
    } catch { failure = error }
  }

  /// A transfer is one record on each DMA engine that takes part; the engines differ by their skew.
  private func append(transfers events: RecordBlock<Event>) throws(TraceError) {
    var transfers: [TraceTransfer] = []
    transfers.reserveCapacity(events.count)
    for index in 0..<events.count {
      let event = events[index]
      guard let shape = program.transferShape(at: Int(event.programCounter)) else { continue }
      var record = Self.record(event)
      record.detail = UInt16(event.ring)
      var engines: UInt16 = 0
      for engine in 0..<min(Int(shape.engines), TrackID.dmaCount)
      where isInWindow(record, skew: skews.values[engine]) {
        engines |= 1 << UInt16(engine)
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
    let kept = window == nil ? records : records.filter { isInWindow($0, skew: 0) }
    if !kept.isEmpty { try writer?.append(track: track, events: kept) }
  }

  private func convert(track: Int, samples: RecordBlock<Sample>) {
    guard failure == nil else { return }
    let id = track == EventRecorder.dmaTrack ? TrackID.dma(0) : TrackID(rawValue: UInt8(track))
    guard let id else { return }
    var runs: [TraceSampleRun] = []
    runs.reserveCapacity(samples.count)
    var time = nextInstants[track]
    for index in 0..<samples.count {
      let sample = samples[index]
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
    queue.sync {}
    if let failure { throw failure }
    let last = ended.takeAll()
    if !last.isEmpty { try writer?.append(transfers: last) }
    guard let writer = writer.take() else { return }
    let end = totals?.duration.value ?? 0
    let tracks = totals.map(Self.trackTotals) ?? []
    try writer.finish(
      state: isComplete ? .complete : .interrupted,
      totals: TraceFile.RunTotals(
        end: end, tracks: tracks, throttled: totals?.throttled.value))
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

  private static func record(_ event: Event) -> TraceEvent {
    TraceEvent(
      start: Picoseconds(event.start), duration: Picoseconds(event.duration),
      wait: Picoseconds(event.wait), stallCause: traceCause(event.cause),
      detail: UInt16(event.semaphore), programCounter: event.programCounter)
  }

  private static func run(_ sample: Sample, at time: Int64) -> TraceSampleRun {
    let state: TrackState =
      if sample.isBusy {
        sample.engines > 0 ? .moving(engines: sample.engines) : .busy
      } else {
        sample.cause == .none ? .idle : .stalled(traceCause(sample.cause))
      }
    return TraceSampleRun(
      first: TraceSample(
        time: Picoseconds(time), state: state, programCounter: sample.programCounter),
      count: sample.count)
  }
}
