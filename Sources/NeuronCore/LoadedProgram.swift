public import Hardware
public import InstructionSet

/// What the step loop reads of an instruction: small, flat and without references.
struct IssueRecord: BitwiseCopyable {
  var wait: SemaphoreWait
  var update: SemaphoreUpdate
  /// Index into the loaded costs.
  var cost: UInt32
  /// Index into the loaded transfers, for DMA triggers.
  var transfer: UInt32
  var opcode: Opcode
  /// Runs in the sequencer and may change registers or the program counter.
  var touchesRegisters: Bool
  /// Adds a register to an address: bounds are checked when it runs.
  var isDynamic: Bool
  /// Tiles of the tensor engine's array in use, one bit per 32 × 32 tile.
  var region: UInt16
}

/// A program checked against a device, with every cost worked out. Loading it is where an illegal
/// program is refused; after that the step loop trusts it.
///
/// A class because it is large and never changes: a device alone holds hundreds of constants, and
/// every run of the program shares one copy.
public final class LoadedProgram: Sendable {
  /// The device that it was checked for.
  public let device: Device
  /// The program.
  public let program: Program
  let records: [IssueRecord]
  let costs: [Cost]
  let transfers: [TransferShape]
  /// First program counter of each segment, and one past the last.
  public let bases: [Int]

  /// Checks every instruction and works out its cost.
  ///
  /// - Throws: the first `Fault` in program order.
  public init(_ program: Program, device: Device) throws(Fault) {
    self.program = program
    self.device = device
    var loader = SegmentLoader(device: device)
    var bases = [0]
    for segment in program.segments {
      try loader.load(segment)
      bases.append(bases.last! + segment.instructions.count)
    }
    for invocation in program.invocations {
      let declared = program.segments[invocation.segment].tensors.count
      guard invocation.tensors.count == declared else {
        throw Fault(
          program.segments[invocation.segment].name, operand: "tensors",
          .unboundTensor(index: invocation.tensors.count, count: declared))
      }
    }
    self.bases = bases
    records = loader.records
    costs = loader.index.costs
    transfers = loader.transfers
  }

  /// Machine instructions in one pass over all invocations, loops not unrolled.
  public var staticInstructionCount: Int {
    program.invocations.reduce(0) { $0 + program.segments[$1.segment].instructions.count }
  }

  /// How the transfer of a program counter is cut and dealt; nil for other instructions.
  public func transferShape(at counter: Int) -> TransferShape? {
    records[counter].opcode.isDMA ? transfers[Int(records[counter].transfer)] : nil
  }
}

/// Checks segments one after the other and collects what the step loop reads of them.
private struct SegmentLoader {
  let shared: SharedDevice
  var records: [IssueRecord] = []
  var transfers: [TransferShape] = []
  var index = CostIndex()

  init(device: Device) { shared = SharedDevice(device) }

  private var device: Device { _read { yield shared.device } }

  mutating func load(_ segment: Segment) throws(Fault) {
    records.reserveCapacity(records.count + segment.instructions.count)
    for engine in Engine.allCases {
      let range = segment.range(of: engine)
      for position in range {
        let instruction = segment.instructions[position]
        do {
          let rules = OperandRules(
            device: shared, engine: engine, instruction: instruction.operation.opcode.name,
            tensorCount: segment.tensors.count, queueLength: range.count)
          try instruction.operation.validate(rules)
          records.append(try record(instruction, engine, rules, segment))
        } catch {
          var fault = error
          fault.index = position
          throw fault
        }
      }
    }
  }

  private mutating func record(
    _ instruction: Instruction, _ engine: Engine, _ rules: OperandRules, _ segment: Segment
  ) throws(Fault) -> IssueRecord {
    let operation = instruction.operation
    var result = IssueRecord(
      wait: instruction.wait, update: instruction.update,
      cost: index.add(operation.cost(on: device, engine: engine)), transfer: 0,
      opcode: operation.opcode, touchesRegisters: operation.touchesRegisters,
      isDynamic: operation.isDynamic, region: operation.arrayRegion(device))
    if operation.opcode.readsTensors { try operation.checkTensorBounds(segment.tensors, rules) }
    if let shape = operation.transferShape(on: device, engine: engine) {
      try checkUpdate(instruction.update, shape, rules)
      result.transfer = UInt32(transfers.count)
      transfers.append(shape)
    }
    return result
  }

  /// Each DMA engine that takes part increments the semaphore by one.
  private func checkUpdate(
    _ update: SemaphoreUpdate, _ shape: TransferShape, _ rules: OperandRules
  ) throws(Fault) {
    guard update.operation != .none else { return }
    guard update.operation == .add, update.value == UInt32(shape.engines) else {
      throw rules.fault(
        "update",
        .semaphoreValue(
          found: update.operation == .add ? Int(update.value) : 0, expected: Int(shape.engines)))
    }
  }
}

/// Costs by value: programs have few distinct ones.
private struct CostIndex {
  var costs: [Cost] = []
  private var positions: [Cost: UInt32] = [:]

  mutating func add(_ cost: Cost) -> UInt32 {
    if let position = positions[cost] { return position }
    let position = UInt32(costs.count)
    costs.append(cost)
    positions[cost] = position
    return position
  }
}
