private let guide = "NKI architecture guide, trainium_inferentia2"
private let reference = "NKI instruction reference, SDK 2.26"
private let captures = "three small matmul captures on inf2"

extension VectorRates {
  /// NeuronCore-v2: no fast modes; one element per cycle, two cycles where two inputs are in SBUF.
  static let neuronCore2: VectorRates = {
    var rates = trainium2.carried(note: scaledToNeuronCore2)
    let oneElement: [WritableKeyPath<VectorRates, Constant<Int64>>] = [
      \.copyFloat32, \.copyFloat32To16, \.copy16, \.copy16Strided, \.copy16PSUM, \.copy16ToFloat32,
      \.copyFloat32ToInt32, \.copyFloat32To8, \.copyInt32, \.copy8, \.copyOther, \.copyPSUM,
      \.scalarFloat32, \.scalar16, \.scalar16Strided, \.scalar16PSUM, \.scalarPSUM, \.tensorPSUM,
      \.reduce, \.scalarReduce, \.rangeSelect, \.dropout, \.streamShuffle, \.streamTranspose,
      \.memset, \.max8, \.findIndex8, \.matchReplace8, \.batchNormStatistics,
    ]
    for rate in oneElement {
      rates[keyPath: rate] = .hundredthsPerElement(100, .documented, "\(reference): N cycles")
    }
    rates.tensorFloat32 = .hundredthsPerElement(200, .documented, "\(reference): 2N in SBUF")
    rates.tensor16 = .hundredthsPerElement(100, .documented, "\(reference): N for BF16 in SBUF")
    rates.scalarTensor = .hundredthsPerElement(200, .documented, "\(reference): 2N")
    rates.copyPredicated = .hundredthsPerElement(200, .documented, "\(reference): 2N in SBUF")
    rates.reduce16 = .hundredthsPerElement(50, .documented, "\(reference): N/2 for BF16")
    rates.exponential = .hundredthsPerElement(0, .documented, guide)
    rates.quantizeMX = .hundredthsPerElement(0, .documented, guide)
    return rates
  }()
}

extension VectorEngineTiming {
  /// NeuronCore-v2: documented rates and Trainium2's startups.
  static let neuronCore2: VectorEngineTiming = {
    var timing = trainium2.carried(times: 6, over: 7, note: scaledToNeuronCore2)
    timing.reciprocalCyclesPerElement = .tenthsPerElement(80, .documented, "\(reference): 8N")
    timing.scanCyclesPerElement = .tenthsPerElement(20, .documented, "\(reference): 2N")
    timing.minimumInitiationInterval = .cycles(64, .documented, "\(reference), MIN_II")
    timing.dynamicMinimumInterval = .cycles(600, .documented, "\(reference), MIN_II_DYNAMIC")
    timing.reduceReadExtra = .cycles(64, .documented, "\(reference), MIN_II")
    timing.randomGeneratorsPerLane = .count(0, .documented, "\(reference), rng: a register")
    timing.rates = .neuronCore2
    return timing
  }()
}

extension GpSimdTiming {
  /// NeuronCore-v2: the same processors at 1.4 GHz.
  static let neuronCore2: GpSimdTiming = {
    var timing = trainium2.carried(times: 6, over: 7, note: scaledToNeuronCore2)
    timing.processors = .count(8, .documented, guide)
    timing.partitionsPerProcessor = .count(16, .documented, guide)
    timing.localMemoryBytes = .bytes(65_536, .documented, guide)
    timing.bytesPerPartitionPerCycle = .bytes(4, .documented, guide)
    timing.startup = .tenths(1_500, .documented, "\(reference), GPSIMD_START", (1_400, 2_200))
    timing.iotaCyclesPerElement = .hundredthsPerElement(100, .documented, reference)
    return timing
  }()
}
