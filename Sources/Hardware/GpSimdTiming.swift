public import Units

/// Laws of the GpSimd engine: eight processors of sixteen lanes. Little of it is published.
public struct GpSimdTiming: Sendable {
  /// SIMD processors.
  public var processors: Constant<Int>
  /// Partitions that one processor serves.
  public var partitionsPerProcessor: Constant<Int>
  /// Tightly coupled memory of one processor. Bytes.
  public var localMemoryBytes: Constant<Int>
  /// SBUF bytes read, and written, per partition and cycle. Bytes.
  public var bytesPerPartitionPerCycle: Constant<Int>
  /// Startup of any instruction without a law of its own. Tenths of a cycle.
  public var startup: Constant<Int64>
  /// Start to start beyond the stream. Tenths of a cycle.
  public var gap: Constant<Int64>
  /// Elementwise instructions, per element. Hundredths of a cycle per element.
  public var cyclesPerElement: Constant<Int64>
  /// Affine select. Tenths of a cycle.
  public var affineSelectStartup: Constant<Int64>
  /// Affine select, per element. Hundredths of a cycle per element.
  public var affineSelectCyclesPerElement: Constant<Int64>
  /// Index fill, per element. Hundredths of a cycle per element.
  public var iotaCyclesPerElement: Constant<Int64>
  /// Reciprocal square root, per element. Hundredths of a cycle per element.
  public var rsqrtCyclesPerElement: Constant<Int64>
  /// Power, per element. Hundredths of a cycle per element.
  public var powerCyclesPerElement: Constant<Int64>
  /// INT32 arithmetic, per element. Hundredths of a cycle per element.
  public var integerCyclesPerElement: Constant<Int64>
  /// Reduction over 128 partitions, per element of the free dimension. Hundredths of a cycle per
  /// element.
  public var partitionReduceCyclesPerElement: Constant<Int64>
  /// Gather along the free dimension, per element. Hundredths of a cycle per element.
  public var gatherCyclesPerElement: Constant<Int64>
  /// Local gather: fixed part of (overhead + 4 x elements) / (4 x elements) per index. Cycles.
  public var localGatherOverhead: Constant<Int64>
  /// Local gather: the factor of elements per index in that fraction. Cycles.
  public var localGatherPerElement: Constant<Int64>
  /// Local gather: the most indices of one processor.
  public var localGatherIndices: Constant<Int>
  /// Gather along the free dimension: elements of one instruction of its group.
  public var gatherGroupElements: Constant<Int>
  /// Exchange of two cores through GpSimd's own DMA: the most elements of a partition.
  public var exchangeElements: Constant<Int>
  /// Top-k: the most values of sixteen partitions.
  public var topKElements: Constant<Int>
  /// Top-k: the most results.
  public var topKResults: Constant<Int>
  /// Top-k, per element read; one cycle more per result. Hundredths of a cycle per element.
  public var topKCyclesPerElement: Constant<Int64>
  /// Indices of nonzero elements, per element. Hundredths of a cycle per element.
  public var nonzeroCyclesPerElement: Constant<Int64>
  /// Bounds of segments, per element. Hundredths of a cycle per element.
  public var sequenceBoundsCyclesPerElement: Constant<Int64>
  /// Random bits, per element. Hundredths of a cycle per element.
  public var randomCyclesPerElement: Constant<Int64>
  /// MEMSET, per element. Hundredths of a cycle per element.
  public var memsetCyclesPerElement: Constant<Int64>
  /// Startup of MEMSET.
  public var memsetStartup: Constant<Picoseconds>
}

extension GpSimdTiming: ConstantGroup {
  static let entries: [ConstantEntry<GpSimdTiming>] = [
    .init("processors", \.processors),
    .init("partitionsPerProcessor", \.partitionsPerProcessor),
    .init("localMemoryBytes", \.localMemoryBytes),
    .init("bytesPerPartitionPerCycle", \.bytesPerPartitionPerCycle),
    .init("startup", \.startup),
    .init("gap", \.gap),
    .init("cyclesPerElement", \.cyclesPerElement),
    .init("affineSelectStartup", \.affineSelectStartup),
    .init("affineSelectCyclesPerElement", \.affineSelectCyclesPerElement),
    .init("iotaCyclesPerElement", \.iotaCyclesPerElement),
    .init("rsqrtCyclesPerElement", \.rsqrtCyclesPerElement),
    .init("powerCyclesPerElement", \.powerCyclesPerElement),
    .init("integerCyclesPerElement", \.integerCyclesPerElement),
    .init("partitionReduceCyclesPerElement", \.partitionReduceCyclesPerElement),
    .init("gatherCyclesPerElement", \.gatherCyclesPerElement),
    .init("localGatherOverhead", \.localGatherOverhead),
    .init("localGatherPerElement", \.localGatherPerElement),
    .init("localGatherIndices", \.localGatherIndices),
    .init("gatherGroupElements", \.gatherGroupElements),
    .init("exchangeElements", \.exchangeElements),
    .init("topKElements", \.topKElements),
    .init("topKResults", \.topKResults),
    .init("topKCyclesPerElement", \.topKCyclesPerElement),
    .init("nonzeroCyclesPerElement", \.nonzeroCyclesPerElement),
    .init("sequenceBoundsCyclesPerElement", \.sequenceBoundsCyclesPerElement),
    .init("randomCyclesPerElement", \.randomCyclesPerElement),
    .init("memsetCyclesPerElement", \.memsetCyclesPerElement),
    .init("memsetStartup", \.memsetStartup),
  ]
}
