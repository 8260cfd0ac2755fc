import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// The tensor engine's modes: hints, tiles, transposes, bf16 results and microscaled products.
@Suite struct TensorModeTests {
  private func run(
    _ operations: [Operation], _ core: inout CoreState, generation: Int
  ) throws {
    for operation in operations {
      try perform(operation, on: &core, .tensor, generation: generation)
    }
  }

  /// weightsᵀ · moving in fp64, and the sum of the magnitudes of its products.
  private func product(
    _ weights: [[Double]], _ moving: [[Double]]
  ) -> (values: [[Double]], norms: [[Double]]) {
    let (m, n) = (weights[0].count, moving[0].count)
    var values = [[Double]](repeating: [Double](repeating: 0, count: n), count: m)
    var norms = values
    for k in weights.indices {
      for row in 0..<m {
        for column in 0..<n {
          let term = weights[k][row] * moving[k][column]
          values[row][column] += term
          norms[row][column] += term.magnitude
        }
      }
    }
    return (values, norms)
  }

  @Test(arguments: [true, false])
  func onesAndZerosNeedOnePass(_ isStationary: Bool) throws {
    var core = try makeCore()
    var generator = Generator(seed: 61)
    let weights = sbuf(.float32, 24, partitions: 0..<40)
    let moving = sbuf(.float32, 30, partitions: 0..<40, byte: 1024)
    let result = psum(.float32, 30, partitions: 0..<24)
    let ones: (Int) -> [Float] = { count in
      (0..<count).map { _ in Bool.random(using: &generator) ? 1 : 0 }
    }
    core.setElements(weights, to: isStationary ? ones(960) : randomValues(960, &generator))
    core.setElements(moving, to: isStationary ? randomValues(1200, &generator) : ones(1200))
    var nc = NcMatmul(result, stationary: weights, moving: moving, accumulate: false)
    if isStationary { nc.isStationaryOneZero = true } else { nc.isMovingOneZero = true }
    var operations: [Operation] = []
    nc.expand(into: &operations)
    #expect(operations.map(\.opcode) == [.loadWeights, .matmul])
    #expect(operations[1].macs == 40 * 24 * 30)
    try run(operations, &core, generation: 3)
    let (values, norms) = product(
      RandomRows.split(core.elements(weights).map(Double.init), weights),
      RandomRows.split(core.elements(moving).map(Double.init), moving))
    let found = RandomRows.split(core.elements(result), result)
    for m in 0..<24 {
      for n in 0..<30 {
        #expect((Double(found[m][n]) - values[m][n]).magnitude <= 40 * 0x1p-24 * norms[m][n])
      }
    }
    // The hint means nothing for formats that need one pass anyway.
    nc.stationary.format = .bfloat16
    nc.moving.format = .bfloat16
    operations = []
    nc.expand(into: &operations)
    if case .matmul(let matmul) = operations[1] { #expect(!matmul.isOneZero) }
  }

  @Test(arguments: [NumberFormat.float8e4m3, .float8e5m2, .int8, .uint8])
  func transposesOfBytesTakeTwo(_ format: NumberFormat) throws {
    var core = try makeCore()
    var generator = Generator(seed: 62)
    let data = sbuf(format, 24, partitions: 0..<40)
    let identity = sbuf(format, 40, partitions: 0..<40, byte: 1024)
    let result = pattern(.psum, format, partitions: 0..<24, byte: 64, [(40, 2)])
    let bits = (0..<960).map { _ in UInt32.random(in: 0...255, using: &generator) }
    core.setElementBits(data, to: bits)
    core.setElements(identity, to: (0..<1600).map { $0 / 40 == $0 % 40 ? 1 : 0 })
    let whole = pattern(.psum, .uint16, partitions: 0..<24, byte: 64, [(40, 1)])
    core.setElementBits(whole, to: [UInt32](repeating: 0xFFFF, count: 960))
    var operations: [Operation] = []
    NcTranspose(result, data, identity: identity).expand(into: &operations)
    try run(operations, &core, generation: 3)
    #expect(
      core.elementBits(whole) == (0..<24).flatMap { f in (0..<40).map { bits[$0 * 24 + f] } })
  }

  @Test(arguments: [NumberFormat.bfloat16, .float16, .float32])
  func transposesPassEveryPatternThrough(_ format: NumberFormat) throws {
    var core = try makeCore()
    var generator = Generator(seed: 63)
    let data = sbuf(format, 16, partitions: 0..<16)
    let identity = sbuf(format, 16, partitions: 0..<16, byte: 1024)
    let result = psum(format, 16, partitions: 0..<16)
    // NaN with payloads and infinities among them.
    let special = format.encode(.infinity)
    let bits = (0..<256).map { index in
      index % 3 == 0
        ? special | UInt32(index / 3 % 4)
        : UInt32.random(in: 0...elementMask(format), using: &generator)
    }
    core.setElementBits(data, to: bits)
    core.setElements(identity, to: (0..<256).map { $0 / 16 == $0 % 16 ? 1 : 0 })
    var operations: [Operation] = []
    NcTranspose(result, data, identity: identity).expand(into: &operations)
    try run(operations, &core, generation: 3)
    #expect(
      core.elementBits(result) == (0..<16).flatMap { f in (0..<16).map { bits[$0 * 16 + f] } })
  }

  @Test func neuronCore2TransposesByAProduct() throws {
    var core = try makeCore(generation: 2)
    var generator = Generator(seed: 64)
    let data = sbuf(.bfloat16, 16, partitions: 0..<16)
    let identity = sbuf(.bfloat16, 16, partitions: 0..<16, byte: 1024)
    let result = psum(.float32, 16, partitions: 0..<16)
    core.setElements(data, to: randomValues(256, &generator))
    core.setElements(identity, to: (0..<256).map { $0 / 16 == $0 % 16 ? 1 : 0 })
    var operations: [Operation] = []
    NcTranspose(result, data, identity: identity).expand(into: &operations)
    try run(operations, &core, generation: 2)
    let values = core.elements(data)
    #expect(
      core.elements(result) == (0..<16).flatMap { f in (0..<16).map { values[$0 * 16 + f] } })
    // One NaN spoils the whole row that it is added into.
    core.setElements(sbuf(.bfloat16, 1, partitions: 0..<1), to: [.nan])
    try run(operations, &core, generation: 2)
    let found = RandomRows.split(core.elements(result), result)
    #expect(found[0].allSatisfy { $0.isNaN })
    #expect(!found[1].contains { $0.isNaN })
    // The mode has no result of its own format.
    var narrow = Matmul(
      psum(.bfloat16, 16, partitions: 0..<16), identity, columns: 16, accumulate: false,
      isTranspose: true)
    #expect(
      fault(.matmul(narrow), .tensor, generation: 2)
        == Fault("MATMUL", operand: "dst", lacking(2, needs: 3), engine: .tensor))
    narrow.destination = psum(.float32, 16, partitions: 0..<16)
    #expect(fault(.matmul(narrow), .tensor, generation: 2) == nil)
  }

  @Test func resultsInBF16AreAddedInFP32() throws {
    var core = try makeCore(generation: 4)
    var generator = Generator(seed: 65)
    let weights = sbuf(.bfloat16, 8, partitions: 0..<32)
    let moving = sbuf(.bfloat16, 4096 + 512, partitions: 0..<32, byte: 1024)
    let result = psum(.bfloat16, 4096 + 512, partitions: 0..<8)
    core.setElements(weights, to: randomValues(256, &generator))
    core.setElements(moving, to: randomValues(32 * 4608, &generator))
    var operations: [Operation] = []
    NcMatmul(result, stationary: weights, moving: moving, accumulate: false)
      .expand(into: &operations)
    try run(operations, &core, generation: 4)
    let once = core.elements(result)
    operations = []
    NcMatmul(result, stationary: weights, moving: moving, accumulate: true)
      .expand(into: &operations)
    try run(operations, &core, generation: 4)
    let twice = core.elements(result)
    let (values, norms) = product(
      RandomRows.split(core.elements(weights).map(Double.init), weights),
      RandomRows.split(core.elements(moving).map(Double.init), moving))
    for m in 0..<8 {
      for n in stride(from: 0, to: 4608, by: 37) {
        let slack = 32 * 0x1p-24 * norms[m][n]
        let first = Double(once[m * 4608 + n])
        #expect((first - values[m][n]).magnitude <= 0x1p-8 * values[m][n].magnitude + slack)
        let sum = first + values[m][n]
        #expect(
          (Double(twice[m * 4608 + n]) - sum).magnitude <= 0x1p-8 * sum.magnitude + slack)
      }
    }
  }

  /// Numbers of a packed row: element, then number within it.
  private func unpack(_ bits: [UInt32], _ format: NumberFormat) -> [Float] {
    let mx = format.packedFormat!
    return bits.flatMap { word in
      (0..<4).map {
        mx.decode(
          code: UInt8(
            truncatingIfNeeded: (word >> UInt32($0 * mx.bitWidth)) & (mx.bitWidth == 4 ? 15 : 255)))
      }
    }
  }

  @Test(
    arguments: [
      (NumberFormat.float8e4m3fnx4, NumberFormat.float8e4m3fnx4, 128, 0, 0),
      (.float8e5m2x4, .float4e2m1fnx4, 64, 64, 4), (.float4e2m1fnx4, .float8e4m3fnx4, 32, 96, 12),
    ])
  func microscaledProducts(
    _ stationaryFormat: NumberFormat, _ movingFormat: NumberFormat, _ partitions: Int, _ row: Int,
    _ offset: Int
  ) throws {
    var core = try makeCore(generation: 4)
    var generator = Generator(seed: 66)
    let (m, n) = (24, 20)
    let weights = sbuf(stationaryFormat, m, partitions: 0..<partitions)
    let moving = sbuf(movingFormat, n, partitions: 0..<partitions, byte: 1024)
    let scales = [
      sbuf(.uint8, m, partitions: 0..<partitions, byte: 2048),
      sbuf(.uint8, n, partitions: 0..<partitions, byte: 3072),
    ]
    let result = psum(.float32, n, partitions: 0..<m)
    func fill(_ data: AccessPattern, _ scale: AccessPattern) -> [[Double]] {
      let format = data.format.packedFormat!
      let count = data.columns * partitions
      core.setElementBits(
        data,
        to: (0..<count).map { _ in
          (0..<4).reduce(UInt32(0)) { word, part in
            // Any number but infinity and NaN.
            let code = format.encode(Float.random(in: -6...6, using: &generator))
            return word | UInt32(code) << UInt32(part * format.bitWidth)
          }
        })
      core.setElementBits(
        scale, to: (0..<count).map { _ in UInt32.random(in: 120...134, using: &generator) })
      let numbers = unpack(core.elementBits(data), data.format)
      let bytes = core.elementBits(scale)
      // Contraction row part · P + p of column f.
      return (0..<(4 * partitions)).map { depth in
        let (part, p) = (depth / partitions, depth % partitions)
        let place = p / 32 * 32 + offset + p % 32 / 8
        return (0..<data.columns).map { f in
          let power = Double(
            sign: .plus, exponent: Int(bytes[place * data.columns + f]) - 127, significand: 1)
          return Double(numbers[(p * data.columns + f) * 4 + part]) * power
        }
      }
    }
    let a = fill(weights, scales[0])
    let b = fill(moving, scales[1])
    let nc = NcMatmulMX(
      result, stationary: weights, scales: MXScales(scales[0], offset: offset), moving: moving,
      scales: MXScales(scales[1], offset: offset), accumulate: false, row: row)
    var operations: [Operation] = []
    nc.expand(into: &operations)
    #expect(operations.map(\.opcode) == [.loadWeights, .matmul])
    #expect(operations[1].macs == Int64(4 * partitions * m * n))
    try nc.validate(rules(operations[1], .tensor, generation: 4))
    try run(operations, &core, generation: 4)
    let (values, norms) = product(a, b)
    let found = RandomRows.split(core.elements(result), result)
    for i in 0..<m {
      for j in 0..<n {
        let slack = Double(4 * partitions) * 0x1p-24 * norms[i][j]
        #expect((Double(found[i][j]) - values[i][j]).magnitude <= slack)
      }
    }
    // Other scales for the same data: nothing stale is multiplied.
    core.setElementBits(scales[1], to: core.elementBits(scales[1]).map { $0 + 1 })
    try run(operations, &core, generation: 4)
    let doubled = found.flatMap { row in row.map { 2 * $0 } }
    #expect(core.elements(result) == doubled)
  }

  @Test(
    arguments: [
      (NumberFormat.float8e4m3fnx4, NumberFormat.bfloat16, 128, 0),
      (.float8e5m2x4, .float16, 32, 8), (.float8e4m3fnx4, .float16, 64, 12),
    ])
  func quantization(
    _ format: NumberFormat, _ from: NumberFormat, _ partitions: Int, _ offset: Int
  ) throws {
    var core = try makeCore(generation: 4)
    var generator = Generator(seed: 67)
    let source = pattern(.sbuf, from, partitions: 0..<partitions, [(3, 40), (16, 2)])
    let result = sbuf(format, 12, partitions: 0..<partitions, byte: 1024)
    let scales = sbuf(.uint8, 12, partitions: 0..<partitions, byte: 2048)
    let largest: Float = from == .float16 ? 12 : 100
    core.setElements(
      source,
      to: (0..<(48 * partitions)).map { index in
        // Groups of any size, some of zeros.
        let power = Float(index / 48 / 8 % 5) * largest / 5 - largest / 2
        return index / 48 / 8 % 7 == 3
          ? 0 : Float.random(in: -1...1, using: &generator) * Float.exp2(of: power)
      })
    try perform(
      .quantizeMX(QuantizeMX(result, source, scales: scales, scaleOffset: offset)), on: &core,
      .vector, generation: 4)
    let rows = RandomRows.split(core.elements(source), source)
    let numbers = unpack(core.elementBits(result), format)
    let bytes = RandomRows.split(core.elementBits(scales), scales)
    let mx = format.packedFormat!
    let emax = mx == .e4m3fn ? 8 : 15
    for first in stride(from: 0, to: partitions, by: 8) {
      for group in 0..<12 {
        var most: Float = 0
        for p in first..<(first + 8) {
          for part in 0..<4 { most = max(most, rows[p][4 * group + part].magnitude) }
        }
        let exponent = most == 0 ? -127 : Int(most.exponent) - (emax - 1)
        #expect(Int(bytes[first / 32 * 32 + offset + first % 32 / 8][group]) - 127 == exponent)
        for p in first..<(first + 8) {
          for part in 0..<4 {
            let value = Double(rows[p][4 * group + part])
            let scaled = value / Double(sign: .plus, exponent: exponent, significand: 1)
            #expect(
              numbers[(p * 12 + group) * 4 + part] == mx.decode(code: mx.encode(Float(scaled))))
          }
        }
      }
    }
  }

  /// Appendix of the interface's own example: 448 in a group of e4m3fn has the scale 2, and zero
  /// the smallest one.
  @Test func documentedScales() throws {
    var core = try makeCore(generation: 4)
    let source = sbuf(.bfloat16, 8, partitions: 0..<32)
    let result = sbuf(.float8e4m3fnx4, 2, partitions: 0..<32, byte: 1024)
    let scales = sbuf(.uint8, 2, partitions: 0..<32, byte: 2048)
    core.setElements(source, to: (0..<256).map { $0 % 8 == 1 ? 448 : 0 })
    try perform(
      .quantizeMX(QuantizeMX(result, source, scales: scales)), on: &core, .vector, generation: 4)
    let bytes = RandomRows.split(core.elementBits(scales), scales)
    for group in 0..<4 { #expect(bytes[group] == [128, 0]) }
    #expect(unpack(core.elementBits(result), .float8e4m3fnx4)[1] == 224)
  }
}

extension Float {
  /// A power of two with a real exponent, rounded to a whole one.
  static func exp2(of exponent: Float) -> Float {
    Float(sign: .plus, exponent: Int(exponent.rounded()), significand: 1)
  }
}
