import BenchmarkRunner
import ModelGraph
import NumericFormats
import Testing

/// Operators over axes, searches, look-ups and general products from a graph to checked values on
/// the model, hazards watched.
@Suite struct OperatorExecutionTests {
  private typealias Input = (shape: TensorShape, type: ElementType, fill: TensorFill)

  private let normal = TensorFill.normal(standardDeviation: 1)

  private func floats(_ shapes: TensorShape...) -> [Input] {
    shapes.map { ($0, .float32, normal) }
  }

  private func indices(_ shape: TensorShape, below count: Int) -> Input {
    (shape, .int64, .indices(count: count))
  }

  /// Runs a graph of that one operator and compares every result with float64.
  private func check(
    _ operation: ModelGraph.Operator, _ inputs: [Input], results: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var builder = GraphBuilder(name: "case", format: .float32)
    var names: [String] = []
    for (index, input) in inputs.enumerated() {
      names.append("in\(index)")
      try builder.given(
        "in\(index)", input.shape, format: input.type.storage, fill: input.fill, type: input.type)
    }
    try builder.apply(
      operation, to: names, name: "node", results: (0..<results).map { "out\($0)" }, role: .output)
    let execution = try GraphExecution(try builder.finish())
    #expect(execution.reports.count >= results, sourceLocation: sourceLocation)
    for report in execution.reports {
      #expect(report.passed, "\(report.summary)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [SoftmaxKind.softmax, .logSoftmax]) func shares(kind: SoftmaxKind) throws {
    for axis in [-1, 0, 1, 2] {
      try check(.axisSoftmax(AxisSoftmax(kind, axis: axis)), floats([5, 7, 60]))
    }
    try check(
      .axisSoftmax(AxisSoftmax(kind, axis: 1, mergesAxes: true)), floats([3, 4, 5]))
  }

  @Test(arguments: [true, false]) func norms(centres: Bool) throws {
    for (axis, own): (Int, TensorShape) in [(-1, [6]), (1, [4, 6]), (0, [3, 4, 6]), (2, [6])] {
      let norm = AxisNormalization(centres: centres, axis: axis, epsilon: 1e-3)
      try check(.axisNormalization(norm), floats([3, 4, 6], own))
      if centres { try check(.axisNormalization(norm), floats([3, 4, 6], own, own)) }
    }
  }

  @Test(arguments: [1, 2]) func lengths(power: Int) throws {
    for axis in [0, 1, -1] {
      try check(.lpNormalization(LpNormalization(axis: axis, power: power)), floats([4, 5, 30]))
    }
  }

  @Test(arguments: [true, false]) func searches(largest: Bool) throws {
    for axis in [0, 1, -1] {
      for prefersLast in [true, false] {
        try check(
          .argExtreme(
            ArgExtreme(
              seeksLargest: largest, axis: axis, keepsDimensions: true, prefersLast: prefersLast)),
          floats([4, 12, 30]))
      }
      try check(
        .topK(TopK(count: 3, axis: axis, seeksLargest: largest)), floats([4, 12, 30]), results: 2)
    }
  }

  @Test func generalProducts() throws {
    for transposes in [(false, false), (true, false), (false, true), (true, true)] {
      let a: TensorShape = transposes.0 ? [30, 20] : [20, 30]
      let b: TensorShape = transposes.1 ? [40, 30] : [30, 40]
      let gemm = Gemm(
        alpha: 0.25, beta: 0.5, transposeA: transposes.0, transposeB: transposes.1)
      try check(.gemm(gemm), floats(a, b))
      for c: TensorShape in [[40], [20, 1], [20, 40], [1, 40], []] {
        try check(.gemm(gemm), floats(a, b, c))
      }
      try check(
        .gemm(Gemm(transposeA: transposes.0, transposeB: transposes.1)), floats(a, b, [40]))
    }
  }

  @Test func lookUpsAndUpdates() throws {
    let data = floats([6, 6, 10])
    try check(.tupleGather(TupleGather()), data + [indices([5, 1], below: 6)])
    try check(.tupleGather(TupleGather()), data + [indices([3, 5, 2], below: 6)])
    for axis in 0..<3 {
      try check(.elementGather(ElementGather(axis: axis)), data + [indices([6, 4, 3], below: 6)])
    }
    try check(
      .scatter(Scatter(axis: nil)), data + [indices([1, 2], below: 6)] + floats([1, 10]))
    try check(
      .scatter(Scatter(axis: 1)), data + [indices([6, 1, 10], below: 6)] + floats([6, 1, 10]))
  }

  @Test func places() throws {
    for axis in [0, 1, -1] {
      try check(
        .oneHot(OneHot(depth: 7, axis: axis)), [indices([3, 5], below: 9)] + floats([2]))
    }
    for keepsUpper in [true, false] {
      for diagonal in [-7, -1, 0, 2, 9] {
        try check(
          .triangle(Triangle(keepsUpper: keepsUpper, diagonal: diagonal)), floats([2, 5, 8]))
      }
    }
    for channelsFirst in [true, false] {
      for toDepth in [true, false] {
        let shuffle = BlockShuffle(size: 2, toDepth: toDepth, channelsFirst: channelsFirst)
        try check(.blockShuffle(shuffle), floats([2, 8, 4, 6]))
      }
    }
  }

  @Test func upsamplingByWeights() throws {
    for (x, w): (TensorShape, TensorShape) in [
      ([1, 12, 5, 7], [12, 6, 2, 2]), ([3, 5, 4, 3], [5, 4, 3, 2]),
      ([2, 3, 2, 3, 4], [3, 2, 2, 2, 2]),
    ] {
      let window = SlidingWindow(
        Array(w.dimensions.dropFirst(2)), strides: Array(w.dimensions.dropFirst(2)))
      let operation = ModelGraph.Operator.transposedConvolution(TransposedConvolution(window))
      try check(operation, floats(x, w))
      try check(operation, floats(x, w, [w[1]]))
    }
  }

  /// Weights of one channel that SBUF does not hold beside each other.
  @Test func longWindows() throws {
    let window = SlidingWindow([256], strides: [128])
    for (x, w): (TensorShape, TensorShape) in [
      ([1, 1, 640], [258, 1, 256]), ([2, 2, 500], [260, 2, 256]),
    ] {
      try check(.convolution(Convolution(window)), floats(x, w))
    }
  }
}
