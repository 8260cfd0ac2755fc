/// The five in-order instruction streams of a NeuronCore, in the order that breaks ties of time.
public enum Engine: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case tensor, vector, scalar, gpsimd, sync

  /// The vendor's public noun for the engine.
  public var name: String {
    switch self {
    case .tensor: "tensor"
    case .vector: "vector"
    case .scalar: "scalar"
    case .gpsimd: "gpsimd"
    case .sync: "sync"
    }
  }

  /// The engine of that name, or nil.
  public init?(name: some StringProtocol) {
    guard let found = Engine.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
