public import CoreState
public import Hardware
import NumericFormats
import Units

/// N_GATHER: dst[p, i] = src[p, index[p, i]], every partition on its own; bits are unchanged. An
/// index beyond the row is a fault.
///
/// Source: NKI instruction reference (nc_n_gather: a group of instructions per 512 elements); its
/// cost is not published: assumed one address and one access at a time per lane.
public struct FreeGather: MachineInstruction {
  /// The elements picked.
  public var destination = AccessPattern()
  /// The rows picked from.
  public var source = AccessPattern()
  /// Places in the row, uint32; one for each element of `destination`.
  public var index = AccessPattern()

  public var opcode: Opcode { .freeGather }
  public init() {}

  /// dst = the elements of `source` at `index`.
  public init(_ destination: AccessPattern, _ source: AccessPattern, index: AccessPattern) {
    self.destination = destination
    self.source = source
    self.index = index
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.read("index", &index)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    for (name, access) in [("dst", destination), ("src", source), ("index", index)] {
      try rules.require(name, access, in: .sbuf)
    }
    try rules.require("index", index, formats: [.uint32])
    try rules.require("dst", destination, formats: [source.format])
    try rules.require("src", source, partitions: Int(destination.partitionCount))
    try rules.require("index", index, like: destination)
  }

  /// An index beyond the row, if there is one.
  func strayIndex(on core: borrowing CoreState, engine: Engine) -> Fault.Rule? {
    let limit = source.columns - 1
    let found = core.elementBits(index, engine: engine).first { Int($0) > limit }
    return found.map { .value(found: "index \($0)", allowed: "0 to \(limit)") }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = index.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.loadBits(index, partition: partition, into: .b, engine: engine)
      core.loadBits(source, partition: partition, into: .a, engine: engine)
      let indices = (0..<count).map { core.rows.bit(.b, $0) }
      core.rows.gather(.a, count: source.columns, at: indices, run: 1, into: .c)
      core.storeBits(.c, to: destination, partition: partition, engine: engine)
    }
  }

  /// Each group of 512 elements has its own start-up.
  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.gpsimd
    let group = law.gatherGroupElements.value
    let groups = Int64((index.columns + group - 1) / max(1, group))
    return .gpsimd(
      device,
      StreamShape(
        source, index, to: destination, rate: law.gatherCyclesPerElement.value,
        elements: index.columns),
      startup: law.startup.value * max(1, groups))
  }
}
