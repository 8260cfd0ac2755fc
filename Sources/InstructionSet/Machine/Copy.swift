public import CoreState
public import Hardware
import NumericFormats
import Units

/// COPY and CAST: dst = src. Equal formats copy bits; others convert by way of fp32.
///
/// Source: NKI instruction reference (tensor_copy), profiler captures (from PSUM), third-party
/// micro-benchmarks (formats within SBUF).
public struct Copy: MachineInstruction {
  /// Where the elements go.
  public var destination = AccessPattern()
  /// Where they come from.
  public var source = AccessPattern()

  /// COPY when both formats are one, else CAST.
  public var opcode: Opcode { source.format == destination.format ? .copy : .cast }
  public init() {}

  /// dst = src.
  public init(_ destination: AccessPattern, from source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let isExact = source.format == destination.format
    for partition in 0..<Int(destination.partitionCount) {
      if isExact {
        core.copyBits(from: source, to: destination, partition: partition, engine: engine)
      } else {
        core.load(source, partition: partition, into: .a, engine: engine)
        core.store(.a, to: destination, partition: partition, engine: engine)
      }
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    switch engine {
    case .scalar:
      return .scalarCopy(
        device,
        StreamShape(
          source, to: destination, rate: Cost.scalarRate(device, [source, destination])),
        isInt32: source.format == .int32 && destination.format == .int32)
    case .gpsimd:
      return .gpsimd(
        device,
        StreamShape(source, to: destination, rate: device.gpsimd.cyclesPerElement.value))
    default:
      let isInt32 = source.format == .int32 && destination.format == .int32
      let inSBUF =
        isInt32 && destination.space == .sbuf ? law.startupCopyInt32 : law.startupCopySBUF
      let startup = source.space == .sbuf ? inSBUF.value : nil
      return .vector(
        device,
        StreamShape(source, to: destination, rate: law.rates.copyRate(source, destination)),
        startup: startup)
    }
  }
}
