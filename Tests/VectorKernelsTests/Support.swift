import VectorKernels

/// A seeded generator, so that a failure repeats.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

/// Sizes around the width of a register and around the unrolled and chunked loops.
let rowSizes = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 255, 256, 257, 513]

/// Values that break careless arithmetic.
let awkward: [Float] = [
  0, -0.0, 1, -1, 0.5, -2, 3, .infinity, -.infinity, .nan, -.nan, .leastNonzeroMagnitude,
  -.leastNonzeroMagnitude, .leastNormalMagnitude, -.leastNormalMagnitude * 0.75,
  .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e-30, 2.5, 448, 16_777_216,
]

/// `count` values: mostly ordinary, some awkward ones unless `isTame`.
func sampleRow(_ count: Int, seed: UInt64, isTame: Bool = false) -> [Float] {
  var generator = Seeded(seed)
  return (0..<count).map { _ in
    if !isTame && UInt8.random(in: 0..<4, using: &generator) == 0 {
      return awkward.randomElement(using: &generator) ?? 0
    }
    return Float.random(in: -4...4, using: &generator)
  }
}

/// Equal patterns, or both NaN: which NaN an operation returns is the host's choice.
func isSame(_ left: Float, _ right: Float) -> Bool {
  left.bitPattern == right.bitPattern || (left.isNaN && right.isNaN)
}

/// `isSame` over rows.
func isSame(_ left: [Float], _ right: [Float]) -> Bool {
  left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
}

/// The result of a kernel that writes `count` floats; the guard word behind them must survive.
func floats(
  _ count: Int, from start: [Float]? = nil, _ body: (UnsafeMutablePointer<Float>) -> Void
) -> [Float] {
  var row = (start ?? [Float](repeating: -77, count: count)) + [123]
  unsafe row.withUnsafeMutableBufferPointer { buffer in
    if let base = buffer.baseAddress { unsafe body(base) }
  }
  return row.removeLast() == 123 ? row : []
}
