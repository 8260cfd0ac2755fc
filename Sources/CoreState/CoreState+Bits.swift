public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// Reads the raw elements of a partition into a row of bits, zero above their size.
  public mutating func loadBits(
    _ access: AccessPattern, partition: Int, into row: Row, engine: Engine
  ) {
    rows.check(access.columns)
    let target = unsafe rows.bits(row)
    let base = unsafe UnsafeRawPointer(address(access, partition, engine))
    forEachElement(access) { index, byte in
      unsafe target[index] = Self.raw(base, byte, access.format.sizeBytes)
    }
  }

  /// Writes a row of bits to a partition, cut to the elements' size.
  public mutating func storeBits(
    _ row: Row, to access: AccessPattern, partition: Int, engine: Engine
  ) {
    rows.check(access.columns)
    noteWrite(access, partition: partition, engine: engine)
    let source = unsafe rows.bits(row)
    let base = unsafe address(access, partition, engine)
    forEachElement(access) { index, byte in
      unsafe Self.setRaw(base, byte, access.format.sizeBytes, source[index])
    }
  }

  /// Calls `body` with each element's place in the row and its byte from the first element.
  @inline(__always)
  private func forEachElement(_ access: AccessPattern, _ body: (Int, Int) -> Void) {
    let size = access.format.sizeBytes
    let step = access.innermostStride * size
    let inner = access.innermostSize
    var index = 0
    access.forEachRun { elementOffset in
      var byte = elementOffset * size
      for _ in 0..<inner {
        body(index, byte)
        index += 1
        byte += step
      }
    }
  }

  @inline(__always)
  static func raw(_ base: UnsafeRawPointer, _ byte: Int, _ size: Int) -> UInt32 {
    switch size {
    case 1: unsafe UInt32(base.loadUnaligned(fromByteOffset: byte, as: UInt8.self))
    case 2: unsafe UInt32(base.loadUnaligned(fromByteOffset: byte, as: UInt16.self))
    default: unsafe base.loadUnaligned(fromByteOffset: byte, as: UInt32.self)
    }
  }

  @inline(__always)
  static func setRaw(
    _ base: UnsafeMutableRawPointer, _ byte: Int, _ size: Int, _ bits: UInt32
  ) {
    switch size {
    case 1:
      unsafe base.storeBytes(
        of: UInt8(truncatingIfNeeded: bits), toByteOffset: byte, as: UInt8.self)
    case 2:
      unsafe base.storeBytes(
        of: UInt16(truncatingIfNeeded: bits), toByteOffset: byte, as: UInt16.self)
    default: unsafe base.storeBytes(of: bits, toByteOffset: byte, as: UInt32.self)
    }
  }

  func rawRow(_ access: AccessPattern, partition: Int, engine: Engine) -> [UInt32] {
    let base = unsafe UnsafeRawPointer(address(access, partition, engine))
    let size = access.format.sizeBytes
    return (0..<access.columns).map { column in
      unsafe Self.raw(base, access.elementOffset(of: column) * size, size)
    }
  }

  /// The raw elements that a pattern names, partition after partition: for tools and tests.
  public func elementBits(_ access: AccessPattern, engine: Engine = .sync) -> [UInt32] {
    (0..<Int(access.partitionCount)).flatMap { rawRow(access, partition: $0, engine: engine) }
  }

  /// Sets the raw elements that a pattern names, partition after partition: for tools and tests.
  public mutating func setElementBits(
    _ access: AccessPattern, to bits: [UInt32], engine: Engine = .sync
  ) {
    let columns = access.columns
    precondition(bits.count == columns * Int(access.partitionCount), "one value per element")
    noteWrite(access, partition: 0, engine: engine)
    for partition in 0..<Int(access.partitionCount) {
      let base = unsafe address(access, partition, engine)
      for column in 0..<columns {
        let byte = access.elementOffset(of: column) * access.format.sizeBytes
        unsafe Self.setRaw(
          base, byte, access.format.sizeBytes, bits[partition * columns + column])
      }
    }
  }

  /// The values that a pattern names, partition after partition: for tools and tests.
  public func elements(_ access: AccessPattern, engine: Engine = .sync) -> [Float] {
    elementBits(access, engine: engine).map { access.format.decode($0) }
  }

  /// Sets the values that a pattern names, partition after partition: for tools and tests.
  public mutating func setElements(
    _ access: AccessPattern, to values: [Float], engine: Engine = .sync
  ) {
    setElementBits(access, to: values.map { access.format.encode($0) }, engine: engine)
  }
}
