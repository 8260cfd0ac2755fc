import ModelGraph
import NumericFormats
import Testing

@Suite("Single elements agree with whole results")
struct SampledTests {
  static let query = HeadDimensions(batch: 2, heads: 4, tokens: 5, channels: 6)
  static let key = HeadDimensions(batch: 2, heads: 2, tokens: 7, channels: 6)

  static func attention(_ layout: HeadLayout, isCausal: Bool) -> (Operator, [TensorShape]) {
    let attention = Attention(
      query: query, key: key, isCausal: isCausal, queryOffset: 2, queryLayout: layout,
      keyLayout: layout, valueLayout: layout, outputLayout: layout)
    return (
      .attention(attention), [layout.shape(query), layout.shape(key), layout.shape(key)]
    )
  }

  struct Case: Sendable {
    let operation: Operator
    let shapes: [TensorShape]
    init(_ operation: Operator, _ shapes: TensorShape...) {
      self.operation = operation
      self.shapes = shapes
    }
  }

  static let rotary = RotaryEmbedding(
    lengths: query, angles: RotaryAngles(base: 10_000, channels: 6, firstPosition: 4))

  static let plain: [Case] = [
    Case(.matMul(transposeA: false, transposeB: false), [5, 7], [7, 3]),
    Case(.matMul(transposeA: true, transposeB: false), [7, 5], [7, 3]),
    Case(.matMul(transposeA: false, transposeB: true), [2, 5, 7], [3, 7]),
    Case(.matMul(transposeA: true, transposeB: true), [7, 5], [3, 7]),
    Case(.add, [4, 5], [5]), Case(.multiply, [4, 1], [3, 1, 5]), Case(.softmax, [3, 9]),
    Case(.rmsNormalization(epsilon: 1e-5), [3, 9], [9]),
    Case(.layerNormalization(epsilon: 1e-5), [3, 9], [9], [9]),
    Case(.silu, [17]), Case(.sigmoid, [17]), Case(.relu, [17]),
    Case(.reluGradient, [17], [17]), Case(.slice(start: 2, count: 3), [6, 4]),
    Case(.reduceSum, [6, 4]), Case(.transpose(permutation: [2, 0, 1]), [2, 3, 4]),
    Case(.copy, [9]), Case(.gradientDescent(learningRate: 0.1), [5, 5], [5, 5]),
    Case(.rotaryEmbedding(rotary), [10, 24]),
  ]

  static let heads: [Case] = HeadLayout.allCases.flatMap { layout -> [Case] in
    [true, false].map { isCausal in
      let (operation, shapes) = attention(layout, isCausal: isCausal)
      return Case(operation, shapes[0], shapes[1], shapes[2])
    }
  }

  static let cases = plain + heads

  @Test("Each operator, elements asked for in a scattered order", arguments: 0..<cases.count)
  func sampledEqualsWhole(_ number: Int) throws {
    let (operation, shapes) = (Self.cases[number].operation, Self.cases[number].shapes)
    let inputs = try shapes.enumerated().map { try view(seeded("input\($0)", $1), $1) }
    let whole = try Float64Interpreter.evaluate(operation, inputs: inputs)
    let scattered = whole.indices.map { ($0 * 7 + 3) % whole.count }
    let sampled = try Float64Interpreter.evaluate(operation, inputs: inputs, at: scattered)
    #expect(zip(scattered, sampled).allSatisfy { abs(whole[$0] - $1) < 1e-12 })
  }

  @Test("An index outside the result is an error, not a crash")
  func outside() throws {
    let x = try exact([1, 2], [2])
    #expect(throws: GraphError.self) {
      try Float64Interpreter.evaluate(.relu, inputs: [x], at: [2])
    }
  }

  @Test("Attention does not depend on how its operands are stored")
  func layouts() throws {
    let (operation, shapes) = Self.attention(.tokensHeads, isCausal: true)
    let values = shapes.enumerated().map { seeded("input\($0)", $1) }
    let lengths = [Self.query, Self.key, Self.key]
    let plain = try Float64Interpreter.evaluate(
      operation, inputs: zip(values, shapes).map { try view($0, $1) })
    for layout in [HeadLayout.headsTokens, .headsTransposed] {
      let (stored, storedShapes) = Self.attention(layout, isCausal: true)
      let moved = try zip(values, lengths).enumerated().map { number, pair in
        let source = (0..<pair.0.count).map {
          HeadLayout.tokensHeads.index(of: layout.position(of: $0, in: pair.1), in: pair.1)
        }
        return try view(source.map { pair.0[$0] }, storedShapes[number])
      }
      let result = try Float64Interpreter.evaluate(stored, inputs: moved)
      for index in result.indices {
        let at = layout.position(of: index, in: Self.query)
        let same = HeadLayout.tokensHeads.index(of: at, in: Self.query)
        #expect(abs(result[index] - plain[same]) < 1e-12)
      }
    }
  }
}
