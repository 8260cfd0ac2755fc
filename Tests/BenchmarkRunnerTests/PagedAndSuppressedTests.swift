import BenchmarkRunner
import ModelGraph
import NumericFormats
import Testing

/// Attention over pages and boxes that better ones cover: values from the device against the
/// reference.
@Suite struct PagedAndSuppressedTests {
  private typealias Input = OperatorCase.Input

  /// Pages in any order, shared by sequences, the last one in part; chunks of scores that begin in
  /// the middle of a sequence's pages.
  @Test(arguments: [(300, 128), (128, 128), (700, 256), (2500, 512)])
  func pages(shape: (keys: Int, page: Int)) throws {
    let attention = PagedAttention(
      heads: 4, kvHeads: 2, size: 64, keys: shape.keys, page: shape.page)
    let pages = 9
    try OperatorCase(
      .pagedAttention(attention),
      [
        .floats([3, 256], .bfloat16), .floats([pages, 2, 64, shape.page], .bfloat16),
        .floats([pages, shape.page, 128], .bfloat16),
        .whole([3, attention.pagesPerSequence], below: pages, .int32),
      ], format: .bfloat16
    ).check()
  }

  /// More pages than a sequencer has registers.
  @Test func moreThanSixtyFourPages() throws {
    let attention = PagedAttention(heads: 2, kvHeads: 2, size: 32, keys: 1100, page: 128)
    try OperatorCase(
      .pagedAttention(attention),
      [
        .floats([12, 64], .bfloat16), .floats([40, 2, 32, 128], .bfloat16),
        .floats([40, 128, 64], .bfloat16), .whole([12, 9], below: 40, .int32),
      ], format: .bfloat16
    ).check()
  }

  @Test func aPageBeyondTheCacheIsRefused() throws {
    let attention = PagedAttention(heads: 2, kvHeads: 2, size: 32, keys: 128, page: 128)
    let graph = try OperatorCase(
      .pagedAttention(attention),
      [
        .floats([1, 64], .bfloat16), .floats([4, 2, 32, 128], .bfloat16),
        .floats([4, 128, 64], .bfloat16), try Input.values([4], [1, 1], .int32),
      ], format: .bfloat16)
    #expect(throws: (any Error).self) { try graph.check() }
  }

  @Test(arguments: [0.2, 0.5, 1])
  func boxes(overlap: Double) throws {
    for isCentred in [true, false] {
      for (batch, classes, count, most) in [
        (1, 1, 5, 7), (2, 3, 70, 12), (3, 50, 40, 9), (2, 140, 20, 3),
      ] {
        try OperatorCase(
          .boxSuppression(
            BoxSuppression(
              most: most, overlap: overlap, least: classes == 3 ? 0.3 : nil, isCentred: isCentred)),
          [.spread([batch, count, 4], 0.05, 0.95), .spread([batch, classes, count], 0, 1)]
        ).check(agreeing: 0)
      }
    }
  }

  /// By hand: of four boxes the second covers the first, the fourth is too bad, and the list ends.
  @Test func knownBoxes() throws {
    let boxes = try TensorView(
      [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3, 0, 4, 1, 5], shape: [1, 4, 4], format: .float32)
    let scores = try TensorView([0.8, 0.9, 0.7, 0.1], shape: [1, 1, 4], format: .float32)
    let choice = BoxSuppression(most: 3, overlap: 0.5, least: 0.2)
    let places = try Float64Interpreter.results(.boxSuppression(choice), inputs: [boxes, scores])
    #expect(places[0].allValues == [1, 2, -1])
  }
}
