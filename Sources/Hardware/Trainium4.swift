import Units

private let announcement = "announcement of December 2025"

extension Device {
  /// AWS Trainium4, announced and not offered: a projection from four published ratios.
  ///
  /// The ratios to Trainium3 are 3 times FP8, 6 times FP4, 4 times memory bandwidth and twice the
  /// memory. Nothing says how they are reached. Here a chip has three times Trainium3's cores, each
  /// with Trainium3's laws, and every core gets the 4/3 of HBM and of DMA that follow; whatever
  /// else differs, every constant is *assumed*.
  public static let trainium4: Device = {
    var device = trainium3.carried(note: "projection", from: "trn3")
    device.name = "trainium4"
    device.title = "AWS Trainium4"
    device.status = .announced
    device.memory.projectTrainium4()
    device.clocks.dma = .period(
      625, over: 1, .assumed,
      "projection: 38.4 GB/s x 4 / 3 per engine; \(announcement): 4 times the memory bandwidth",
      range: ConstantRange(
        low: Units.Clock(periodPicoseconds: 625, over: 3),
        high: Units.Clock(periodPicoseconds: 2500, over: 3)))
    device.dma.sustainedBytesPerMicrosecondPerEngine = .number(
      44_000, .bytesPerMicrosecond, .assumed, "projection: 33 B/ns x 4 / 3", (33_000, 132_000))
    device.dma.sustainedReadExtraPerPacket = .time(
      10_591, .assumed, "projection: 4096 B / 44 B/ns - (4096/32 + 4) cycles at 1.6 GHz",
      (0, 14_121))
    device.peaks.projectTrainium4()
    return device
  }()

  /// Every constant as a guess for another machine; see `ConstantGroup.carried`.
  private func carried(note: String, from origin: String) -> Device {
    var result = self
    for entry in Self.entries {
      guard let constant = entry.read(self) else { continue }
      entry.write(&result, constant.carried(times: 1, over: 1, note: "\(note); \(origin)"))
    }
    return result
  }
}

extension MemoryGeometry {
  fileprivate mutating func projectTrainium4() {
    coresPerChip = .count(
      24, .assumed, "projection: 8 x 3; \(announcement): 3 times FP8", (8, 48))
    coresPerStack = .count(3, .assumed, "projection: 24 cores over 8 stacks", (1, 6))
    hbmStacks = .count(8, .assumed, "projection: twice Trainium3's", (4, 16))
    hbmBytesPerChip = .bytes(
      309_237_645_312, .assumed, "projection: 144 GiB x 2; press on the \(announcement)",
      (154_618_822_656, 618_475_290_624))
    hbmBytesPerSecondChip = .number(
      19_600_000_000_000, .bytesPerSecond, .assumed,
      "projection: 4.9 TB/s x 4; \(announcement): 4 times the memory bandwidth",
      (18_800_000_000_000, 19_600_000_000_000))
  }
}

extension PeakRates {
  /// Chips: the announced ratios where there are any, three times Trainium3 elsewhere.
  fileprivate mutating func projectTrainium4() {
    let cores = "projection: Trainium3 x 3 by its cores"
    bfloat16Chip = .number(2_013_000, .gigaflops, .assumed, cores, (671_000, 4_026_000))
    float32Chip = .number(549_000, .gigaflops, .assumed, cores, (183_000, 1_098_000))
    sparseChip = .number(7_551_000, .gigaflops, .assumed, cores, (2_517_000, 15_102_000))
    float8Chip = .number(
      7_551_000, .gigaflops, .assumed, "projection: 2517 x 3; \(announcement): 3 times FP8",
      (3_792_000, 15_102_000))
    mxChip = .number(
      15_102_000, .gigaflops, .assumed,
      "projection: MXFP4, 2517 x 6; \(announcement): at least 6 times FP4", (7_551_000, 15_102_000))
  }
}
