public import CoreState
public import Hardware
public import NumericFormats

/// The rules that a device sets for the operands of one instruction.
///
/// Source: NKI architecture guide (partition start rule, four free dimensions, 64 Ki elements,
/// which engine reaches which memory) and the instruction reference.
public struct OperandRules {
  /// The device that the program is loaded on.
  public let device: Device
  /// The queue that holds the instruction.
  public let engine: Engine
  /// The instruction's name, for faults; rules of one queue serve all its instructions.
  public var instruction: String
  /// Tensors that the segment declares.
  public let tensorCount: Int
  /// Instructions in this queue, for branch targets.
  public let queueLength: Int
  /// What the core runs in: alone, as half of a logical core, on a chip with others.
  public let surroundings: Surroundings

  /// The most elements per partition that any device's instructions may name: a scratch row.
  static let maximumColumns = 65_536

  /// Rules for one instruction of one queue.
  public init(
    device: Device, engine: Engine, instruction: String, tensorCount: Int,
    queueLength: Int, surroundings: Surroundings = .loneCore
  ) {
    self.device = device
    self.engine = engine
    self.instruction = instruction
    self.tensorCount = tensorCount
    self.queueLength = queueLength
    self.surroundings = surroundings
  }

  /// A fault of this instruction.
  public func fault(_ operand: String, _ rule: Fault.Rule) -> Fault {
    Fault(instruction, operand: operand, rule, engine: engine)
  }

  /// Checks everything that a pattern shows by itself.
  public func check(_ name: String, _ access: AccessPattern) throws(Fault) {
    try checkReach(name, access)
    try checkStart(name, access, Int(access.partitionCount))
  }

  /// The same without the rule on the first partition, which the engines' lanes have and the DMA
  /// has not: it addresses SBUF as memory.
  private func checkReach(_ name: String, _ access: AccessPattern) throws(Fault) {
    let memory = device.memory
    let count = Int(access.partitionCount)
    guard (1...memory.partitions.value).contains(count) else {
      throw fault(name, .partitionCount(found: count, limit: memory.partitions.value))
    }
    guard (1...AccessPattern.maximumDimensions).contains(Int(access.dimensionCount)) else {
      throw fault(
        name,
        .dimensionCount(
          found: Int(access.dimensionCount), limit: AccessPattern.maximumDimensions))
    }
    let most = min(
      Self.maximumColumns,
      access.space == .sbuf
        ? memory.maximumFreeElementsSBUF.value : memory.maximumFreeElementsPSUM.value)
    // Four lengths of sixteen bits each may not fit an integer when multiplied.
    let (columns, overflows) = access.countedColumns
    guard !overflows, (1...most).contains(columns) else {
      throw fault(name, .tooManyElements(found: overflows ? Int.max : columns, limit: most))
    }
    try checkAlignment(name, Int(access.byteOffset), access.format)
    let limit =
      access.space == .sbuf
      ? memory.sbufBytesPerPartition.value : memory.psumBytesPerPartition.value
    let extent = access.byteExtent
    guard extent.lowerBound >= 0, extent.upperBound <= limit else {
      let found = extent.lowerBound < 0 ? extent.lowerBound : extent.upperBound
      throw fault(name, .outOfBounds(found: found, limit: limit))
    }
    try checkAddressRegister(name, access.register)
    if access.space == .psum, engine == .gpsimd {
      throw fault(name, .space(found: "psum", allowed: "sbuf: GpSimd does not reach PSUM"))
    }
  }

  /// Elements lie at multiples of their size.
  private func checkAlignment(_ name: String, _ byte: Int, _ format: NumberFormat) throws(Fault) {
    guard byte % format.sizeBytes == 0 else {
      throw fault(
        name,
        .value(
          found: "byte \(byte)", allowed: "multiples of \(format.sizeBytes) for \(format.name)"))
    }
  }

  /// The start rule depends on how many partitions are named.
  private func checkStart(_ name: String, _ access: AccessPattern, _ count: Int) throws(Fault) {
    let start = Int(access.startPartition)
    let quadrant = device.memory.partitions.value / 4
    let step = count > 2 * quadrant ? 4 * quadrant : count > quadrant ? 2 * quadrant : quadrant
    guard start % step == 0, start + count <= device.memory.partitions.value else {
      throw fault(name, .partitionStart(start: start, count: count))
    }
  }

  /// A pattern's address register, if it has one, must exist.
  private func checkAddressRegister(_ name: String, _ register: UInt8) throws(Fault) {
    if register != AccessPattern.noRegister { try checkRegister(name, register) }
  }

  /// The register must be one of the sequencer's.
  func checkRegister(_ name: String, _ register: UInt8) throws(Fault) {
    let limit = device.memory.registersPerSequencer.value
    guard Int(register) < limit else {
      throw fault(name, .register(found: Int(register), limit: limit))
    }
  }

  /// Checks one end of a transfer: DMA reaches SBUF and HBM, not PSUM.
  public func check(_ name: String, _ location: DataLocation) throws(Fault) {
    switch location {
    case .onChip(let access):
      try OperandRules(
        device: device, engine: .sync, instruction: instruction, tensorCount: tensorCount,
        queueLength: queueLength
      ).checkReach(name, access)
      guard
        Int(access.startPartition) + Int(access.partitionCount)
          <= device.memory.partitions.value
      else {
        throw fault(
          name,
          .partitionStart(start: Int(access.startPartition), count: Int(access.partitionCount)))
      }
      if access.space == .psum {
        throw fault(name, .space(found: "psum", allowed: "sbuf or hbm: DMA does not reach PSUM"))
      }
    case .hbm(let access):
      guard Int(access.tensor) < tensorCount else {
        throw fault(name, .unboundTensor(index: Int(access.tensor), count: tensorCount))
      }
      try checkSize(name, access)
      guard access.byteExtent.lowerBound >= 0 else {
        throw fault(name, .outOfBounds(found: access.byteExtent.lowerBound, limit: 0))
      }
      try checkAddressRegister(name, access.register)
    }
  }

  /// Elements of HBM that one access may name, and bytes that it may reach: far beyond any chip,
  /// and small enough that no sum overflows.
  private static let largestTensor = 1 << 40

  /// Dimensions, elements and reach of an access to HBM, in numbers that cannot overflow.
  private func checkSize(_ name: String, _ access: TensorAccess) throws(Fault) {
    guard (1...4).contains(Int(access.dimensionCount)) else {
      throw fault(name, .dimensionCount(found: Int(access.dimensionCount), limit: 4))
    }
    let largest = Double(Self.largestTensor)
    var count = 1.0
    var reach = Double(access.byteOffset).magnitude
    for dimension in 0..<4 {
      count *= Double(access.sizes[dimension])
      reach += Double(access.sizes[dimension]) * Double(access.strides[dimension]).magnitude * 4
    }
    guard count >= 1, count <= largest else {
      let found = count < 1 ? 0 : Int.max
      throw fault(name, .tooManyElements(found: found, limit: Self.largestTensor))
    }
    guard reach <= largest else {
      throw fault(name, .outOfBounds(found: .max, limit: Self.largestTensor))
    }
  }

  /// The device must have a core of that generation or a later one.
  public func require(_ name: String, generation: Int) throws(Fault) {
    if device.generation < generation { throw generationFault(name, needs: generation) }
  }

  /// What the device's cores lack, with the generation that has it.
  func generationFault(_ name: String, needs generation: Int) -> Fault {
    fault(
      name,
      .generation(
        found: "NeuronCore-v\(device.generation)", needs: "NeuronCore-v\(generation)"))
  }

  /// The operand must lie in that memory.
  public func require(_ name: String, _ access: AccessPattern, in space: MemorySpace) throws(Fault)
  {
    guard access.space == space else {
      throw fault(name, .space(found: access.space.name, allowed: space.name))
    }
  }

  /// The operand must name that many elements per partition.
  public func require(_ name: String, _ access: AccessPattern, columns: Int) throws(Fault) {
    guard access.columns == columns else {
      throw fault(name, .elementCountMismatch(found: access.columns, expected: columns))
    }
  }

  /// The operand must name that many partitions.
  public func require(_ name: String, _ access: AccessPattern, partitions: Int) throws(Fault) {
    guard Int(access.partitionCount) == partitions else {
      throw fault(
        name, .partitionMismatch(found: Int(access.partitionCount), expected: partitions))
    }
  }

  /// The operand must match another's partitions and elements.
  public func require(_ name: String, _ access: AccessPattern, like other: AccessPattern)
    throws(Fault)
  {
    try require(name, access, columns: other.columns)
    try require(name, access, partitions: Int(other.partitionCount))
  }

  /// The operand's format must be one of those.
  public func require(_ name: String, _ access: AccessPattern, formats: [NumberFormat])
    throws(Fault)
  {
    guard formats.contains(access.format) else {
      throw fault(
        name,
        .format(
          found: access.format.name, allowed: formats.map(\.name).joined(separator: ", ")))
    }
  }

  /// A column of values must name the partitions of the row that it meets.
  public func require(_ name: String, _ scalar: ScalarOperand, like row: AccessPattern)
    throws(Fault)
  {
    guard let access = scalar.pattern else { return }
    try require(name, access, partitions: Int(row.partitionCount))
  }

  /// Operations on raw bits need integer formats in every operand; rsqrt has one operand and is
  /// GpSimd's alone.
  public func requireFormats(
    _ name: String, _ operation: ALUOperation, _ accesses: [AccessPattern],
    allowsUnary: Bool = false
  ) throws(Fault) {
    if operation.isUnary {
      guard allowsUnary else {
        throw fault(name, .value(found: operation.text, allowed: "operations on two operands"))
      }
      guard operation != .rsqrt || engine == .gpsimd else {
        throw fault(name, .engine(allowed: ["gpsimd"]))
      }
      if operation == .abs || operation == .square || operation == .relu {
        try require(name, generation: 4)
      }
    }
    guard operation.isBitwise, let access = accesses.first(where: { !$0.format.isInteger })
    else { return }
    throw fault(
      name,
      .format(found: "\(operation.text) on \(access.format.name)", allowed: "integer formats"))
  }

  /// Not both inputs may come from PSUM.
  public func requireNotBothPSUM(_ name: String, _ a: AccessPattern, _ b: AccessPattern)
    throws(Fault)
  {
    if a.space == .psum && b.space == .psum { throw fault(name, .bothInPSUM) }
  }
}
