import Foundation
import ModelGraph
import NumericFormats
import Testing

@Suite("Norms, softmax, rotary, gating, training: correct passes, planted faults do not")
struct RowFaultTests {
  static let shape: TensorShape = [64, 512]
  static let x = seeded("x", shape)
  static let scale = seeded("scale", [512], fill: .uniform(low: 0.5, high: 1.5))
  static let bias = seeded("bias", [512])

  private func passes(
    _ operation: Operator, _ inputs: [TensorView], _ output: [Float], _ shape: TensorShape,
    _ format: NumberFormat = .bfloat16
  ) throws -> Bool {
    let rounded = format == .bfloat16 ? output.map(roundedToBfloat16) : output
    return try NumericsChecker(seed: 1).check(
      operation, named: operation.name, inputs: inputs, output: view(rounded, shape, format)
    ).passed
  }

  /// Applies `row` to each row in fp32.
  private func rows(_ row: (ArraySlice<Float>) -> [Float]) -> [Float] {
    (0..<64).flatMap { row(Self.x[$0 * 512..<$0 * 512 + 512]) }
  }

  private func normalised(_ row: ArraySlice<Float>, count: Float = 512) -> [Float] {
    let square = row.reduce(0) { $0 + $1 * $1 } / count
    return row.map { $0 / (square + 1e-5).squareRoot() }
  }

  @Test(
    "RMSNormalization: weight left out, epsilon misplaced, mean over one element less",
    arguments: [NumberFormat.bfloat16, .float32])
  func rmsNormalization(format: NumberFormat) throws {
    let inputs = try [view(Self.x, Self.shape), view(Self.scale, [512])]
    func check(_ output: [Float]) throws -> Bool {
      try passes(.rmsNormalization(epsilon: 1e-5), inputs, output, Self.shape, format)
    }
    let right = rows { zip(normalised($0), Self.scale).map { $0 * $1 } }
    #expect(try check(right))
    #expect(try !check(rows { normalised($0) }))
    #expect(try !check(rows { zip(normalised($0, count: 496), Self.scale).map { $0 * $1 } }))
    var shifted = right
    shifted.swapAt(1000, 1001)
    #expect(try !check(shifted))
  }

  @Test("LayerNormalization: mean not taken away, bias left out")
  func layerNormalization() throws {
    let inputs = try [view(Self.x, Self.shape), view(Self.scale, [512]), view(Self.bias, [512])]
    func device(mean hasMean: Bool, bias hasBias: Bool) -> [Float] {
      rows { row in
        let mean = row.reduce(0, +) / 512
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 512
        let factor = 1 / (variance + 1e-5).squareRoot()
        return row.enumerated().map { column, value in
          (value - (hasMean ? mean : 0)) * factor * Self.scale[column]
            + (hasBias ? Self.bias[column] : 0)
        }
      }
    }
    let operation = Operator.layerNormalization(epsilon: 1e-5)
    #expect(try passes(operation, inputs, device(mean: true, bias: true), Self.shape))
    #expect(try !passes(operation, inputs, device(mean: false, bias: true), Self.shape))
    #expect(try !passes(operation, inputs, device(mean: true, bias: false), Self.shape))
  }

  @Test(
    "Softmax: not normalised, one element missing from the sum",
    arguments: [NumberFormat.bfloat16, .float32])
  func softmax(format: NumberFormat) throws {
    func device(_ sum: ([Float]) -> Float) -> [Float] {
      rows { row in
        let largest = row.max()!
        let powers = row.map { exp($0 - largest) }
        return powers.map { $0 / sum(powers) }
      }
    }
    let inputs = try [view(Self.x, Self.shape)]
    #expect(try passes(.softmax, inputs, device { $0.reduce(0, +) }, Self.shape, format))
    #expect(try !passes(.softmax, inputs, device { _ in 1 }, Self.shape, format))
    let without = device { $0.reduce(0, +) - $0.max()! }
    #expect(try !passes(.softmax, inputs, without, Self.shape, format))
  }

  @Test(
    "Rotary embedding: sign of the sine wrong, position off by one, wrong pairing",
    arguments: [NumberFormat.bfloat16, .float32])
  func rotary(tableFormat: NumberFormat) throws {
    let lengths = HeadDimensions(batch: 1, heads: 4, tokens: 64, channels: 128)
    let angles = RotaryAngles(base: 500_000, channels: 128, firstPosition: 1000)
    let table: TensorShape = [64, 64]
    let cosine = seeded("c", table, format: tableFormat, fill: .rotaryCosine(angles))
    let sine = seeded("s", table, format: tableFormat, fill: .rotarySine(angles))
    let inputs = try [
      view(Self.x, Self.shape), view(cosine, table, tableFormat), view(sine, table, tableFormat),
    ]
    func device(sign: Float = 1, shift: Int = 0, distance: Int = 64) -> [Float] {
      Self.x.indices.map { index in
        let channel = index % 128
        let entry = (index / 512 + shift) % 64 * 64 + channel % 64
        let isFirst = channel < 64
        let partner = Self.x[index + (isFirst ? distance : -distance)]
        let turned = (isFirst ? -sign : sign) * partner * sine[entry]
        return Self.x[index] * cosine[entry] + turned
      }
    }
    let operation = Operator.rotaryEmbedding(
      RotaryEmbedding(lengths: lengths, angles: angles))
    #expect(try passes(operation, inputs, device(), Self.shape))
    #expect(try !passes(operation, inputs, device(sign: -1), Self.shape))
    #expect(try !passes(operation, inputs, device(shift: 1), Self.shape))
    #expect(try !passes(operation, inputs, device(distance: 1), Self.shape))
  }

  @Test("A gated product: gate and up swapped, gate left out")
  func gating() throws {
    let up = seeded("up", Self.shape)
    func silu(_ x: Float) -> Float { x / (1 + exp(-x)) }
    let activated = Self.x.map { roundedToBfloat16(silu($0)) }
    let first = try [view(Self.x, Self.shape)]
    #expect(try passes(.silu, first, Self.x.map(silu), Self.shape))
    #expect(try !passes(.silu, first, up.map(silu), Self.shape))
    #expect(try !passes(.silu, first, Self.x.map { 1 / (1 + exp(-$0)) }, Self.shape))
    let inputs = try [view(activated, Self.shape), view(up, Self.shape)]
    let right = zip(activated, up).map { $0 * $1 }
    let swapped = zip(up.map { roundedToBfloat16(silu($0)) }, Self.x).map { $0 * $1 }
    #expect(try passes(.multiply, inputs, right, Self.shape))
    #expect(try !passes(.multiply, inputs, swapped, Self.shape))
    #expect(try !passes(.multiply, inputs, up, Self.shape))
  }

  @Test("Gradient descent: learning rate off by one per cent, sign wrong, step left out")
  func gradientDescent() throws {
    let shape: TensorShape = [64, 128]
    let weights = seeded(
      "w", shape, format: .float32, fill: .normal(standardDeviation: 0.125))
    let gradients = seeded(
      "g", shape, format: .float32, fill: .normal(standardDeviation: 0.01))
    let inputs = try [view(weights, shape, .float32), view(gradients, shape, .float32)]
    func check(_ rate: Float) throws -> Bool {
      try passes(
        .gradientDescent(learningRate: 0.1), inputs,
        zip(weights, gradients).map { $0 - rate * $1 }, shape, .float32)
    }
    #expect(try check(0.1))
    #expect(try !check(0.101))
    #expect(try !check(0.099))
    #expect(try !check(-0.1))
    #expect(try !check(0))
  }

  @Test("Loss, its gradient, and column sums: labels shifted, mean left out, a row left out")
  func training() throws {
    let shape: TensorShape = [32, 10]
    let logits = seeded("logits", shape, format: .float32)
    let labels = seeded("labels", [32], format: .int32, fill: .indices(count: 10))
    let inputs = try [view(logits, shape, .float32), view(labels, [32], .int32)]
    func gradient(shift: Int, rows: Float) -> [Float] {
      (0..<32).flatMap { row -> [Float] in
        let values = logits[row * 10..<row * 10 + 10]
        let sum = values.reduce(0) { $0 + exp($1) }
        let label = (Int(labels[row]) + shift) % 10
        return values.enumerated().map { (exp($1) / sum - ($0 == label ? 1 : 0)) / rows }
      }
    }
    let slope = Operator.softmaxCrossEntropyGradient
    #expect(try passes(slope, inputs, gradient(shift: 0, rows: 32), shape, .float32))
    #expect(try passes(slope, inputs, gradient(shift: 0, rows: 32), shape))
    #expect(try !passes(slope, inputs, gradient(shift: 1, rows: 32), shape))
    #expect(try !passes(slope, inputs, gradient(shift: 0, rows: 1), shape))
    #expect(try !passes(slope, inputs, gradient(shift: 0, rows: 31), shape))
    let exactLoss = try Float64Interpreter.evaluate(.softmaxCrossEntropyLoss, inputs: inputs)[0]
    for (factor, expected) in [(1.0, true), (1.0001, false), (0.9999, false)] {
      #expect(
        try passes(
          .softmaxCrossEntropyLoss, inputs, [Float(exactLoss * factor)], [1], .float32)
          == expected)
    }
    func sums(_ rows: Int) -> [Float] {
      (0..<10).map { column in
        (0..<rows).reduce(Float(0)) { $0 + logits[$1 * 10 + column] }
      }
    }
    #expect(try passes(.reduceSum, [inputs[0]], sums(32), [10], .float32))
    #expect(try !passes(.reduceSum, [inputs[0]], sums(31), [10], .float32))
  }

  @Test("A rounding between steps passes only where the checker is told of it")
  func intermediate() throws {
    let inputs = try [view(Self.x, Self.shape), view(Self.scale, [512])]
    let output = rows { row in
      zip(normalised(row).map(roundedToBfloat16), Self.scale).map { $0 * $1 }
    }
    var checker = NumericsChecker(seed: 1)
    func passes() throws -> Bool {
      try checker.check(
        .rmsNormalization(epsilon: 1e-5), named: "norm", inputs: inputs,
        output: view(output, Self.shape, .float32)
      ).passed
    }
    let strict = try passes()
    checker.intermediate = .bfloat16
    let told = try passes()
    #expect(!strict && told)
  }

  @Test("Moves must be exact: one bit wrong in a copy of the same format fails")
  func moves() throws {
    let inputs = try [view(Self.x, Self.shape)]
    #expect(try passes(.copy, inputs, Self.x, Self.shape))
    var wrong = Self.x
    wrong[5] = Float(bitPattern: wrong[5].bitPattern + 0x1_0000)
    #expect(try !passes(.copy, inputs, wrong, Self.shape))
    let wide = seeded("wide", Self.shape, format: .float32)
    #expect(try passes(.copy, [view(wide, Self.shape, .float32)], wide, Self.shape))
    let truncated = wide.map { Float(bitPattern: $0.bitPattern & 0xffff_0000) }
    #expect(try !passes(.copy, [view(wide, Self.shape, .float32)], truncated, Self.shape))
  }
}
