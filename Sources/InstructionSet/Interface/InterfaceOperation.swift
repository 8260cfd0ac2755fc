public import Hardware

/// One operation of the public kernel interface, for listings: what it takes, what it becomes, what
/// it costs and where that is known from.
public struct InterfaceOperation: Hashable, Sendable {
  /// The name in the kernel interface.
  public var name: String
  /// The machine instructions that it becomes, in order; those in brackets only when needed.
  public var expansion: String
  /// The opcodes of the expansion.
  public var opcodes: [Opcode]
  /// The operands.
  public var operands: String
  /// The number formats that it takes.
  public var formats: String
  /// The law of its cost, N being elements per partition.
  public var cost: String
  /// Where the law is from.
  public var source: String

  /// The first generation of NeuronCore that has it.
  public var since: Int
  private var chosenEngines: [Engine]?

  /// The engines whose queue may hold it, on the generation that allows most.
  public var engines: [Engine] { chosenEngines ?? opcodes.last?.engines ?? [] }

  /// The engines whose queue may hold it on a generation of NeuronCore; none where it is missing.
  public func engines(generation: Int) -> [Engine] {
    guard generation >= since else { return [] }
    return chosenEngines ?? opcodes.last?.engines(generation: generation) ?? []
  }

  init(
    _ name: String, _ opcodes: [Opcode], as expansion: String? = nil, operands: String,
    formats: String, cost: String, source: String, since: Int = 2, only engines: [Engine]? = nil
  ) {
    self.since = since
    chosenEngines = engines
    self.name = name
    self.opcodes = opcodes
    self.expansion = expansion ?? opcodes.map(\.name).joined(separator: " ")
    self.operands = operands
    self.formats = formats
    self.cost = cost
    self.source = source
  }

  /// Every operation that the model knows, by engine and name.
  public static let all: [InterfaceOperation] = sections.flatMap(\.operations)

  /// The same in the order of the engines.
  public static let sections: [Section] = [
    Section(title: "Tensor engine", operations: tensorEngine),
    Section(title: "Scalar engine", operations: scalarEngine),
    Section(title: "Vector engine", operations: vectorEngine),
    Section(title: "GpSimd engine", operations: gpsimdEngine),
    Section(title: "DMA and exchanges", operations: transfers),
    Section(title: "Registers and control flow", operations: control),
    Section(title: "Collectives: the part of one core", operations: collectives),
  ]

  /// Operations that belong together.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// The operations in order.
    public var operations: [InterfaceOperation]
  }
}
