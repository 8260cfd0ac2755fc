public import CoreState

/// tensor_copy_dynamic_src and tensor_copy_dynamic_dst: a copy one of whose operands begins where a
/// register says.
///
/// Expands to TENSOR_LOAD, which reads the offset in bytes into a register, and COPY or CAST with
/// that register added to the address; without a place of the offset the register holds it already.
/// Source: NKI instruction reference, SDK 2.26 (at least 600 cycles for a register address).
public struct NkiTensorCopyDynamic: Hashable, Sendable {
  /// Which operand moves.
  public enum Side: Sendable { case source, destination }

  /// The copy, with the address that the offset is added to.
  public var copy: Copy
  /// Which operand moves.
  public var side: Side
  /// The register that holds the offset in bytes.
  public var register: UInt8
  /// The word that holds it first, or nil when the register does.
  public var offset: DataLocation?

  /// Copies with a register added to the address of one side.
  public init(_ copy: Copy, moving side: Side, register: Int, offset: DataLocation? = nil) {
    self.copy = copy
    self.side = side
    self.register = UInt8(truncatingIfNeeded: register)
    self.offset = offset
  }

  /// Appends the machine instructions.
  public func expand(into operations: inout [Operation]) {
    if let offset {
      var load = TensorLoad()
      load.destination = register
      load.source = offset
      operations.append(.tensorLoad(load))
    }
    var copy = copy
    switch side {
    case .source: copy.source.register = register
    case .destination: copy.destination.register = register
    }
    operations.append(.copy(copy))
  }
}
