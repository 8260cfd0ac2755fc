import CoreState
public import Hardware
public import InstructionSet

/// What the step loop reads of an instruction: small, flat and without references.
struct IssueRecord: BitwiseCopyable {
  /// What the step loop must know beside the law.
  struct Traits: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    /// Runs in the sequencer and may change registers or the program counter.
    static let touchesRegisters = Traits(rawValue: 1)
    /// Adds a register to an address: bounds are checked when it runs.
    static let isDynamic = Traits(rawValue: 2)
    /// A row of the tensor engine that waits for nothing.
    static let isFreeRow = Traits(rawValue: 4)
    /// Meets instructions of other cores.
    static let meetsOthers = Traits(rawValue: 8)
    /// Has an effect even where only time counts.
    static let actsInTime: Traits = [.touchesRegisters, .meetsOthers]
  }

  var wait: SemaphoreWait
  var update: SemaphoreUpdate
  /// Index into the loaded costs.
  var cost: UInt32
  /// Tensor engine: cycles that the rows stream, or that the weights load, at full rate.
  /// DMA triggers: index into the loaded transfers.
  var extent: Int32
  /// Tensor engine: bubble cycles of a weight load that the half rate hides.
  var loadBubbleCycles: Int16
  /// Tiles of the tensor engine's array in use, one bit per 32 × 32 tile.
  var region: UInt16
  var opcode: Opcode
  /// Which part of the engine's law applies.
  var kind: Cost.Kind
  /// PSUM banks that a streaming instruction touches, one bit each.
  var banks: UInt8
  var traits: Traits
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
  let records: FixedBuffer<IssueRecord>
  let costs: FixedBuffer<Cost>
  let transfers: [TransferShape]
  /// First program counter of each segment, and one past the last.
  public let bases: [Int]

  /// Checks every instruction and works out its cost.
  ///
  /// - Parameter surroundings: what the core runs in: by itself, unless a chip model says more.
  /// - Throws: the first `Fault` in program order.
  public init(_ program: Program, device: Device, in surroundings: Surroundings = .loneCore)
    throws(Fault)
  {
    self.program = program
    self.device = device
    var loader = SegmentLoader(device: device, surroundings: surroundings)
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
    records = FixedBuffer(loader.records)
    costs = FixedBuffer(loader.index.costs)
    transfers = loader.transfers
  }

  /// Machine instructions in one pass over all invocations, loops not unrolled.
  public var staticInstructionCount: Int {
    program.invocations.reduce(0) { $0 + program.segments[$1.segment].instructions.count }
  }

  /// How the transfer of a program counter is cut and dealt; nil for other instructions.
  public func transferShape(at counter: Int) -> TransferShape? {
    records[counter].opcode.isDMA ? transfers[Int(records[counter].extent)] : nil
  }
}

/// Checks segments one after the other and collects what the step loop reads of them.
private struct SegmentLoader {
  let device: Device
  let surroundings: Surroundings
  var records: [IssueRecord] = []
  var transfers: [TransferShape] = []
  var index = CostIndex()

  init(device: Device, surroundings: Surroundings) {
    self.device = device
    self.surroundings = surroundings
  }

  mutating func load(_ segment: Segment) throws(Fault) {
    records.reserveCapacity(records.count + segment.instructions.count)
    for engine in Engine.allCases {
      let range = segment.range(of: engine)
      for position in range {
        let instruction = segment.instructions[position]
        do {
          let rules = OperandRules(
            device: device, engine: engine, instruction: instruction.operation.opcode.name,
            tensorCount: segment.tensors.count, queueLength: range.count,
            surroundings: surroundings)
          try instruction.operation.validate(rules)
          let isBlock = instruction.operation.opcode == .streamTranspose
          let hasNext = position + 1 < range.upperBound
          let next = isBlock && hasNext ? segment.instructions[position + 1].operation : nil
          records.append(try record(instruction, before: next, rules, segment))
        } catch {
          var fault = error
          fault.index = position
          throw fault
        }
      }
    }
  }

  private mutating func record(
    _ instruction: Instruction, before next: Operation?, _ rules: OperandRules,
    _ segment: Segment
  ) throws(Fault) -> IssueRecord {
    let operation = instruction.operation
    let engine = rules.engine
    let cost = operation.cost(on: device, engine: engine, before: next)
    let isRow = cost.kind == .matmul || cost.kind == .loadWeights
    var traits: IssueRecord.Traits = []
    if operation.touchesRegisters { traits.insert(.touchesRegisters) }
    if operation.isDynamic { traits.insert(.isDynamic) }
    if operation.opcode.meetsOtherCores { traits.insert(.meetsOthers) }
    if isRow, instruction.wait.condition == .none { traits.insert(.isFreeRow) }
    var result = IssueRecord(
      wait: instruction.wait, update: instruction.update, cost: index.add(cost),
      extent: cost.kind == .matmul ? Int32(clamping: cost.streamTenths / 10) : cost.loadCycles,
      loadBubbleCycles: cost.loadBubbleCycles, region: operation.arrayRegion(device),
      opcode: operation.opcode, kind: cost.kind, banks: cost.banks, traits: traits)
    if operation.opcode.readsTensors { try operation.checkTensorBounds(segment.tensors, rules) }
    if let shape = operation.transferShape(on: device, engine: engine) {
      try checkUpdate(instruction.update, shape, rules)
      result.extent = Int32(transfers.count)
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
