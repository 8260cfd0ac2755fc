import CoreState
import Hardware
import InstructionSet
package import NumericFormats

extension KernelBuilder {
  /// Allocations in SBUF begin at multiples of this.
  package static var alignmentBytes: Int { 64 }

  /// Bytes per partition of SBUF that are still free.
  package var freeSBUFBytes: Int {
    sbufBytes.upperBound - constantBytes - sbufTop
  }
  /// PSUM banks that are still free.
  package var freeBanks: Int { device.memory.psumBanks.value - bankTop }
  /// Elements of fp32 in one PSUM bank of one partition.
  package var bankColumns: Int { device.memory.psumBankBytes.value / 4 }

  /// A tile of SBUF: `partitions` × the product of `shape` elements, seen with these dimensions.
  ///
  /// - Throws: `outOfSBUF` when the device has no room left.
  package mutating func tile(
    _ name: String, partitions: Int = 128, _ shape: Int..., format: NumberFormat
  ) throws(BuilderError) -> Tile {
    try tile(name, partitions: partitions, shape: shape, format: format)
  }

  /// The same with the dimensions in an array.
  package mutating func tile(
    _ name: String, partitions: Int = 128, shape: [Int], format: NumberFormat
  ) throws(BuilderError) -> Tile {
    let columns = shape.reduce(1, *)
    let bytes = columns * format.sizeBytes
    let padded = (bytes + Self.alignmentBytes - 1) / Self.alignmentBytes * Self.alignmentBytes
    guard padded <= freeSBUFBytes else {
      throw .outOfSBUF(
        name: name, neededBytes: padded, freeBytes: freeSBUFBytes, kernel: self.name)
    }
    guard columns < 1 << 16, (1...128).contains(partitions) else {
      throw .unsupported(
        kernel: self.name, what: "tile \(name) of \(partitions) x \(columns) elements",
        allowed: "1 to 128 partitions of 1 to 65,535 elements")
    }
    let access = AccessPattern(
      .sbuf, format, partitions: 0..<partitions, byteOffset: sbufTop, columns: columns)
    declare(name, access)
    sbufTop += padded
    let flat = Tile(access)
    guard shape.count > 1 else { return flat }
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    return flat.viewed(sizes: shape, strides: strides)
  }

  /// Notes an allocation for checks: its life ends with the scope that it is made in.
  mutating func declare(_ name: String, _ access: AccessPattern) {
    buffers.append(
      BufferDeclaration(
        name: name, space: access.space, partitions: access.partitions,
        bytes: access.byteExtent, life: entries.count..<Int.max))
  }

  /// `buffers` tiles of one shape that rotate.
  package mutating func pool(
    _ name: String, buffers: Int, partitions: Int = 128, _ shape: Int..., format: NumberFormat
  ) throws(BuilderError) -> TilePool {
    try pool(name, buffers: buffers, partitions: partitions, shape: shape, format: format)
  }

  /// The same of a shape that is a list.
  package mutating func pool(
    _ name: String, buffers: Int, partitions: Int, shape: [Int], format: NumberFormat
  ) throws(BuilderError) -> TilePool {
    var tiles: [Tile] = []
    for _ in 0..<max(1, buffers) {
      let label = "\(name).\(tiles.count)"
      tiles.append(try tile(label, partitions: partitions, shape: shape, format: format))
    }
    return TilePool(tiles: tiles)
  }

  /// `buffers` groups of PSUM banks that rotate.
  package mutating func banks(_ name: String, buffers: Int, banksPerBuffer: Int = 1)
    throws(BuilderError) -> BankPool
  {
    let needed = buffers * banksPerBuffer
    guard needed <= freeBanks else {
      throw .outOfPSUM(name: name, neededBanks: needed, freeBanks: freeBanks, kernel: self.name)
    }
    var tiles: [Tile] = []
    for _ in 0..<buffers {
      let access = AccessPattern(
        .psum, .float32, byteOffset: bankTop * device.memory.psumBankBytes.value,
        columns: banksPerBuffer * bankColumns)
      declare("\(name).\(tiles.count)", access)
      tiles.append(Tile(access))
      bankTop += banksPerBuffer
    }
    return BankPool(tiles: tiles)
  }

  /// Gives back everything that `body` allocates when it returns. Later users of the memory wait
  /// for the last readers, as with any buffer.
  package mutating func scope<Result>(
    _ body: (inout KernelBuilder) throws(BuilderError) -> Result
  ) throws(BuilderError) -> Result {
    let top = sbufTop
    let banks = bankTop
    let outer = buffers.count
    defer {
      sbufTop = top
      bankTop = banks
      for index in outer..<buffers.count
      where buffers[index].life.upperBound == .max && !isConstant(buffers[index]) {
        buffers[index].life = buffers[index].life.lowerBound..<entries.count
      }
    }
    return try body(&self)
  }
}
