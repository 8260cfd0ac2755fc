import CoreState
package import Hardware
import InstructionSet
import NeuronCore
package import ProfileImport
import TraceFile
import Units

/// A report's program on the model, beside what was measured.
///
/// The capture gives the program, the phase of the activity limiter, and updates of semaphores
/// whose source could not be rebuilt; with `usesMeasuredTransfers` also when each transfer's
/// increments came. All else is the model's. Times are compared with the first trigger as zero on
/// both sides.
package struct Replay: Sendable {
  /// One instruction on both sides. Times in picoseconds after the first trigger.
  package struct Row: Sendable {
    /// The row of the report.
    package var measured: ProfileInstruction
    /// The engine.
    package var engine: Engine
    /// When it began on the device.
    package var measuredStart: Int64
    /// When it began on the model.
    package var modelStart: Int64
    /// How long its row is on the model.
    package var modelDuration: Int64
    /// The rate of the tensor engine's activity limiter while it ran, on both sides alike; nil
    /// where they differ, where the rate changed meanwhile, and without the capture's windows.
    package var rate: LimiterRate?
    /// True for the compiler's instructions; false for the barrier before them.
    package var isKernel: Bool
    /// True for an instruction of a data path: no control row and no trigger.
    package var isCompute: Bool
    /// How long the model waited before it.
    var wait: Int64 = 0
    /// Why.
    var cause = TraceFile.StallCause.none
    /// For which semaphore.
    var semaphore: UInt8 = 0
  }

  /// The report.
  package let report: ProfileReport
  /// The core that is replayed.
  package let core: String
  /// The device of the model, with the limiter's phase of the capture.
  package private(set) var device: Device
  /// What was run.
  package private(set) var rebuilt: RebuiltProgram
  /// Every instruction, by program counter.
  package private(set) var rows: [Row] = []
  /// True when the limiter's phase is the capture's.
  package private(set) var hasMeasuredPhase = false
  /// True when the engines start from the capture's last barrier; false when that did not run.
  package private(set) var hasBarrier = true
  /// Whether transfers took their measured time.
  package let usesMeasuredTransfers: Bool
  /// Transfers of which the capture lost increments.
  package private(set) var incompleteTransfers = 0
  /// Updates of semaphores that were taken from the capture.
  package private(set) var givenUpdates = 0
  /// What the model's transfers did.
  private(set) var transfers: [(event: Event, engines: Int)] = []

  /// Rebuilds and runs the report's main core on `device`.
  package init(
    _ report: ProfileReport, on device: Device, usesMeasuredTransfers: Bool
  ) throws(ReplayError) {
    self.report = report
    self.device = device
    self.usesMeasuredTransfers = usesMeasuredTransfers
    let core = report.mainCore
    self.core = core
    guard report.instructions.contains(where: { $0.isCompiled && $0.core == core }) else {
      throw .nothingToReplay(path: report.path)
    }
    rebuilt = RebuiltProgram(report, core: core, device: device, withBarrier: true)
    do { try settle() } catch {
      guard case .failed = error else { throw error }
      // A barrier that is not whole in the capture must not stop the kernel.
      hasBarrier = false
      rebuilt = RebuiltProgram(report, core: core, device: device, withBarrier: false)
      try settle()
    }
  }

  /// Runs until the first trigger's time, which the capture's times are aligned with, is known.
  private mutating func settle() throws(ReplayError) {
    let measured = measuredZero
    var offset = -measured
    // The barrier alone decides the first trigger, so the second pass finds it where it was.
    for _ in 0..<3 {
      try run(offset)
      let found = modelZero - measured
      if found == offset { break }
      offset = found
    }
  }

  private mutating func run(_ offset: Int64) throws(ReplayError) {
    let conditions = Conditions(report: report, core: core, rebuilt: rebuilt, offset: offset)
    if let changed = conditions.deviceWithPhase(device) {
      device = changed
      hasMeasuredPhase = true
    }
    var measured = MeasuredConditions()
    measured.updates = conditions.updates()
    givenUpdates = measured.updates.count
    if usesMeasuredTransfers {
      (measured.transfers, incompleteTransfers) = conditions.transferDelays()
    }
    var observer = TimelineObserver()
    let loaded = try load()
    do {
      let run = try loaded.replay(measured, observer: &observer)
      take(observer)
      takeRates(run.rateChanges)
    } catch let error as RunError {
      throw .failed(error)
    } catch { throw .memory("\(error)") }
  }

  /// Says at which rate the array ran each row of the tensor engine.
  private mutating func takeRates(_ changes: [Int64]) {
    guard hasMeasuredPhase else { return }
    let measured = LimiterRates(report, core: core, lag: device.limiter.lag.value.value)
    let model = LimiterRates(changes: changes, startsHalf: device.limiter.startsHalf.value)
    for index in rows.indices where rows[index].engine == .tensor && rows[index].isCompute {
      let row = rows[index]
      let start = row.modelStart + modelZero
      let rate = measured.rate(from: row.measured.start, to: row.measured.end)
      guard rate == model.rate(from: start, to: start + row.modelDuration) else { continue }
      rows[index].rate = rate
    }
  }

  private func load() throws(ReplayError) -> LoadedProgram {
    do { return try LoadedProgram(rebuilt.program, device: device) } catch {
      let row = error.index.flatMap { rebuilt.rows.indices.contains($0) ? rebuilt.rows[$0] : nil }
      throw .illegal(error, instruction: row.map { "\($0.opcode) \($0.operands)" } ?? "")
    }
  }

  private mutating func take(_ observer: TimelineObserver) {
    transfers = observer.transfers
    let instructions = rebuilt.program.segments[0].instructions
    let zero = measuredZero
    rows = rebuilt.rows.enumerated().map { counter, row in
      let opcode = instructions[counter].operation.opcode
      return Row(
        measured: row, engine: Engine(rawValue: row.engine.rawValue)!,
        measuredStart: row.start - zero, modelStart: 0, modelDuration: 0,
        isKernel: rebuilt.isKernel[counter], isCompute: !opcode.isControl && !opcode.isDMA)
    }
    for (event, _) in observer.instructions {
      let counter = Int(event.programCounter)
      rows[counter].modelStart = event.start
      rows[counter].modelDuration = event.duration
      rows[counter].wait = event.wait
      rows[counter].cause = Self.cause(event.cause)
      rows[counter].semaphore = instructions[counter].wait.semaphore
    }
    modelZero = rows[zeroCounter].modelStart
    for index in rows.indices { rows[index].modelStart -= modelZero }
    for index in transfers.indices { transfers[index].event.start -= modelZero }
  }

  private static func cause(_ cause: NeuronCore.StallCause) -> TraceFile.StallCause {
    switch cause {
    case .none: .none
    case .semaphore: .semaphore
    case .dma: .dma
    case .dependency, .port: .dependency
    case .queueEmpty: .queueEmpty
    }
  }

  // MARK: The common zero

  /// The program counter of the first trigger of the kernel, or of its first row without one.
  private var zeroCounter: Int {
    let instructions = rebuilt.program.segments[0].instructions
    let kernel = rebuilt.rows.indices.filter { rebuilt.isKernel[$0] }
    let triggers = kernel.filter { instructions[$0].operation.opcode.isDMA }
    let candidates = triggers.isEmpty ? kernel : triggers
    return candidates.min { (rebuilt.rows[$0].start, $0) < (rebuilt.rows[$1].start, $1) } ?? 0
  }

  private var measuredZero: Int64 { rebuilt.rows[zeroCounter].start }
  /// When the same instruction began on the model's own clock, in the last run.
  private var modelZero: Int64 = 0
}
