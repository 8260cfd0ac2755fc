import CoreState
import Hardware
import NumericFormats

/// A tile product of the tensor engine's size on the host.
struct TileMeasurement: Encodable {
  let name: String
  /// Seconds of one product.
  let seconds: Double
  let gigaflops: Double
}

/// The product of a 128 × 128 stationary and a 128 × 512 moving tile, by way of the same calls that
/// LDWEIGHTS and MATMUL make.
enum TileProducts {
  private static let depth = 128
  private static let rows = 128
  private static let columns = 512

  static func measure() throws -> [TileMeasurement] {
    var all: [TileMeasurement] = []
    for format in [NumberFormat.float32, .bfloat16, .float8e4m3] {
      all.append(try measure(format, widensMoving: false))
      all.append(try measure(format, widensMoving: true))
    }
    return all
  }

  /// One product added to PSUM. The weights are read, widened and packed every time; the moving
  /// tile too, or it is kept widened as between the stationary tiles that a kernel shows it to.
  private static func measure(_ format: NumberFormat, widensMoving: Bool) throws -> TileMeasurement
  {
    var core = try CoreState(device: .trainium2, hbmBytes: 1 << 20)
    let stationary = AccessPattern(
      .sbuf, format, partitions: 0..<depth, byteOffset: 0, columns: rows)
    let moving = AccessPattern(
      .sbuf, format, partitions: 0..<depth, byteOffset: 4_096, columns: columns)
    let result = AccessPattern(
      .psum, .float32, partitions: 0..<rows, byteOffset: 0, columns: columns)
    for (pattern, seed) in [(stationary, 3), (moving, 5)] {
      let count = pattern.columns * depth
      core.setElements(pattern, to: (0..<count).map { Float(($0 * seed) % 17) / 16 - 0.5 })
    }
    var one = moving
    one.partitionCount = 1
    one.sizes[0] = 1
    let seconds = Stopwatch.seconds {
      // Writing one element makes the kept tile stale.
      if widensMoving { core.store(.d, to: one, partition: 0, engine: .vector) }
      core.loadWeights(stationary, part: .whole, row: 0, column: 0, engine: .tensor)
      core.multiply(
        moving, columns: rows, to: result, accumulate: true, row: 0, column: 0, engine: .tensor)
    }
    let what = widensMoving ? "both tiles read from SBUF" : "moving tile kept"
    return TileMeasurement(
      name: "\(format.name), \(what)", seconds: seconds,
      gigaflops: Double(2 * depth * rows * columns) / seconds / 1e9)
  }
}
