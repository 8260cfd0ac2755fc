public import CoreState
public import Hardware
import NumericFormats
import Units

/// QUANTIZE_MX: quantises 16-bit floats to microscaled fp8: groups of eight partitions by four
/// elements get one power of two as their scale, and four elements become one packed element.
///
/// The scale is twice that of the OCP reference, so that the largest element never saturates.
/// Source: NKI instruction reference (quantize_mx: NeuronCore-v4 and newer), architecture guide
/// (four elements per partition and cycle); its start-up is not published and assumed as that of
/// other instructions.
public struct QuantizeMX: MachineInstruction {
  /// Packed fp8, a quarter of the columns.
  public var destination = AccessPattern()
  /// fp16 or bf16.
  public var source = AccessPattern()
  /// uint8 scales: whole quadrants, of which four partitions each are written.
  public var scales = AccessPattern()
  /// First partition of the scales within each quadrant: 0, 4, 8 or 12.
  public var scaleOffset: Int32 = 0

  public var opcode: Opcode { .quantizeMX }
  public init() {}

  /// dst and scales = source in a microscaled format.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, scales: AccessPattern,
    scaleOffset: Int = 0
  ) {
    self.destination = destination
    self.source = source
    self.scales = scales
    self.scaleOffset = Int32(truncatingIfNeeded: scaleOffset)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.write("scale", &scales)
    try visitor.integer("offset", &scaleOffset)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    for (name, access) in [("dst", destination), ("src", source), ("scale", scales)] {
      try rules.require(name, access, in: .sbuf)
    }
    try rules.require("src", source, formats: [.float16, .bfloat16])
    try rules.require("dst", destination, formats: [.float8e4m3fnx4, .float8e5m2x4])
    try rules.require("src", source, columns: MXFormat.packedCount * destination.columns)
    try rules.require("src", source, partitions: Int(destination.partitionCount))
    try MXRules.check(rules, data: "dst", destination, scales: scales, offset: scaleOffset)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard let format = destination.format.packedFormat else { return }
    core.quantize(
      source, to: destination, format, scales: MXScales(scales, offset: Int(scaleOffset)),
      engine: engine)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.quantizeMX.value,
        elements: source.columns))
  }
}

/// The layout that data and scales of microscaled operands share.
///
/// Source: NKI instruction reference (nc_matmul_mx, quantize_mx).
enum MXRules {
  /// Data in whole quadrants; its scales in four partitions of each, one per packed element.
  static func check(
    _ rules: OperandRules, data name: String, _ data: AccessPattern, scales: AccessPattern,
    offset: Int32
  ) throws(Fault) {
    let quadrant = rules.device.memory.startPartitionStep.value
    guard Int(data.partitionCount) % quadrant == 0 else {
      throw rules.fault(
        name,
        .value(found: "\(data.partitionCount) partitions", allowed: "multiples of \(quadrant)"))
    }
    try rules.require("scale", scales, in: .sbuf)
    try rules.require("scale", scales, formats: [.uint8, .float8e8m0])
    try rules.require("scale", scales, like: data)
    guard [0, 4, 8, 12].contains(offset) else {
      throw rules.fault("offset", .value(found: "\(offset)", allowed: "0, 4, 8 or 12"))
    }
  }
}
