public import Units

/// What a kernel costs beyond its instructions.
public struct KernelEnvelope: Sendable {
  /// Device time of an empty kernel: front end and barriers.
  public var fixedKernel: Constant<Picoseconds>
  /// Host time of one dispatch; never part of device time.
  public var hostDispatch: Constant<Picoseconds>
}

extension KernelEnvelope: ConstantGroup {
  static let entries: [ConstantEntry<KernelEnvelope>] = [
    .init("fixedKernel", \.fixedKernel),
    .init("hostDispatch", \.hostDispatch),
  ]
}
