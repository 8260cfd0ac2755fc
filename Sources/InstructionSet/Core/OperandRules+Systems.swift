import CoreState
import Hardware
import NumericFormats

/// What a core runs in: some instructions reach beyond it.
public enum Surroundings: UInt8, Comparable, Sendable, BitwiseCopyable {
  /// A core by itself: what this model runs unless a chip model says otherwise.
  case loneCore
  /// One of the two cores of a logical core (LNC=2): exchanges and barriers meet a partner.
  case logicalCore
  /// A core among the ranks of a collective: a fabric carries what it triggers.
  case chip

  /// Whether this is less than the other.
  public static func < (a: Surroundings, b: Surroundings) -> Bool { a.rawValue < b.rawValue }
}

extension OperandRules {
  /// The core must run in at least that; a core by itself refuses.
  func require(_ least: Surroundings, needs: String) throws(Fault) {
    guard surroundings < least else { return }
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
