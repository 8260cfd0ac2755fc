import NumericFormats
import VectorKernels

/// The fp32 values behind the elements of SBUF, PSUM and HBM, for runs whose stores do not round.
///
/// Beside every byte stands the fp32 value that was stored to the element that begins there. It
/// counts as long as rounding it gives the code that the memory holds: an element that was written
/// as bits, or that is read in another format than it was written in, has the value of its bits,
/// whatever stands beside it. Bits that move take along what stands beside them. So memories hold
/// the same layout as ever, and nothing but the precision of a run's values changes.
///
/// Only formats narrower than fp32 have such values. Integers round, because a program means it,
/// and so do the numbers of microscaled elements, four of which share an element.
@safe struct UnroundedValues: ~Copyable {
  private let sbuf: Companion
  private let psum: Companion
  private let hbm: Companion
  private let scratch: AlignedMemory
  /// Three rows: what stands beside elements, the same rounded, and codes.
  private let kept: UnsafeMutablePointer<Float>
  private let rounded: UnsafeMutablePointer<Float>
  private let codes: UnsafeMutableRawPointer

  /// Companions of the memories of a core; nothing stands beside any byte yet.
  init(
    sbuf: borrowing PartitionedMemory, psum: borrowing PartitionedMemory, hbm: borrowing HBMImage
  ) throws(MemoryError) {
    // Everything that can fail comes before the first property is set.
    let sbufValues = try unsafe Companion(of: sbuf.base, sizeBytes: sbuf.pitch * sbuf.partitions)
    let psumValues = try unsafe Companion(of: psum.base, sizeBytes: psum.pitch * psum.partitions)
    let hbmValues = try unsafe Companion(of: hbm.base, sizeBytes: hbm.sizeBytes)
    let rowBytes = RowBuffers.capacity * MemoryLayout<Float>.stride
    let scratch = try AlignedMemory(sizeBytes: 3 * rowBytes)
    self.sbuf = sbufValues
    self.psum = psumValues
    self.hbm = hbmValues
    unsafe kept = scratch.base.bindMemory(to: Float.self, capacity: RowBuffers.capacity)
    unsafe rounded = (scratch.base + rowBytes).bindMemory(
      to: Float.self, capacity: RowBuffers.capacity)
    unsafe codes = scratch.base + 2 * rowBytes
    self.scratch = scratch
  }

  /// What stands beside a byte; nil for an address in none of the memories.
  @inline(__always)
  private func place(_ address: UnsafeRawPointer) -> UnsafeMutablePointer<Float>? {
    unsafe sbuf.place(address) ?? psum.place(address) ?? hbm.place(address)
  }

  /// Replaces values that were widened from their codes by what was stored, where that still
  /// counts.
  func restore(
    _ format: NumberFormat, from source: UnsafeRawPointer, stride: Int, count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    guard format.losesBits, let place = unsafe place(source) else { return }
    precondition(count <= RowBuffers.capacity, "a row is shorter than the operand")
    let step = stride * format.sizeBytes
    for index in 0..<count { unsafe kept[index] = place[index * step] }
    unsafe Conversion.narrow(format, from: kept, into: codes, stride: 1, count: count)
    unsafe Conversion.widen(format, from: codes, stride: 1, count: count, into: rounded)
    for index in 0..<count {
      let counts = unsafe rounded[index].bitPattern == target[index].bitPattern
      unsafe target[index] = counts ? kept[index] : target[index]
    }
  }

  /// Puts the values that are being narrowed beside their elements.
  func keep(
    _ format: NumberFormat, from source: UnsafePointer<Float>, at target: UnsafeRawPointer,
    stride: Int, count: Int
  ) {
    guard format.losesBits, let place = unsafe place(target) else { return }
    let step = stride * format.sizeBytes
    for index in 0..<count { unsafe place[index * step] = source[index] }
  }

  /// Takes along what stands beside each byte of elements that are copied as bits.
  func move(
    sizeBytes: Int, from source: UnsafeRawPointer, sourceStride: Int,
    to target: UnsafeRawPointer, targetStride: Int, count: Int
  ) {
    guard let from = unsafe place(source), let to = unsafe place(target) else { return }
    if sourceStride == 1, targetStride == 1 {
      unsafe to.update(from: from, count: count * sizeBytes)
      return
    }
    for byte in 0..<sizeBytes {
      unsafe Conversion.copyBits(
        sizeBytes: 4, from: from + byte, sourceStride: sourceStride * sizeBytes,
        into: to + byte, destinationStride: targetStride * sizeBytes, count: count)
    }
  }
}

/// One fp32 value for each byte of a memory. Pages that nothing touches are never resident.
@safe private struct Companion: ~Copyable {
  private let memory: AlignedMemory
  private let base: UnsafeRawPointer
  private let sizeBytes: Int
  private let values: UnsafeMutablePointer<Float>

  init(of base: UnsafeMutableRawPointer, sizeBytes: Int) throws(MemoryError) {
    memory = try AlignedMemory(sizeBytes: sizeBytes * MemoryLayout<Float>.stride)
    unsafe self.base = UnsafeRawPointer(base)
    self.sizeBytes = sizeBytes
    unsafe values = memory.base.bindMemory(to: Float.self, capacity: sizeBytes)
  }

  /// The value beside a byte of this memory.
  @inline(__always)
  func place(_ address: UnsafeRawPointer) -> UnsafeMutablePointer<Float>? {
    let byte = unsafe address - base
    return byte >= 0 && byte < sizeBytes ? unsafe values + byte : nil
  }
}

extension NumberFormat {
  /// True for floating-point formats that do not hold every fp32 number.
  var losesBits: Bool { self == .tensorFloat32 || (layout != nil && self != .float32) }
}
