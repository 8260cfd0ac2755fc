import BenchmarkRunner
import ModelGraph
import NumericFormats
import Testing

/// Updates that meet what stands there, searches among whole numbers, and maxima with their places.
@Suite struct JoinedUpdateTests {
  private typealias Input = OperatorCase.Input
  private static let reductions: [ScatterReduction] = [.add, .multiply, .maximum, .minimum]

  /// Many updates of each of few rows, more than a tile of them.
  @Test(arguments: reductions)
  func slices(reduction: ScatterReduction) throws {
    let scatter = ModelGraph.Operator.scatter(Scatter(axis: nil, reduction: reduction))
    for (data, indices): (TensorShape, TensorShape) in [
      ([4, 4, 4], [2, 1]), ([6, 5, 20], [9, 2]), ([7, 3], [150, 1]), ([3, 4], [5, 7, 2]),
    ] {
      let tuple = indices[indices.rank - 1]
      let updates = TensorShape(
        indices.dimensions.dropLast() + data.dimensions.dropFirst(tuple))
      try OperatorCase(
        scatter,
        [.floats(data), .whole(indices, below: min(data[0], data[1])), .floats(updates)]
      ).check()
    }
  }

  @Test(arguments: reductions)
  func elements(reduction: ScatterReduction) throws {
    for axis in [0, 1, -1] {
      try OperatorCase(
        .scatter(Scatter(axis: axis, reduction: reduction)),
        [.floats([5, 6, 7]), .whole([3, 6, 7], below: 5), .floats([3, 6, 7])]
      ).check()
    }
    // Indices from the back, formats of half the size.
    let numbers = try Input.values([-1, 1, 0, -3, -1, 2], [6], .int64)
    for type in [ElementType.bfloat16, .float16] {
      try OperatorCase(
        .scatter(Scatter(axis: 0, reduction: reduction)),
        [.floats([3], type), numbers, .floats([6], type)], format: type.storage
      ).check()
    }
  }

  /// Masked scores: fewer numbers of a row than are wanted are finite, and every place comes once.
  @Test(arguments: [3, 12, 40]) func topOfRowsOfMinusInfinity(finite: Int) throws {
    let values = (0..<80).map { place in
      place % 40 * 7 % 40 < finite ? Double(place * 11 % 17) : -.infinity
    }
    for count in [5, 20, 40] {
      try OperatorCase(.topK(TopK(count: count)), [try .values(values, [2, 40])], results: 2)
        .check(agreeing: 0)
    }
    try OperatorCase(
      .topK(TopK(count: 5)), [try .values(Array(values[..<5]), [1, 5])], results: 2
    ).check(agreeing: 0)
  }

  /// Numbers of which fp32 holds only a part, equal ones among them.
  @Test(arguments: [ElementType.int32, .format(.uint32), .int64], [true, false])
  func wholeNumbers(type: ElementType, largest: Bool) throws {
    let isSigned = type.integerRange?.isSigned == true
    let values = (0..<120).map { index in
      let low = Double(index * 37 % 29)
      let high = Double(index * 11 % 5) * 0x1p28
      return isSigned ? high + low - 0x1p30 : high + low
    }
    let x = try Input.values(values, [4, 30], type)
    for count in [1, 3, 30] {
      try OperatorCase(
        .topK(TopK(count: count, seeksLargest: largest)), [x], results: 2
      ).check(agreeing: 0)
    }
    try OperatorCase(.topK(TopK(count: 2, axis: 0, seeksLargest: largest)), [x], results: 2)
      .check(agreeing: 0)
    for prefersLast in [true, false] {
      try OperatorCase(
        .argExtreme(
          ArgExtreme(
            seeksLargest: largest, axis: 1, keepsDimensions: false, prefersLast: prefersLast)),
        [x]
      ).check(agreeing: 0)
    }
  }

  @Test func placesOfMaxima() throws {
    let windows = [
      SlidingWindow([2, 2]), SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]),
      SlidingWindow([2, 3], strides: [1, 2], dilations: [2, 1], before: [0, 1], after: [1, 2]),
    ]
    for window in windows {
      for countsColumnsFirst in [true, false] {
        try OperatorCase(
          .indexedMaxPool(IndexedMaxPool(window, countsColumnsFirst: countsColumnsFirst)),
          [.floats([2, 3, 7, 8])], results: 2
        ).check(agreeing: 0)
      }
    }
    // Equal elements: the first counts.
    try OperatorCase(
      .indexedMaxPool(IndexedMaxPool(SlidingWindow([3], before: [1]))),
      [.values([2, 2, 1, 2, 2, 0], [1, 1, 6])], results: 2
    ).check(agreeing: 0)
    var covering = SlidingWindow([3, 3], strides: [2, 2])
    covering.coversEnd = true
    try OperatorCase(
      .indexedMaxPool(IndexedMaxPool(covering)), [.floats([1, 2, 6, 6])], results: 2
    ).check(agreeing: 0)
  }
}
