import Foundation

/// What the host kernels reach on one thread of this machine, as JSON: for
/// `scripts/measure-host-speed`, which prints it beside NumPy.
struct KernelSpeed: Encodable {
  var schema = 1
  let clockGigahertz: Double
  let vectorUnit: VectorUnit
  /// Floating-point operations that the vector units allow, in GFLOP/s.
  let analyticGigaflops: Double
  let tiles: [TileMeasurement]
  let rows: [RowMeasurement]
}

let clock = Stopwatch.clock()
let speed = KernelSpeed(
  clockGigahertz: clock / 1e9, vectorUnit: .own,
  analyticGigaflops: Double(VectorUnit.own.operationsPerCycle) * clock / 1e9,
  tiles: try TileProducts.measure(), rows: try RowKernels.measure(clock: clock))
let encoder = JSONEncoder()
encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
encoder.keyEncodingStrategy = .convertToSnakeCase
print(String(decoding: try encoder.encode(speed), as: UTF8.self))
