import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct ElementwiseKernelTests {
  private func expected(_ operation: ElementwiseKernel.Operation, _ a: Double, _ b: Double)
    -> Double
  {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .relu: max(a, 0)
    case .reluGradient: a > 0 ? b : 0
    case .scale(let factor): a * Double(factor)
    case .cast: a
    case .silu: Reference.silu(a)
    case .gelu: .nan
    case .siluMultiply: Reference.silu(a) * b
    }
  }

  @Test(arguments: [
    ElementwiseKernel.Operation.add, .subtract, .multiply, .relu, .reluGradient, .scale(0.3), .cast,
    .silu, .siluMultiply,
  ])
  func operations(operation: ElementwiseKernel.Operation) throws {
    for count in [128 * 40, 128 * 2050 + 77, 5] {
      let kernel = ElementwiseKernel(count: count, operation)
      let a = randomTensor(count, .bfloat16, seed: 20, scale: 3)
      let b = randomTensor(count, .bfloat16, seed: 21, scale: 3)
      let out = try SegmentRunner.run(kernel, kernel.isBinary ? [a, b] : [a]).last!
      let reference = zip(a, b).map { expected(operation, Double($0), Double($1)) }
      expectClose(out, reference, relative: 3 * NumberFormat.bfloat16.roundoff, absolute: 1e-6)
    }
  }

  @Test(arguments: [Float(0), 0.9]) func descent(momentum: Float) throws {
    let count = 128 * 2100 + 3
    let kernel = SGDKernel(count: count, rate: 0.1, momentum: momentum)
    let master = randomTensor(count, .float32, seed: 22)
    let gradient = randomTensor(count, .float32, seed: 23)
    let velocity = randomTensor(count, .float32, seed: 24)
    let out = try SegmentRunner.run(
      kernel, momentum == 0 ? [master, gradient] : [master, gradient, velocity])
    var steps = Reference.doubles(gradient)
    if momentum != 0 {
      steps = zip(velocity, gradient).map { Double(momentum) * Double($0) + Double($1) }
      expectClose(out[2], steps, relative: 1e-6, absolute: 1e-6)
    }
    let expected = zip(master, steps).map { Double($0) - 0.1 * $1 }
    expectClose(out[0], expected, relative: 1e-6, absolute: 1e-6)
    expectClose(out.last!, expected, relative: 2 * NumberFormat.bfloat16.roundoff, absolute: 1e-6)
  }

  @Test(arguments: [RotaryKernel.Layout.rowMajor, .transposed])
  func rotary(layout: RotaryKernel.Layout) throws {
    for (tokens, heads, size) in [(130, 3, 64), (200, 2, 128), (1, 1, 128)] {
      let half = size / 2
      let x = randomTensor(tokens * heads * size, .bfloat16, seed: 25)
      let cosine = randomTensor(tokens * half, .float32, seed: 26)
      let sine = randomTensor(tokens * half, .float32, seed: 27)
      var expected: [Double] = []
      for token in 0..<tokens {
        for head in 0..<heads {
          let row = (0..<size).map { Double(x[(token * heads + head) * size + $0]) }
          let c = (0..<half).map { Double(cosine[token * half + $0]) }
          let s = (0..<half).map { Double(sine[token * half + $0]) }
          expected += (0..<half).map { row[$0] * c[$0] - row[half + $0] * s[$0] }
          expected += (0..<half).map { row[half + $0] * c[$0] + row[$0] * s[$0] }
        }
      }
      let kernel = RotaryKernel(tokens: tokens, heads: heads, size: size, layout: layout)
      let turn = { (values: [Float], columns: Int) in
        layout == .rowMajor
          ? values : Reference.transposed(values, rows: tokens, columns: columns)
      }
      let out = try SegmentRunner.run(
        kernel, [turn(x, heads * size), turn(cosine, half), turn(sine, half)])[3]
      if layout == .transposed {
        expected = Reference.transposed(expected, rows: tokens, columns: heads * size)
      }
      expectClose(
        out, expected, relative: 2 * NumberFormat.bfloat16.roundoff, absolute: 1e-6)
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  /// Neighbours or halves of the first elements of each head are turned; the others stay.
  @Test(arguments: [(true, 24), (true, 8), (false, 8), (false, 2)])
  func rotaryOfPartsOfHeads(isInterleaved: Bool, turned: Int) throws {
    let (tokens, heads, size, half) = (130, 3, 24, turned / 2)
    let x = randomTensor(tokens * heads * size, .bfloat16, seed: 31)
    let cosine = randomTensor(tokens * half, .float32, seed: 32)
    let sine = randomTensor(tokens * half, .float32, seed: 33)
    var kernel = RotaryKernel(tokens: tokens, heads: heads, size: size, layout: .rowMajor)
    kernel.turned = turned
    kernel.isInterleaved = isInterleaved
    var expected = Reference.doubles(x)
    for row in 0..<tokens * heads {
      for pair in 0..<half {
        let first = row * size + (isInterleaved ? 2 * pair : pair)
        let second = first + (isInterleaved ? 1 : half)
        let (a, b) = (expected[first], expected[second])
        let entry = row / heads * half + pair
        let (c, s) = (Double(cosine[entry]), Double(sine[entry]))
        (expected[first], expected[second]) = (a * c - b * s, b * c + a * s)
      }
    }
    let out = try SegmentRunner.run(kernel, [x, cosine, sine])[3]
    expectClose(out, expected, relative: 2 * NumberFormat.bfloat16.roundoff, absolute: 1e-6)
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }

  /// Sequences of 48 tokens share one table, also where they cross a tile of 128 rows.
  @Test func rotaryOfSeveralSequences() throws {
    let (tokens, sequences, heads, size) = (48, 5, 2, 16)
    let x = randomTensor(tokens * sequences * heads * size, .bfloat16, seed: 28)
    let cosine = randomTensor(tokens * size / 2, .float32, seed: 29)
    let sine = randomTensor(tokens * size / 2, .float32, seed: 30)
    var kernel = RotaryKernel(
      tokens: tokens * sequences, heads: heads, size: size, layout: .rowMajor)
    kernel.tableRows = tokens
    let together = try SegmentRunner.run(kernel, [x, cosine, sine])[3]
    let each = tokens * heads * size
    let alone = RotaryKernel(tokens: tokens, heads: heads, size: size, layout: .rowMajor)
    for sequence in 0..<sequences {
      let range = sequence * each..<(sequence + 1) * each
      let expected = try SegmentRunner.run(alone, [Array(x[range]), cosine, sine])[3]
      #expect(Array(together[range]) == expected, "sequence \(sequence)")
    }
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }

  @Test func updatesInPlaceAreOrdered() throws {
    let kernel = SGDKernel(count: 128 * 20, rate: 0.1, momentum: 0.5)
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }
}
