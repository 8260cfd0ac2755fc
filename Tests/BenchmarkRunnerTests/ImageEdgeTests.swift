import ModelGraph
import NumericFormats
import Testing

/// Image operators at the edges of what they mean: windows that reach behind the padding, means far
/// from zero, neighbours of unlike size. Each is checked against float64.
@Suite struct ImageEdgeTests {
  private typealias Input = OperatorCase.Input

  /// The last window reaches one element behind the image; only padding that was asked for counts.
  @Test(arguments: [0, 1]) func averagesOfWindowsThatReachFurther(padding: Int) throws {
    var window = SlidingWindow(
      [2, 3], strides: [2, 3], before: [padding, padding], after: [padding, padding])
    window.coversEnd = true
    for counts in [true, false] {
      try OperatorCase(
        .pool(Pooling(window, mode: .average(countsPadding: counts))), [.floats([1, 3, 7, 8])]
      ).check()
    }
  }

  /// A mean thousands of deviations from zero: its square holds nothing of the variance. Groups of
  /// one channel and of several; planes in one part and in more.
  @Test(arguments: [(4, 81), (2, 81), (1, 81), (2, 60_000)])
  func normsOfMeansFarFromZero(groups: Int, places: Int) throws {
    let values = (0..<4 * places).map { (index: Int) -> Double in
      let channel = Double(index / places) / 64
      let noise = Double(index * 7919 % 127 - 63) / 4096
      return Double(Float(300 + channel + noise))
    }
    let x = try Input.values(values, [1, 4, places, 1])
    try OperatorCase(
      .channelNormalization(
        ChannelNormalization(.groups(groups), epsilon: 1e-5)),
      [x, .floats([4]), .floats([4])]
    ).check(agreeing: 1e-4)
  }

  /// Where a large element hardly counts beside a small one.
  @Test func resizesBetweenUnlikeNeighbours() throws {
    let values = (0..<7 * 17).map { (index: Int) -> Double in
      Double(Float(index % 2 == 0 ? 1000 + Double(index) : Double(index) / 1000))
    }
    try OperatorCase(
      .resize(Resize(sizes: [10, 34], scales: [10 / 7, 2], mode: .linear)),
      [try .values(values, [1, 1, 7, 17])]
    ).check()
  }
}
