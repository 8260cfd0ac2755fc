public import Units

/// One time per engine, for control instructions that every sequencer runs.
public struct EngineTimes: Sendable {
  /// On the tensor engine.
  public var tensor: Constant<Picoseconds>
  /// On the vector engine.
  public var vector: Constant<Picoseconds>
  /// On the scalar engine.
  public var scalar: Constant<Picoseconds>
  /// On the GpSimd engine.
  public var gpsimd: Constant<Picoseconds>
  /// On the sync engine.
  public var sync: Constant<Picoseconds>

  /// The value on one engine.
  public subscript(engine: Engine) -> Picoseconds {
    switch engine {
    case .tensor: tensor.value
    case .vector: vector.value
    case .scalar: scalar.value
    case .gpsimd: gpsimd.value
    case .sync: sync.value
    }
  }
}

extension EngineTimes: ConstantGroup {
  static let entries: [ConstantEntry<EngineTimes>] = [
    .init("tensor", \.tensor), .init("vector", \.vector), .init("scalar", \.scalar),
    .init("gpsimd", \.gpsimd), .init("sync", \.sync),
  ]
}
