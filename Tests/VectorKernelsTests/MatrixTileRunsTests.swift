import NumericFormats
import Testing
import VectorKernels

@Suite struct MatrixTileRunsTests {
  private static let patterns = [
    ElementRuns(count: 13, stride: 1, outerCounts: (1, 2, 3), outerStrides: (0, 50, 15)),
    ElementRuns(count: 55, stride: 1, outerCounts: (1, 1, 9), outerStrides: (0, 0, 57)),
    ElementRuns(count: 3, stride: 1, outerCounts: (1, 1, 7), outerStrides: (0, 0, 9)),
    ElementRuns(count: 8, stride: 2, outerCounts: (2, 1, 2), outerStrides: (40, 0, 17)),
    ElementRuns(count: 31, stride: 3), ElementRuns(count: 1), ElementRuns(count: 512),
  ]

  /// What lies in the gaps of C stays as it is.
  @Test func aProductIntoRowsWithGapsHasTheElementsOfADenseOne() {
    for runs in Self.patterns {
      for accumulate in [false, true] { check(runs, accumulate: accumulate) }
    }
  }

  private func check(_ runs: ElementRuns, accumulate: Bool) {
    let (k, m, n, pitch) = (37, 14, runs.total, 700)
    var panels = [Float](repeating: 9, count: MatrixTile.stationaryFloatCount(k: k, m: m))
    var moving = [Float](repeating: 9, count: MatrixTile.movingFloatCount(k: k, n: n))
    unsafe MatrixTile.packStationary(
      .float32, from: sampleRow(k * m, seed: 3), rowPitchBytes: 4 * m, ElementRuns(count: m), k: k,
      into: &panels)
    unsafe MatrixTile.packMoving(
      .float32, from: sampleRow(k * n, seed: 4), rowPitchBytes: 4 * n, ElementRuns(count: n), k: k,
      into: &moving)
    let old = sampleRow(m * pitch, seed: 5)
    var product = [Float](repeating: 0, count: m * n)
    unsafe MatrixTile.multiply(
      stationary: panels, moving: moving, k: k, m: m, n: n, into: &product, cPitch: n,
      accumulate: false)
    var expected = old
    for row in 0..<m {
      var index = row * n
      runs.forEach { offset in
        for step in 0..<runs.count {
          let place = row * pitch + offset + step * runs.stride
          expected[place] = accumulate ? expected[place] + product[index] : product[index]
          index += 1
        }
      }
    }
    let result = unsafe floats(old.count, from: old) { c in
      unsafe MatrixTile.multiply(
        stationary: panels, moving: moving, k: k, m: m, into: c, cPitch: pitch, runs: runs,
        accumulate: accumulate)
    }
    #expect(isSame(result, expected), "\(runs) accumulate \(accumulate)")
  }
}
