import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// The product with an identity, with which programs add a tile to a sum in PSUM: the moving rows
  /// themselves. True where that is so and was done, false where a product must be computed: a
  /// number that is not finite spoils all rows of its column.
  mutating func takeMoving(
    _ moving: AccessPattern, depth: Int, to destination: AccessPattern, accumulate: Bool,
    engine: Engine
  ) -> Bool {
    let count = destination.columns
    guard isPlain(moving, nil), Int(moving.partitionCount) >= depth, moving.columns == count,
      destination.isContiguous, destination.format == .float32,
      unsafe UInt(bitPattern: address(destination, 0, engine)) % 4 == 0
    else { return false }
    let isHalf = moving.format == .bfloat16 && moving.isContiguous
    for partition in 0..<depth {
      if isHalf {
        guard
          unsafe MatrixTile.areFinite(bfloat16: address(moving, partition, engine), count: count)
        else { return false }
      } else {
        load(moving, partition: partition, into: .a, engine: engine)
        guard unsafe MatrixTile.areFinite(rows.source(.a), count: count) else { return false }
      }
    }
    for partition in 0..<depth {
      let c = unsafe address(destination, partition, engine).assumingMemoryBound(to: Float.self)
      if isHalf {
        unsafe MatrixTile.takeRow(
          bfloat16: address(moving, partition, engine), into: c, count: count,
          accumulate: accumulate)
      } else {
        load(moving, partition: partition, into: .a, engine: engine)
        unsafe MatrixTile.takeRow(rows.source(.a), into: c, count: count, accumulate: accumulate)
      }
    }
    return true
  }
}
