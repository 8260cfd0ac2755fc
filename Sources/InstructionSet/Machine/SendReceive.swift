public import CoreState
public import Hardware
import NumericFormats
import Units

/// SENDRECV: the two cores of a logical core exchange tiles of their SBUFs.
///
/// The pair needs LNC=2: one core by itself refuses. The elements travel as a `CoreMessage`, which
/// a model of two cores carries.
/// Source: NKI instruction reference (sendrecv: from NeuronCore-v3 on; through GpSimd's own DMA up
/// to 1,024, 512 or 256 bytes of a partition for elements of four, two and one bytes), notes on
/// DeltaNet (an exchange takes about 2 us).
public struct SendReceive: MachineInstruction {
  /// Where the other core's elements go, in SBUF.
  public var destination = AccessPattern()
  /// What this core sends, in SBUF.
  public var source = AccessPattern()
  /// The rank, 0 or 1, that receives.
  public var sendTo: Int32 = 1
  /// The rank, 0 or 1, that sends.
  public var receiveFrom: Int32 = 1
  /// Exchanges of one pipe meet each other.
  public var pipe: Int32 = 0
  /// GpSimd's own DMA moves the elements.
  public var usesGpSimd = false

  public var opcode: Opcode { .sendReceive }
  public init() {}

  /// Sends `source` to one rank and stores what another sends in `destination`.
  public init(
    _ destination: AccessPattern, sending source: AccessPattern, to sendTo: Int,
    from receiveFrom: Int, pipe: Int = 0, usesGpSimd: Bool = false
  ) {
    self.destination = destination
    self.source = source
    self.sendTo = Int32(sendTo)
    self.receiveFrom = Int32(receiveFrom)
    self.pipe = Int32(pipe)
    self.usesGpSimd = usesGpSimd
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.integer("to", &sendTo)
    try visitor.integer("from", &receiveFrom)
    try visitor.integer("pipe", &pipe)
    try visitor.flag("gpsimd", &usesGpSimd)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    for (name, access) in [("dst", destination), ("src", source)] {
      try rules.require(name, access, in: .sbuf)
    }
    try rules.require("src", source, like: destination)
    try rules.require("src", source, formats: [destination.format])
    for (name, rank) in [("to", sendTo), ("from", receiveFrom)] where rank != 0 && rank != 1 {
      throw rules.fault(name, .value(found: "\(rank)", allowed: "0 or 1"))
    }
    if usesGpSimd {
      guard rules.engine == .gpsimd else {
        throw rules.fault("gpsimd", .engine(allowed: [Engine.gpsimd.name]))
      }
      let size = source.format.sizeBytes
      let limit = rules.device.gpsimd.exchangeElements.value
      guard source.columns <= limit else {
        throw rules.fault("src", .outOfBounds(found: source.columns * size, limit: limit * size))
      }
    }
    try rules.require(.logicalCore, needs: "a logical core of two cores (LNC=2)")
  }

  /// A model of two cores carries the message; see `CoreMessage`.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.dma.coreExchange.value
    return .control(duration, next: duration)
  }
}
