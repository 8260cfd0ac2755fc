import Hardware
import InstructionSet
import TraceFile

/// The rows of a program as a trace keeps them: what follows from the program counter.
struct TraceProgramRows: ~Copyable {
  private var writer: ProgramRowWriter
  private var texts = StringTable()
  private var opcodes = [UInt32?](repeating: nil, count: Int(UInt8.max) + 1)
  private let device: Device

  /// No rows yet.
  init(on device: Device) throws(TraceError) {
    self.device = device
    writer = try ProgramRowWriter()
  }

  /// Adds the rows of the program's next segment, in the order of their program counters.
  mutating func append(_ segment: Segment) throws(TraceError) {
    let sites = segment.sites.map { site in
      let parts = site.source.split(separator: ":")
      return CodedRow(
        opcode: 0, engine: .tensor, kernel: number(site.kernel), layer: number(site.layer),
        sourceFile: number(parts.first.map(String.init) ?? ""),
        sourceLine: parts.count > 1 ? UInt32(parts[1]) ?? 0 : 0, shape: number(""), flops: 0)
    }
    for engine in Engine.allCases {
      let track = TrackID(rawValue: engine.rawValue)!
      for index in segment.range(of: engine) {
        let instruction = segment.instructions[index]
        let opcode = instruction.operation.opcode
        var row = sites[Int(instruction.site)]
        (row.opcode, row.engine) = (number(opcode), track)
        row.flops = 2 * instruction.operation.macs
        row.describe(instruction, opcode, on: device, engine: engine)
        try writer.append(row, texts)
      }
    }
  }

  /// All blocks of rows.
  consuming func finish() throws(TraceError) -> ProgramBlocks { try writer.finish() }

  private mutating func number(_ text: String) -> UInt32 { UInt32(texts.intern(text)) }

  private mutating func number(_ opcode: Opcode) -> UInt32 {
    if let known = opcodes[Int(opcode.rawValue)] { return known }
    let number = number(opcode.name)
    opcodes[Int(opcode.rawValue)] = number
    return number
  }
}

extension CodedRow {
  /// What the instruction moves, transposes, waits for and updates.
  fileprivate mutating func describe(
    _ instruction: Instruction, _ opcode: Opcode, on device: Device, engine: Engine
  ) {
    let operation = instruction.operation
    if opcode.isDMA, let shape = operation.transferShape(on: device, engine: engine) {
      let engines = Int64(max(1, shape.engines))
      bytes = shape.totalBytes / engines
      hbmReadBytes = shape.hbmReadBytes / engines
      hbmWriteBytes = shape.hbmWriteBytes / engines
      ringPlusOne = UInt16(shape.queue) + 1
    }
    if case .matmul(let product) = operation, product.isTranspose { transposeFlops = flops }
    wait = ProgramWait(instruction.wait)
    update = ProgramUpdate(of: instruction)
  }
}

extension ProgramWait {
  /// The wait of an instruction, as a trace keeps it.
  fileprivate init(_ wait: SemaphoreWait) {
    let condition: Condition =
      switch wait.condition {
      case .none: .none
      case .atLeast: .atLeast
      case .equal: .equal
      }
    self.init(UInt16(wait.semaphore), condition, wait.value)
  }
}

extension ProgramUpdate {
  /// What an instruction does to semaphores, as a trace keeps it.
  init(of instruction: Instruction) {
    self.init(instruction.update)
    if case .control(let control) = instruction.operation,
      control.opcode == .eventSemaphoreRangeClear
    {
      self.init(UInt16(control.first), .clear, UInt32(control.count))
    }
  }

  /// The update of an instruction, as a trace keeps it.
  fileprivate init(_ update: SemaphoreUpdate) {
    let operation: Operation =
      switch update.operation {
      case .none: .none
      case .add: .add
      case .subtract: .subtract
      case .write: .write
      }
    self.init(UInt16(update.semaphore), operation, update.value)
  }
}
