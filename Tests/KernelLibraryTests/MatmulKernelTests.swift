import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct MatmulKernelTests {
  /// Runs a product and compares it with the reference. Tolerance: 4·u·√K for the sum, and the
  /// rounding of the output.
  private func check(_ kernel: MatmulKernel, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let (m, k, n) = (kernel.m, kernel.k, kernel.n)
    let lhs = randomTensor(m * k, kernel.input, seed: 1)
    let rhs = randomTensor(k * n, kernel.input, seed: 2)
    let stored = [
      kernel.lhsLayout == .contractionColumns
        ? lhs : Reference.transposed(lhs, rows: m, columns: k),
      kernel.rhsLayout == .contractionRows ? rhs : Reference.transposed(rhs, rows: k, columns: n),
    ]
    var inputs = stored
    var bias: [Float] = []
    if kernel.bias != .none {
      bias = randomTensor(kernel.bias == .perColumn ? n : m, .float32, seed: 3)
      inputs.append(bias)
    }
    var residual: [Float] = []
    if kernel.hasResidual {
      residual = randomTensor(m * n, kernel.output, seed: 4)
      inputs.append(residual)
    }
    let out = try SegmentRunner.run(kernel, inputs).last!
    var expected = Reference.product(
      Reference.doubles(lhs), Reference.doubles(rhs), m: m, k: k, n: n)
    for index in expected.indices {
      expected[index] *= Double(kernel.scale)
      if kernel.bias == .perColumn { expected[index] += Double(bias[index % n]) }
      if kernel.bias == .perRow { expected[index] += Double(bias[index / n]) }
      if kernel.activation == .relu { expected[index] = max(0, expected[index]) }
      if kernel.activation == .silu { expected[index] = Reference.silu(expected[index]) }
      if kernel.hasResidual { expected[index] += Double(residual[index]) }
    }
    let sum = 4 * NumberFormat.float32.roundoff * Double(k)
    expectClose(
      out, expected, relative: 2 * kernel.output.roundoff + sum,
      absolute: sum + (kernel.hasResidual ? 4 : 0.01) * kernel.output.roundoff,
      sourceLocation: sourceLocation)
  }

  /// fp8 in double rows, and single rows where K has an odd number of tiles.
  @Test(arguments: [(128, 256, 512), (130, 512, 700), (256, 384, 512), (600, 2048, 1100)])
  func doubleRows(shape: (Int, Int, Int)) throws {
    for format in [NumberFormat.float8e4m3, .float8e5m2] {
      let kernel = MatmulKernel(m: shape.0, k: shape.1, n: shape.2, input: format)
      try check(kernel)
      let products = try kernel.segment(on: .trainium2).instructions.filter { instruction in
        if case .matmul(let matmul) = instruction.operation { return matmul.isDoubleRow }
        return false
      }
      #expect(products.isEmpty == (shape.1 % 256 != 0))
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  @Test(arguments: [
    (128, 128, 512), (256, 384, 1024), (130, 200, 700), (1, 128, 512), (17, 256, 96),
    (640, 128, 64), (128, 1, 1), (600, 300, 1100), (3, 1_100, 200), (40, 1_025, 700),
  ])
  func blocked(shape: (Int, Int, Int)) throws {
    try check(MatmulKernel(m: shape.0, k: shape.1, n: shape.2))
    try check(MatmulKernel(m: shape.0, k: shape.1, n: shape.2, output: .float32))
  }

  @Test func fp32() throws {
    try check(MatmulKernel(m: 140, k: 256, n: 520, input: .float32, output: .float32))
  }

  @Test func fp16() throws {
    try check(MatmulKernel(m: 64, k: 128, n: 128, input: .float16, output: .float16))
  }

  @Test(arguments: [
    (MatmulKernel.Layout.contractionColumns, MatmulKernel.Layout.contractionRows),
    (.contractionRows, .contractionColumns), (.contractionColumns, .contractionColumns),
  ])
  func layouts(layout: (MatmulKernel.Layout, MatmulKernel.Layout)) throws {
    for (m, k, n) in [(200, 320, 600), (4, 256, 512), (33, 130, 40), (64, 256, 1024)] {
      try check(MatmulKernel(m: m, k: k, n: n, lhs: layout.0, rhs: layout.1))
    }
  }

  @Test func gradients() throws {
    try check(.weightGradient(rows: 256, inputs: 192, outputs: 320))
    try check(.inputGradient(rows: 256, inputs: 192, outputs: 320))
  }

  @Test func streamsWhenSBUFIsTooSmallForPanels() throws {
    // 3 · 4096 tiles of 128 in fp32 do not fit twice: both operands come in chunks.
    try check(MatmulKernel(m: 520, k: 5120, n: 1030, input: .float32, output: .float32))
  }

  @Test func epilogues() throws {
    var kernel = MatmulKernel(m: 200, k: 128, n: 600)
    kernel.bias = .perColumn
    try check(kernel)
    kernel.activation = .relu
    try check(kernel)
    kernel.scale = 0.5
    kernel.hasResidual = true
    try check(kernel)
    kernel.bias = .perRow
    try check(kernel)
    kernel.activation = .silu
    try check(kernel)
    kernel.bias = .none
    kernel.activation = nil
    try check(kernel)
    kernel.scale = 1
    try check(kernel)
  }

  @Test func tutorialVariants() throws {
    try check(MatmulKernel(m: 256, k: 256, n: 1024, variant: .reload))
    try check(MatmulKernel(m: 256, k: 256, n: 1024, variant: .rowResident(rowTiles: 1)))
    try check(MatmulKernel(m: 512, k: 256, n: 1024, variant: .rowResident(rowTiles: 2)))
  }

  @Test func theReferenceNoticesASkippedTile() throws {
    let kernel = MatmulKernel(m: 128, k: 256, n: 128, output: .float32)
    var lhs = randomTensor(128 * 256, .bfloat16, seed: 1)
    let rhs = randomTensor(256 * 128, .bfloat16, seed: 2)
    let out = try SegmentRunner.run(kernel, [lhs, rhs]).last!
    // The second tile of K missing moves every element by far more than the tolerance.
    for index in 128 * 128..<lhs.count { lhs[index] = 0 }
    let less = try SegmentRunner.run(kernel, [lhs, rhs]).last!
    #expect(zip(out, less).count { abs($0 - $1) > 0.01 } > out.count * 9 / 10)
  }

  @Test func largeProductsFitTheDevice() throws {
    for (m, k, n) in [(4096, 4096, 4096), (2048, 14336, 4096), (1, 4096, 14336), (8, 14336, 4096)] {
      let segment = try MatmulKernel(m: m, k: k, n: n).segment(on: .trainium2)
      let products = segment.instructions.count { $0.operation.opcode == .matmul }
      // Few rows meet stationary weights, and each row of the sums is turned.
      let few = k / 128 * (n / 128) + m
      #expect(products == (m <= 32 ? few : (m + 127) / 128 * (k / 128) * (n / 512)))
    }
  }

  /// What is held whole for few rows is streamed where it does not fit.
  @Test(arguments: [
    (64, 100_001, 128, NumberFormat.float32), (64, 250_002, 512, .bfloat16),
    (32, 524_288, 128, .bfloat16),
  ])
  func fewRowsOfVeryLongProducts(m: Int, k: Int, n: Int, format: NumberFormat) throws {
    var kernel = MatmulKernel(m: m, k: k, n: n, input: format)
    kernel.lhsLayout = .contractionColumns
    #expect(throws: Never.self) { try kernel.segment(on: .trainium2) }
  }

  @Test func instructionsAreOrdered() throws {
    for kernel in [
      MatmulKernel(m: 256, k: 256, n: 1024), MatmulKernel(m: 130, k: 200, n: 700),
      MatmulKernel(m: 4, k: 256, n: 512, lhs: .contractionColumns),
    ] {
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }
}
