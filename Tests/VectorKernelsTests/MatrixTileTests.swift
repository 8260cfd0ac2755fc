import NumericFormats
import Testing
import VectorKernels

@Suite struct MatrixTileTests {
  /// The packed product and the reference on the same operands and the same old C.
  func products(k: Int, m: Int, n: Int, accumulate: Bool, isTame: Bool) -> ([Float], [Float]) {
    let a = sampleRow(k * m + 1, seed: UInt64(k + 131 * m), isTame: isTame)
    let b = sampleRow(k * n + 1, seed: UInt64(k + 17 * n + 9), isTame: isTame)
    let pitch = n + 3
    let old = sampleRow(m * pitch + 1, seed: 77, isTame: isTame)
    var fast = old
    var slow = old
    var panels = [Float](repeating: 9, count: MatrixTile.stationaryFloatCount(k: k, m: m) + 1)
    var moving = [Float](repeating: 9, count: MatrixTile.movingFloatCount(k: k, n: n) + 1)
    unsafe MatrixTile.packStationary(
      .float32, from: a, rowPitchBytes: 4 * m, ElementRuns(count: m), k: k, into: &panels)
    unsafe MatrixTile.packMoving(
      .float32, from: b, rowPitchBytes: 4 * n, ElementRuns(count: n), k: k, into: &moving)
    unsafe MatrixTile.multiply(
      stationary: panels, moving: moving, k: k, m: m, n: n, into: &fast, cPitch: pitch,
      accumulate: accumulate)
    unsafe MatrixTile.multiplyReference(
      a, aPitch: m, b, bPitch: n, k: k, m: m, n: n, into: &slow, cPitch: pitch,
      accumulate: accumulate)
    return (fast, slow)
  }

  @Test func everySmallShapeEqualsTheReferenceBitForBit() {
    for k in [0, 1, 2, 5, 127, 128, 129] {
      for m in [0, 1, 5, 6, 7, 8, 9, 16, 17] {
        for n in [0, 1, 11, 12, 15, 16, 17, 31, 32, 33, 64] {
          for accumulate in [false, true] {
            let (fast, slow) = products(k: k, m: m, n: n, accumulate: accumulate, isTame: k > 1)
            #expect(isSame(fast, slow), "k \(k) m \(m) n \(n) accumulate \(accumulate)")
          }
        }
      }
    }
  }

  @Test func theLargestTileEqualsTheReferenceWithAwkwardValuesToo() {
    for isTame in [true, false] {
      let (fast, slow) = products(k: 128, m: 128, n: 512, accumulate: true, isTame: isTame)
      #expect(isSame(fast, slow))
    }
  }

  /// The product of two packed tiles of equal size.
  func product(_ stationary: [Float], _ moving: [Float], k: Int, m: Int) -> [Float] {
    var result = [Float](repeating: 0, count: m * m)
    unsafe MatrixTile.multiply(
      stationary: stationary, moving: moving, k: k, m: m, n: m, into: &result, cPitch: m,
      accumulate: false)
    return result
  }

  @Test func packingFromAFormatEqualsWideningFirst() {
    for format in [NumberFormat.bfloat16, .float8e4m3, .float32, .float16] {
      for runs in [
        ElementRuns(count: 37), ElementRuns(count: 37, stride: 2),
        ElementRuns(count: 13, stride: 1, outerCounts: (1, 2, 3), outerStrides: (0, 50, 15)),
        ElementRuns(count: 5, stride: 1, outerCounts: (1, 1, 7), outerStrides: (0, 0, 9)),
        ElementRuns(count: 8, stride: 2, outerCounts: (2, 1, 2), outerStrides: (40, 0, 17)),
      ] {
        checkPacking(format, runs)
      }
    }
  }

  private func checkPacking(_ format: NumberFormat, _ runs: ElementRuns) {
    let (k, m) = (19, runs.total)
    let pitchBytes = 120 * format.sizeBytes
    var bytes = [UInt8](repeating: 0, count: k * pitchBytes)
    var generator = Seeded(3)
    for index in bytes.indices { bytes[index] = UInt8.random(in: 0..<0x70, using: &generator) }
    var wide = [Float](repeating: 0, count: k * m)
    var direct = [Float](repeating: 1, count: MatrixTile.movingFloatCount(k: k, n: m))
    var staged = direct
    var left = [Float](repeating: 1, count: MatrixTile.stationaryFloatCount(k: k, m: m))
    var leftStaged = left
    unsafe bytes.withUnsafeBytes { raw in
      guard let base = raw.baseAddress else { return }
      for row in 0..<k {
        var column = row * m
        runs.forEach { offset in
          for index in 0..<runs.count {
            let element = offset + index * runs.stride
            unsafe Conversion.widen(
              format, from: base + row * pitchBytes + element * format.sizeBytes, stride: 1,
              count: 1, into: &wide[column])
            column += 1
          }
        }
      }
      unsafe MatrixTile.packMoving(
        format, from: base, rowPitchBytes: pitchBytes, runs, k: k, into: &direct)
      unsafe MatrixTile.packStationary(
        format, from: base, rowPitchBytes: pitchBytes, runs, k: k, into: &left)
    }
    let dense = ElementRuns(count: m)
    unsafe MatrixTile.packMoving(
      .float32, from: wide, rowPitchBytes: 4 * m, dense, k: k, into: &staged)
    unsafe MatrixTile.packStationary(
      .float32, from: wide, rowPitchBytes: 4 * m, dense, k: k, into: &leftStaged)
    // What lies between panels is nobody's: the products tell.
    let product = product(left, direct, k: k, m: m)
    let expected = self.product(leftStaged, staged, k: k, m: m)
    #expect(isSame(product, expected), "\(format.name) \(runs)")
  }
}
