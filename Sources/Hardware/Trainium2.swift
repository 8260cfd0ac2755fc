extension Device {
  /// AWS Trainium2, the generation that the timing laws were measured on.
  public static let trainium2 = Device(
    DeviceTables(
      name: "trn2", title: "AWS Trainium2", generation: 3, status: .available, chip: .trainium2,
      memory: .trainium2, clocks: .trainium2, tensor: .trainium2, limiter: .trainium2,
      vector: .trainium2, scalar: .trainium2, gpsimd: .trainium2, sequencer: .trainium2,
      semaphore: .trainium2, dma: .trainium2, envelope: .trainium2, peaks: .trainium2, price: nil))
}
