public import NumericFormats
import VectorKernels

/// How elements leave and enter the memories: every access of a row or a transfer goes through one
/// of these, so that a run without rounding needs no code elsewhere.
extension CoreState {
  /// From now on a value that is stored keeps all the bits that fp32 has: what is read of it again
  /// is the value, not its rounding. Layout, addresses and times stay as they are. Values that are
  /// in the memories already stay what their codes say. `rounding` then has no effect.
  ///
  /// It takes four bytes of host memory for each byte that the program touches.
  public mutating func keepUnroundedValues() throws(MemoryError) {
    unrounded = try UnroundedValues(sbuf: sbuf, psum: psum, hbm: hbm)
    keepsUnroundedValues = true
  }

  /// Reads elements of a memory as fp32.
  @inline(__always)
  func widen(
    _ format: NumberFormat, from source: UnsafeRawPointer, stride: Int, count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    unsafe Conversion.widen(format, from: source, stride: stride, count: count, into: target)
    if keepsUnroundedValues {
      unsafe restore(format, from: source, stride: stride, count: count, into: target)
    }
  }

  /// The same of a row whose elements lie in runs.
  @inline(__always)
  func widen(
    _ format: NumberFormat, from source: UnsafeRawPointer, _ runs: ElementRuns,
    into target: UnsafeMutablePointer<Float>
  ) {
    unsafe Conversion.widen(format, from: source, runs, into: target)
    guard keepsUnroundedValues else { return }
    var written = 0
    runs.forEach { offset in
      unsafe restore(
        format, from: source + offset * format.sizeBytes, stride: runs.stride, count: runs.count,
        into: target + written)
      written += runs.count
    }
  }

  /// Writes fp32 values to elements of a memory, rounded to nearest.
  @inline(__always)
  func narrow(
    _ format: NumberFormat, from source: UnsafePointer<Float>,
    into target: UnsafeMutableRawPointer, stride: Int, count: Int
  ) {
    unsafe Conversion.narrow(format, from: source, into: target, stride: stride, count: count)
    if keepsUnroundedValues {
      unsafe keep(format, from: source, at: target, stride: stride, count: count)
    }
  }

  /// The same into a row whose elements lie in runs.
  @inline(__always)
  func narrow(
    _ format: NumberFormat, from source: UnsafePointer<Float>,
    into target: UnsafeMutableRawPointer, _ runs: ElementRuns
  ) {
    unsafe Conversion.narrow(format, from: source, into: target, runs)
    guard keepsUnroundedValues else { return }
    var read = 0
    runs.forEach { offset in
      unsafe keep(
        format, from: source + read, at: target + offset * format.sizeBytes, stride: runs.stride,
        count: runs.count)
      read += runs.count
    }
  }

  /// Copies elements of one memory to another's as bits.
  @inline(__always)
  func copyElements(
    sizeBytes: Int, from source: UnsafeRawPointer, sourceStride: Int,
    into target: UnsafeMutableRawPointer, targetStride: Int, count: Int
  ) {
    unsafe Conversion.copyBits(
      sizeBytes: sizeBytes, from: source, sourceStride: sourceStride, into: target,
      destinationStride: targetStride, count: count)
    if keepsUnroundedValues {
      unsafe move(
        sizeBytes: sizeBytes, from: source, sourceStride: sourceStride, to: target,
        targetStride: targetStride, count: count)
    }
  }

  /// True where rows of bits hold the fp32 patterns of elements instead of their codes: a run
  /// without rounding moves values, and only integers and fp32 have bits to compute with.
  @inline(__always)
  func movesValues(of format: NumberFormat) -> Bool {
    keepsUnroundedValues && format.losesBits
  }

  /// The bits of a value in rows of bits; see `movesValues`.
  public func rowBits(of value: Float, in format: NumberFormat) -> UInt32 {
    movesValues(of: format) ? value.bitPattern : format.encode(value)
  }

  /// The values of `count` consecutive elements of HBM from a byte on, as fp32: a download for
  /// tools that look at what a run without rounding stored.
  public func hbmValues(_ format: NumberFormat, count: Int, at address: Int) -> [Float] {
    precondition(
      address >= 0 && address + count * format.sizeBytes <= hbm.sizeBytes, "it lies in HBM")
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      var done = 0
      while done < count, let base = buffer.baseAddress {
        let part = min(count - done, RowBuffers.capacity)
        unsafe widen(
          format, from: UnsafeRawPointer(hbm.base + (address + done * format.sizeBytes)),
          stride: 1, count: part, into: base + done)
        done += part
      }
      initialized = count
    }
  }

  @inline(never)
  private func restore(
    _ format: NumberFormat, from source: UnsafeRawPointer, stride: Int, count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    switch unrounded {
    case .some(let values):
      unsafe values.restore(format, from: source, stride: stride, count: count, into: target)
    case .none: break
    }
  }

  @inline(never)
  private func keep(
    _ format: NumberFormat, from source: UnsafePointer<Float>, at target: UnsafeRawPointer,
    stride: Int, count: Int
  ) {
    switch unrounded {
    case .some(let values):
      unsafe values.keep(format, from: source, at: target, stride: stride, count: count)
    case .none: break
    }
  }

  @inline(never)
  private func move(
    sizeBytes: Int, from source: UnsafeRawPointer, sourceStride: Int,
    to target: UnsafeRawPointer, targetStride: Int, count: Int
  ) {
    switch unrounded {
    case .some(let values):
      unsafe values.move(
        sizeBytes: sizeBytes, from: source, sourceStride: sourceStride, to: target,
        targetStride: targetStride, count: count)
    case .none: break
    }
  }
}
