public import CoreState
public import Hardware
import Units

/// ACT_TABLE_LOAD: swaps the scalar engine's set of functions.
///
/// Values do not depend on it: a function runs by its name. Without the load before it a program is
/// only too fast, so kernels emit it through the `activation` interface operation.
/// Source: profiler captures and two third-party measurements (1,283 ns).
public struct ActivationTableLoad: MachineInstruction {
  /// The set that is loaded.
  public var table = ActivationTable.everySet

  public var opcode: Opcode { .activationTableLoad }
  public init() {}

  /// Loads `table`.
  public init(_ table: ActivationTable) { self.table = table }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.choice("table", &table)
  }

  /// Tables hold no data of the program.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    .fixedScalar(device.scalar.tableLoad.value, next: device.scalar.tableLoad.value)
  }
}
