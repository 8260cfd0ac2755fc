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
/// All properties are variables, so that a what-if run or a device file changes a copy. Copies
/// share their tables until one of them changes.
public struct Device: Sendable {
  private var shared: Shared

  private final class Shared: Sendable {
    let tables: DeviceTables

    init(_ tables: DeviceTables) { self.tables = tables }
  }

  init(_ tables: DeviceTables) { shared = Shared(tables) }

  /// Everything at once; setting it takes new storage.
  private var tables: DeviceTables {
    _read { yield shared.tables }
    _modify {
      var tables = shared.tables
      defer { shared = Shared(tables) }
      yield &tables
    }
  }
}

extension Device {
  /// The name on the command line, for instance `trn2`.
  public var name: String {
    _read { yield tables.name }
    _modify { yield &tables.name }
  }

  /// The vendor's name, for instance `AWS Trainium2`.
  public var title: String {
    _read { yield tables.title }
    _modify { yield &tables.title }
  }

  /// The generation of its NeuronCore: 2 for Trainium1 and Inferentia2, 3 for Trainium2, …
  public var generation: Int {
    _read { yield tables.generation }
    _modify { yield &tables.generation }
  }

  /// Whether it can be had today.
  public var status: DeviceStatus {
    _read { yield tables.status }
    _modify { yield &tables.status }
  }

  /// What the chip has around its cores.
  public var chip: ChipGeometry {
    _read { yield tables.chip }
    _modify { yield &tables.chip }
  }

  /// Sizes and bandwidths of its memories.
  public var memory: MemoryGeometry {
    _read { yield tables.memory }
    _modify { yield &tables.memory }
  }

  /// Clock periods.
  public var clocks: ClockSet {
    _read { yield tables.clocks }
    _modify { yield &tables.clocks }
  }

  /// The tensor engine.
  public var tensor: TensorEngineTiming {
    _read { yield tables.tensor }
    _modify { yield &tables.tensor }
  }

  /// The tensor engine's activity limiter.
  public var limiter: ActivityLimiterTiming {
    _read { yield tables.limiter }
    _modify { yield &tables.limiter }
  }

  /// The vector engine.
  public var vector: VectorEngineTiming {
    _read { yield tables.vector }
    _modify { yield &tables.vector }
  }

  /// The scalar engine.
  public var scalar: ScalarEngineTiming {
    _read { yield tables.scalar }
    _modify { yield &tables.scalar }
  }

  /// The GpSimd engine.
  public var gpsimd: GpSimdTiming {
    _read { yield tables.gpsimd }
    _modify { yield &tables.gpsimd }
  }

  /// Control instructions.
  public var sequencer: SequencerTiming {
    _read { yield tables.sequencer }
    _modify { yield &tables.sequencer }
  }

  /// Hand-offs between engines.
  public var semaphore: SemaphoreTiming {
    _read { yield tables.semaphore }
    _modify { yield &tables.semaphore }
  }

  /// DMA engines, rings and triggers.
  public var dma: DMATiming {
    _read { yield tables.dma }
    _modify { yield &tables.dma }
  }

  /// What a kernel costs beyond its instructions.
  public var envelope: KernelEnvelope {
    _read { yield tables.envelope }
    _modify { yield &tables.envelope }
  }

  /// Peak rates by number format.
  public var peaks: PeakRates {
    _read { yield tables.peaks }
    _modify { yield &tables.peaks }
  }

  /// A published price, where there is one.
  public var price: InstancePrice? {
    _read { yield tables.price }
    _modify { yield &tables.price }
  }

  /// A digest of what a variant changed; see `becomeVariant(of:)`.
  public internal(set) var digest: String? {
    _read { yield tables.digest }
    _modify { yield &tables.digest }
  }

  /// The device that a variant extends; nil for a device of its own.
  public internal(set) var baseName: String? {
    _read { yield tables.baseName }
    _modify { yield &tables.baseName }
  }
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
