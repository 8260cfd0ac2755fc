import Foundation
import ModelGraph
import NumericFormats
import Testing

@Suite("The float64 reference against values worked out by hand")
struct InterpreterTests {
  private func evaluate(_ operation: Operator, _ inputs: TensorView...) throws -> [Double] {
    try Float64Interpreter.evaluate(operation, inputs: inputs)
  }

  private func near(_ found: [Double], _ expected: [Double]) -> Bool {
    found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  @Test("MatMul in all four stored layouts")
  func matMul() throws {
    let a = try exact([1, 2, 3, 4, 5, 6], [2, 3])
    let b = try exact([1, 0, 2, 1, 0, 3], [3, 2])
    let aStored = try exact([1, 4, 2, 5, 3, 6], [3, 2])
    let bStored = try exact([1, 2, 0, 0, 1, 3], [2, 3])
    let expected: [Double] = [5, 11, 14, 23]
    #expect(try evaluate(.matMul(transposeA: false, transposeB: false), a, b) == expected)
    #expect(try evaluate(.matMul(transposeA: true, transposeB: false), aStored, b) == expected)
    #expect(try evaluate(.matMul(transposeA: false, transposeB: true), a, bStored) == expected)
    #expect(
      try evaluate(.matMul(transposeA: true, transposeB: true), aStored, bStored) == expected)
  }

  @Test("Elementwise operators, with a row broadcast over rows")
  func elementwise() throws {
    let x = try exact([1, -2, 3, -4], [2, 2])
    let row = try exact([10, 20], [2])
    #expect(try evaluate(.add, x, row) == [11, 18, 13, 16])
    #expect(try evaluate(.multiply, x, row) == [10, -40, 30, -80])
    #expect(try evaluate(.relu, x) == [1, 0, 3, 0])
    #expect(try evaluate(.reluGradient, exact([5, 6, 7, 8], [2, 2]), x) == [5, 0, 7, 0])
    #expect(try evaluate(.gradientDescent(learningRate: 0.5), x, x) == [0.5, -1, 1.5, -2])
    #expect(try evaluate(.reduceSum, x) == [4, -6])
    #expect(try evaluate(.transpose(permutation: [1, 0]), x) == [1, 3, -2, -4])
    #expect(try evaluate(.slice(start: 1, count: 1), x) == [3, -4])
    #expect(try evaluate(.copy, x) == [1, -2, 3, -4])
    #expect(near(try evaluate(.sigmoid, exact([0, log(3)], [2])), [0.5, 0.75]))
    #expect(near(try evaluate(.silu, exact([0, log(3)], [2])), [0, 0.75 * log(3)]))
  }

  @Test("Transpose of three axes")
  func transposeThreeAxes() throws {
    let x = try exact([0, 1, 2, 3, 4, 5], [1, 2, 3])
    #expect(try evaluate(.transpose(permutation: [2, 0, 1]), x) == [0, 3, 1, 4, 2, 5])
  }

  @Test("Softmax and normalisations")
  func rows() throws {
    #expect(
      near(
        try evaluate(.softmax, exact([0, log(2), 1000, 1000], [2, 2])), [1 / 3, 2 / 3, 0.5, 0.5]))
    let scale = try exact([2, 10], [2])
    let root = 12.5.squareRoot()
    #expect(
      near(
        try evaluate(.rmsNormalization(epsilon: 0), exact([3, 4], [1, 2]), scale),
        [6 / root, 40 / root]))
    #expect(
      near(
        try evaluate(.rmsNormalization(epsilon: 1), exact([0, 0], [1, 2]), scale), [0, 0]))
    #expect(
      near(
        try evaluate(
          .layerNormalization(epsilon: 0), exact([1, 3], [1, 2]), scale, exact([5, 6], [2])),
        [-2 + 5, 10 + 6]))
    #expect(
      near(
        try evaluate(
          .layerNormalization(epsilon: 3), exact([1, 3], [1, 2]), scale, exact([0, 0], [2])),
        [-1, 5]))
  }

  @Test("Rotary embedding turns pairs by position times frequency")
  func rotary() throws {
    let lengths = HeadDimensions(batch: 1, heads: 1, tokens: 2, channels: 4)
    let angles = RotaryAngles(base: 100, channels: 4, firstPosition: 3)
    let x = try exact([1, 2, 3, 4, 1, 2, 3, 4], [2, 4])
    let (c, s) = (cos(4.0), sin(4.0))
    let (d, t) = (cos(0.4), sin(0.4))
    let half = try evaluate(.rotaryEmbedding(RotaryEmbedding(lengths: lengths, angles: angles)), x)
    #expect(near(Array(half[4...]), [c - 3 * s, 2 * d - 4 * t, 3 * c + s, 4 * d + 2 * t]))
    let pairs = try evaluate(
      .rotaryEmbedding(RotaryEmbedding(lengths: lengths, isInterleaved: true, angles: angles)), x)
    #expect(near(Array(pairs[4...]), [c - 2 * s, 2 * c + s, 3 * d - 4 * t, 4 * d + 3 * t]))
    var part = RotaryEmbedding(
      lengths: lengths, angles: RotaryAngles(base: 100, channels: 2, firstPosition: 3))
    part.turnedChannels = 2
    let first = try evaluate(.rotaryEmbedding(part), x)
    #expect(near(Array(first[4...]), [c - 2 * s, 2 * c + s, 3, 4]))
  }

  @Test("Rotary tables made from the same angles give the same result")
  func rotaryTables() throws {
    let lengths = HeadDimensions(batch: 2, heads: 2, tokens: 3, channels: 8)
    let scaling = RotaryScaling(
      factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
    let angles = RotaryAngles(base: 500_000, channels: 8, firstPosition: 2047, scaling: scaling)
    let x = try view(seeded("x", [6, 16]), [6, 16])
    let cosine = try view(
      seeded("c", [3, 4], format: .float32, fill: .rotaryCosine(angles)), [3, 4], .float32)
    let sine = try view(
      seeded("s", [3, 4], format: .float32, fill: .rotarySine(angles)), [3, 4], .float32)
    let computed = try evaluate(
      .rotaryEmbedding(RotaryEmbedding(lengths: lengths, angles: angles)), x)
    let read = try evaluate(
      .rotaryEmbedding(RotaryEmbedding(lengths: lengths, angles: nil)), x, cosine, sine)
    #expect(zip(computed, read).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("Llama's frequency scaling: high stays, low is divided, the middle is between")
  func rotaryScaling() {
    let scaling = RotaryScaling(
      factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
    let turn = 2 * Double.pi
    #expect(scaling.stretched(turn / 100) == turn / 100)
    #expect(scaling.stretched(turn / 10_000) == turn / 80_000)
    // Two turns in the original context: a third of the way from divided to whole.
    let middle = scaling.stretched(turn / 4096) / (turn / 4096)
    #expect(abs(middle - (2 / 3.0 / 8 + 1 / 3.0)) < 1e-12)
  }

  /// GPT-OSS: 32 pairs, base 150,000, four thousand tokens stretched to 32 times as many. Limits in
  /// pairs and the slope between them are worked out as the paper does it.
  @Test("YaRN's frequency scaling")
  func yarnScaling() {
    var scaling = RotaryScaling(
      factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 32, originalContext: 4096)
    scaling.isYarn = true
    let angles = RotaryAngles(base: 150_000, channels: 64, firstPosition: 1, scaling: scaling)
    func pair(turns: Double) -> Double {
      32 * log(4096 / (turns * 2 * Double.pi)) / log(150_000)
    }
    let (low, high) = (pair(turns: 32), pair(turns: 1))
    #expect((8.0..<9).contains(low) && (17.0..<18).contains(high))
    for index in 0..<32 {
      let plain = pow(150_000, -Double(index) / 32)
      let ramp = min(1, max(0, (Double(index) - low) / (high - low)))
      let wanted = plain / 32 * ramp + plain * (1 - ramp)
      #expect(abs(angles.radians(token: 0, pair: index) / wanted - 1) < 1e-12, "pair \(index)")
      let turn = angles.turn(token: 0, pair: index)
      let length = (turn.cosine * turn.cosine + turn.sine * turn.sine).squareRoot()
      #expect(abs(length - (0.1 * log(32) + 1)) < 1e-12)
    }
  }

  @Test("Attention: one score apart, causal mask, offset, grouped heads")
  func attention() throws {
    let one = HeadDimensions(batch: 1, heads: 1, tokens: 2, channels: 1)
    let q = try exact([log(3), 0], [2, 1])
    let k = try exact([1, 0], [2, 1])
    let v = try exact([10, 20], [2, 1])
    let plain = Attention(query: one, key: one, isCausal: false)
    #expect(near(try evaluate(.attention(plain), q, k, v), [12.5, 15]))
    let causal = Attention(query: one, key: one, isCausal: true)
    #expect(near(try evaluate(.attention(causal), q, k, v), [10, 15]))
    var doubled = plain
    doubled.scale = 2
    #expect(near(try evaluate(.attention(doubled), q, k, v), [11, 15]))

    let query = HeadDimensions(batch: 1, heads: 4, tokens: 1, channels: 1)
    let key = HeadDimensions(batch: 1, heads: 2, tokens: 1, channels: 1)
    let grouped = Attention(query: query, key: key, isCausal: true, queryOffset: 0)
    #expect(
      try evaluate(
        .attention(grouped), exact([1, 2, 3, 4], [1, 4]), exact([5, 6], [1, 2]),
        exact([7, 8], [1, 2])) == [7, 7, 8, 8])
  }

  @Test("Cross entropy: equal logits cost log C; the gradient is the slope of the loss")
  func crossEntropy() throws {
    let labels = try exact([2, 0], [2])
    let flat = try exact([Double](repeating: 5, count: 6), [2, 3])
    #expect(near(try evaluate(.softmaxCrossEntropyLoss, flat, labels), [log(3)]))
    var logits: [Double] = [0.3, -1, 2, 0.5, 0.1, -0.7]
    let gradient = try evaluate(
      .softmaxCrossEntropyGradient, exact(logits, [2, 3]), labels)
    for index in logits.indices {
      let kept = logits[index]
      logits[index] = kept + 1e-6
      let above = try evaluate(.softmaxCrossEntropyLoss, exact(logits, [2, 3]), labels)[0]
      logits[index] = kept - 1e-6
      let below = try evaluate(.softmaxCrossEntropyLoss, exact(logits, [2, 3]), labels)[0]
      logits[index] = kept
      #expect(abs((above - below) / 2e-6 - gradient[index]) < 1e-8)
    }
  }

  @Test("Gather reads rows, and refuses an index outside the table")
  func gather() throws {
    let table = try exact([1, 2, 3, 4, 5, 6], [3, 2])
    #expect(try evaluate(.gather, table, exact([2, 0], [2])) == [5, 6, 1, 2])
    #expect(throws: GraphError.self) { try evaluate(.gather, table, exact([3], [1])) }
    #expect(throws: GraphError.self) { try evaluate(.gather, table, exact([-1], [1])) }
  }

  @Test("TensorScatter writes the new tokens at their position, in every layout")
  func scatter() throws {
    let lengths = HeadDimensions(batch: 1, heads: 2, tokens: 3, channels: 1)
    let update = try exact([7, 8], [1, 2])
    for layout in HeadLayout.allCases {
      let cache = try exact([Double](repeating: 0, count: 6), layout.shape(lengths))
      let scatter = TensorScatter(cache: lengths, layout: layout, tokens: 1, position: 2)
      let result = try evaluate(.tensorScatter(scatter), cache, update)
      let expected: [Double] =
        layout == .tokensHeads ? [0, 0, 0, 0, 7, 8] : [0, 0, 7, 0, 0, 8]
      #expect(result == expected)
    }
  }
}
