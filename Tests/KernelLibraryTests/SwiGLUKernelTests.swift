import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct SwiGLUKernelTests {
  @Test(arguments: [
    (1, 256, 384), (16, 128, 1152), (70, 256, 256), (130, 128, 640), (600, 256, 384),
  ])
  func matchesTheReference(shape: (Int, Int, Int)) throws {
    let (tokens, width, hidden) = shape
    let x = randomTensor(tokens * width, .bfloat16, seed: 30)
    let gate = randomTensor(width * hidden, .bfloat16, seed: 31, scale: 0.3)
    let up = randomTensor(width * hidden, .bfloat16, seed: 32, scale: 0.3)
    let down = randomTensor(hidden * width, .bfloat16, seed: 33, scale: 0.3)
    let residual = randomTensor(tokens * width, .bfloat16, seed: 34)
    let xs = Reference.doubles(x)
    let g = Reference.product(xs, Reference.doubles(gate), m: tokens, k: width, n: hidden)
    let u = Reference.product(xs, Reference.doubles(up), m: tokens, k: width, n: hidden)
    let h = zip(g, u).map { Reference.silu($0) * $1 }
    let out = Reference.product(h, Reference.doubles(down), m: tokens, k: hidden, n: width)
    // The hidden activations are rounded to bf16: their error adds up over the hidden width.
    let size = (h.reduce(0) { $0 + $1 * $1 } / Double(h.count)).squareRoot()
    let absolute = 4 * NumberFormat.bfloat16.roundoff * size * 0.3 * Double(hidden).squareRoot()
    for layout in [MatmulKernel.Layout.contractionColumns, .contractionRows] {
      let stored =
        layout == .contractionColumns ? x : Reference.transposed(x, rows: tokens, columns: width)
      for hasResidual in [false, true] {
        let kernel = SwiGLUKernel(
          tokens: tokens, width: width, hidden: hidden, layout: layout, hasResidual: hasResidual)
        let inputs = [stored, gate, up, down] + (hasResidual ? [residual] : [])
        let result = try SegmentRunner.run(kernel, inputs).last!
        let expected = hasResidual ? zip(out, residual).map { $0 + Double($1) } : out
        expectClose(
          result, expected, relative: 2 * NumberFormat.bfloat16.roundoff, absolute: absolute)
      }
    }
  }

  @Test func instructionsAreOrdered() throws {
    for tokens in [4, 140] {
      let kernel = SwiGLUKernel(tokens: tokens, width: 128, hidden: 256)
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  @Test func publishedModelSizesFitTheDevice() throws {
    for tokens in [1, 16, 512, 2048] {
      _ = try SwiGLUKernel(tokens: tokens, width: 4096, hidden: 14336).segment(on: .trainium2)
      _ = try SwiGLUKernel(tokens: tokens, width: 2048, hidden: 8192).segment(on: .trainium2)
    }
  }
}
