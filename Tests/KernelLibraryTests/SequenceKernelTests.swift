import Foundation
import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// Pointwise attention and Fourier transforms against their definitions.
@Suite struct SequenceKernelTests {
  @Test(arguments: [(1, 40, 1, true), (2, 150, 2, true), (1, 600, 1, true), (1, 130, 2, false)])
  func pointwiseAttention(shape: (Int, Int, Int, Bool)) throws {
    let (batch, tokens, heads, isCausal) = shape
    let (size, width) = (32, 48)
    let scale = 1 / Float(tokens)
    let kernel = PointwiseAttentionKernel(
      batch: batch, tokens: tokens, heads: heads, size: size, width: width, isCausal: isCausal,
      scale: scale)
    let rows = batch * tokens
    let q = randomTensor(rows * heads * size, .bfloat16, seed: 1)
    let k = randomTensor(rows * heads * size, .bfloat16, seed: 2)
    let v = randomTensor(rows * heads * width, .bfloat16, seed: 3)
    let out = try SegmentRunner.run(kernel, [q, k, v]).last!
    var expected = [Double](repeating: 0, count: v.count)
    var sizes = [Double](repeating: 0, count: v.count)
    for row in 0..<rows {
      let first = row / tokens * tokens
      for head in 0..<heads {
        for key in first..<(isCausal ? row + 1 : first + tokens) {
          var score = 0.0
          for index in 0..<size {
            score +=
              Double(q[(row * heads + head) * size + index])
              * Double(k[(key * heads + head) * size + index])
          }
          let weight = score / (1 + Reference.exponential(-score)) * Double(scale)
          for index in 0..<width {
            let place = (row * heads + head) * width + index
            let term = weight * Double(v[(key * heads + head) * width + index])
            expected[place] += term
            sizes[place] += abs(term)
          }
        }
      }
    }
    // Weights are rounded to bf16 before they meet V.
    for index in out.indices {
      let limit = 0x1p-8 * (abs(expected[index]) + sizes[index]) + 1e-6
      #expect(abs(Double(out[index]) - expected[index]) <= limit, "\(index)")
    }
    #expect(out.contains { $0 != 0 })
  }

  @Test(arguments: [(16, 8, 5), (32, 32, 17), (128, 128, 3), (1, 1, 2)])
  func fourier(shape: (Int, Int, Int)) throws {
    let (n1, n2, batch) = shape
    let length = n1 * n2
    let kernel = FourierKernel(batch: batch, first: n1, second: n2, format: .float32)
    func factor(_ product: Int, _ count: Int) -> (Float, Float) {
      let angle = -2 * Double.pi * Double(product % count) / Double(count)
      return (Float(cos(angle)), Float(sin(angle)))
    }
    var first = [Float](repeating: 0, count: 4 * n1 * n1)
    for i in 0..<n1 {
      for k in 0..<n1 {
        let (real, imaginary) = factor(i * k, n1)
        first[i * 2 * n1 + k] = real
        first[i * 2 * n1 + n1 + k] = imaginary
        first[(n1 + i) * 2 * n1 + k] = -imaginary
        first[(n1 + i) * 2 * n1 + n1 + k] = real
      }
    }
    let second = (0..<3 * n2 * n2).map { index -> Float in
      let (real, imaginary) = factor(index / n2 % n2 * (index % n2), n2)
      return [real, imaginary, -imaginary][index / (n2 * n2)]
    }
    let twiddle = (0..<2 * length).map { index -> Float in
      let (real, imaginary) = factor(index / n1 % n2 * (index % n1), length)
      return index < length ? real : imaginary
    }
    let x = randomTensor(2 * batch * length, .float32, seed: 4)
    let out = try SegmentRunner.run(kernel, [x, first, second, twiddle]).last!
    let half = batch * length
    for row in 0..<batch {
      for k in stride(from: 0, to: length, by: max(1, length / 50)) {
        var (real, imaginary) = (0.0, 0.0)
        for n in 0..<length {
          let angle = -2 * Double.pi * Double(n * k % length) / Double(length)
          let (a, b) = (Double(x[row * length + n]), Double(x[half + row * length + n]))
          real += a * cos(angle) - b * sin(angle)
          imaginary += a * sin(angle) + b * cos(angle)
        }
        let limit = 2e-6 * Double(length).squareRoot() * 4
        #expect(abs(Double(out[row * length + k]) - real) < limit)
        #expect(abs(Double(out[half + row * length + k]) - imaginary) < limit)
      }
    }
  }
}
