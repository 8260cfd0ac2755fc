import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct ExpertLayerKernelTests {
  /// The layer in Double, experts one after the other.
  private func reference(_ kernel: ExpertLayerKernel, _ inputs: [[Float]]) -> [Double] {
    let (d, f) = (kernel.width, kernel.hidden)
    var out = [Double](repeating: 0, count: kernel.tokens * d)
    for token in 0..<kernel.tokens {
      let logits = (0..<kernel.experts).map { Double(inputs[1][token * kernel.experts + $0]) }
      let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
        .prefix(kernel.chosen)
      let weights = Reference.softmax(order.map { logits[$0] })
      let x = Reference.doubles(Array(inputs[0][token * d..<(token + 1) * d]))
      for (expert, weight) in zip(order, weights) {
        let part = { (tensor: Int) in
          Reference.doubles(Array(inputs[tensor][expert * d * f..<(expert + 1) * d * f]))
        }
        let gate = Reference.product(x, part(2), m: 1, k: d, n: f)
        let up = Reference.product(x, part(3), m: 1, k: d, n: f)
        let hidden = zip(gate, up).map { Reference.silu($0) * $1 }
        let y = Reference.product(hidden, part(4), m: 1, k: f, n: d)
        for column in 0..<d { out[token * d + column] += weight * y[column] }
      }
    }
    return out
  }

  private func inputs(_ kernel: ExpertLayerKernel) -> [[Float]] {
    let (d, f, e) = (kernel.width, kernel.hidden, kernel.experts)
    return [
      randomTensor(kernel.tokens * d, kernel.format, seed: 60),
      randomTensor(kernel.tokens * e, .float32, seed: 61, scale: 3),
      randomTensor(e * d * f, kernel.format, seed: 62, scale: 1 / Float(d).squareRoot()),
      randomTensor(e * d * f, kernel.format, seed: 63, scale: 1 / Float(d).squareRoot()),
      randomTensor(e * d * f, kernel.format, seed: 64, scale: 1 / Float(f).squareRoot()),
    ]
  }

  /// Tolerance: hidden activations and outputs are rounded once each; values are around 0.2.
  private func check(_ kernel: ExpertLayerKernel, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let given = inputs(kernel)
    let out = try SegmentRunner.run(kernel, given)[5]
    let unit = kernel.format.roundoff
    expectClose(
      out, reference(kernel, given), relative: 2 * unit, absolute: 0.5 * unit,
      sourceLocation: sourceLocation)
  }

  /// All experts are read, one token to more than a block of them; widths that 128 does not divide.
  @Test(arguments: [(2, 128, 256), (5, 192, 128), (17, 96, 160), (70, 128, 128)])
  func manyTokens(shape: (Int, Int, Int)) throws {
    try check(
      ExpertLayerKernel(
        tokens: shape.0, width: shape.1, hidden: shape.2, experts: 8, chosen: 2))
  }

  /// The device computes which experts it reads.
  @Test(arguments: [(8, 1), (8, 2), (32, 4), (16, 8)])
  func oneToken(experts: (Int, Int)) throws {
    for (width, hidden) in [(128, 256), (192, 320)] {
      try check(
        ExpertLayerKernel(
          tokens: 1, width: width, hidden: hidden, experts: experts.0, chosen: experts.1))
    }
  }

  /// The norm and the router's product in the same kernel: each result from what was stored before
  /// it.
  @Test(arguments: [1, 5, 64])
  func normAndRouter(tokens: Int) throws {
    for (hasAddend, hasBias) in [(false, false), (true, false), (true, true)] {
      var kernel = ExpertLayerKernel(
        tokens: tokens, width: 240, hidden: 128, experts: 8, chosen: 2)
      var norm = RowNorm(epsilon: 1e-5, hasAddend: hasAddend)
      norm.hasBias = hasBias
      kernel.norm = norm
      let given = kernel.parameters.enumerated().map { number, parameter -> [Float] in
        guard parameter.role != .output else { return [] }
        let isWeight = ["router", "gate", "up", "down"].contains(parameter.name)
        return randomTensor(
          parameter.shape.reduce(1, *), parameter.format, seed: UInt64(65 + number),
          scale: isWeight ? 1 / Float(kernel.width).squareRoot() : 1)
      }.filter { !$0.isEmpty }
      let out = Dictionary(
        uniqueKeysWithValues: zip(
          kernel.parameters.map(\.name), try SegmentRunner.run(kernel, given)))
      let unit = kernel.format.roundoff
      let x = Reference.doubles(out["sum"] ?? out["x"]!)
      if let addend = out["addend"] {
        let bias = out["addendBias"] ?? [Float](repeating: 0, count: kernel.width)
        let sum = addend.indices.map {
          Double(out["x"]![$0]) + Double(addend[$0]) + Double(bias[$0 % kernel.width])
        }
        expectClose(out["sum"]!, sum, relative: 2 * unit, absolute: 2 * unit)
      }
      let normal = (0..<tokens).flatMap { token -> [Double] in
        let own = x[token * kernel.width..<(token + 1) * kernel.width]
        let mean = own.reduce(0) { $0 + $1 * $1 } / Double(kernel.width)
        let scale = 1 / (mean + 1e-5).squareRoot()
        return zip(own, out["gamma"]!).map { $0 * scale * Double($1) }
      }
      expectClose(out["normal"]!, normal, relative: 1.1 * unit, absolute: 1e-5)
      let logits = Reference.product(
        Reference.doubles(out["normal"]!), Reference.doubles(out["router"]!), m: tokens,
        k: kernel.width, n: kernel.experts)
      expectClose(out["logits"]!, logits, relative: 1e-5, absolute: 1e-5)
      let names = ["normal", "logits", "gate", "up", "down"]
      expectClose(
        out["out"]!, reference(kernel, names.map { out[$0]! }), relative: 2 * unit,
        absolute: 0.5 * unit)
    }
  }

  /// A wrong expert, or weights of another token, must show.
  @Test func theReferenceNoticesAnotherExpert() throws {
    let kernel = ExpertLayerKernel(tokens: 2, width: 128, hidden: 128, experts: 8, chosen: 2)
    var given = inputs(kernel)
    let expected = reference(kernel, given)
    for column in 0..<kernel.experts { given[1][column] = -given[1][column] }
    let other = try SegmentRunner.run(kernel, given)[5]
    #expect(zip(other, expected).contains { abs(Double($0) - $1) > 0.05 })
  }

  @Test func instructionsAreOrdered() throws {
    for tokens in [1, 3, 65] {
      let kernel = ExpertLayerKernel(
        tokens: tokens, width: 192, hidden: 384, experts: 8, chosen: 2)
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  @Test func publishedModelsFitTheDevices() throws {
    for device in [Device.trainium1, .trainium2, .trainium3] {
      for tokens in [1, 16, 64] {
        _ = try ExpertLayerKernel(
          tokens: tokens, width: 4096, hidden: 14336, experts: 8, chosen: 2
        ).segment(on: device)
        _ = try ExpertLayerKernel(
          tokens: tokens, width: 2880, hidden: 2880, experts: 32, chosen: 4
        ).segment(on: device)
      }
    }
  }

  @Test func wrongShapesAreRefused() {
    for kernel in [
      ExpertLayerKernel(tokens: 1, width: 131, hidden: 128, experts: 8, chosen: 2),
      ExpertLayerKernel(tokens: 1, width: 128, hidden: 128, experts: 4, chosen: 2),
      ExpertLayerKernel(tokens: 1, width: 128, hidden: 128, experts: 16, chosen: 9),
    ] {
      #expect(throws: BuilderError.self) { try kernel.segment(on: .trainium2) }
    }
  }
}
