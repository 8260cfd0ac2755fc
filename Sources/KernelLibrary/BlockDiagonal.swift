import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

extension KernelBuilder {
  /// A square tile in fp32 with a number where row and column lie in the same block of so many, and
  /// zeros elsewhere: a product with it adds up each block's partitions and tells all of them.
  mutating func blockDiagonal(
    _ name: String, _ size: Int, block: Int, of value: Float, file: String = #fileID,
    line: UInt = #line
  ) throws(BuilderError) -> Tile {
    let tile = try self.tile(name, partitions: size, size, format: .float32)
    memset(tile, value, on: .gpsimd, file: file, line: line)
    guard block < size else { return tile }
    // Columns by block: 0 <= partition - block's first < block.
    let byBlock = tile.shaped(size / block, block)
    affineSelect(
      byBlock, byBlock, .greaterEqual, channelMultiplier: 1, steps: [-block, 0], onFalse: 0,
      file: file, line: line)
    affineSelect(
      byBlock, byBlock, .greaterEqual, start: block - 1, channelMultiplier: -1, steps: [block, 0],
      onFalse: 0, file: file, line: line)
    return tile
  }
}
