import ModelGraph
import NumericFormats
import Testing

/// Families of images, tables and grids against numbers worked out elsewhere: the examples of the
/// ONNX operator specification, and definitions written out here.
@Suite struct VisionFamilyTests {
  private func view(_ values: [Double], _ shape: TensorShape) throws -> TensorView {
    try TensorView(values, shape: shape, format: .float32)
  }

  private func values(_ operation: Operator, _ inputs: [TensorView]) throws -> [Double] {
    try Float64Interpreter.evaluate(operation, inputs: inputs)
  }

  private func close(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 }
  }

  private let five = (0..<25).map(Double.init)

  @Test func convolutionOfTheSpecification() throws {
    let x = try view(five, [1, 1, 5, 5])
    let w = try view([Double](repeating: 1, count: 9), [1, 1, 3, 3])
    let padded = Operator.convolution(
      Convolution(SlidingWindow([3, 3], before: [1, 1])))
    #expect(
      try values(padded, [x, w]) == [
        12, 21, 27, 33, 24, 33, 54, 63, 72, 51, 63, 99, 108, 117, 81, 93, 144, 153, 162, 111, 72,
        111, 117, 123, 84,
      ])
    let plain = Operator.convolution(Convolution(SlidingWindow([3, 3])))
    #expect(try values(plain, [x, w]) == [54, 63, 72, 99, 108, 117, 144, 153, 162])
    let strided = Operator.convolution(
      Convolution(SlidingWindow([3, 3], strides: [2, 2], before: [1, 1])))
    #expect(
      try values(strided, [x, w]) == [12, 27, 24, 63, 108, 81, 72, 117, 84])
  }

  /// Groups, a bias, layouts and single elements, against the definition.
  @Test func convolutionByItsDefinition() throws {
    let (images, inputs, outputs, groups) = (2, 4, 6, 2)
    let x = (0..<images * inputs * 20).map { Double($0 * 7 % 11) - 5 }
    let w = (0..<outputs * 2 * 6).map { Double($0 * 5 % 7) - 3 }
    let bias = (0..<outputs).map { Double($0) / 2 }
    // A window of 2 × 3 over 4 × 5, stride 2 × 1, padding 1 before rows and 1 after columns.
    let window = SlidingWindow([2, 3], strides: [2, 1], before: [1, 0], after: [0, 1])
    #expect(window.places([4, 5]) == [2, 4])
    var expected: [Double] = []
    for image in 0..<images {
      for output in 0..<outputs {
        for place in 0..<8 {
          var sum = bias[output]
          for input in 0..<2 {
            for (a, b) in (0..<6).map({ ($0 / 3, $0 % 3) }) {
              let (row, column) = (place / 4 * 2 + a - 1, place % 4 + b)
              guard (0..<4).contains(row), column < 5 else { continue }
              let channel = image * inputs + output / 3 * 2 + input
              sum += x[channel * 20 + row * 5 + column] * w[(output * 2 + input) * 6 + a * 3 + b]
            }
          }
          expected.append(sum)
        }
      }
    }
    let operation = Convolution(window, groups: groups)
    let given = [
      try view(x, [images, inputs, 4, 5]), try view(w, [outputs, 2, 2, 3]),
      try view(bias, [outputs]),
    ]
    #expect(try values(.convolution(operation), given) == expected)
    let some = [0, 17, 40, expected.count - 1]
    #expect(
      try Float64Interpreter.evaluate(.convolution(operation), inputs: given, at: some)
        == some.map { expected[$0] })
    // The same with channels first and weights by inputs.
    let turned = Convolution(
      window, groups: groups, inputLayout: .channelsFirst, outputLayout: .channelsFirst,
      weightLayout: .inputsFirst)
    let again = [
      try view(swapped(x, images, inputs), [inputs, images, 4, 5]),
      try view(
        (0..<w.count).map { w[($0 % outputs * 2 + $0 / (6 * outputs)) * 6 + $0 / outputs % 6] },
        [2, 6, outputs]),
      given[2],
    ]
    #expect(
      try values(.convolution(turned), again) == swapped(expected, images, outputs))
  }

  private func swapped(_ x: [Double], _ a: Int, _ b: Int) -> [Double] {
    let rest = x.count / (a * b)
    return (0..<x.count).map { index in
      let (outer, inner) = (index / rest, index % rest)
      return x[(outer % a * b + outer / a) * rest + inner]
    }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let x = try view(five, [1, 1, 5, 5])
    let w = try view([Double](repeating: 1, count: 9), [1, 1, 3, 3])
    for operation in [
      Convolution(SlidingWindow([3])), Convolution(SlidingWindow([3, 3]), groups: 2),
      Convolution(SlidingWindow([3, 2])),
      Convolution(SlidingWindow([3, 3], dilations: [3, 3])),
    ] {
      #expect(throws: GraphError.self) { try values(.convolution(operation), [x, w]) }
    }
  }

  @Test func poolsOfTheSpecification() throws {
    let x = try view((1...25).map(Double.init), [1, 1, 5, 5])
    let window = SlidingWindow([5, 5], before: [2, 2])
    #expect(
      try values(.pool(Pooling(window, mode: .max)), [x]) == [
        13, 14, 15, 15, 15, 18, 19, 20, 20, 20, 23, 24, 25, 25, 25, 23, 24, 25, 25, 25, 23, 24,
        25, 25, 25,
      ])
    let means = try values(.pool(Pooling(window, mode: .average(countsPadding: false))), [x])
    #expect(close(Array(means.prefix(5)), [7, 7.5, 8, 8.5, 9]))
    let padded = try values(.pool(Pooling(window, mode: .average(countsPadding: true))), [x])
    #expect(close(Array(padded.prefix(5)), [2.52, 3.6, 4.8, 4.08, 3.24]))
    var ceiling = SlidingWindow([3, 3], strides: [2, 2])
    ceiling.coversEnd = true
    let four = try view((1...16).map(Double.init), [1, 1, 4, 4])
    #expect(try values(.pool(Pooling(ceiling, mode: .max)), [four]) == [11, 12, 15, 16])
  }

  @Test func resizesOfTheSpecification() throws {
    let two = try view([1, 2, 3, 4], [1, 1, 2, 2])
    let linear = Resize(sizes: [4, 4], scales: [2, 2], mode: .linear)
    #expect(
      close(
        try values(.resize(linear), [two]),
        [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4]))
    let corners = Resize(
      sizes: [4, 4], scales: [2, 2], mode: .linear, coordinates: .alignCorners)
    #expect(
      close(
        Array(try values(.resize(corners), [two]).prefix(8)),
        [1, 4.0 / 3, 5.0 / 3, 2, 5.0 / 3, 2, 7.0 / 3, 8.0 / 3]))
    let eight = try view((1...8).map(Double.init), [1, 1, 2, 4])
    let down = Resize(sizes: [1, 2], scales: [0.6, 0.6], mode: .linear)
    #expect(close(try values(.resize(down), [eight]), [2.6666665, 4.3333331]))
    let nearest = Resize(
      sizes: [1, 2], scales: [0.6, 0.6], mode: .nearest, rounding: .roundPreferFloor)
    #expect(try values(.resize(nearest), [eight]) == [1, 3])
    let sixteen = try view((1...16).map(Double.init), [1, 1, 4, 4])
    let cubic = Resize(sizes: [8, 8], scales: [2, 2], mode: .cubic)
    #expect(
      close(
        Array(try values(.resize(cubic), [sixteen]).prefix(4)),
        [0.47265625, 0.76953125, 1.24609375, 1.875]))
    #expect(try values(.resize(.nearest([2, 2], factor: 2)), [two]).prefix(4) == [1, 1, 2, 2])
  }

  @Test func normsByTheirDefinition() throws {
    let x = (0..<24).map { Double($0 * 5 % 7) - 2 }
    let parameters = [[2.0, 1, 0.5], [0.25, -1, 3], [0.5, 1, -1], [4, 1, 0.25]]
    let shaped = try parameters.map { try view($0, [3]) }
    let batch = Operator.channelNormalization(ChannelNormalization(.given, epsilon: 0))
    let given = try view(x, [2, 3, 4])
    let expected = x.indices.map { index in
      let channel = index / 4 % 3
      return (x[index] - parameters[2][channel]) / parameters[3][channel].squareRoot()
        * parameters[0][channel] + parameters[1][channel]
    }
    #expect(close(try values(batch, [given] + shaped), expected))
    // One channel per group: every run of four has mean 0 and variance 1.
    let instance = Operator.channelNormalization(ChannelNormalization(.groups(3), epsilon: 0))
    let ones = [try view([1, 1, 1], [3]), try view([0, 0, 0], [3])]
    let normal = try values(instance, [given] + ones)
    for start in stride(from: 0, to: 24, by: 4) {
      let run = Array(normal[start..<start + 4])
      #expect(abs(run.reduce(0, +)) < 1e-9)
      #expect(abs(run.reduce(0) { $0 + $1 * $1 } - 4) < 1e-9)
    }
  }

  @Test func bagsByTheirDefinition() throws {
    let tables = [
      try view([1, 2, 3, 4, 5, 6], [3, 2]), try view([10, 20, 30, 40], [2, 2]),
    ]
    let index = try TensorView([0, 2, 1, 7, 1, 0] as [Double], shape: [2, 3], format: .uint32)
    let front = try view([7, 8, 9, 10], [2, 2])
    let bag = Operator.embeddingBag(EmbeddingBag(lengths: [2, 1], hasLeading: true))
    #expect(
      try values(bag, [index] + tables + [front])
        == [7, 8, 6, 8, 30, 40, 9, 10, 3, 4, 10, 20])
  }

  @Test func gridsAndTransforms() throws {
    let point = (0..<27).map { $0 == 13 ? 8.0 : 0 }
    let stencil = Operator.stencil(Stencil(centre: 0.5, neighbour: 0.25))
    let spread = try values(stencil, [try view(point, [3, 3, 3])])
    #expect(spread[13] == 4)
    for neighbour in [4, 10, 12, 14, 16, 22] { #expect(spread[neighbour] == 2) }
    #expect(spread.reduce(0, +) == 16)
    // A single wave has one line.
    let wave = (0..<12).map { index in
      let angle = 2 * Double.pi * 3 * Double(index) / 12
      return (Double.cosine(angle), Double.cosine(angle - Double.pi / 2))
    }
    let signal = try view(wave.map(\.0) + wave.map(\.1), [2, 1, 12])
    let spectrum = try values(.fourierTransform(FourierTransform()), [signal])
    for index in 0..<24 { #expect(abs(spectrum[index] - (index == 3 ? 12 : 0)) < 1e-6) }
  }
}

extension Double {
  /// cos by its series: independent of the library that the interpreter uses.
  fileprivate static func cosine(_ x: Double) -> Double {
    var (term, sum) = (1.0, 1.0)
    for n in 1..<40 {
      term *= -x * x / Double((2 * n - 1) * 2 * n)
      sum += term
    }
    return sum
  }
}
