public import Hardware
import NumericFormats
import VectorKernels

/// One source of a computing transfer: where it lies and what it is multiplied by.
public struct ScaledLocation: Hashable, Sendable, BitwiseCopyable {
  /// Where the elements lie.
  public var location: DataLocation
  private var scaleBits: UInt32

  /// The elements of `location`, each times `scale`.
  public init(_ location: DataLocation, scale: Float = 1) {
    self.location = location
    scaleBits = scale.bitPattern
  }

  /// What each element is multiplied by. Compared by its bits, so that NaN equals itself.
  public var scale: Float {
    get { Float(bitPattern: scaleBits) }
    set { scaleBits = newValue.bitPattern }
  }
}

extension CoreState {
  /// The i-th element of the destination becomes the sum of the i-th elements of all sources, each
  /// times its scale, computed in fp32 from the first source on and cast at the end.
  public mutating func transferSum(
    of sources: [ScaledLocation], to destination: DataLocation, engine: Engine
  ) {
    if case .onChip(let access) = destination {
      noteWrite(access, partition: 0, engine: engine)
    }
    var readers = sources.map { cursor($0.location, engine) }
    var writer = cursor(destination, engine)
    while writer.remaining > 0, readers.allSatisfy({ $0.remaining > 0 }) {
      let count = readers.reduce(min(writer.run, RowBuffers.capacity)) { min($0, $1.run) }
      for index in readers.indices {
        unsafe widen(
          sources[index].location.format, from: UnsafeRawPointer(readers[index].address),
          stride: readers[index].stride, count: count, into: rows.pointer(.a))
        add(sources[index].scale, isFirst: index == 0, count: count)
        readers[index].advance(count)
      }
      unsafe narrow(
        destination.format, from: rows.source(.b), into: writer.address, stride: writer.stride,
        count: count)
      writer.advance(count)
    }
  }

  /// Row b becomes, or grows by, row a times a scale.
  private func add(_ scale: Float, isFirst: Bool, count: Int) {
    rows.check(count)
    let term = unsafe rows.pointer(.a)
    let sum = unsafe rows.pointer(.b)
    for index in 0..<count {
      let value = unsafe term[index] * scale
      unsafe sum[index] = isFirst ? value : sum[index] + value
    }
  }

  /// Adds the elements of one run of cursors to another's, in fp32.
  mutating func moveAdding(
    _ reader: inout ElementCursor, _ source: NumberFormat, _ writer: inout ElementCursor,
    _ destination: NumberFormat
  ) {
    while reader.remaining > 0, writer.remaining > 0 {
      let count = min(reader.run, writer.run, RowBuffers.capacity)
      unsafe widen(
        destination, from: UnsafeRawPointer(writer.address), stride: writer.stride, count: count,
        into: rows.pointer(.a))
      add(1, isFirst: true, count: count)
      unsafe widen(
        source, from: UnsafeRawPointer(reader.address), stride: reader.stride, count: count,
        into: rows.pointer(.a))
      add(1, isFirst: false, count: count)
      unsafe narrow(
        destination, from: rows.source(.b), into: writer.address, stride: writer.stride,
        count: count)
      reader.advance(count)
      writer.advance(count)
    }
  }
}
