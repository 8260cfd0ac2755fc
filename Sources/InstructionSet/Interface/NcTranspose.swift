public import CoreState

/// nc_transpose on the tensor engine: dst [F, P] in PSUM = data [P, F]ᵀ, bits unchanged.
///
/// The data is loaded as weights and the identity streams past it.
/// Source: NKI instruction reference (nc_transpose), profiler captures (one pass, also for fp32).
public struct NcTranspose: Hashable, Sendable {
  /// [F, P] in PSUM.
  public var destination: AccessPattern
  /// [P, F] in SBUF, at most 128 × 128.
  public var data: AccessPattern
  /// [P, P] in SBUF, of the data's format.
  public var identity: AccessPattern

  /// dst = dataᵀ by way of an identity of the data's format.
  public init(_ destination: AccessPattern, _ data: AccessPattern, identity: AccessPattern) {
    self.destination = destination
    self.data = data
    self.identity = identity
  }

  /// Appends the machine instructions.
  public func expand(into operations: inout [Operation]) {
    NcMatmul(
      destination, stationary: data, moving: identity, accumulate: false, isTranspose: true
    ).expand(into: &operations)
  }
}
