public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// Reads the raw elements of a partition into a row of bits, zero above their size. In a run
  /// without rounding the bits of a float are those of its fp32 value.
  public mutating func loadBits(
    _ access: AccessPattern, partition: Int, into row: Row, engine: Engine
  ) {
    rows.check(access.columns)
    let target = unsafe rows.bits(row)
    if movesValues(of: access.format) {
      unsafe target.withMemoryRebound(to: Float.self, capacity: access.columns) { values in
        unsafe loadValues(access, partition: partition, into: values, engine: engine)
      }
      return
    }
    let base = unsafe UnsafeRawPointer(address(access, partition, engine))
    forEachElement(access, partition, engine) { index, byte in
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
    if movesValues(of: access.format) {
      unsafe source.withMemoryRebound(to: Float.self, capacity: access.columns) { values in
        unsafe storeValues(values, to: access, partition: partition, engine: engine)
      }
      return
    }
    let base = unsafe address(access, partition, engine)
    forEachElement(access, partition, engine) { index, byte in
      unsafe Self.setRaw(base, byte, access.format.sizeBytes, source[index])
    }
  }

  /// Calls `body` with each element's place in the row and its byte from the first element.
  @inline(__always)
  private func forEachElement(
    _ access: AccessPattern, _ partition: Int, _ engine: Engine, _ body: (Int, Int) -> Void
  ) {
    let size = access.format.sizeBytes
    let step = access.innermostStride * size
    var index = 0
    forEachRun(access, partition: partition, engine: engine) { elementOffset, count in
      var byte = elementOffset * size
      for _ in 0..<count {
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
    var bits: [UInt32] = []
    bits.reserveCapacity(access.columns)
    forEachElement(access, partition, engine) { _, byte in
      unsafe bits.append(Self.raw(base, byte, size))
    }
    return bits
  }

  /// The raw elements that a pattern names, partition after partition: for tools and tests.
  public func elementBits(_ access: AccessPattern, engine: Engine = .sync) -> [UInt32] {
    (0..<Int(access.partitionCount)).flatMap { rawRow(access, partition: $0, engine: engine) }
  }

  /// What travels to another core when elements do: their bits, or their values in a run without
  /// rounding, partition after partition. See `setTravelling`.
  public func travellingBits(_ access: AccessPattern, engine: Engine) -> [UInt32] {
    movesValues(of: access.format)
      ? elements(access, engine: engine).map(\.bitPattern) : elementBits(access, engine: engine)
  }

  /// Stores what another core of the same kind of run sent.
  public mutating func setTravelling(
    _ access: AccessPattern, to bits: [UInt32], engine: Engine
  ) {
    let columns = access.columns
    precondition(bits.count == columns * Int(access.partitionCount), "one value per element")
    for partition in 0..<Int(access.partitionCount) {
      for column in 0..<columns { rows.setBit(.a, column, to: bits[partition * columns + column]) }
      storeBits(.a, to: access, partition: partition, engine: engine)
    }
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
      forEachElement(access, partition, engine) { column, byte in
        unsafe Self.setRaw(
          base, byte, access.format.sizeBytes, bits[partition * columns + column])
      }
    }
  }

  /// The values that a pattern names, partition after partition: for tools and tests.
  public func elements(_ access: AccessPattern, engine: Engine = .sync) -> [Float] {
    guard movesValues(of: access.format) else {
      return elementBits(access, engine: engine).map { access.format.decode($0) }
    }
    let columns = access.columns
    let count = columns * Int(access.partitionCount)
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      for partition in 0..<Int(access.partitionCount) {
        guard let base = buffer.baseAddress else { break }
        unsafe loadValues(
          access, partition: partition, into: base + partition * columns, engine: engine)
      }
      initialized = count
    }
  }

  /// Sets the values that a pattern names, partition after partition: for tools and tests.
  public mutating func setElements(
    _ access: AccessPattern, to values: [Float], engine: Engine = .sync
  ) {
    setElementBits(access, to: values.map { access.format.encode($0) }, engine: engine)
  }
}
