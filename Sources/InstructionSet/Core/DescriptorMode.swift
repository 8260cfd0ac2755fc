import Hardware

/// Who makes the descriptors of a transfer.
///
/// Source: NKI descriptor-generation guide; hardware generation exists from NeuronCore-v3 on.
public enum DescriptorMode: UInt8, OperandChoice, BitwiseCopyable {
  /// By the queue: GpSimd in software, the scalar and sync engines as the device does it.
  case automatic
  /// Nobody: the host stored them before the run, and the trigger is one register write.
  case stored
  /// GpSimd's software.
  case software
  /// The generator that the scalar and sync queues call.
  case hardware

  public static let canBeOmitted = true

  public var text: String {
    switch self {
    case .automatic: "auto"
    case .stored: "none"
    case .software: "swdge"
    case .hardware: "hwdge"
    }
  }

  /// True when GpSimd builds the descriptors while it triggers on that queue.
  func isSoftware(on engine: Engine) -> Bool { engine == .gpsimd && self != .stored }

  /// The queue must be able to make descriptors that way.
  func check(_ rules: OperandRules) throws(Fault) {
    switch self {
    case .automatic, .stored: return
    case .software:
      guard rules.engine == .gpsimd else {
        throw rules.fault("dge", .engine(allowed: [Engine.gpsimd.name]))
      }
    case .hardware:
      try rules.require("dge", generation: 3)
      guard rules.engine != .gpsimd else {
        throw rules.fault("dge", .engine(allowed: [Engine.scalar.name, Engine.sync.name]))
      }
    }
  }
}

extension OperandRules {
  /// Priorities are 0 (first) to 3, and only NeuronCore-v4 looks at them.
  func checkPriority(_ priority: Int32) throws(Fault) {
    guard (0...3).contains(priority) else {
      throw fault("priority", .value(found: "\(priority)", allowed: "0 to 3"))
    }
    if priority != 0 { try require("priority", generation: 4) }
  }
}
