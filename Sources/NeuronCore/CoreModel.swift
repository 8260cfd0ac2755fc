public import CoreState
import Hardware
import InstructionSet

/// One NeuronCore that runs a loaded program: five in-order engines, the DMA engines, semaphores.
///
/// The step loop always advances whoever is next in time; ties go to the transfers, then to the
/// engines in the order of `Engine`. No update can arrive that is earlier than the current time, so
/// every decision is final when it is made.
public struct CoreModel: ~Copyable {
  let loaded: LoadedProgram
  /// The memories and registers.
  public var core: CoreState
  /// True when values are computed as well as times.
  let computes: Bool
  let laws: EngineLaws
  /// True when instructions do more than take time.
  let hasEffects: Bool
  var engines: FixedBuffer<EngineState>
  var recent: RecentTimes
  var semaphores: SemaphoreFile
  var array: TensorArray
  var dma: DMAQueues
  /// Watches the accesses of a checked run.
  let sanitizer: Sanitizer?
  /// The invocation whose tensors the core's addresses name.
  var boundInvocation = -1
  /// The latest completion of anything.
  var endTime: Int64 = 0
  /// When each invocation's last instruction completed.
  var invocationEnds: FixedBuffer<Int64>
  /// The step loop stops before anything that happens at this time or after.
  var limit = Int64.max
  /// False before the first step.
  var hasStarted = false
  /// Instructions that meet those of other cores and are not settled.
  var meetings: [Meeting] = []
  /// True when the step loop stops where the core's demand on its HBM stack changes.
  var sharesStack = false
  /// The demand at the last stop.
  var knownDemand: Int64 = 0
  /// Transfers whose increments come when they were measured, by program counter; see `replay`.
  var measuredTransfers: [UInt32: [Int64]] = [:]

  /// A core that is about to run a program.
  ///
  /// - Parameters:
  ///   - computes: false for timing mode, in which no image of SBUF, PSUM or HBM is made.
  ///   - checksHazards: true to watch the accesses: see `HazardReport.Kind`.
  ///   - hbm: the memory that it shares with another core; nil for its own.
  ///   - hbmShare: what it may take of HBM, in bytes per microsecond; nil for an equal share of the
  ///     chip's bandwidth.
  public init(
    _ loaded: LoadedProgram, computes: Bool, checksHazards: Bool, hbm: HBMMemory? = nil,
    hbmShare: Int64? = nil
  ) throws(MemoryError) {
    self.loaded = loaded
    self.computes = computes
    hasEffects = computes || checksHazards
    let device = loaded.device
    let ownBytes = computes ? max(1, loaded.program.hbmBytes) : 0
    var memory = hbm
    if memory == nil { memory = try HBMMemory(sizeBytes: ownBytes) }
    core = try CoreState(device: device, hbm: memory!)
    laws = EngineLaws(device: device)
    engines = FixedBuffer(repeating: EngineState(), count: Engine.allCases.count)
    recent = RecentTimes(engines: Engine.allCases.count)
    semaphores = SemaphoreFile(count: device.memory.semaphores.value)
    array = TensorArray(device: device)
    dma = DMAQueues(device: device, share: hbmShare)
    invocationEnds = FixedBuffer(repeating: 0, count: loaded.program.invocations.count)
    sanitizer = checksHazards ? Sanitizer(loaded) : nil
  }

  /// Runs the program to its end with nobody watching.
  public mutating func run(isCancelled: () -> Bool = { false }) throws(RunError) -> RunTotals {
    var observer = NoObserver()
    return try loop(&observer, isCancelled)
  }

  /// Runs the program to its end and records every event.
  public mutating func run(recording recorder: inout EventRecorder, isCancelled: () -> Bool)
    throws(RunError) -> RunTotals
  {
    try loop(&recorder, isCancelled)
  }
}
