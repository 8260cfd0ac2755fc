import Hardware

/// The half of SBUF, of the semaphores and of each queue's rings that a kernel keeps to, so that
/// the first loads of a later one, which keeps to the other half, can run beside it.
package enum MemoryHalf: Hashable, Sendable, CaseIterable {
  case lower, upper

  /// The other one.
  package var other: MemoryHalf { self == .lower ? .upper : .lower }

  /// This half of a range whose middle lies at a multiple of `step`.
  private func part(of range: Range<Int>, step: Int) -> Range<Int> {
    let middle = range.lowerBound + range.count / 2 / step * step
    return self == .lower ? range.lowerBound..<middle : middle..<range.upperBound
  }

  /// Bytes of each partition of SBUF.
  func bytes(on device: Device) -> Range<Int> {
    part(
      of: 0..<device.memory.sbufBytesPerPartition.value, step: KernelBuilder.alignmentBytes)
  }

  /// Rings of each queue.
  func rings(on device: Device) -> Range<Int> {
    part(of: 0..<device.dma.ringsPerEngine.value, step: 1)
  }

  /// Semaphores, those of the barrier aside.
  func semaphores(on device: Device) -> Range<Int> {
    part(
      of: KernelBuilder.barrierSemaphores.upperBound..<device.memory.semaphores.value, step: 1)
  }
}
