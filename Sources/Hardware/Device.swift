public import Units

/// Whether a device can be had today.
public enum DeviceStatus: String, CaseIterable, Sendable {
  /// Offered to customers.
  case available
  /// Described by the vendor, not offered yet; every number is a projection.
  case announced = "announced: projection"
}

/// One modelled machine: a chip generation with every constant that the model uses.
///
/// All stored properties are variables, so that a what-if run or a device file changes a copy.
public struct Device: Sendable {
  /// The name on the command line, for instance `trn2`.
  public var name: String
  /// The vendor's name, for instance `AWS Trainium2`.
  public var title: String
  /// The generation of its NeuronCore: 2 for Trainium1 and Inferentia2, 3 for Trainium2, …
  public var generation: Int
  /// Whether it can be had today.
  public var status: DeviceStatus
  /// What the chip has around its cores.
  public var chip: ChipGeometry
  /// Sizes and bandwidths of its memories.
  public var memory: MemoryGeometry
  /// Clock periods.
  public var clocks: ClockSet
  /// The tensor engine.
  public var tensor: TensorEngineTiming
  /// The tensor engine's activity limiter.
  public var limiter: ActivityLimiterTiming
  /// The vector engine.
  public var vector: VectorEngineTiming
  /// The scalar engine.
  public var scalar: ScalarEngineTiming
  /// The GpSimd engine.
  public var gpsimd: GpSimdTiming
  /// Control instructions.
  public var sequencer: SequencerTiming
  /// Hand-offs between engines.
  public var semaphore: SemaphoreTiming
  /// DMA engines, rings and triggers.
  public var dma: DMATiming
  /// What a kernel costs beyond its instructions.
  public var envelope: KernelEnvelope
  /// Peak rates by number format.
  public var peaks: PeakRates
  /// A published price, where there is one.
  public var price: InstancePrice?
  /// A digest of what a variant changed; see `becomeVariant(of:)`.
  public internal(set) var digest: String?
  /// The device that a variant extends; nil for a device of its own.
  public internal(set) var baseName: String?
}

extension Device: CustomStringConvertible {
  /// The vendor's name and ours; the constants are in `constants()`.
  public var description: String {
    "\(title) (\(identity))" + (status == .available ? "" : ", \(status.rawValue)")
  }
}

extension Device {
  /// Every device, newest generation last.
  public static let all: [Device] = [
    .inferentia2, .trainium1, .trainium2, .trainium3, .trainium4,
  ]

  /// The device of that name; upper and lower case are the same. Throws `HardwareError`.
  public static func named(_ name: String) throws -> Device {
    let wanted = name.lowercased()
    if let found = all.first(where: { $0.name == wanted }) { return found }
    let known = all.map(\.name)
    throw HardwareError.unknownDevice(
      name: name, nearest: nearestName(to: name, among: known), known: known)
  }

  /// The clock that an engine's data path counts in.
  public func clock(of engine: Engine) -> Units.Clock {
    switch engine {
    case .tensor: clocks.tensor.value
    case .vector: clocks.vector.value
    case .scalar: clocks.scalar.value
    case .gpsimd: clocks.gpsimd.value
    case .sync: clocks.sequencer.value
    }
  }

  /// What one HBM stack moves, in bytes per microsecond.
  public var hbmBytesPerMicrosecondPerStack: Int64 {
    memory.hbmBytesPerSecondChip.value / (1_000_000 * Int64(max(1, memory.hbmStacks.value)))
  }

  /// One core's equal share of the chip's HBM bandwidth, in bytes per microsecond.
  public var hbmBytesPerMicrosecondPerCore: Int64 {
    memory.hbmBytesPerSecondChip.value / (1_000_000 * Int64(max(1, memory.coresPerChip.value)))
  }
}
