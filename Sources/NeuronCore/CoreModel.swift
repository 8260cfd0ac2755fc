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
  var engines: [EngineState]
  var recent: RecentTimes
  var semaphores: SemaphoreFile
  var array: TensorArray
  var dma: DMAQueues
  var hazards: HazardDetector?
  /// Engines that wait for each semaphore, one bit each.
  var waiters: [UInt8]
  /// Semaphores that transfers update, for stall causes.
  var isUpdatedByDMA: [Bool]
  var stalls: [[Int64]]
  /// The invocation whose tensors the core's addresses name.
  var boundInvocation = -1
  /// The latest completion of anything.
  var endTime: Int64 = 0
  /// When each invocation's last instruction completed.
  var invocationEnds: [Int64]

  /// A core that is about to run a program.
  ///
  /// - Parameters:
  ///   - computes: false for timing mode, in which no image of SBUF, PSUM or HBM is made.
  ///   - checksHazards: true to report accesses that no semaphore orders.
  public init(_ loaded: LoadedProgram, computes: Bool, checksHazards: Bool) throws(MemoryError) {
    self.loaded = loaded
    self.computes = computes
    let device = loaded.device
    core = try CoreState(device: device, hbmBytes: computes ? max(1, loaded.program.hbmBytes) : 0)
    laws = EngineLaws(device: device)
    engines = Array(repeating: EngineState(), count: Engine.allCases.count)
    recent = RecentTimes(engines: Engine.allCases.count)
    let count = device.memory.semaphores.value
    semaphores = SemaphoreFile(count: count)
    array = TensorArray(device: device)
    dma = DMAQueues(device: device)
    invocationEnds = Array(repeating: 0, count: loaded.program.invocations.count)
    hazards = checksHazards ? HazardDetector(device: device) : nil
    waiters = Array(repeating: 0, count: count)
    isUpdatedByDMA = Array(repeating: false, count: count)
    stalls = Array(
      repeating: Array(repeating: 0, count: StallCause.allCases.count),
      count: Engine.allCases.count)
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

  /// Runs the program to its end and samples the engines.
  public mutating func run(sampling sampler: inout Sampler, isCancelled: () -> Bool)
    throws(RunError) -> RunTotals
  {
    try loop(&sampler, isCancelled)
  }
}
