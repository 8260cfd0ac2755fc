import Foundation
import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct ElementChainTests {
  /// The element of a repeated tensor that meets flat index `index` of `shape`.
  static func source(_ index: Int, _ dimensions: [Int], _ shape: [Int]) -> Int {
    var rest = index
    var place = 0
    var stride = 1
    for axis in 0..<shape.count {
      let position = rest % shape[shape.count - 1 - axis]
      rest /= shape[shape.count - 1 - axis]
      guard axis < dimensions.count else { continue }
      let own = dimensions[dimensions.count - 1 - axis]
      if own != 1 { place += position * stride }
      stride *= own
    }
    return place
  }

  @Test(arguments: [
    ([4, 5], [4, 5], [4, 5]), ([300, 700], [300, 700], [700]),
    ([2, 70, 33], [2, 70, 33], [70, 1]),
    ([2, 130, 9, 11], [1, 130, 1, 1], [2, 130, 9, 11]), ([3, 200], [3, 1], [1, 200]),
    ([7], [1], [7]), ([1], [1], []), ([128 * 2100 + 5], [128 * 2100 + 5], [1]),
    ([2, 3, 40, 50], [2, 1, 40, 1], [3, 1, 50]), ([12, 64, 64], [64, 64], [12, 64, 64]),
    ([5, 6, 7, 8, 9], [5, 1, 7, 1, 9], [6, 1, 8, 1]), ([3, 40_000], [3, 40_000], [1, 40_000]),
  ])
  func broadcast(shape: [Int], first: [Int], second: [Int]) throws {
    var chain = ElementChain()
    let product = chain.arithmetic(.multiply, .input(0), .input(1))
    chain.outputs = [chain.arithmetic(.add, product, .constant(0.5))]
    let kernel = ElementChainKernel(
      "test", shape: shape,
      inputs: [
        .init(format: .float32, first, repeatedTo: shape),
        .init(format: .bfloat16, second, repeatedTo: shape),
      ], chain: chain, outputs: [.float32])
    let a = randomTensor(first.reduce(1, *), .float32, seed: 1)
    let b = randomTensor(second.reduce(1, *), .bfloat16, seed: 2)
    let out = try SegmentRunner.run(kernel, [a, b]).last!
    let expected = (0..<shape.reduce(1, *)).map { index in
      Double(a[Self.source(index, first, shape)]) * Double(b[Self.source(index, second, shape)])
        + 0.5
    }
    expectClose(out, expected, relative: 2e-7, absolute: 1e-7)
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }

  /// Values in a range, and their images under a chain of one input.
  private func images(
    _ low: Float, _ high: Float, _ build: (inout ElementChain) -> ElementChain.Value
  ) throws -> [(Double, Double)] {
    var chain = ElementChain()
    chain.outputs = [build(&chain)]
    let count = 1000
    let x = (0..<count).map { low + (high - low) * Float($0) / Float(count - 1) }
    let kernel = ElementChainKernel(
      "function", shape: [count], inputs: [.init(format: .float32, [count], repeatedTo: [count])],
      chain: chain, outputs: [.float32])
    let out = try SegmentRunner.run(kernel, [x]).last!
    return zip(x, out).map { (Double($0), Double($1)) }
  }

  private func check(
    _ low: Float, _ high: Float, relative: Double = 0, absolute: Double = 1e-12,
    _ exact: (Double) -> Double, _ build: (inout ElementChain) -> ElementChain.Value,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try images(low, high, build)
    expectClose(
      found.map { Float($0.1) }, found.map { exact($0.0) }, relative: relative, absolute: absolute,
      sourceLocation: sourceLocation)
  }

  @Test func wholeNumbers() throws {
    for limit: Float in [3, 700, 5e6, 3e9, 1e30] {
      try check(-limit, limit, { $0.rounded(.down) }, { $0.floor(.input(0)) })
      try check(-limit, limit, { $0.rounded(.up) }, { $0.ceiling(.input(0)) })
      try check(-limit, limit, { $0.rounded(.toNearestOrEven) }, { $0.rounded(.input(0)) })
      try check(-limit, limit, { $0.rounded(.towardZero) }, { $0.truncated(.input(0)) })
    }
    try check(-4, 4.016_016, { $0.rounded(.toNearestOrEven) }, { $0.rounded(.input(0)) })
  }

  @Test func circularFunctions() throws {
    for limit: Float in [1, 10, 3000, 5e4] {
      try check(-limit, limit, absolute: 4e-7, sin, { $0.sine(.input(0)) })
      try check(-limit, limit, absolute: 4e-7, cos, { $0.cosine(.input(0)) })
    }
    try check(-1.5, 1.5, relative: 1e-5, absolute: 1e-6, tan, { $0.tangent(.input(0)) })
    try check(-1, 1, absolute: 4e-7, asin, { $0.arcSine(.input(0)) })
    try check(-1, 1, absolute: 6e-7, acos, { $0.arcCosine(.input(0)) })
  }

  @Test func hyperbolicFunctions() throws {
    for limit: Float in [1e-3, 1, 20] {
      try check(-limit, limit, relative: 4e-6, sinh, { $0.hyperbolicSine(.input(0)) })
      try check(-limit, limit, relative: 4e-6, cosh, { $0.hyperbolicCosine(.input(0)) })
      try check(-limit, limit, relative: 3e-6, asinh, { $0.areaSine(.input(0)) })
      try check(1, 1 + limit, relative: 3e-6, acosh, { $0.areaCosine(.input(0)) })
      try check(-limit, 0, relative: 4e-7, expm1, { $0.exponentialMinusOne(.input(0)) })
      try check(0, limit, relative: 4e-6, log1p, { $0.logarithmOfOnePlus(.input(0)) })
    }
    try check(-0.99, 0.99, relative: 3e-6, atanh, { $0.areaTangent(.input(0)) })
  }

  @Test func stepsThatShareInstructions() throws {
    // Scalars on both sides, before rows on both sides, and results that are read twice.
    try check(
      -3, 3, absolute: 1e-6, { x in (2 - x) * 3 - x },
      { chain in
        let a = chain.arithmetic(.subtract, .constant(2), .input(0))
        let b = chain.arithmetic(.multiply, a, .constant(3))
        return chain.arithmetic(.subtract, b, .input(0))
      })
    try check(
      -3, 3, absolute: 1e-6, { x in x - (x * 3) },
      { chain in
        let a = chain.arithmetic(.multiply, .input(0), .constant(3))
        return chain.arithmetic(.subtract, .input(0), a)
      })
    try check(
      -3, 3, absolute: 1e-6, { x in max(x + 1, 0) / (exp(x + 1) + 2) },
      { chain in
        let a = chain.arithmetic(.add, .input(0), .constant(1))
        let top = chain.arithmetic(.max, a, .constant(0))
        let e = chain.function(.exp, a)
        return chain.arithmetic(.divide, top, chain.arithmetic(.add, e, .constant(2)))
      })
    try check(
      -3, 3, absolute: 1e-6, { x in x > 0 ? x : -7 },
      { chain in
        let positive = chain.arithmetic(.greaterThan, .input(0), .constant(0))
        return chain.select(positive, .input(0), .constant(-7))
      })
    try check(
      0.5, 3, relative: 1e-6, { x in pow(x, x) },
      { chain in
        chain.arithmetic(.power, .input(0), .input(0))
      })
    try check(
      0.5, 3, relative: 1e-6, { x in pow(x, 1.7) },
      { chain in
        chain.arithmetic(.power, .input(0), .constant(1.7))
      })
    try check(
      -9, 9, absolute: 2e-6, { x in x - 2.5 * (x / 2.5).rounded(.down) },
      { chain in
        chain.remainder(.input(0), .constant(2.5), towardsZero: false)
      })
  }

  @Test func severalOutputsAndCasts() throws {
    var chain = ElementChain()
    let sum = chain.arithmetic(.add, .input(0), .input(1))
    chain.outputs = [
      sum, chain.arithmetic(.greaterThan, sum, .constant(0)), .input(0), chain.truncated(sum),
    ]
    let count = 5000
    let input = ElementChainKernel.Input(format: .int32, [count], repeatedTo: [count])
    let other = ElementChainKernel.Input(format: .float32, [count], repeatedTo: [count])
    let kernel = ElementChainKernel(
      "several", shape: [count], inputs: [input, other], chain: chain,
      outputs: [.float32, .uint8, .float32, .int32])
    let a = (0..<count).map { Float($0 % 37 - 18) }
    let b = randomTensor(count, .float32, seed: 5, scale: 8)
    let out = try SegmentRunner.run(kernel, [a, b])
    let sums = zip(a, b).map { Double($0 + $1) }
    expectClose(out[2], sums, relative: 0, absolute: 1e-12)
    expectClose(out[3], sums.map { $0 > 0 ? 1 : 0 }, relative: 0, absolute: 1e-12)
    expectClose(out[4], a.map(Double.init), relative: 0, absolute: 1e-12)
    expectClose(out[5], sums.map { $0.rounded(.towardZero) }, relative: 0, absolute: 1e-12)
  }

  @Test func aFunctionThatIsSlightlyWrongIsNoticed() throws {
    // Without its last part, 2π is short by 3e-7 per turn: the check of the sine must see it.
    let found = try images(-5e4, 5e4) { chain in
      let turns = chain.arithmetic(.multiply, .input(0), .constant(1 / (2 * .pi)))
      let whole = chain.rounded(turns)
      let step = chain.arithmetic(.multiply, whole, .constant(-2 * .pi))
      return chain.function(.sin, chain.arithmetic(.add, .input(0), step))
    }
    #expect(found.contains { abs($0.1 - sin($0.0)) > 4e-7 })
  }
}
