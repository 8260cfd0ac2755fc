import CoreState
import Hardware
package import NumericFormats

extension KernelBuilder {
  /// Allocations in SBUF begin at multiples of this.
  package static var alignmentBytes: Int { 64 }

  /// Bytes per partition of SBUF that are still free.
  package var freeSBUFBytes: Int { device.memory.sbufBytesPerPartition.value - sbufTop }
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
    sbufTop += padded
    let flat = Tile(access)
    guard shape.count > 1 else { return flat }
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    return flat.viewed(sizes: shape, strides: strides)
  }

  /// `buffers` tiles of one shape that rotate.
  package mutating func pool(
    _ name: String, buffers: Int, partitions: Int = 128, _ shape: Int..., format: NumberFormat
  ) throws(BuilderError) -> TilePool {
    var tiles: [Tile] = []
    for _ in 0..<max(1, buffers) {
      tiles.append(try tile(name, partitions: partitions, shape: shape, format: format))
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
      tiles.append(
        Tile(
          AccessPattern(
            .psum, .float32, byteOffset: bankTop * device.memory.psumBankBytes.value,
            columns: banksPerBuffer * bankColumns)))
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
    defer {
      sbufTop = top
      bankTop = banks
    }
    return try body(&self)
  }
}
