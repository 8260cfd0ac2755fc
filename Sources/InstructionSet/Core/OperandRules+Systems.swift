import CoreState
import Hardware
import NumericFormats

/// What a core runs in: some instructions reach beyond it.
public struct Surroundings: OptionSet, Hashable, Sendable, BitwiseCopyable {
  /// One bit for each thing around the core.
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A core by itself: what this model runs unless a chip model says otherwise.
  public static let loneCore: Surroundings = []
  /// One of the two cores of a logical core (LNC=2): exchanges and barriers meet a partner.
  public static let logicalCore = Surroundings(rawValue: 1)
  /// A core among the ranks of a collective: a fabric carries what it triggers.
  public static let chip = Surroundings(rawValue: 2)
}

extension OperandRules {
  /// The core must run in that; a core by itself refuses.
  func require(_ needed: Surroundings, needs: String) throws(Fault) {
    guard !surroundings.isSuperset(of: needed) else { return }
    throw fault("instruction", .surroundings(needs: needs))
  }

  /// GpSimd's processors serve sixteen partitions each: whole processors must be named.
  func requireProcessors(_ name: String, _ access: AccessPattern) throws(Fault) {
    let count = Int(access.partitionCount)
    guard count % device.gpsimd.partitionsPerProcessor.value != 0 else { return }
    throw fault(
      name,
      .value(
        found: "\(count) partitions",
        allowed: "multiples of \(device.gpsimd.partitionsPerProcessor.value)"))
  }

  /// The location must lie on chip, in SBUF.
  func requireOnChip(_ name: String, _ location: DataLocation) throws(Fault) {
    guard location.isHBM else { return }
    throw fault(name, .space(found: "hbm", allowed: "sbuf"))
  }
}
