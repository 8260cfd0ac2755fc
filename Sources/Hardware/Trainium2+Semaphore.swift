extension SemaphoreTiming {
  /// Trainium2.
  static let trainium2 = SemaphoreTiming(
    publishTensor: .time(
      14_700, .measured, "profiler captures, attention s=512, n = 160", (14_000, 16_000)),
    publishScalar: .time(
      9_900, .measured, "profiler captures, attention s=512, n = 44", (9_000, 11_000)),
    publishVector: .time(
      11_500, .measured, "profiler captures, attention s=512, n = 68", (10_000, 13_000)),
    publishGpSimd: .time(12_000, .assumed, "mean of tensor, scalar and vector", (9_000, 16_000)),
    publishSync: .time(12_000, .assumed, "mean of tensor, scalar and vector", (9_000, 16_000)),
    publishDMA: .time(0, .measured, "profiler captures, attention s=512, n = 38", (0, 1_000)),
    detectScalar: .time(
      22_300, .measured, "profiler captures, attention s=512: 27 base cycles", (21_500, 23_500)),
    detectVector: .time(
      23_500, .measured, "profiler captures, attention s=512: 28 base cycles", (23_000, 24_500)),
    detectVectorControl: .time(
      27_000, .measured,
      "profiler captures, attention s=512: 38 to 39 ns after a completion, publishing taken off",
      (26_500, 27_500)),
    detectTensorLoadWeights: .time(
      42_500, .measured, "profiler captures, attention s=512: 51 base cycles", (41_500, 43_500)),
    detectTensorControl: .time(
      28_000, .measured, "profiler captures, attention s=512: 34 base cycles", (27_000, 29_000)),
    detectTensorMatmul: .time(42_500, .assumed, "as LDWEIGHTS", (28_000, 43_500)),
    detectSync: .time(
      16_700, .measured, "profiler captures, attention s=512: 20 base cycles", (16_000, 17_500)),
    detectGpSimd: .time(
      23_000, .measured, "profiler captures, attention s=512: 28 base cycles", (22_000, 24_000)))
}

extension KernelEnvelope {
  /// Trainium2.
  static let trainium2 = KernelEnvelope(
    fixedKernel: .time(
      9_400_000, .measured, "third-party micro-benchmarks (VOY), fixed_kernel_ns",
      (9_000_000, 9_800_000)),
    hostDispatch: .time(
      670_000_000, .measured, "trnsci blog, floor per XLA dispatch", (600_000_000, 1_000_000_000)))
}
