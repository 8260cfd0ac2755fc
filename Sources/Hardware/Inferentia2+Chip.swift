extension ChipGeometry {
  /// Inferentia2.
  static let inferentia2 = ChipGeometry(
    dies: .count(1, .documented, "aws-neuron-driver sources, v2 address map"),
    hostDMAEngines: .count(2, .documented, "aws-neuron-driver sources"),
    hardwareDescriptorGenerators: .count(
      0, .documented, "NKI architecture guide, trainium_inferentia2: none"),
    collectiveCores: .count(6, .documented, "NKI architecture guide, trainium_inferentia2"),
    collectiveStart: .time(
      1_000_000, .measured,
      "published bandwidth probe: all-reduces of 1 and 8 MiB by two cores, a line less two hops",
      (500_000, 2_000_000)),
    collectiveBytesPerMicrosecond: .number(
      53_770, .bytesPerMicrosecond, .measured,
      "published bandwidth probe: all-reduces of 1 and 8 MiB by two cores, slope",
      (52_500, 54_400)),
    collectiveMeshBytes: .bytes(
      1_048_576, .documented, "Neuron intra-node collectives guide: mesh below 1 MiB"),
    collectiveRingBytes: .bytes(
      58_720_256, .documented, "Neuron intra-node collectives guide: KangaRing above 56 MiB"),
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
