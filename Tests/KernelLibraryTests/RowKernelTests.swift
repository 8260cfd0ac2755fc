import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// Kernels that work on rows. Tolerance: the output's rounding, and fp32 errors that grow with the
/// square root of the row.
@Suite struct RowKernelTests {
  private let shapes = [(128, 256), (300, 64), (5, 1000), (1, 8), (256, 700)]

  @Test(arguments: [NumberFormat.bfloat16, .float32])
  func softmax(format: NumberFormat) throws {
    for (rows, columns) in shapes {
      let x = randomTensor(rows * columns, format, seed: 5, scale: 8)
      let out = try SegmentRunner.run(
        SoftmaxKernel(rows: rows, columns: columns, format: format), [x])[1]
      let expected = (0..<rows).flatMap { row in
        Reference.softmax(Reference.doubles(Array(x[row * columns..<(row + 1) * columns])))
      }
      expectClose(out, expected, relative: 2 * format.roundoff + 2e-5, absolute: 1e-9)
    }
  }

  @Test(arguments: [NumberFormat.bfloat16, .float32])
  func rmsNorm(format: NumberFormat) throws {
    // The last ones are spread over partitions.
    let spread = [(1, 2_048), (7, 1_024), (16, 1_024), (33, 1_280), (64, 2_048)]
    for (rows, columns) in shapes + spread {
      let x = randomTensor(rows * columns, format, seed: 6, scale: 3)
      let gamma = randomTensor(columns, format, seed: 7)
      let out = try SegmentRunner.run(
        RMSNormKernel(rows: rows, columns: columns, epsilon: 1e-5, format: format), [x, gamma])[2]
      var expected: [Double] = []
      for row in 0..<rows {
        let values = Reference.doubles(Array(x[row * columns..<(row + 1) * columns]))
        let mean = values.reduce(0) { $0 + $1 * $1 } / Double(columns)
        let scale = 1 / (mean + 1e-5).squareRoot()
        expected += values.enumerated().map { $1 * scale * Double(gamma[$0]) }
      }
      expectClose(out, expected, relative: 2 * format.roundoff + 2e-5, absolute: 1e-7)
    }
  }

  @Test(arguments: [NumberFormat.bfloat16, .float32])
  func layerNorm(format: NumberFormat) throws {
    for (rows, columns) in shapes {
      let x = randomTensor(rows * columns, format, seed: 8, scale: 3)
      let gamma = randomTensor(columns, format, seed: 9)
      let beta = randomTensor(columns, format, seed: 10)
      let out = try SegmentRunner.run(
        LayerNormKernel(rows: rows, columns: columns, epsilon: 1e-5, format: format),
        [x, gamma, beta])[3]
      var expected: [Double] = []
      for row in 0..<rows {
        let values = Reference.doubles(Array(x[row * columns..<(row + 1) * columns]))
        let mean = values.reduce(0, +) / Double(columns)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
        let scale = 1 / (variance + 1e-5).squareRoot()
        expected += values.enumerated().map {
          ($1 - mean) * scale * Double(gamma[$0]) + Double(beta[$0])
        }
      }
      // Normalised values and their product with gamma are kept in the format on the way.
      expectClose(
        out, expected, relative: 2 * format.roundoff, absolute: 8 * format.roundoff + 2e-5)
    }
  }

  @Test func crossEntropy() throws {
    for (rows, classes, chunk) in [(128, 100, 2048), (200, 300, 128), (3, 17, 5), (256, 64, 64)] {
      var kernel = CrossEntropyKernel(rows: rows, classes: classes, gradient: .float32)
      kernel.chunk = chunk
      let logits = randomTensor(rows * classes, .bfloat16, seed: 11, scale: 6)
      let targets = (0..<rows).map { Float(($0 * 37 + 5) % classes) }
      let out = try SegmentRunner.run(kernel, [logits, targets])
      var loss = 0.0
      var gradient: [Double] = []
      for row in 0..<rows {
        let values = Reference.doubles(Array(logits[row * classes..<(row + 1) * classes]))
        var p = Reference.softmax(values)
        let target = Int(targets[row])
        loss -= Reference.logarithm(p[target]) / Double(rows)
        p[target] -= 1
        gradient += p.map { $0 / Double(rows) }
      }
      expectClose(out[2], [loss], relative: 2e-5, absolute: 2e-5)
      expectClose(out[3], gradient, relative: 2e-5, absolute: 1e-7)
      #expect(abs(loss) > 1)
    }
  }

  @Test func biasGradient() throws {
    for (rows, columns) in [(128, 512), (300, 2100), (7, 40)] {
      let dy = randomTensor(rows * columns, .bfloat16, seed: 12)
      let out = try SegmentRunner.run(BiasGradientKernel(rows: rows, columns: columns), [dy])[1]
      let expected = (0..<columns).map { column in
        (0..<rows).reduce(0.0) { $0 + Double(dy[$1 * columns + column]) }
      }
      expectClose(out, expected, relative: 1e-6, absolute: 1e-5)
    }
  }

  @Test func embedding() throws {
    for (count, rows, columns) in [(128, 50, 64), (300, 1000, 32), (1, 3, 256)] {
      let table = randomTensor(rows * columns, .bfloat16, seed: 13)
      let index = (0..<count).map { Float(($0 * 7919) % rows) }
      let out = try SegmentRunner.run(
        EmbeddingKernel(count: count, rows: rows, columns: columns), [index, table])[2]
      let expected = index.flatMap { table[Int($0) * columns..<(Int($0) + 1) * columns] }
      #expect(out == expected)
    }
  }

  @Test func instructionsAreOrdered() throws {
    var entropy = CrossEntropyKernel(rows: 140, classes: 40)
    entropy.chunk = 16
    #expect(OrderChecker(try entropy.segment(on: .trainium2)).problems == [])
    #expect(
      OrderChecker(try SoftmaxKernel(rows: 300, columns: 24).segment(on: .trainium2)).problems == []
    )
    #expect(
      OrderChecker(try LayerNormKernel(rows: 300, columns: 24).segment(on: .trainium2)).problems
        == [])
    #expect(
      OrderChecker(try EmbeddingKernel(count: 300, rows: 9, columns: 8).segment(on: .trainium2))
        .problems == [])
  }
}
