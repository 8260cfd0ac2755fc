public import CoreState
public import Hardware
import NumericFormats
import Units

/// The collectives that a core can start.
public enum CollectiveKind: UInt8, OperandChoice, BitwiseCopyable {
  case allReduce, allGather, allGatherVariable, reduceScatter, allToAll, allToAllVariable
  case permute, permuteImplicit, permuteImplicitReduce

  public var text: String {
    switch self {
    case .allReduce: "all_reduce"
    case .allGather: "all_gather"
    case .allGatherVariable: "all_gather_v"
    case .reduceScatter: "reduce_scatter"
    case .allToAll: "all_to_all"
    case .allToAllVariable: "all_to_all_v"
    case .permute: "collective_permute"
    case .permuteImplicit: "collective_permute_implicit"
    case .permuteImplicitReduce: "collective_permute_implicit_reduce"
    }
  }

  /// True when elements of several ranks are combined.
  var reduces: Bool {
    self == .allReduce || self == .reduceScatter || self == .permuteImplicitReduce
  }
}

/// COLLECTIVE_TRIGGER: hands a collective over local buffers to the cores that run collectives.
///
/// What the ranks exchange belongs to a model of the chip and its links: one core by itself
/// refuses. The opcode's name is ours; traces show the transfers alone.
/// Source: NKI collectives reference (operands in HBM or SBUF, never both; all-to-all in HBM only;
/// sums, minima and maxima; priorities from NeuronCore-v4 on); the trigger's time is assumed.
public struct Collective: MachineInstruction {
  /// Where the results go.
  public var destination = DataLocation.onChip(AccessPattern())
  /// What this rank contributes.
  public var source = DataLocation.onChip(AccessPattern())
  /// Which collective.
  public var kind = CollectiveKind.allReduce
  /// add, min or max, for those that reduce.
  public var operation = ALUOperation.add
  /// Index of the group of ranks in the program's table.
  public var group: Int32 = 0
  /// NeuronCore-v4: 0 is served first, 3 last.
  public var priority: Int32 = 0

  public var opcode: Opcode { .collective }
  public init() {}

  /// Starts a collective over the ranks of a group.
  public init(
    _ kind: CollectiveKind, _ destination: DataLocation, from source: DataLocation,
    _ operation: ALUOperation = .add, group: Int = 0
  ) {
    self.kind = kind
    self.destination = destination
    self.source = source
    self.operation = operation
    self.group = Int32(group)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.transfer("dst", &destination, isWrite: true)
    try visitor.transfer("src", &source, isWrite: false)
    try visitor.choice("kind", &kind)
    try visitor.choice("op", &operation)
    try visitor.integer("group", &group)
    try visitor.integer("priority", &priority)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.checkPriority(priority)
    if kind == .allGatherVariable { try rules.require("kind", generation: 3) }
    guard source.isHBM == destination.isHBM else {
      throw rules.fault(
        "src", .space(found: "another memory than dst", allowed: "hbm or sbuf for both"))
    }
    if kind == .allToAll || kind == .allToAllVariable, !source.isHBM {
      throw rules.fault("src", .space(found: "sbuf", allowed: "hbm"))
    }
    for (name, location) in [("dst", destination), ("src", source)] {
      guard case .onChip(let access) = location, access.dimensionCount > 1 else { continue }
      throw rules.fault(name, .dimensionCount(found: Int(access.dimensionCount), limit: 1))
    }
    if kind.reduces, ![.add, .min, .max].contains(operation) {
      throw rules.fault("op", .value(found: operation.text, allowed: "add, min, max"))
    }
    try rules.require(.chip, needs: "the other ranks of its group: a model of the chip")
  }

  /// The fabric moves the elements; a core only starts it.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.collectiveTrigger.value
    return .control(duration, next: duration)
  }
}
