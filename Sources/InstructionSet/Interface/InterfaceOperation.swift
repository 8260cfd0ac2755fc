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

  /// The engines whose queue may hold it on Trainium2.
  public var engines: [Engine] { opcodes.last?.engines ?? [] }

  init(
    _ name: String, _ opcodes: [Opcode], as expansion: String? = nil, operands: String,
    formats: String, cost: String, source: String
  ) {
    self.name = name
    self.opcodes = opcodes
    self.expansion = expansion ?? opcodes.map(\.name).joined(separator: " ")
    self.operands = operands
    self.formats = formats
    self.cost = cost
    self.source = source
  }

  /// Every operation that the model knows, by engine and name.
  public static let all: [InterfaceOperation] = tensorEngine + scalarEngine + vectorEngine + others

  private static let captures = "profiler captures"
  private static let reference = "NKI instruction reference, SDK 2.26"
  private static let measured = "third-party micro-benchmarks"
  private static let any = "any in, any out; computed in fp32"

  private static let others: [InterfaceOperation] = [
    InterfaceOperation(
      "iota", [.iota], operands: "dst, up to four (step, size), offset, channel multiplier",
      formats: "32-bit integers, cast to any", cost: "N + 150 cycles", source: reference),
    InterfaceOperation(
      "affine_select", [.affineSelect],
      operands:
        "dst, data, up to four (step, size), offset, channel multiplier, comparison, constant",
      formats: any, cost: "176.9 ns + 0.846 ns x N", source: measured),
    InterfaceOperation(
      "dma_copy", [.dmaDirect], operands: "dst and src in HBM or SBUF, as many elements in each",
      formats: "any; differing ones convert by way of fp32",
      cost: "trigger 550 to 612 ns, 665 ns to the first byte, (bytes/32 + 4) cycles a descriptor",
      source: "\(captures); DMA bandwidth guide"),
    InterfaceOperation(
      "dma_copy (indirect)", [.dmaIndirect],
      operands: "SBUF [P,N], HBM table rows, index SBUF [P,1]; gather or scatter",
      formats: "any; index uint32", cost: "as dma_copy in software, and a time per index row",
      source: "\(reference); the time per row is assumed"),
    InterfaceOperation(
      "dma_transpose", [.dmaTranspose], operands: "dst SBUF [P,F], src HBM or SBUF [F,P]",
      formats: "formats of two and four bytes", cost: "as dma_copy at 90 % (HBM) or 50 % (SBUF)",
      source: "NKI DMA overview"),
    InterfaceOperation(
      "register_move", [.registerMove], operands: "register, constant or register",
      formats: "int32", cost: "68 ns", source: measured),
    InterfaceOperation(
      "register_load", [.tensorLoad], operands: "register, HBM word", formats: "32 bits",
      cost: "574 ns", source: captures),
  ]
}
