/// The host image of SBUF or PSUM: one row of bytes per partition. The host's row pitch is padded,
/// because a pitch that is a multiple of 4 KiB would put all partitions into one cache set; the
/// modelled address is not.
@safe public struct PartitionedMemory: ~Copyable {
  private let memory: AlignedMemory
  /// Bytes from one partition to the next on the host.
  let pitch: Int
  /// Bytes that a partition holds.
  public let bytesPerPartition: Int
  /// Partitions.
  public let partitions: Int
  /// The first byte of partition 0.
  let base: UnsafeMutableRawPointer

  init(partitions: Int, bytesPerPartition: Int) throws(MemoryError) {
    self.partitions = partitions
    self.bytesPerPartition = bytesPerPartition
    pitch = bytesPerPartition + 3 * 64
    memory = try AlignedMemory(sizeBytes: pitch * partitions)
    unsafe base = memory.base
  }

  /// The address of the first element of a pattern in one of its partitions. Patterns were checked
  /// against this memory's bounds when the program was loaded; the offset adds a register.
  @inline(__always)
  func address(_ access: AccessPattern, partition: Int, offset: Int) -> UnsafeMutableRawPointer {
    assert(Int(access.startPartition) + partition < partitions)
    assert(access.byteExtent.lowerBound + offset >= 0)
    assert(access.byteExtent.upperBound + offset <= bytesPerPartition)
    return unsafe base
      + ((Int(access.startPartition) + partition) * pitch + Int(access.byteOffset) + offset)
  }
}
