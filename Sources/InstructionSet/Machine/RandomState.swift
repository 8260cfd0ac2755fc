public import CoreState
public import Hardware
import NumericFormats
import Units

/// RAND_SET_STATE: sets the states of an engine's random number generators, lane by lane.
///
/// Source: NKI instruction reference (rand_set_state: six words per lane of GpSimd from
/// NeuronCore-v3 on, 24 per lane of NeuronCore-v4's vector engine; from SBUF). Its rate is not
/// published and assumed as one word per cycle.
public struct SetRandomState: MachineInstruction {
  /// uint32 words, one row per lane.
  public var source = AccessPattern()

  public var opcode: Opcode { .setRandomState }
  public init() {}

  /// The states of the lanes become `source`.
  public init(_ source: AccessPattern) { self.source = source }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, in: .sbuf)
    try Self.check(rules, "src", source)
  }

  /// Words of one lane's state.
  static func words(_ device: Device, _ engine: Engine) -> Int {
    let generators = engine == .gpsimd ? 1 : device.vector.randomGeneratorsPerLane.value
    return generators * XorwowGenerator.stateWordCount
  }

  /// A row of states is as long as a lane's state.
  static func check(_ rules: OperandRules, _ name: String, _ access: AccessPattern) throws(Fault) {
    try rules.require(name, access, formats: [.uint32])
    try rules.require(name, access, columns: words(rules.device, rules.engine))
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(source.partitionCount) {
      core.loadBits(source, partition: partition, into: .a, engine: engine)
      core.setRandomState(
        lane: Int(source.startPartition) + partition, engine: engine,
        to: (0..<source.columns).map { core.rows.bit(.a, $0) })
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    Self.cost(on: device, engine: engine, source)
  }

  /// One word per cycle.
  static func cost(on device: Device, engine: Engine, _ words: AccessPattern) -> Cost {
    if engine == .gpsimd {
      return .gpsimd(
        device, StreamShape(words, to: nil, rate: device.gpsimd.cyclesPerElement.value))
    }
    return .vector(device, StreamShape(words, to: nil, rate: device.vector.rates.copyPSUM.value))
  }
}

/// RAND_GET_STATE: writes the states of an engine's random number generators to memory, lane by
/// lane.
///
/// Source: as RAND_SET_STATE.
public struct GetRandomState: MachineInstruction {
  /// uint32 words, one row per lane.
  public var destination = AccessPattern()

  public var opcode: Opcode { .getRandomState }
  public init() {}

  /// dst = the states of the lanes.
  public init(_ destination: AccessPattern) { self.destination = destination }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try SetRandomState.check(rules, "dst", destination)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      let lane = Int(destination.startPartition) + partition
      for (index, word) in core.randomState(lane: lane, engine: engine).enumerated() {
        core.rows.setBit(.a, index, to: word)
      }
      core.storeBits(.a, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    SetRandomState.cost(on: device, engine: engine, destination)
  }
}
