public import CoreState
public import Hardware
import Units

/// PSEUDO_CORE_BARRIER: the engine goes on when the same engine of the other core of the logical
/// core has come here too: a write to a semaphore of the other core, and a wait for its write.
///
/// Source: NKI instruction reference (core_barrier: from NeuronCore-v3 on; blocks one engine); the
/// time is assumed.
public struct CoreBarrier: MachineInstruction {
  /// Barriers of one number meet each other.
  public var identifier: Int32 = 0
  /// The semaphore, 0 to 255, that the cores write at each other.
  public var semaphore: Int32 = 0

  public var opcode: Opcode { .coreBarrier }
  public init() {}

  /// Meets the other core's barrier of that number.
  public init(_ identifier: Int, semaphore: Int) {
    self.identifier = Int32(identifier)
    self.semaphore = Int32(semaphore)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.integer("id", &identifier)
    try visitor.integer("semaphore", &semaphore)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    let limit = rules.device.memory.semaphores.value
    guard semaphore >= 0, Int(semaphore) < limit else {
      throw rules.fault(
        "semaphore", .value(found: "\(semaphore)", allowed: "0 to \(limit - 1)"))
    }
    try rules.require(.logicalCore, needs: "a logical core of two cores (LNC=2)")
  }

  /// No data changes; a model of two cores holds the engine.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.coreBarrier.value
    return .control(duration, next: duration)
  }
}
