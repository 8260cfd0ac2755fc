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

  var wait = SemaphoreWait.none
  var update = SemaphoreUpdate.none
  /// Index into the loaded costs.
  var cost: UInt32 = 0
  /// Tensor engine: cycles that the rows stream, or that the weights load, at full rate.
  /// DMA triggers: index into the loaded transfers.
  var extent: Int32 = 0
  /// Tensor engine: bubble cycles of a weight load that the half rate hides.
  var loadBubbleCycles: Int16 = 0
  /// Tiles of the tensor engine's array in use, one bit per 32 × 32 tile.
  var region: UInt16 = .max
  var opcode = Opcode.nop
  /// Which part of the engine's law applies.
  var kind = Cost.Kind.control
  /// PSUM banks that a streaming instruction touches, one bit each.
  var banks: UInt8 = 0
  var traits: Traits = []
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
    let loader = ProgramLoader(program, device: device, surroundings: surroundings)
    let loaded = try loader.load()
    for invocation in program.invocations {
      let declared = program.segments[invocation.segment].tensors.count
      guard invocation.tensors.count == declared else {
        throw Fault(
          program.segments[invocation.segment].name, operand: "tensors",
          .unboundTensor(index: invocation.tensors.count, count: declared))
      }
    }
    bases = program.segments.reduce(into: [0]) { $0.append($0.last! + $1.instructions.count) }
    records = loaded.records
    costs = FixedBuffer(loaded.costs)
    transfers = loaded.transfers
  }

  /// Machine instructions in one pass over all invocations, loops not unrolled.
  public var staticInstructionCount: Int {
    program.invocations.reduce(0) { $0 + program.segments[$1.segment].instructions.count }
  }

  /// The semaphore that the instruction of a program counter waits for, if it waits.
  public func waitSemaphore(at counter: Int) -> UInt8 { records[counter].wait.semaphore }

  /// How the transfer of a program counter is cut and dealt; nil for other instructions.
  public func transferShape(at counter: Int) -> TransferShape? {
    records[counter].opcode.isDMA ? transfers[Int(records[counter].extent)] : nil
  }
}
