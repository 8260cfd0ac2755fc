import CoreState
public import Hardware
import NumericFormats

/// tensor_tensor: which engine takes it when nobody says.
///
/// Source: NKI instruction reference (tensor_tensor: `power` runs on GpSimd, and so does, unless
/// the vector engine is asked for, arithmetic whose operands are all int32 or uint32).
public struct NkiTensorTensor: Hashable, Sendable {
  /// The instruction.
  public var tensorTensor: TensorTensor
  /// The engine, or nil for the usual one.
  public var engine: Engine?

  /// The instruction on an engine, or on the usual one.
  public init(_ tensorTensor: TensorTensor, on engine: Engine? = nil) {
    self.tensorTensor = tensorTensor
    self.engine = engine
  }

  /// The engine that takes it.
  public var chosenEngine: Engine {
    if let engine { return engine }
    if tensorTensor.operation == .power { return .gpsimd }
    let operands = [tensorTensor.destination, tensorTensor.a, tensorTensor.b]
    let isNative = operands.allSatisfy { $0.format == .int32 || $0.format == .uint32 }
    let isInSBUF = operands.allSatisfy { $0.space == .sbuf }
    return isNative && isInSBUF && !tensorTensor.operation.isBitwise ? .gpsimd : .vector
  }

  /// Appends the machine instruction and returns the engine whose queue it belongs to.
  public func expand(into operations: inout [Operation]) -> Engine {
    operations.append(.tensorTensor(tensorTensor))
    return chosenEngine
  }
}
