extension Device {
  /// AWS Inferentia2: the chip of Trainium1 with fewer links between chips.
  public static let inferentia2 = Device(
    DeviceTables(
      name: "inf2", title: "AWS Inferentia2", generation: 2, status: .available, chip: .inferentia2,
      memory: .trainium1, clocks: .trainium1, tensor: .neuronCore2, limiter: .neuronCore2,
      vector: .neuronCore2, scalar: .neuronCore2, gpsimd: .neuronCore2, sequencer: .neuronCore2,
      semaphore: .neuronCore2, dma: .neuronCore2, envelope: .neuronCore2, peaks: .trainium1,
      price: nil))
}
