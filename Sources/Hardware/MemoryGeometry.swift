/// Sizes and bandwidths of HBM, SBUF, PSUM and the small state of a core.
public struct MemoryGeometry: Sendable {
  /// Physical NeuronCores that share the chip's HBM.
  public var coresPerChip: Constant<Int>
  /// Cores that share one HBM stack.
  public var coresPerStack: Constant<Int>
  /// HBM stacks of the chip.
  public var hbmStacks: Constant<Int>
  /// HBM of the chip. Bytes.
  public var hbmBytesPerChip: Constant<Int>
  /// HBM bandwidth of the chip. Bytes per second.
  public var hbmBytesPerSecondChip: Constant<Int64>
  /// Partitions of SBUF and PSUM.
  public var partitions: Constant<Int>
  /// SBUF of one partition. Bytes.
  public var sbufBytesPerPartition: Constant<Int>
  /// Address distance of two partitions in the core's window. Bytes.
  public var sbufPartitionPitchBytes: Constant<Int>
  /// PSUM of one partition. Bytes.
  public var psumBytesPerPartition: Constant<Int>
  /// PSUM banks.
  public var psumBanks: Constant<Int>
  /// One PSUM bank of one partition. Bytes.
  public var psumBankBytes: Constant<Int>
  /// Elements of one partition that an instruction can address in SBUF.
  public var maximumFreeElementsSBUF: Constant<Int>
  /// Elements of one partition that an instruction can address in PSUM.
  public var maximumFreeElementsPSUM: Constant<Int>
  /// Partitions between two legal start partitions of a small operand.
  public var startPartitionStep: Constant<Int>
  /// Innermost strides of this size and more lower the access rate. Bytes.
  public var strideSectorBytes: Constant<Int>
  /// The vector and GpSimd engines never access SBUF at the same time.
  public var vectorExcludesGpSimd: Constant<Bool>
  /// The vector and scalar engines never access PSUM at the same time.
  public var vectorExcludesScalarPSUM: Constant<Bool>
  /// Semaphores of one core.
  public var semaphores: Constant<Int>
  /// Events of one core.
  public var events: Constant<Int>
  /// 32-bit registers of one sequencer.
  public var registersPerSequencer: Constant<Int>
}

extension MemoryGeometry: ConstantGroup {
  static let entries: [ConstantEntry<MemoryGeometry>] = [
    .init("coresPerChip", \.coresPerChip),
    .init("coresPerStack", \.coresPerStack),
    .init("hbmStacks", \.hbmStacks),
    .init("hbmBytesPerChip", \.hbmBytesPerChip),
    .init("hbmBytesPerSecondChip", \.hbmBytesPerSecondChip),
    .init("partitions", \.partitions),
    .init("sbufBytesPerPartition", \.sbufBytesPerPartition),
    .init("sbufPartitionPitchBytes", \.sbufPartitionPitchBytes),
    .init("psumBytesPerPartition", \.psumBytesPerPartition),
    .init("psumBanks", \.psumBanks),
    .init("psumBankBytes", \.psumBankBytes),
    .init("maximumFreeElementsSBUF", \.maximumFreeElementsSBUF),
    .init("maximumFreeElementsPSUM", \.maximumFreeElementsPSUM),
    .init("startPartitionStep", \.startPartitionStep),
    .init("strideSectorBytes", \.strideSectorBytes),
    .init("vectorExcludesGpSimd", \.vectorExcludesGpSimd),
    .init("vectorExcludesScalarPSUM", \.vectorExcludesScalarPSUM),
    .init("semaphores", \.semaphores),
    .init("events", \.events),
    .init("registersPerSequencer", \.registersPerSequencer),
  ]
}
