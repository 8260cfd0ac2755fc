private let guide = "NKI architecture guide, trainium3"
private let reference = "NKI instruction reference"
private let kept = "trn2's value unchanged"
private let scaled = "trn2's cycles; times x 4/5 = vector clock 0.96 GHz / 1.2 GHz"

extension Device {
  /// AWS Trainium3: NeuronCore-v4.
  ///
  /// Its rates are documented and its latencies are not: they are Trainium2's in cycles, *assumed*.
  public static let trainium3 = Device(
    DeviceTables(
      name: "trn3", title: "AWS Trainium3", generation: 4, status: .available, chip: .trainium3,
      memory: .trainium3, clocks: .trainium3, tensor: .trainium3,
      limiter: .trainium2.carried(note: kept), vector: .trainium3, scalar: .trainium3,
      gpsimd: .trainium3, sequencer: .trainium2.carried(note: kept),
      semaphore: .trainium2.carried(note: kept), dma: .trainium3,
      envelope: .trainium2.carried(note: kept), peaks: .trainium3, price: nil))
}

extension TensorEngineTiming {
  /// Trainium3: MX products, longer moving operands and background transposes.
  static let trainium3: TensorEngineTiming = {
    var timing = trainium2.carried(note: kept)
    timing.rows = .count(128, .documented, guide)
    timing.columns = .count(128, .documented, guide)
    timing.minimumTile = .count(32, .documented, guide)
    timing.maximumMovingColumns = .count(
      4_096, .documented, "\(reference), nc_matmul: 4,096 into FP32, 8,192 into BF16")
    timing.maximumMovingColumns16 = .count(8_192, .documented, "\(reference), nc_matmul")
    timing.banksPerInstruction = .count(8, .documented, "\(reference), nc_matmul: all of PSUM")
    timing.writesBFloat16 = .flag(true, .documented, "\(reference), nc_matmul")
    timing.cyclesPerRow16 = .cycles(1, .documented, guide)
    timing.passes16 = .count(1, .documented, guide)
    timing.passesFP32 = .count(2, .documented, "Neuron profiler schema reference")
    timing.doubleRowRows = .count(2, .documented, "\(reference), double_row")
    timing.quadRowRows = .count(4, .documented, "\(guide), MX")
    timing.transposeIsExact = .flag(true, .documented, guide)
    timing.backgroundTranspose = .flag(true, .documented, guide)
    return timing
  }()
}

extension VectorEngineTiming {
  /// Trainium3: a faster clock, FP8 in the fast modes, exponential and MX quantisation.
  static let trainium3: VectorEngineTiming = {
    var timing = trainium2.carried(times: 4, over: 5, note: scaled)
    timing.randomGeneratorsPerLane = .count(
      4, .documented, "\(reference), rand_set_state: 24 words per lane, six per generator")
    timing.rates.copy16 = .hundredthsPerElement(25, .documented, "\(guide): 4x")
    timing.rates.copy8 = .hundredthsPerElement(25, .documented, "\(guide): 4x for FP8")
    timing.rates.copyFloat32 = .hundredthsPerElement(
      50, .documented, "\(guide): 256 elements per cycle")
    timing.rates.scalar16 = .hundredthsPerElement(25, .documented, "\(guide): 4x")
    timing.rates.tensor16 = .hundredthsPerElement(50, .documented, "\(guide): 2x")
    timing.rates.exponential = .hundredthsPerElement(
      25, .derived, "\(guide): four times the scalar engine's rate", (25, 100))
    timing.rates.quantizeMX = .hundredthsPerElement(
      25, .documented, "\(guide): four elements per partition and cycle")
    timing.rates.random = .hundredthsPerElement(
      25, .documented, "\(guide): four words per lane and cycle")
    return timing
  }()
}

extension ScalarEngineTiming {
  /// Trainium3: two elements per cycle for narrow formats.
  static let trainium3: ScalarEngineTiming = {
    var timing = trainium2.carried(note: kept)
    timing.cyclesPerElement = .hundredthsPerElement(100, .documented, guide)
    timing.cyclesPerElement16 = .hundredthsPerElement(
      50, .documented, "\(guide): 256 narrow elements per cycle")
    return timing
  }()
}

extension GpSimdTiming {
  /// Trainium3: as Trainium2, as far as is said.
  static let trainium3: GpSimdTiming = {
    var timing = trainium2.carried(note: kept)
    timing.processors = .count(8, .documented, guide)
    timing.partitionsPerProcessor = .count(16, .documented, guide)
    return timing
  }()
}

extension DMATiming {
  /// Trainium3: faster engines, and accumulation in SBUF at the full rate.
  static let trainium3: DMATiming = {
    var timing = trainium2.carried(note: kept)
    timing.enginesPerCore = .count(16, .documented, "NKI DMA overview")
    timing.ringsPerEngine = .count(16, .documented, "NKI DMA overview")
    timing.bytesPerCycle = .number(
      32, .bytesPerCycle, .derived, "38.4 GB/s (NKI DMA overview) at 1.2 GHz", (32, 64))
    timing.sustainedBytesPerMicrosecondPerEngine = .number(
      33_000, .bytesPerMicrosecond, .documented, "NKI DMA bandwidth guide: 33 B/ns")
    timing.sustainedReadExtraPerPacket = .time(
      14_121, .derived, "4096 B / 33 B/ns - (4096/32 + 4) cycles at 1.2 GHz", (10_000, 20_000))
    timing.sustainedWriteExtraPerPacket = .time(
      0, .assumed, "as trn2: stores stay below the engine's peak only by HBM's share", (0, 14_121))
    timing.transposeFromHBM = .number(
      900, .permille, .documented, "NKI instruction reference, dma_transpose: at most 90 %")
    timing.transposeFromSBUF = .number(
      500, .permille, .documented, "NKI instruction reference, dma_transpose: at most 50 %")
    timing.computeThroughput = .number(
      1_000, .permille, .documented, "\(guide): SBUF read-add-write at the copy rate")
    return timing
  }()
}
