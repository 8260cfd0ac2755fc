import CoreState
import Hardware
import InstructionSet
import NumericFormats
import ProfileImport

/// Makes the machine instruction that a row of a profile shows.
///
/// Addresses are the engines' view: SBUF from 0 on, 256 KiB per partition, then PSUM. A profile's
/// compiler may use more of a partition than the device's documents promise to kernels; such
/// operands are moved down by `sbufShift`, which changes no time.
struct OperationBuilder {
  /// Why a row cannot be rebuilt.
  struct Refusal: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
  }

  /// Bytes from one partition to the next in the engines' view.
  static let partitionBytes: UInt64 = 1 << 18
  /// Where PSUM begins in the engines' view.
  static let psumBase: UInt64 = 128 << 18

  let device: Device
  /// Bytes by which SBUF addresses are moved down.
  var sbufShift = 0
  /// HBM tensors that transfers name, one for each end of a transfer.
  var tensors: [TensorParameter] = []

  init(device: Device) { self.device = device }

  /// The instruction without its waits and updates.
  mutating func operation(
    _ row: ProfileInstruction, _ operands: ProfileOperands
  ) throws(Refusal) -> Operation {
    switch row.opcode {
    case "LDWEIGHTS": return try loadWeights(row, operands)
    case "MATMUL": return try matmul(row, operands)
    case "ACTIVATE": return try activate(operands)
    case "ACT_TABLE_LOAD": return .tableLoad(ActivationTableLoad(.everySet))
    case "COPY", "CAST":
      return .copy(Copy(try lanes("dst", operands), from: try lanes("src", operands)))
    case "TENSOR_REDUCE": return try reduce(operands)
    case "TENSOR_SCALAR": return try tensorScalar(operands)
    case "RECIPROCAL":
      return .reciprocal(Reciprocal(try lanes("dst", operands), try lanes("src", operands)))
    case "DMA_DIRECT2D": return try transfer(row, operands)
    default: return try control(row, operands)
    }
  }

  private func control(
    _ row: ProfileInstruction, _ operands: ProfileOperands
  ) throws(Refusal) -> Operation {
    switch row.opcode {
    case "NOP": return .control(ControlInstruction(.nop))
    case "EVENT_SEMAPHORE": return .control(ControlInstruction(.eventSemaphore))
    case "DRAIN": return .control(ControlInstruction(.drain))
    case "NOTIFY": return .control(ControlInstruction(.notify))
    case "SET_ORDERING_MODE": return .control(ControlInstruction(.setOrderingMode))
    case "EVENT_SEMAPHORE_RANGE_CLEAR":
      guard let first = operands.integer("first"), let last = operands.integer("last"),
        first >= 0, last >= first, last < 1 << 16
      else { throw Refusal("its range is not printed") }
      return .control(ControlInstruction(clear: first, count: last - first + 1))
    default: throw Refusal("no rule for its operands")
    }
  }

  // MARK: On-chip operands

  /// The pattern of an operand in as many partitions as `channels` says.
  func lanes(_ key: String, _ operands: ProfileOperands) throws(Refusal) -> AccessPattern {
    guard let channels = operands.integer("channels") else { throw Refusal("no 'channels'") }
    return try pattern(key, operands, partitions: channels)
  }

  /// The pattern of an operand in `partitions` partitions.
  func pattern(
    _ key: String, _ operands: ProfileOperands, partitions: Int, format: NumberFormat? = nil
  ) throws(Refusal) -> AccessPattern {
    guard let access = operands.access(key) else { throw Refusal("no '\(key)'") }
    guard let known = format ?? Self.format(access.format) else {
      throw Refusal("format '\(access.format)' of '\(key)'")
    }
    return try pattern(access, known, partitions: partitions)
  }

  func pattern(
    _ access: ProfileOperands.Access, _ format: NumberFormat, partitions: Int
  ) throws(Refusal) -> AccessPattern {
    guard access.address < 2 * Self.psumBase, (1...128).contains(partitions) else {
      throw Refusal("an address outside SBUF and PSUM")
    }
    let isPSUM = access.address >= Self.psumBase
    let local = access.address % Self.psumBase
    var byte = Int(local % Self.partitionBytes)
    if !isPSUM { byte = max(0, byte - sbufShift) }
    var sizes: [Int] = []
    var strides: [Int] = []
    for (size, stride) in zip(access.sizes, access.strides).reversed()
    where size != 1 || access.sizes.count == 1 {
      sizes.append(size)
      strides.append(stride)
    }
    if sizes.isEmpty { (sizes, strides) = ([1], [1]) }
    guard sizes.count <= AccessPattern.maximumDimensions,
      sizes.allSatisfy({ $0 <= Int(UInt16.max) }),
      strides.allSatisfy({ Int16(exactly: $0) != nil })
    else { throw Refusal("an access pattern of \(sizes.count) dimensions") }
    var result = AccessPattern(
      space: isPSUM ? .psum : .sbuf, format: format,
      startPartition: UInt8(local / Self.partitionBytes), partitionCount: UInt8(partitions),
      byteOffset: UInt32(byte), dimensionCount: UInt8(sizes.count),
      sizes: SIMD4(repeating: 1), strides: SIMD4(repeating: 0))
    for index in sizes.indices {
      result.sizes[index] = UInt16(sizes[index])
      result.strides[index] = Int16(strides[index])
    }
    return result
  }

  /// The formats as the profiler names them.
  static func format(_ name: String) -> NumberFormat? {
    let names: [String: NumberFormat] = [
      "bfloat16": .bfloat16, "float32": .float32, "float16": .float16, "fp32r": .float32,
      "float8e4": .float8e4m3, "float8e5": .float8e5m2, "float8e3": .float8e3m4,
    ]
    return names[name] ?? NumberFormat(name: name)
  }
}
