public import CoreState
public import Hardware
import Units

/// The rows that the sequencer carries out by itself: waits, updates and bookkeeping.
///
/// Source: durations and intervals from profiler captures of four attention kernels (control
/// instructions); the device holds them per engine.
public struct ControlInstruction: MachineInstruction {
  /// NOP, EVENT_SEMAPHORE, EVENT_SEMAPHORE_RANGE_CLEAR, DRAIN, NOTIFY or SET_ORDERING_MODE.
  public var opcode = Opcode.nop
  /// EVENT_SEMAPHORE_RANGE_CLEAR: first semaphore cleared.
  public var first: Int32 = 0
  /// EVENT_SEMAPHORE_RANGE_CLEAR: semaphores cleared.
  public var count: Int32 = 0

  public init() {}

  /// A row without operands.
  public init(_ opcode: Opcode) { self.opcode = opcode }

  /// Sets `count` semaphores from `first` on to zero.
  public init(clear first: Int, count: Int) {
    opcode = .eventSemaphoreRangeClear
    self.first = Int32(first)
    self.count = Int32(count)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    guard opcode == .eventSemaphoreRangeClear else { return }
    try visitor.integer("first", &first)
    try visitor.integer("count", &count)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    let limit = rules.device.memory.semaphores.value
    guard first >= 0, count >= 0, Int(first) + Int(count) <= limit else {
      throw rules.fault(
        "count", .value(found: "\(first)+\(count)", allowed: "semaphores 0 to \(limit - 1)"))
    }
  }

  /// Semaphores belong to the sequencers; no data changes.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.sequencer
    switch opcode {
    case .eventSemaphore:
      return .control(law.eventSemaphoreDuration[engine], next: law.eventSemaphoreNext[engine])
    case .eventSemaphoreRangeClear:
      return .control(law.rangeClear[engine], next: law.rangeClearNext[engine])
    case .drain: return .control(law.drainDuration[engine], next: law.drainNext[engine])
    case .notify: return .control(law.notifyDuration[engine], next: law.notifyNext[engine])
    case .setOrderingMode:
      return .control(law.setOrderingMode[engine], next: law.setOrderingModeNext[engine])
    default: return .control(law.nopDuration[engine], next: law.nopNext[engine])
    }
  }
}
