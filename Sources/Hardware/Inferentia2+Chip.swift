extension ChipGeometry {
  /// Inferentia2.
  static let inferentia2 = ChipGeometry(
    dies: .count(1, .documented, "aws-neuron-driver sources, v2 address map"),
    hostDMAEngines: .count(2, .documented, "aws-neuron-driver sources"),
    hardwareDescriptorGenerators: .count(
      0, .documented, "NKI architecture guide, trainium_inferentia2: none"),
    collectiveCores: .count(6, .documented, "NKI architecture guide, trainium_inferentia2"),
    gpsimdDMABytesPerMicrosecond: .number(
      0, .bytesPerMicrosecond, .documented, "NKI architecture guide, trainium_inferentia2: none"),
    chipsPerInstance: .count(12, .documented, "Neuron hardware page, inf2"),
    neuronLinkBytesPerMicrosecond: .number(
      206_158, .bytesPerMicrosecond, .documented, "Neuron hardware page, inf2: 192 GiB/s"),
    neuronLinkHop: .time(
      1_500_000, .derived, "Neuron collectives guide: 1 to 2 us per hop; middle",
      (1_000_000, 2_000_000)),
    networkBytesPerMicrosecond: .number(
      0, .bytesPerMicrosecond, .documented, "Neuron hardware page, inf2: no EFA"),
    networkHop: .time(15_000_000, .assumed, "as trn1; no EFA", (15_000_000, 60_000_000)))
}
