extension Device {
  /// AWS Trainium1: NeuronCore-v2, the same core as Inferentia2.
  ///
  /// Few of its times are public. Laws in cycles are taken from Trainium2 and times of the engines
  /// are scaled by 6/7, the ratio of every engine's clock periods; all of these are *assumed*.
  public static let trainium1 = Device(
    DeviceTables(
      name: "trn1", title: "AWS Trainium1", generation: 2, status: .available, chip: .trainium1,
      memory: .trainium1, clocks: .trainium1, tensor: .neuronCore2, limiter: .neuronCore2,
      vector: .neuronCore2, scalar: .neuronCore2, gpsimd: .neuronCore2, sequencer: .neuronCore2,
      semaphore: .neuronCore2, dma: .neuronCore2, envelope: .neuronCore2, peaks: .trainium1,
      price: InstancePrice(
        centsPerHour: .number(
          2150, .centsPerHour, .assumed,
          "trn1.32xlarge on demand, third-party price page of June 2026; capacity blocks were 15.49",
          (1549, 2150)),
        chips: .count(16, .documented, "Neuron hardware page, trn1"))))
}
