public import Hardware
public import NumericFormats
import VectorKernels

/// What one core holds: SBUF, PSUM and its part of HBM, registers, accumulators, weights in the
/// tensor engine. It knows nothing of time.
public struct CoreState: ~Copyable {
  /// The state buffer.
  public let sbuf: PartitionedMemory
  /// The accumulation memory of the tensor engine.
  public let psum: PartitionedMemory
  /// The device memory that the program uses.
  public let hbm: HBMImage
  /// Scratch rows for the element-wise engines.
  public let rows: RowBuffers
  /// The tensor engine's weights and its widened moving tiles.
  public internal(set) var array: WeightArray
  /// The scalar engine's reduce registers, one per partition.
  public var scalarAccumulators: [Float]
  /// The vector engine's reduce registers, one per partition.
  public var vectorAccumulators: [Float]
  /// The vector engine's random number generators.
  public internal(set) var vectorRandom: RandomLanes
  /// GpSimd's random number generators.
  public internal(set) var gpsimdRandom: RandomLanes
  /// False where a transpose on the tensor engine is an ordinary product with an identity.
  public let transposeIsExact: Bool
  /// How engines round the elements that they store. DMA always rounds to nearest even.
  public var rounding = RoundingMode.nearestEven
  /// True when stored values keep all bits of fp32; see `keepUnroundedValues`.
  public internal(set) var keepsUnroundedValues = false
  var unrounded: UnroundedValues?
  /// Patterns that were stored since the start: the pass of stochastic rounding.
  var storedPatterns: UInt64 = 0
  /// HBM addresses of the running invocation's tensors, by parameter index.
  public var tensorAddresses: [Int] = []
  /// 64 registers per sequencer, engine after engine.
  private var registers: [Int32]
  private let registersPerSequencer: Int
  /// Registers of each sequencer, a bit each, whose values timing mode does not know.
  private var unknownRegisters = [UInt64](repeating: 0, count: Engine.allCases.count)

  /// A core of that device. `hbmBytes` is what the program allocates; zero when only time counts.
  public init(device: Device, hbmBytes: Int) throws(MemoryError) {
    try self.init(device: device, hbm: HBMMemory(sizeBytes: hbmBytes))
  }

  /// A core of that device that shares its HBM with whoever has the same memory.
  public init(device: Device, hbm shared: HBMMemory) throws(MemoryError) {
    let hbmBytes = shared.sizeBytes
    let memory = device.memory
    // Everything that can fail comes before the first property is set.
    let sbuf = try PartitionedMemory(
      partitions: memory.partitions.value,
      bytesPerPartition: hbmBytes == 0 ? 0 : memory.sbufBytesPerPartition.value)
    let psum = try PartitionedMemory(
      partitions: memory.partitions.value,
      bytesPerPartition: hbmBytes == 0 ? 0 : memory.psumBytesPerPartition.value)
    let hbm = HBMImage(shared)
    let rows = try RowBuffers()
    let array = try WeightArray(
      maximumColumns: device.tensor.maximumMovingColumns16.value,
      rowsPerPartition: max(
        1, device.tensor.doubleRowRows.value, device.tensor.quadRowRows.value),
      bytesPerPartition: memory.sbufBytesPerPartition.value)
    self.sbuf = sbuf
    self.psum = psum
    self.hbm = hbm
    self.rows = rows
    self.array = array
    scalarAccumulators = Array(repeating: 0, count: memory.partitions.value)
    vectorAccumulators = scalarAccumulators
    vectorRandom = RandomLanes(
      count: memory.partitions.value,
      generators: device.vector.randomGeneratorsPerLane.value)
    gpsimdRandom = RandomLanes(count: memory.partitions.value, generators: 1)
    transposeIsExact = device.tensor.transposeIsExact.value
    registersPerSequencer = memory.registersPerSequencer.value
    registers = Array(repeating: 0, count: registersPerSequencer * Engine.allCases.count)
  }

  /// A register of an engine's sequencer.
  public func register(_ index: UInt8, of engine: Engine) -> Int32 {
    registers[Int(engine.rawValue) * registersPerSequencer + Int(index)]
  }

  /// Sets a register of an engine's sequencer.
  public mutating func setRegister(_ index: UInt8, of engine: Engine, to value: Int32) {
    registers[Int(engine.rawValue) * registersPerSequencer + Int(index)] = value
    unknownRegisters[Int(engine.rawValue)] &= ~(1 << UInt64(index))
  }

  /// Makes a register one whose value is not known: a word of memories without images, or what
  /// follows from one. It reads as zero, which is as good an address as any.
  public mutating func forgetRegister(_ index: UInt8, of engine: Engine) {
    setRegister(index, of: engine, to: 0)
    unknownRegisters[Int(engine.rawValue)] |= 1 << UInt64(index)
  }

  /// False for a register whose value timing mode does not know.
  public func knowsRegister(_ index: UInt8, of engine: Engine) -> Bool {
    unknownRegisters[Int(engine.rawValue)] & (1 << UInt64(index)) == 0
  }

  /// True when the core holds data; in timing mode it has registers only.
  public var hasData: Bool { hbm.sizeBytes > 0 }

  /// The byte offset that a pattern's register adds.
  @inline(__always)
  public func offset(_ register: UInt8, _ engine: Engine) -> Int {
    register == AccessPattern.noRegister ? 0 : Int(self.register(register, of: engine))
  }

  /// The host address of a pattern's first element in its `partition`-th partition. Fixed patterns
  /// were checked when the program was loaded; one with a register is checked here again, because
  /// only now is its address known.
  @inline(__always)
  func address(_ access: AccessPattern, _ partition: Int, _ engine: Engine)
    -> UnsafeMutableRawPointer
  {
    var offset = 0
    if access.register != AccessPattern.noRegister {
      offset = self.offset(access.register, engine)
      precondition(reaches(access, offset: offset), "the register was checked before the access")
    }
    return access.space == .sbuf
      ? unsafe sbuf.address(access, partition: partition, offset: offset)
      : unsafe psum.address(access, partition: partition, offset: offset)
  }

  /// The host's bytes from one partition of a pattern to the next.
  @inline(__always)
  func rowPitch(_ access: AccessPattern) -> Int {
    access.space == .sbuf ? sbuf.pitch : psum.pitch
  }

  /// True when a pattern whose register adds `offset` bytes stays inside its memory.
  public func reaches(_ access: AccessPattern, offset: Int) -> Bool {
    let extent = access.byteExtent
    let limit = access.space == .sbuf ? sbuf.bytesPerPartition : psum.bytesPerPartition
    return extent.lowerBound + offset >= 0 && extent.upperBound + offset <= limit
  }
}
