import CoreState
import Hardware
import InstructionSet
import NumericFormats

/// A small seeded generator: tests are the same on every host and every day.
struct Generator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A pattern of any dimensions in SBUF or PSUM.
func pattern(
  _ space: MemorySpace, _ format: NumberFormat, partitions: Range<Int> = 0..<128, byte: Int = 0,
  _ dimensions: [(Int, Int)]
) -> AccessPattern {
  var sizes = SIMD4<UInt16>(repeating: 1)
  var strides = SIMD4<Int16>(repeating: 0)
  for (index, (size, stride)) in dimensions.enumerated() {
    sizes[index] = UInt16(size)
    strides[index] = Int16(stride)
  }
  return AccessPattern(
    space: space, format: format, startPartition: UInt8(partitions.lowerBound),
    partitionCount: UInt8(partitions.count), byteOffset: UInt32(byte),
    dimensionCount: UInt8(dimensions.count), sizes: sizes, strides: strides)
}

/// A dense pattern at byte 0 of SBUF.
func sbuf(
  _ format: NumberFormat, _ columns: Int, partitions: Range<Int> = 0..<128, byte: Int = 0
) -> AccessPattern {
  pattern(.sbuf, format, partitions: partitions, byte: byte, [(columns, 1)])
}

/// A dense pattern at byte 0 of PSUM.
func psum(
  _ format: NumberFormat, _ columns: Int, partitions: Range<Int> = 0..<128, byte: Int = 0
) -> AccessPattern {
  pattern(.psum, format, partitions: partitions, byte: byte, [(columns, 1)])
}

private let devices: [Int: Device] = [2: .trainium1, 3: .trainium2, 4: .trainium3]

/// The device with cores of that generation.
func device(_ generation: Int) -> Device { devices[generation]! }

/// Rules for one instruction of a queue of ten, in a segment of two tensors, on the device with
/// cores of that generation.
func rules(_ operation: Operation, _ engine: Engine, generation: Int = 3) -> OperandRules {
  OperandRules(
    device: device(generation), engine: engine, instruction: operation.opcode.name,
    tensorCount: 2, queueLength: 10)
}

/// The fault of an instruction in a queue, or nil.
func fault(_ operation: Operation, _ engine: Engine, generation: Int = 3) -> Fault? {
  do {
    try operation.validate(rules(operation, engine, generation: generation))
    return nil
  } catch {
    return error
  }
}

/// The fault of an instruction in a queue of another device, or in other surroundings.
func fault(
  _ operation: Operation, _ engine: Engine, on device: Device = .trainium2,
  in surroundings: Surroundings
) -> Fault? {
  do {
    try operation.validate(
      OperandRules(
        device: device, engine: engine, instruction: operation.opcode.name,
        tensorCount: 2, queueLength: 10, surroundings: surroundings))
    return nil
  } catch {
    return error
  }
}

/// The fault of an instruction in a queue of another device.
func fault(_ operation: Operation, _ engine: Engine, on device: Device) -> Fault? {
  fault(operation, engine, on: device, in: .loneCore)
}

/// The rule that an instruction breaks for lack of a newer core.
func lacking(_ found: Int, needs: Int) -> Fault.Rule {
  .generation(found: "NeuronCore-v\(found)", needs: "NeuronCore-v\(needs)")
}

func randomValues(_ count: Int, _ generator: inout Generator) -> [Float] {
  (0..<count).map { _ in Float.random(in: -8...8, using: &generator) }
}

func makeCore(hbmBytes: Int = 1 << 16, generation: Int = 3) throws -> CoreState {
  try CoreState(device: device(generation), hbmBytes: hbmBytes)
}

/// Checks an instruction and carries it out.
func perform(
  _ operation: Operation, on core: inout CoreState, _ engine: Engine, generation: Int = 3
) throws {
  try operation.validate(rules(operation, engine, generation: generation))
  operation.execute(on: &core, engine: engine)
}

/// The low bits that an element of a format takes.
func elementMask(_ format: NumberFormat) -> UInt32 {
  format.sizeBytes == 4 ? .max : (1 << UInt32(8 * format.sizeBytes)) - 1
}

/// Values as the raw elements that they become in a format.
func encoded(_ values: [Float], _ format: NumberFormat) -> [UInt32] {
  values.map { format.encode($0) & elementMask(format) }
}
