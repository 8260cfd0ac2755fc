import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Section 5 of the captured laws: the tensor engine, at half and at full rate.
@Suite struct TensorLawTests {
  enum Form { case whole, transpose, regularFP32 }

  /// A stream of weight loads and matmuls; the first window runs at half rate.
  private func stream(_ form: Form, _ format: NumberFormat, columns: Int, count: Int) throws
    -> TestBench.Timeline
  {
    var bench = TestBench()
    for index in 0..<count {
      let transpose = form == .transpose
      let part: WeightPart = form != .regularFP32 ? .whole : index % 2 == 0 ? .low : .high
      bench.add(
        .tensor, .loadWeights(LoadWeights(sbuf(128, format), part: part, isTranspose: transpose)))
      bench.add(
        .tensor,
        .matmul(
          Matmul(
            psum(columns), sbuf(columns, format, at: 4_096), columns: 128, accumulate: false,
            isTranspose: transpose)))
    }
    return try bench.run()
  }

  /// Completion spacings at half rate (early in the first window) and at full rate (the last ones).
  private func spacings(_ form: Form, _ format: NumberFormat, columns: Int, count: Int) throws
    -> (half: Double, full: Double)
  {
    let rows = try stream(form, format, columns: columns, count: count).rows(.tensor, .matmul)
    return (rows[2].end - rows[1].end, rows[count - 1].end - rows[count - 2].end)
  }

  @Test func spacingOfCompletions() throws {
    let wide = try spacings(.whole, .bfloat16, columns: 512, count: 40)
    let transpose16 = try spacings(.transpose, .bfloat16, columns: 128, count: 120)
    let wideFP32 = try spacings(.regularFP32, .float32, columns: 512, count: 30)
    let transposeFP32 = try spacings(.transpose, .float32, columns: 128, count: 90)
    let regularFP32 = try spacings(.regularFP32, .float32, columns: 128, count: 90)
    expectLaws([
      LawRow(name: "16-bit 512 half", observed: 426...428, modelled: wide.half),
      LawRow(name: "16-bit 512 full (AKS-001)", observed: 215...215, modelled: wide.full),
      LawRow(name: "16-bit transpose 128 half", observed: 106...107, modelled: transpose16.half),
      LawRow(name: "16-bit 128 full (AKS-003)", observed: 55...55, modelled: transpose16.full),
      LawRow(name: "fp32 pass 512 half", observed: 853...854, modelled: wideFP32.half),
      LawRow(name: "fp32 pass 512 full", observed: 429...430, modelled: wideFP32.full),
      LawRow(name: "fp32 transpose 128 half", observed: 212...214, modelled: transposeFP32.half),
      LawRow(name: "fp32 transpose 128 full", observed: 109...110, modelled: transposeFP32.full),
      LawRow(name: "fp32 regular 128 half", observed: 213...214, modelled: regularFP32.half),
      LawRow(name: "fp32 regular 128 full", observed: 109...113, modelled: regularFP32.full),
    ])
  }

  @Test func rowsAsProfilesShowThem() throws {
    let wide = try stream(.whole, .bfloat16, columns: 512, count: 40)
    let narrow = try stream(.transpose, .bfloat16, columns: 128, count: 20)
    let fp32T = try stream(.transpose, .float32, columns: 128, count: 90)
    let fp32R = try stream(.regularFP32, .float32, columns: 128, count: 90)
    let fp32Wide = try stream(.regularFP32, .float32, columns: 512, count: 30)
    func matmul(_ timeline: TestBench.Timeline, _ index: Int) -> Double {
      timeline.rows(.tensor, .matmul)[index].duration
    }
    func load(_ timeline: TestBench.Timeline, _ index: Int) -> Double {
      timeline.rows(.tensor, .loadWeights)[index].duration
    }
    expectLaws([
      LawRow(name: "MATMUL 128 16-bit half", observed: 310...310, modelled: matmul(narrow, 3)),
      LawRow(name: "MATMUL 512 16-bit half", observed: 630...634, modelled: matmul(wide, 3)),
      LawRow(name: "MATMUL 128 fp32 half", observed: 417...420, modelled: matmul(fp32T, 3)),
      LawRow(name: "MATMUL 512 fp32 half", observed: 1_060...1_060, modelled: matmul(fp32Wide, 1)),
      LawRow(name: "MATMUL 128 fp32 T full", observed: 272...272, modelled: matmul(fp32T, 88)),
      LawRow(name: "MATMUL 128 fp32 R full", observed: 275...275, modelled: matmul(fp32R, 88)),
      LawRow(name: "MATMUL 512 fp32 full", observed: 590...593, modelled: matmul(fp32Wide, 28)),
      LawRow(name: "LDWEIGHTS warm 16 half", observed: 146...150, modelled: load(wide, 3)),
      LawRow(name: "LDWEIGHTS warm T half", observed: 225...230, modelled: load(fp32T, 3)),
      LawRow(name: "LDWEIGHTS warm R half", observed: 332...337, modelled: load(fp32R, 3)),
      LawRow(name: "LDWEIGHTS warm T full", observed: 140...140, modelled: load(fp32T, 88)),
      LawRow(name: "LDWEIGHTS warm R full", observed: 191...191, modelled: load(fp32R, 88)),
      LawRow(name: "LDWEIGHTS cold 16 half", observed: 101...105, modelled: load(wide, 0)),
      LawRow(name: "LDWEIGHTS cold T half", observed: 180...184, modelled: load(fp32T, 0)),
      LawRow(name: "LDWEIGHTS cold R half", observed: 285...289, modelled: load(fp32R, 0)),
    ])
  }

  /// Dispatch of a cold weight load to completion, less the stream.
  @Test func coldLatency() throws {
    func latency(_ form: Form, _ format: NumberFormat, stream cycles: Double) throws -> Double {
      let timeline = try stream(form, format, columns: 128, count: 1)
      let load = timeline.rows(.tensor, .loadWeights)[0]
      return timeline.rows(.tensor, .matmul)[0].end - load.start - cycles * 2 / 2.4
    }
    expectLaws([
      LawRow(
        name: "cold 16-bit half", observed: 187.5...187.5,
        modelled: try latency(.transpose, .bfloat16, stream: 128)),
      LawRow(
        name: "cold fp32 T half", observed: 262.7...266.7,
        modelled: try latency(.transpose, .float32, stream: 256)),
      LawRow(
        name: "cold fp32 R half", observed: 367...367,
        modelled: try latency(.regularFP32, .float32, stream: 256)),
    ])
  }

  /// Streams and loads that run while the limiter lifts go on at the new rate. In a capture of the
  /// same rows the spacings at the switch are 213, 196 and 110 ns, and the load's row 275 ns.
  @Test func whatRunsAtTheSwitchGoesOnAtTheNewRate() throws {
    let timeline = try stream(.regularFP32, .float32, columns: 128, count: 90)
    let ends = timeline.rows(.tensor, .matmul).map(\.end)
    let spacings = zip(ends.dropFirst(), ends).map { $0 - $1 }
    let between = spacings.dropFirst().filter { $0 > 114 && $0 < 213 }
    #expect(spacings.dropFirst().allSatisfy { $0 >= 109 && $0 < 214 }, "\(spacings)")
    #expect(between.count <= 2, "\(between)")
    let loads = timeline.rows(.tensor, .loadWeights).dropFirst(2).map(\.duration)
    #expect(loads.allSatisfy { $0 > 190 && $0 < 338 })
    #expect(loads.count { $0 > 194 && $0 < 330 } == 1, "one load meets the switch: \(loads)")
  }

  /// The limiter: windows of 4,096 base cycles, 3/8 of 8,192 cycles to go or stay full.
  @Test func limiterWindows() throws {
    // 0.357 of a window stays half, 0.428 goes full: streams of that many cycles, then a probe.
    for (fraction, isFull) in [(0.29, false), (0.357, false), (0.428, true), (0.5, true)] {
      let streams = Int((fraction * 8_192 / 512).rounded(.down))
      let rest = Int(fraction * 8_192) - streams * 512
      var bench = TestBench()
      bench.add(.tensor, .loadWeights(LoadWeights(sbuf(128, .bfloat16))))
      for width in Array(repeating: 512, count: streams) + (rest >= 64 ? [rest] : []) {
        bench.add(
          .tensor,
          .matmul(
            Matmul(
              psum(width), sbuf(width, .bfloat16, at: 4_096), columns: 128, accumulate: false)))
      }
      // A wait on a copy chain that ends in the second window, after the switch.
      for _ in 0..<7 {
        bench.add(.vector, .tensorReduce(TensorReduce(sbuf(1), sbuf(512, at: 8_192), .max)))
      }
      bench.streams[1][6].update = SemaphoreUpdate(0)
      for index in 0..<2 {
        bench.add(
          .tensor,
          .matmul(
            Matmul(
              psum(512), sbuf(512, .bfloat16, at: 4_096), columns: 128, accumulate: false)),
          wait: index == 0 ? SemaphoreWait(0, .atLeast, 1) : .none)
      }
      let rows = try bench.run().rows(.tensor, .matmul)
      let spacing = rows[rows.count - 1].end - rows[rows.count - 2].end
      #expect(abs(spacing - (isFull ? 215.8 : 426.7)) < 1, "fraction \(fraction): \(spacing)")
    }
  }

  /// Appendix C of the hardware facts, items 2, 3 and 8: cycles by rule.
  @Test func documentedCycles() throws {
    let device = Device.trainium2
    func cycles(_ operation: Operation, _ engine: Engine) -> Int64 {
      operation.cost(on: device, engine: engine).streamTenths
    }
    func matmul(_ columns: Int) -> Operation {
      .matmul(
        Matmul(
          psum(columns), sbuf(columns, .bfloat16, at: 4_096), columns: 128, accumulate: false))
    }
    #expect(cycles(matmul(64), .tensor) == 640)
    #expect(cycles(matmul(32), .tensor) == 640)
    #expect(cycles(matmul(16), .tensor) == 640)
    #expect(cycles(.loadWeights(LoadWeights(sbuf(128, .bfloat16))), .tensor) == 320)
  }
}
