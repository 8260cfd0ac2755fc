public import CoreState
public import Hardware
import NumericFormats
import Units

/// LOCAL_GATHER: each of GpSimd's processors picks runs of elements for its sixteen partitions, all
/// of them at the places that the sixteen partitions' indices name.
///
/// The indices of a processor are taken column after column, each from its first partition to its
/// sixteenth; an index counts elements of `src`. An index beyond the row is a fault.
/// Source: NKI instruction reference (local_gather). Its formula divides the elements by a factor
/// that counts cycles per element; it is read as a product here.
public struct LocalGather: MachineInstruction {
  /// The elements picked, run after run.
  public var destination = AccessPattern()
  /// The rows picked from.
  public var source = AccessPattern()
  /// Places, uint16.
  public var index = AccessPattern()
  /// Elements of one run: 1, 2, 4, 8, 16 or 32.
  public var run: Int32 = 1
  /// Indices used of each sixteen partitions; zero stands for all.
  public var valid: Int32 = 0

  public var opcode: Opcode { .localGather }
  public init() {}

  /// dst = runs of `run` elements of `source` at the first `valid` indices.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, index: AccessPattern, run: Int = 1,
    valid: Int = 0
  ) {
    self.destination = destination
    self.source = source
    self.index = index
    self.run = Int32(run)
    self.valid = Int32(valid)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.read("index", &index)
    try visitor.integer("run", &run)
    try visitor.integer("valid", &valid)
  }

  /// Partitions of one processor.
  static let group = 16

  /// Indices that one processor uses.
  private var indexCount: Int { valid == 0 ? Self.group * index.columns : Int(valid) }

  public func validate(_ rules: OperandRules) throws(Fault) {
    for (name, access) in [("dst", destination), ("src", source), ("index", index)] {
      try rules.require(name, access, in: .sbuf)
    }
    try rules.require("index", index, formats: [.uint16])
    try rules.require("dst", destination, formats: [source.format])
    try rules.requireProcessors("src", source)
    try rules.require("index", index, partitions: Int(source.partitionCount))
    try rules.require("dst", destination, partitions: Int(source.partitionCount))
    guard [1, 2, 4, 8, 16, 32].contains(run) else {
      throw rules.fault("run", .value(found: "\(run)", allowed: "1, 2, 4, 8, 16, 32"))
    }
    let most = min(rules.device.gpsimd.localGatherIndices.value, Self.group * index.columns)
    guard valid >= 0, indexCount <= most else {
      throw rules.fault("valid", .value(found: "\(indexCount)", allowed: "1 to \(most) indices"))
    }
    try rules.require("dst", destination, columns: indexCount * Int(run))
  }

  /// The indices of the group of sixteen partitions that begins at `first`.
  private func indices(_ core: borrowing CoreState, first: Int, engine: Engine) -> [UInt32] {
    var slice = index
    slice.startPartition += UInt8(first)
    slice.partitionCount = UInt8(Self.group)
    return Array(core.indices(slice, engine: engine).prefix(indexCount))
  }

  /// An index whose run leaves the row, if there is one.
  func strayIndex(on core: borrowing CoreState, engine: Engine) -> Fault.Rule? {
    for first in stride(from: 0, to: Int(source.partitionCount), by: Self.group) {
      let limit = source.columns - Int(run)
      let found = indices(core, first: first, engine: engine).first { Int($0) > limit }
      if let found { return .value(found: "index \(found)", allowed: "0 to \(limit)") }
    }
    return nil
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for first in stride(from: 0, to: Int(source.partitionCount), by: Self.group) {
      let indices = indices(core, first: first, engine: engine)
      for partition in first..<first + Self.group {
        core.loadBits(source, partition: partition, into: .a, engine: engine)
        core.rows.gather(
          .a, count: source.columns, at: indices, run: Int(run), into: .b)
        core.storeBits(.b, to: destination, partition: partition, engine: engine)
      }
    }
  }

  /// Cycles per element: (overhead + t · run) / (t · run), less for narrow elements in longer runs.
  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.gpsimd
    let step = law.localGatherPerElement.value
    let run = Int64(max(1, run))
    let elements = Int64(indexCount) * run
    let parallel = min(4 / Int64(source.format.sizeBytes), run)
    let divisor = max(1, step * run * parallel)
    let cycles = elements * 100 * (law.localGatherOverhead.value + step * run) / divisor
    return .gpsimd(
      device,
      StreamShape(source, index, to: destination, rate: cycles, elements: 1))
  }
}
