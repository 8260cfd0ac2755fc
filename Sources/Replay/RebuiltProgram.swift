import CoreState
import NumericFormats
package import Hardware
package import InstructionSet
package import ProfileImport

/// The program of a report, one machine instruction for each row that is replayed.
package struct RebuiltProgram: Sendable {
  /// Rows that could not be rebuilt, or only in part, by reason.
  package struct LeftOut: Hashable, Sendable {
    /// The engine.
    package var engine: Engine
    /// The row's opcode.
    package var opcode: String
    /// What is missing.
    package var reason: String
    /// How many rows.
    package var count: Int
  }

  /// One segment that runs once.
  package private(set) var program: Program
  /// The row of each instruction: the index is the program counter.
  package private(set) var rows: [ProfileInstruction] = []
  /// False for the barrier that all engines start from.
  package private(set) var isKernel: [Bool] = []
  /// What could not be rebuilt.
  package private(set) var leftOut: [LeftOut] = []
  /// Rows of the core that the runtime ran before and after.
  package private(set) var outsideCount = 0
  /// Bytes by which SBUF addresses were moved down to fit into the device's partitions.
  package private(set) var sbufShift = 0

  /// Rebuilds what the compiler emitted for `core`.
  init(_ report: ProfileReport, core: String, device: Device, withBarrier: Bool) {
    let kernel = KernelRows(report, core: core, withBarrier: withBarrier)
    outsideCount = kernel.outside.count
    var builder = OperationBuilder(device: device)
    builder.sbufShift = Self.shift(kernel, device)
    sbufShift = builder.sbufShift
    var streams: [[Instruction]] = []
    var reasons: [LeftOut: Int] = [:]
    var sites: [Site] = []
    for engine in Engine.allCases {
      let index = Int(engine.rawValue)
      var stream: [Instruction] = []
      for (place, row) in kernel.streams[index].enumerated() {
        let operands = ProfileOperands(row.operands)
        var missing: [String] = []
        var instruction = Instruction(
          Self.operation(row, operands, engine, &builder, &missing), site: UInt32(sites.count))
        instruction.wait = Self.wait(operands, &missing)
        instruction.update = Self.update(row, operands, instruction.operation, &missing)
        for reason in missing {
          reasons[
            LeftOut(engine: engine, opcode: row.opcode, reason: reason, count: 0), default: 0] += 1
        }
        stream.append(instruction)
        sites.append(Site(kernel: "profile", layer: row.layer, source: row.name))
        rows.append(row)
        isKernel.append(place >= kernel.barrierCounts[index])
      }
      streams.append(stream)
    }
    program = Self.program(streams, builder.tensors, sites)
    leftOut = Self.sorted(reasons)
  }

  private static func sorted(_ reasons: [LeftOut: Int]) -> [LeftOut] {
    reasons.map { key, count in
      LeftOut(engine: key.engine, opcode: key.opcode, reason: key.reason, count: count)
    }.sorted {
      ($0.engine.rawValue, $0.opcode, $0.reason) < ($1.engine.rawValue, $1.opcode, $1.reason)
    }
  }

  /// Each tensor gets memory of its own; nothing is read or written in timing mode.
  private static func program(
    _ streams: [[Instruction]], _ tensors: [TensorParameter], _ sites: [Site]
  ) -> Program {
    var address = 0
    let allocations = tensors.map { tensor in
      defer { address += (tensor.sizeBytes + 63) / 64 * 64 }
      return TensorAllocation(
        name: tensor.name, address: address, sizeBytes: tensor.sizeBytes, format: .uint8)
    }
    let segment = Segment(
      name: "profile", streams: streams, tensors: tensors,
      sites: sites.isEmpty ? [Site(kernel: "profile")] : sites)
    return Program(
      segments: [segment],
      invocations: [Invocation(segment: 0, tensors: Array(allocations.indices))],
      tensors: allocations)
  }

  /// How far operands reach beyond the device's partitions.
  private static func shift(_ kernel: KernelRows, _ device: Device) -> Int {
    var probe = OperationBuilder(device: device)
    var highest = 0
    for row in kernel.streams.joined() {
      let operands = ProfileOperands(row.operands)
      let operation = try? probe.operation(row, operands)
      operation?.memoryAccesses { location, _ in
        if case .onChip(let access) = location, access.space == .sbuf {
          highest = max(highest, access.byteExtent.upperBound)
        }
      }
    }
    let beyond = highest - device.memory.sbufBytesPerPartition.value
    return beyond > 0 ? (beyond + 63) / 64 * 64 : 0
  }

  // MARK: One instruction

  /// The operation, or a NOP that keeps the row's place among waits and updates.
  private static func operation(
    _ row: ProfileInstruction, _ operands: ProfileOperands, _ engine: Engine,
    _ builder: inout OperationBuilder, _ missing: inout [String]
  ) -> Operation {
    do {
      let operation = try builder.operation(row, operands)
      guard operation.opcode.engines.contains(engine) else {
        missing.append("not an instruction of this engine")
        return .control(ControlInstruction(.nop))
      }
      return operation
    } catch {
      missing.append(error.reason + "; a NOP in its place")
      return .control(ControlInstruction(.nop))
    }
  }

  private static func wait(
    _ operands: ProfileOperands, _ missing: inout [String]
  ) -> SemaphoreWait {
    guard let wait = operands.waits.first else { return .none }
    if operands.waits.count > 1 { missing.append("a second wait") }
    guard let semaphore = UInt8(exactly: wait.semaphore) else {
      missing.append("a wait for semaphore \(wait.semaphore)")
      return .none
    }
    return SemaphoreWait(semaphore, wait.isExact ? .equal : .atLeast, wait.value)
  }

  private static func update(
    _ row: ProfileInstruction, _ operands: ProfileOperands, _ operation: Operation,
    _ missing: inout [String]
  ) -> SemaphoreUpdate {
    if let semaphore = operands.integer("semaphore"), let count = operands.integer("sem_increment")
    {
      guard operation.opcode.isDMA, let number = UInt8(exactly: semaphore),
        let value = UInt32(exactly: count)
      else {
        missing.append("the update of its transfer")
        return .none
      }
      return SemaphoreUpdate(number, .add, value)
    }
    guard let update = operands.updates.first else { return .none }
    if operands.updates.count > 1 { missing.append("a second update") }
    guard let semaphore = UInt8(exactly: update.semaphore) else {
      missing.append("an update of semaphore \(update.semaphore)")
      return .none
    }
    let kind: SemaphoreUpdate.Operation =
      switch update.kind {
      case .add: .add
      case .subtract: .subtract
      case .write: .write
      }
    return SemaphoreUpdate(semaphore, kind, update.value)
  }

  /// Semaphores that something waits for and nothing rebuilt updates.
  var orphans: Set<UInt8> {
    let instructions = program.segments[0].instructions
    let waited = Set(
      instructions.filter { $0.wait.condition != .none }.map(\.wait.semaphore))
    let updated = Set(
      instructions.filter { $0.update.operation != .none }.map(\.update.semaphore))
    return waited.subtracting(updated)
  }
}
