import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct ProjectionsKernelTests {
  private static let format = NumberFormat.bfloat16
  private static let capacity = 5
  private static let position = 3

  /// What lies between a layer's input and its attention: a query, a key and a value.
  private func layer(
    rows: Int, depth: Int, head: Int, heads: Int, keyHeads: Int, bias: NumberFormat?, norm: RowNorm?
  ) -> ProjectionsKernel {
    var kernel = ProjectionsKernel(
      rows: rows, depth: depth, widths: [heads * head, keyHeads * head, keyHeads * head],
      format: Self.format, weightFormat: Self.format)
    kernel.norm = norm
    for number in 0..<3 { kernel.projections[number].bias = bias }
    for number in 0..<2 { kernel.projections[number].turnedHead = head }
    kernel.projections[1].cache = TokenCache(
      position: Self.position, capacity: Self.capacity, isTransposed: true)
    kernel.projections[2].cache = TokenCache(
      position: Self.position, capacity: Self.capacity, isTransposed: false)
    return kernel
  }

  private func inputs(_ kernel: ProjectionsKernel) -> [String: [Float]] {
    var all: [String: [Float]] = [:]
    for (number, parameter) in kernel.parameters.enumerated() where parameter.role != .output {
      let scale: Float =
        parameter.name.hasPrefix("w") ? 1 / Float(kernel.depth).squareRoot() : 1
      all[parameter.name] = randomTensor(
        parameter.shape.reduce(1, *), parameter.format, seed: UInt64(70 + number), scale: scale)
    }
    return all
  }

  /// The device's results by name.
  private func run(_ kernel: ProjectionsKernel, _ given: [String: [Float]]) throws
    -> [String: [Float]]
  {
    let ordered = kernel.parameters.map { parameter in
      given[parameter.name]
        ?? [Float](repeating: 0, count: parameter.shape.reduce(1, *))
    }
    let out = try SegmentRunner.run(kernel, ordered)
    return Dictionary(uniqueKeysWithValues: zip(kernel.parameters.map(\.name), out))
  }

  private func rounded(_ value: Double) -> Double {
    Double(Self.format.decode(Self.format.encode(Float(value))))
  }

  /// The rows that are multiplied, from the sum that the device stored.
  private func multiplied(
    _ kernel: ProjectionsKernel, _ given: [String: [Float]], sum: [Float]?
  ) -> [Double] {
    let x = Reference.doubles(sum ?? given["x"]!)
    guard let norm = kernel.norm else { return x }
    let gamma = Reference.doubles(given["gamma"]!)
    let depth = kernel.depth
    return (0..<kernel.rows).flatMap { row -> [Double] in
      let own = x[row * depth..<(row + 1) * depth]
      let mean = own.reduce(0) { $0 + $1 * $1 } / Double(depth)
      let scale = 1 / (mean + Double(norm.epsilon)).squareRoot()
      return zip(own, gamma).map { rounded($0 * scale * $1) }
    }
  }

  /// A product with its bias and its rotation.
  private func projected(
    _ kernel: ProjectionsKernel, _ number: Int, _ x: [Double], _ given: [String: [Float]]
  ) -> [Double] {
    let one = kernel.projections[number]
    var y = Reference.product(
      x, Reference.doubles(given["w\(number)"]!), m: kernel.rows, k: kernel.depth, n: one.width)
    if one.bias != nil {
      let bias = given["b\(number)"]!
      y = y.indices.map { rounded(y[$0]) + Double(bias[$0 % one.width]) }
    }
    guard let head = one.turnedHead else { return y }
    let half = head / 2
    return y.indices.map { index in
      let place = index % head
      let (cosine, sine) = (given["cos"]![place % half], given["sin"]![place % half])
      let other = place < half ? -rounded(y[index + half]) : rounded(y[index - half])
      return rounded(y[index]) * Double(cosine) + other * Double(sine)
    }
  }

  private func check(_ kernel: ProjectionsKernel) throws {
    let given = inputs(kernel)
    let out = try run(kernel, given)
    if kernel.norm?.hasAddend == true {
      let bias = given["addendBias"]
      let (first, second) = (given["x"]!, given["addend"]!)
      let sum = first.indices.map { index in
        let added = Double(second[index]) + Double(bias?[index % kernel.depth] ?? 0)
        return Double(first[index]) + rounded(added)
      }
      expectClose(out["sum"]!, sum, relative: Self.format.roundoff, absolute: 1e-6)
    }
    let x = multiplied(kernel, given, sum: out["sum"])
    for (number, one) in kernel.projections.enumerated() {
      let y = projected(kernel, number, x, given)
      var expected = y
      if let cache = one.cache {
        // Whatever else a cache holds stays.
        expected = Reference.doubles(given["out\(number)"]!)
        for (index, value) in y.enumerated() {
          let (row, column) = index.quotientAndRemainder(dividingBy: one.width)
          let place =
            cache.isTransposed
            ? index * cache.capacity + cache.position
            : (row * cache.capacity + cache.position) * one.width + column
          expected[place] = value
        }
      }
      // Products, sums and heads are rounded once each; a norm may round to the next value.
      expectClose(
        out["out\(number)"]!, expected, relative: 4 * Self.format.roundoff,
        absolute: 6 * Self.format.roundoff)
    }
  }

  /// One row to many, lengths that 128 divides and others, heads that fill a tile and halves of it.
  @Test(arguments: [
    (1, 256, 128, 4, 1), (3, 240, 64, 4, 2), (16, 192, 64, 2, 1), (32, 128, 128, 3, 2),
  ])
  func decodingStep(shape: (Int, Int, Int, Int, Int)) throws {
    let (rows, depth, head, heads, keyHeads) = shape
    var biased = RowNorm(epsilon: 1e-5, hasAddend: true)
    biased.hasBias = true
    for norm in [nil, RowNorm(epsilon: 1e-5, hasAddend: false), biased] {
      for bias in [nil, NumberFormat.float32, .bfloat16] {
        try check(
          layer(
            rows: rows, depth: depth, head: head, heads: heads, keyHeads: keyHeads,
            bias: bias, norm: norm))
      }
    }
  }

  /// Another position's angles must show.
  @Test func theReferenceNoticesOtherAngles() throws {
    let kernel = layer(
      rows: 2, depth: 128, head: 64, heads: 2, keyHeads: 1, bias: nil, norm: nil)
    var given = inputs(kernel)
    let x = multiplied(kernel, given, sum: nil)
    let expected = projected(kernel, 0, x, given)
    given["sin"] = given["sin"]!.map { -$0 }
    let out = try run(kernel, given)["out0"]!
    #expect(zip(out, expected).contains { abs(Double($0) - $1) > 0.1 })
  }

  @Test func instructionsAreOrdered() throws {
    for rows in [1, 8] {
      let kernel = layer(
        rows: rows, depth: 2880, head: 64, heads: 8, keyHeads: 1, bias: .float32,
        norm: RowNorm(epsilon: 1e-5, hasAddend: true))
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  /// Heads that are cut, and lengths without a divisor that fills half of the array.
  @Test func wrongShapesAreRefused() {
    for (depth, head) in [(128, 96), (131, 64), (134, 64)] {
      let kernel = layer(
        rows: 1, depth: depth, head: head, heads: 2, keyHeads: 1, bias: nil, norm: nil)
      #expect(throws: BuilderError.self) { try kernel.segment(on: .trainium2) }
    }
  }
}
