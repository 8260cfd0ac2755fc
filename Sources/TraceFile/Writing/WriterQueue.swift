import Foundation
import Units

/// Hands buffers from the modelling thread to the one writing thread.
///
/// A class because two threads share it; `condition` guards every property but `builder`, which the
/// writing thread alone touches once it runs.
final class WriterQueue: @unchecked Sendable {
  /// What the writing thread does next.
  enum Job {
    case program([ProgramRow])
    case programBlocks(ProgramBlocks)
    case table(TraceTable)
    case events(TrackID, [TraceEvent])
    case transfers([TraceTransfer])
    case runs(TrackID, [TraceSampleRun], step: Picoseconds)
    case finish(RunState, RunTotals?)
    case abandon

    /// Bytes that wait in memory.
    var sizeBytes: Int {
      switch self {
      case .program(let rows): rows.count * MemoryLayout<ProgramRow>.stride
      case .programBlocks(let program): program.blocks.reduce(0) { $0 + $1.output.count }
      case .table(let table): table.json.count
      case .events(_, let events): events.count * MemoryLayout<TraceEvent>.stride
      case .transfers(let transfers): transfers.count * MemoryLayout<TraceTransfer>.stride
      case .runs(_, let runs, _): runs.count * MemoryLayout<TraceSampleRun>.stride
      case .finish, .abandon: 0
      }
    }
  }

  /// Bytes that may wait: 24 MiB. A producer that is further ahead waits.
  static let limitBytes = 24 << 20
  /// Emptied buffers kept for reuse.
  private static let spareLimit = 8

  private let condition = NSCondition()
  private var jobs: [Job] = []
  private var queuedBytes = 0
  private var failure: TraceError?
  private var spares: [[TraceEvent]] = []
  private var isClosed = false
  private var isDone = false
  private var builder: TraceFileBuilder

  init(
    path: String, metadata: TraceMetadata, retention: TraceRetention, skews: TransferSkews
  ) throws(TraceError) {
    builder = try TraceFileBuilder.create(
      path: path, metadata: metadata, retention: retention, skews: skews)
  }

  func start() {
    let thread = Thread { [self] in run() }
    thread.name = "trace writer"
    thread.start()
  }

  // MARK: Modelling thread

  /// Adds a job; waits while the queue is full; throws what the writing thread met.
  func push(_ job: Job) throws(TraceError) {
    condition.lock()
    defer { condition.unlock() }
    while queuedBytes > 0, queuedBytes + job.sizeBytes > Self.limitBytes, failure == nil {
      condition.wait()
    }
    if let failure { throw failure }
    jobs.append(job)
    queuedBytes += job.sizeBytes
    condition.broadcast()
  }

  /// An empty buffer, with the capacity of one that was written before when there is one.
  func takeSpare() -> [TraceEvent] {
    condition.lock()
    defer { condition.unlock() }
    return spares.popLast() ?? []
  }

  /// Adds the last job, once, and waits until the writing thread has ended.
  func close(_ job: Job) throws(TraceError) {
    condition.lock()
    defer { condition.unlock() }
    if !isClosed {
      isClosed = true
      jobs.append(job)
      condition.broadcast()
    }
    while !isDone { condition.wait() }
    if let failure { throw failure }
  }

  // MARK: Writing thread

  private func run() {
    while true {
      condition.lock()
      while jobs.isEmpty { condition.wait() }
      var batch: [Job] = []
      swap(&batch, &jobs)
      condition.unlock()
      for job in batch {
        // After a failure the rest is thrown away: the caller learns of it at its next call.
        if !isFailed { perform(job) }
        switch job {
        case .finish, .abandon: return end()
        default: release(job)
        }
      }
    }
  }

  private func perform(_ job: Job) {
    do throws(TraceError) {
      switch job {
      case .program(let rows): try builder.append(program: rows)
      case .programBlocks(let program): try builder.append(program)
      case .table(let table): try builder.append(table: table)
      case .events(let track, let events): try builder.append(track: track, events: events)
      case .transfers(let transfers): try builder.append(transfers: transfers)
      case .runs(let track, let runs, let step):
        try builder.append(track: track, runs: runs, step: step)
      case .finish(let state, let totals): try builder.finish(state: state, totals: totals)
      case .abandon: break
      }
    } catch {
      condition.lock()
      failure = failure ?? error
      condition.unlock()
    }
  }

  private var isFailed: Bool {
    condition.lock()
    defer { condition.unlock() }
    return failure != nil
  }

  /// Makes room in the queue and keeps the emptied buffer.
  private func release(_ job: consuming Job) {
    let size = job.sizeBytes
    var spare: [TraceEvent]?
    if case .events(_, let events) = job { spare = events }
    job = .abandon
    spare?.removeAll(keepingCapacity: true)
    condition.lock()
    queuedBytes -= size
    if let spare, spares.count < Self.spareLimit { spares.append(spare) }
    condition.broadcast()
    condition.unlock()
  }

  private func end() {
    condition.lock()
    isDone = true
    condition.broadcast()
    condition.unlock()
  }
}
