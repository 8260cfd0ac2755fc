public import Hardware
import NumericFormats

extension CoreState {
  /// The raw elements of either end of a transfer, in its order: what travels between cores.
  public func elementBits(of location: DataLocation, engine: Engine) -> [UInt32] {
    var cursor = cursor(location, engine)
    let size = location.format.sizeBytes
    var bits: [UInt32] = []
    bits.reserveCapacity(location.count)
    while cursor.remaining > 0 {
      let count = cursor.run
      let step = cursor.stride * size
      for index in 0..<count {
        // Inside: a run lies in the memory that the location was checked against.
        bits.append(unsafe Self.raw(UnsafeRawPointer(cursor.address), index * step, size))
      }
      cursor.advance(count)
    }
    return bits
  }

  /// Sets the raw elements of either end of a transfer, in its order.
  public mutating func setElementBits(
    of location: DataLocation, to bits: [UInt32], engine: Engine
  ) {
    precondition(bits.count == location.count, "one value per element")
    if case .onChip(let access) = location { noteWrite(access, partition: 0, engine: engine) }
    var cursor = cursor(location, engine)
    let size = location.format.sizeBytes
    var next = 0
    while cursor.remaining > 0 {
      let count = cursor.run
      let step = cursor.stride * size
      for index in 0..<count {
        // Inside: see above.
        unsafe Self.setRaw(cursor.address, index * step, size, bits[next + index])
      }
      next += count
      cursor.advance(count)
    }
  }
}
