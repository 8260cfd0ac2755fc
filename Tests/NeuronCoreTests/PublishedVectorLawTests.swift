import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Third-party micro-benchmarks of Trainium2's vector engine, row by row: completion = start-up +
/// slope x N, in nanoseconds, for 64 to 2,048 contiguous elements of 128 partitions.
///
/// The captures cover fp32 reductions, copies from PSUM, TENSOR_SCALAR with a pointer and
/// reciprocals; they agree with these rows to within 3 %, so no row is overruled.
@Suite struct PublishedVectorLawTests {
  /// A line of the table: ends of start-up and slope, and the instruction of N elements.
  private struct Law {
    var name: String
    var startup: ClosedRange<Double>
    var slope: ClosedRange<Double>
    var widths = [64, 256, 1_024, 2_048]
    var operation: (Int) -> Operation

    init(
      _ name: String, _ startup: ClosedRange<Double>, _ slope: ClosedRange<Double>,
      widths: [Int] = [64, 256, 1_024, 2_048], operation: @escaping (Int) -> Operation
    ) {
      self.name = name
      self.startup = startup
      self.slope = slope
      self.widths = widths
      self.operation = operation
    }
  }

  private func expect(_ laws: [Law]) throws {
    var rows: [PublishedRow] = []
    for law in laws {
      for width in law.widths {
        let low = law.startup.lowerBound + law.slope.lowerBound * Double(width)
        let high = law.startup.upperBound + law.slope.upperBound * Double(width)
        rows.append(
          PublishedRow("\(law.name) \(width)", low...high, try alone(law.operation(width))))
      }
    }
    expectPublished(rows)
  }

  /// Dispatch to completion of an instruction on an idle engine.
  private func alone(_ operation: Operation) throws -> Double {
    var bench = TestBench()
    bench.add(.vector, operation)
    return try bench.run().rows[.vector]![0].duration
  }

  private func copy(_ destination: NumberFormat, _ source: NumberFormat, partitions: Int = 128)
    -> (Int) -> Operation
  {
    {
      .copy(
        Copy(
          sbuf($0, destination, at: 32_768, partitions: partitions),
          from: sbuf($0, source, partitions: partitions)))
    }
  }

  private func fromPSUM(_ destination: NumberFormat, _ source: NumberFormat = .float32)
    -> (Int) -> Operation
  { { .copy(Copy(sbuf($0, destination, at: 32_768), from: psum($0, source))) } }

  @Test func copies() throws {
    try expect([
      Law("copy fp32", 153.5...160.5, 0.521...0.534, operation: copy(.float32, .float32)),
      Law(
        "copy fp32 to bf16", 155.5...155.5, 0.5219...0.5219, operation: copy(.bfloat16, .float32)),
      Law("copy bf16", 155.7...155.7, 0.2691...0.2691, operation: copy(.bfloat16, .bfloat16)),
      Law(
        "copy bf16 to fp32", 152.7...152.7, 0.8033...0.8033, operation: copy(.float32, .bfloat16)),
      Law("copy fp32 to int32", 153.5...153.5, 0.536...0.536, operation: copy(.int32, .float32)),
      Law("copy fp32 to uint8", 150.2...150.2, 0.575...0.575, operation: copy(.uint8, .float32)),
      // Two samples of four partitions.
      Law(
        "copy int32", 136...136, 0.667...0.667, operation: copy(.int32, .int32, partitions: 4)),
      Law("copy PSUM fp32", 156...156, 1.045...1.045, operation: fromPSUM(.float32)),
      Law("copy PSUM to bf16", 160...160, 1.037...1.037, operation: fromPSUM(.bfloat16)),
      Law("copy PSUM int32", 156...156, 1.045...1.045, operation: fromPSUM(.int32, .int32)),
    ])
  }

  @Test func arithmetic() throws {
    func pair(
      _ destination: NumberFormat, _ a: @escaping (Int) -> AccessPattern,
      _ b: @escaping (Int) -> AccessPattern
    ) -> (Int) -> Operation {
      { .tensorTensor(TensorTensor(sbuf($0, destination, at: 65_536), a($0), b($0), .add)) }
    }
    let wide: (Int) -> AccessPattern = { sbuf($0) }
    let narrow: (Int) -> AccessPattern = { sbuf($0, .bfloat16, at: 32_768) }
    let far: (Int) -> AccessPattern = { psum($0) }
    try expect([
      Law("tensor_scalar fp32", 160.3...160.3, 0.521...0.521) {
        .tensorScalar(TensorScalar(sbuf($0, at: 32_768), sbuf($0), .multiply, .immediate(2)))
      },
      Law(
        "tensor_tensor fp32", 158.7...158.7, 1.042...1.042, operation: pair(.float32, wide, wide)),
      Law(
        "tensor_tensor bf16", 161.5...161.5, 0.5166...0.5166,
        operation: pair(.bfloat16, narrow, narrow)),
      Law(
        "tensor_tensor fp32 to bf16", 160.5...160.5, 1.038...1.038,
        operation: pair(.bfloat16, wide, wide)),
      Law(
        "tensor_tensor PSUM + bf16", 143.9...143.9, 1.045...1.045,
        operation: pair(.float32, far, narrow)),
      Law(
        "tensor_tensor bf16 + PSUM", 153.9...153.9, 1.041...1.041,
        operation: pair(.float32, narrow, far)),
      Law("reciprocal", 151.8...154.3, 6.247...6.247) {
        .reciprocal(Reciprocal(sbuf($0, at: 32_768), sbuf($0)))
      },
    ])
  }

  @Test func reductions() throws {
    func reduce(_ operation: ALUOperation, _ source: @escaping (Int) -> AccessPattern)
      -> (Int) -> Operation
    { { .tensorReduce(TensorReduce(sbuf(1, at: 65_536), source($0), operation)) } }
    var laws: [Law] = []
    for operation in [ALUOperation.add, .max, .min] {
      laws.append(
        Law(
          "reduce fp32", 152.5...153.4, 1.0417...1.0417, operation: reduce(operation) { sbuf($0) }))
      laws.append(
        Law(
          "reduce bf16", 142.7...142.7, 1.044...1.044,
          operation: reduce(operation) { sbuf($0, .bfloat16) }))
      laws.append(
        Law("reduce PSUM", 156...158, 1.042...1.042, operation: reduce(operation) { psum($0) }))
    }
    // Windows of 3 x 3 of an image 34 wide: N elements are consumed, a ninth remains.
    laws.append(
      Law("max of 3 x 3 windows", 142.4...142.4, 1.0418...1.0418, widths: [576, 2_304]) { count in
        let image = AccessPattern(
          space: .sbuf, format: .float32, startPartition: 0, partitionCount: 128, byteOffset: 0,
          dimensionCount: 4, sizes: SIMD4(UInt16(count / 288), 32, 3, 3),
          strides: SIMD4(34, 1, 34, 1))
        return .tensorReduce(TensorReduce(sbuf(count / 9, at: 65_536), image, .max))
      })
    try expect(laws)
  }

  /// TENSOR_TENSOR_SCAN: 157.7 + 2.083 N, 60 more with a tensor as seed; medians of single probes.
  @Test func scans() throws {
    func scan(_ seed: ScalarOperand, partitions: Int = 128) -> (Int) -> Operation {
      {
        .scan(
          TensorTensorScan(
            sbuf($0, at: 32_768, partitions: partitions), sbuf($0, partitions: partitions),
            sbuf($0, at: 65_536, partitions: partitions), initial: seed, .multiply, .add))
      }
    }
    let constant = scan(.immediate(0))
    let tensor = scan(.pointer(.column(at: 98_304)))
    try expect([
      Law("scan", 157.7...157.7, 2.083...2.083, operation: constant),
      Law("scan, tensor seed", 217.7...217.7, 2.083...2.083, operation: tensor),
    ])
    var rows: [PublishedRow] = []
    for (width, median) in [(64, 291.0), (256, 691), (1_024, 2_291), (2_048, 4_424)] {
      rows.append(PublishedRow("scan probe \(width)", median, try alone(constant(width))))
    }
    for (width, median) in [(256, 751.0), (1_024, 2_351)] {
      rows.append(PublishedRow("seeded probe \(width)", median, try alone(tensor(width))))
    }
    rows.append(
      PublishedRow("probe of 32", 680, try alone(scan(.immediate(0), partitions: 32)(256))))
    expectPublished(rows)
  }

  @Test func fills() throws {
    func fill(_ destination: @escaping (Int) -> AccessPattern) -> (Int) -> Operation {
      { .memset(Memset(destination($0), 1)) }
    }
    let (startup, slope) = (57.3...59.0, 0.8317...0.8333)
    try expect([
      Law("memset fp32", startup, slope, operation: fill { sbuf($0) }),
      Law("memset bf16", startup, slope, operation: fill { sbuf($0, .bfloat16) }),
      Law("memset int32", startup, slope, operation: fill { sbuf($0, .int32) }),
      Law("memset PSUM", startup, slope, operation: fill { psum($0) }),
    ])
  }

  /// Blocks of 32 x 32 in fp32: 93 ns from one to the next, 234 when the quadrants change, 233 to
  /// the result.
  @Test func blockTransposes() throws {
    func starts(_ quadrants: [Int]) throws -> [TestBench.Row] {
      var bench = TestBench()
      for quadrant in quadrants {
        let lanes = 32 * quadrant..<32 * quadrant + 32
        bench.add(
          .vector,
          .streamTranspose(
            StreamTranspose(
              AccessPattern(
                .sbuf, .float32, partitions: lanes, byteOffset: 8_192, columns: 32),
              AccessPattern(.sbuf, .float32, partitions: lanes, byteOffset: 0, columns: 32))))
      }
      return try bench.run().rows[.vector]!
    }
    let (same, other) = (try starts([0, 0, 0]), try starts([0, 1, 1]))
    expectPublished([
      PublishedRow("steady", 93, same[2].start - same[1].start),
      PublishedRow("ready", 233, same[1].duration),
      PublishedRow("to other quadrants", 234, other[1].start - other[0].start),
      PublishedRow("steady after the change", 93, other[2].start - other[1].start),
    ])
  }

  /// One partition takes as long as 128; a fixed cost of 144 cycles in the vendor's top-k model.
  @Test func partitionsAndTopEight() throws {
    func add(_ partitions: Int) -> Operation {
      .tensorTensor(
        TensorTensor(
          sbuf(512, at: 32_768, partitions: partitions), sbuf(512, partitions: partitions),
          sbuf(512, at: 65_536, partitions: partitions), .add))
    }
    let maxima = Operation.max8(Max8(sbuf(8, at: 65_536), sbuf(4_096)))
    expectPublished([
      PublishedRow("one partition", 685, try alone(add(1))),
      PublishedRow("128 partitions", 685, try alone(add(128))),
      PublishedRow("max8, V + 144 cycles", (4_096 + 144) / 0.96, try alone(maxima)),
    ])
    #expect(try alone(add(1)) == alone(add(128)))
  }
}
