import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// The rules of the tensor engine's modes, each with an instruction that breaks it.
@Suite struct TensorModeFaultTests {
  private func expect(
    _ operation: Operation, _ operand: String, _ rule: Fault.Rule, generation: Int = 3,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      fault(operation, .tensor, generation: generation)
        == Fault(operation.opcode.name, operand: operand, rule, engine: .tensor),
      sourceLocation: sourceLocation)
  }

  private func product(
    _ moving: AccessPattern, to destination: AccessPattern? = nil,
    _ change: (inout Matmul) -> Void = { _ in }
  ) -> Operation {
    var matmul = Matmul(
      destination ?? psum(.float32, moving.columns, partitions: 0..<32), moving, columns: 32,
      accumulate: false)
    change(&matmul)
    return .matmul(matmul)
  }

  @Test func tiles() {
    let moving = sbuf(.bfloat16, 64, partitions: 0..<32)
    for (row, tile, generation, rule) in [
      (32, 0, 3, nil), (0, 0, 2, nil), (64, 0, 2, nil), (64, 64, 2, nil), (96, 32, 4, nil),
      (0, 128, 3, nil), (32, 0, 2, ("row", lacking(2, needs: 3))),
      (64, 32, 2, ("tilerows", lacking(2, needs: 3))),
      (32, 64, 3, ("row", .value(found: "32", allowed: "multiples of 64 for 32"))),
      (0, 48, 3, ("tilerows", .value(found: "48", allowed: "32, 64, 128"))),
      (128, 0, 3, ("row", .value(found: "128", allowed: "multiples of 32 for 32"))),
    ] as [(Int, Int, Int, (String, Fault.Rule)?)] {
      let operation = product(moving) {
        $0.row = Int32(row)
        $0.tileRows = Int32(tile)
      }
      var weights = LoadWeights(sbuf(.bfloat16, 16, partitions: 0..<32))
      weights.row = Int32(row)
      weights.tileRows = Int32(tile)
      guard let (operand, rule) = rule else {
        #expect(fault(operation, .tensor, generation: generation) == nil)
        #expect(fault(.loadWeights(weights), .tensor, generation: generation) == nil)
        continue
      }
      expect(operation, operand, rule, generation: generation)
      expect(.loadWeights(weights), operand, rule, generation: generation)
    }
    expect(
      product(sbuf(.bfloat16, 64, partitions: 0..<64)) { $0.tileRows = 32 }, "tilerows",
      .value(found: "32", allowed: "64, 128"))
    expect(product(moving) { $0.column = 32 }, "col", lacking(2, needs: 3), generation: 2)
    // A tile keeps all its rows and columns busy, not only those of its operands.
    let region = product(moving) { $0.tileRows = 64 }.arrayRegion(device(3))
    #expect(region == 0x0011)
    #expect(product(moving).arrayRegion(device(2)) == 0x0033)
  }

  @Test func formatsAndResults() {
    for format in [NumberFormat.float8e4m3fn] {
      expect(product(sbuf(format, 64)), "src", lacking(3, needs: 4))
      #expect(fault(product(sbuf(format, 64)), .tensor, generation: 4) == nil)
    }
    expect(
      product(sbuf(.int8, 64)), "src",
      .format(found: "int8", allowed: "bf16, fp16, fp8e4m3, fp8e5m2, fp8e3m4, tf32, fp32"))
    let narrow = psum(.bfloat16, 64, partitions: 0..<32)
    expect(product(sbuf(.bfloat16, 64), to: narrow), "dst", lacking(3, needs: 4))
    #expect(fault(product(sbuf(.bfloat16, 64), to: narrow), .tensor, generation: 4) == nil)
    expect(
      product(sbuf(.bfloat16, 64), to: psum(.float16, 64, partitions: 0..<32)), "dst",
      .format(found: "fp16", allowed: "fp32, bf16"), generation: 4)
    expect(
      product(sbuf(.bfloat16, 64)) { $0.isOneZero = true }, "onezero",
      .value(found: "onezero", allowed: "products of fp32 only"))
    // One bank before NeuronCore-v4, all of PSUM from then on.
    expect(product(sbuf(.bfloat16, 513)), "src", .tooManyElements(found: 513, limit: 512))
    expect(
      product(sbuf(.bfloat16, 512), to: psum(.float32, 512, partitions: 0..<32, byte: 4)), "dst",
      .value(found: "bytes 4..<2052", allowed: "one PSUM bank of 2048 bytes"))
    #expect(fault(product(sbuf(.bfloat16, 4096)), .tensor, generation: 4) == nil)
    expect(
      product(sbuf(.bfloat16, 4097), to: psum(.float32, 4096, partitions: 0..<32)), "src",
      .tooManyElements(found: 4097, limit: 4096), generation: 4)
    let wide = psum(.bfloat16, 8192, partitions: 0..<32)
    #expect(fault(product(sbuf(.bfloat16, 8192), to: wide), .tensor, generation: 4) == nil)
  }

  @Test func bytesAreTransposedIntoSixteenBits() {
    func transpose(_ destination: AccessPattern, _ format: NumberFormat) -> Operation {
      product(sbuf(format, 16, partitions: 0..<16), to: destination) { $0.isTranspose = true }
    }
    let good = pattern(.psum, .float8e4m3, partitions: 0..<32, [(16, 2)])
    #expect(fault(transpose(good, .float8e4m3), .tensor) == nil)
    let dense = psum(.float8e4m3, 16, partitions: 0..<32)
    let allowed = "stride 2 from an even byte: 8-bit elements take 16 bits"
    expect(
      transpose(dense, .float8e4m3), "dst", .value(found: "stride 1 at byte 0", allowed: allowed))
    let odd = pattern(.psum, .float8e4m3, partitions: 0..<32, byte: 1, [(16, 2)])
    expect(
      transpose(odd, .float8e4m3), "dst", .value(found: "stride 2 at byte 1", allowed: allowed))
    expect(
      transpose(psum(.float16, 16, partitions: 0..<32), .bfloat16), "dst",
      .format(found: "fp16", allowed: "fp32, bf16"))
  }

  @Test func doubleRows() {
    let moving = pattern(.sbuf, .float8e5m2, [(2, 64), (64, 1)])
    func double(_ moving: AccessPattern, _ change: (inout Matmul) -> Void = { _ in }) -> Operation {
      product(moving, to: psum(.float32, 64, partitions: 0..<32)) {
        $0.isDoubleRow = true
        change(&$0)
      }
    }
    #expect(fault(double(moving), .tensor) == nil)
    expect(double(moving), "double", lacking(2, needs: 3), generation: 2)
    expect(
      double(moving) { $0.tileColumns = 64 }, "double",
      .value(found: "double", allowed: "neither with transpose nor with column tiles"))
    let newer = pattern(.sbuf, .float8e4m3fn, [(2, 64), (64, 1)])
    expect(double(newer), "src", lacking(3, needs: 4))
    #expect(fault(double(newer), .tensor, generation: 4) == nil)
  }

  @Test func microscaledOperands() {
    let format = NumberFormat.float8e4m3fnx4
    func mx(_ partitions: Int = 128, _ change: (inout Matmul) -> Void = { _ in }) -> Operation {
      product(
        sbuf(format, 64, partitions: 0..<partitions), to: psum(.float32, 64, partitions: 0..<32)
      ) {
        $0.scales = sbuf(.uint8, 64, partitions: 0..<partitions, byte: 4096)
        change(&$0)
      }
    }
    #expect(fault(mx(), .tensor, generation: 4) == nil)
    expect(mx(), "src", lacking(3, needs: 4))
    expect(
      mx(40), "src", .value(found: "40 partitions", allowed: "multiples of 32"), generation: 4)
    expect(
      mx { $0.scales.space = .psum }, "scale", .space(found: "psum", allowed: "sbuf"),
      generation: 4)
    expect(
      mx { $0.scales = sbuf(.int8, 64) }, "scale",
      .format(found: "int8", allowed: "uint8, fp8e8m0"), generation: 4)
    expect(
      mx { $0.scales = sbuf(.uint8, 32) }, "scale",
      .elementCountMismatch(found: 32, expected: 64), generation: 4)
    expect(
      mx { $0.scales = sbuf(.uint8, 64, partitions: 0..<32) }, "scale",
      .partitionMismatch(found: 32, expected: 128), generation: 4)
    expect(
      mx { $0.scaleOffset = 6 }, "offset", .value(found: "6", allowed: "0, 4, 8 or 12"),
      generation: 4)
    expect(
      mx(32) { $0.column = 32 }, "col", .value(found: "32", allowed: "0: row tiles only"),
      generation: 4)
    expect(
      mx { $0.isTranspose = true }, "transpose",
      .value(found: "fp8e4m3fnx4", allowed: "formats of one number per element"), generation: 4)
    var weights = LoadWeights(sbuf(format, 63))
    weights.scales = sbuf(.uint8, 63)
    expect(
      .loadWeights(weights), "src", .elementCountMismatch(found: 63, expected: 64), generation: 4)
  }

  @Test func quantization() {
    func quantize(
      _ destination: AccessPattern, _ source: AccessPattern, _ scales: AccessPattern,
      _ offset: Int = 0
    ) -> Fault? {
      fault(
        .quantizeMX(QuantizeMX(destination, source, scales: scales, scaleOffset: offset)), .vector,
        generation: 4)
    }
    func expected(_ operand: String, _ rule: Fault.Rule) -> Fault {
      Fault("QUANTIZE_MX", operand: operand, rule, engine: .vector)
    }
    let (d, s, scales) = (sbuf(.float8e5m2x4, 8), sbuf(.float16, 32), sbuf(.uint8, 8))
    #expect(quantize(d, s, scales) == nil)
    #expect(
      quantize(d, psum(.float16, 32), scales)
        == expected("src", .space(found: "psum", allowed: "sbuf")))
    #expect(
      quantize(d, sbuf(.float32, 32), scales)
        == expected("src", .format(found: "fp32", allowed: "fp16, bf16")))
    #expect(
      quantize(sbuf(.float4e2m1fnx4, 8), s, scales)
        == expected("dst", .format(found: "fp4e2m1fnx4", allowed: "fp8e4m3fnx4, fp8e5m2x4")))
    #expect(
      quantize(d, sbuf(.float16, 30), scales)
        == expected("src", .elementCountMismatch(found: 30, expected: 32)))
    #expect(
      quantize(d, sbuf(.float16, 32, partitions: 0..<64), scales)
        == expected("src", .partitionMismatch(found: 64, expected: 128)))
    #expect(
      quantize(d, s, scales, 16)
        == expected("offset", .value(found: "16", allowed: "0, 4, 8 or 12")))
    #expect(
      quantize(d, s, sbuf(.uint8, 4))
        == expected("scale", .elementCountMismatch(found: 4, expected: 8)))
  }

  /// Rules that only the pair of operands shows.
  @Test func operandsThatMayMeet() {
    func check(_ a: AccessPattern, _ b: AccessPattern) -> Fault.Rule? {
      let nc = NcMatmul(psum(.float32, 8), stationary: a, moving: b, accumulate: false)
      do {
        try nc.validate()
        return nil
      } catch { return error.rule }
    }
    #expect(check(sbuf(.float32, 8), sbuf(.tensorFloat32, 8)) == nil)
    #expect(check(sbuf(.float8e4m3, 8), sbuf(.bfloat16, 8)) == nil)
    #expect(check(sbuf(.float8e4m3fn, 8), sbuf(.float8e5m2, 8)) == nil)
    #expect(
      check(sbuf(.float32, 8), sbuf(.bfloat16, 8))
        == .format(found: "bf16 beside fp32", allowed: "fp32 and tf32 with each other only"))
    #expect(
      check(sbuf(.bfloat16, 8), sbuf(.tensorFloat32, 8))
        == .format(found: "tf32 beside bf16", allowed: "fp32 and tf32 with each other only"))
    #expect(
      check(sbuf(.float8e4m3, 8), sbuf(.float8e4m3fn, 8))
        == .format(found: "fp8e4m3fn beside fp8e4m3", allowed: "one kind of e4m3"))
    #expect(
      check(sbuf(.bfloat16, 8), sbuf(.bfloat16, 8, partitions: 0..<32))
        == .partitionMismatch(found: 32, expected: 128))
  }
}
