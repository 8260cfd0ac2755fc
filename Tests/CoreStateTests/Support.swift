import CoreState
import Hardware
import NumericFormats

/// A small seeded generator: tests are the same on every host and every day.
struct Generator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A pattern of any dimensions in SBUF or PSUM.
func pattern(
  _ space: MemorySpace, _ format: NumberFormat, partitions: Range<Int>, byte: Int,
  _ dimensions: [(Int, Int)]
) -> AccessPattern {
  var sizes = SIMD4<UInt16>(repeating: 1)
  var strides = SIMD4<Int16>(repeating: 0)
  for (index, (size, stride)) in dimensions.enumerated() {
    sizes[index] = UInt16(size)
    strides[index] = Int16(stride)
  }
  return AccessPattern(
    space: space, format: format, startPartition: UInt8(partitions.lowerBound),
    partitionCount: UInt8(partitions.count), byteOffset: UInt32(byte),
    dimensionCount: UInt8(dimensions.count), sizes: sizes, strides: strides)
}

/// An HBM access of any dimensions.
func tensor(
  _ index: Int, _ format: NumberFormat, byte: Int, _ dimensions: [(Int, Int)]
) -> TensorAccess {
  var sizes = SIMD4<UInt32>(repeating: 1)
  var strides = SIMD4<Int32>(repeating: 0)
  for (place, (size, stride)) in dimensions.enumerated() {
    sizes[place] = UInt32(size)
    strides[place] = Int32(stride)
  }
  return TensorAccess(
    tensor: UInt16(index), format: format, byteOffset: Int64(byte),
    dimensionCount: UInt8(dimensions.count), sizes: sizes, strides: strides)
}

/// Values that every format represents to some degree.
func randomValues(_ count: Int, _ generator: inout Generator) -> [Float] {
  (0..<count).map { _ in Float.random(in: -8...8, using: &generator) }
}

func makeCore(hbmBytes: Int = 1 << 16) throws -> CoreState {
  try CoreState(device: .trainium2, hbmBytes: hbmBytes)
}
