public import Hardware
import NumericFormats
import VectorKernels

extension Engine {
  /// Partitions that share the offsets of an indirect view.
  ///
  /// Source: NKI language reference, NkiTensor.indirect.
  public var indirectionGroup: Int { self == .tensor ? 32 : 16 }
}

extension CoreState {
  /// Calls `body` with the element offset and the length of each run of one partition of a pattern,
  /// in order: the innermost runs of a direct one, single elements of an indirect one.
  @inline(__always)
  func forEachRun(
    _ access: AccessPattern, partition: Int, engine: Engine, _ body: (_ offset: Int, Int) -> Void
  ) {
    guard access.isIndirect else {
      let count = access.innermostSize
      access.runs.forEach { body($0, count) }
      return
    }
    forEachOffset(access, partition: partition, engine: engine) { body($0, 1) }
  }

  /// Calls `body` with the offset of each element of one partition of an indirect view.
  @inline(__always)
  private func forEachOffset(
    _ access: AccessPattern, partition: Int, engine: Engine, _ body: (Int) -> Void
  ) {
    let group = engine.indirectionGroup
    let index = access.index(group: group)
    let first = partition / group * group
    for element in 0..<access.columns {
      let place = unsafe address(index, first + element % group, engine)
      body(
        Int(
          unsafe place.loadUnaligned(
            fromByteOffset: element / group * MemoryLayout<UInt16>.size, as: UInt16.self)))
    }
  }

  /// An offset of an indirect view that lies outside of it, if there is one.
  public func strayOffset(_ access: AccessPattern, engine: Engine) -> Int? {
    let limit = Int(access.viewColumns)
    var stray: Int?
    for first in stride(
      from: 0, to: Int(access.partitionCount), by: engine.indirectionGroup)
    where stray == nil {
      forEachOffset(access, partition: first, engine: engine) { offset in
        if offset >= limit { stray = stray ?? offset }
      }
    }
    return stray
  }

  /// Reads the elements of one partition of an indirect view as fp32.
  func gatherValues(
    _ access: AccessPattern, partition: Int, into target: UnsafeMutablePointer<Float>,
    engine: Engine
  ) {
    let base = unsafe UnsafeRawPointer(address(access, partition, engine))
    var read = 0
    forEachOffset(access, partition: partition, engine: engine) { offset in
      unsafe widen(
        access.format, from: base + offset * access.format.sizeBytes, stride: 1, count: 1,
        into: target + read)
      read += 1
    }
  }

  /// Writes values to the elements of one partition of an indirect view, to nearest; where two
  /// offsets are equal the later value stays.
  func scatterValues(
    _ source: UnsafePointer<Float>, to access: AccessPattern, partition: Int, engine: Engine
  ) {
    let base = unsafe address(access, partition, engine)
    var written = 0
    forEachOffset(access, partition: partition, engine: engine) { offset in
      unsafe narrow(
        access.format, from: source + written, into: base + offset * access.format.sizeBytes,
        stride: 1, count: 1)
      written += 1
    }
  }
}
