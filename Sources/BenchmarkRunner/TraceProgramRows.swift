import Hardware
import InstructionSet
import TraceFile

extension ProgramRow {
  /// The static rows of a segment: what follows from the program counter.
  static func rows(of segment: Segment, on device: Device) -> [ProgramRow] {
    let places = segment.sites.map { site -> (file: String, line: UInt32) in
      let parts = site.source.split(separator: ":")
      return (
        parts.first.map(String.init) ?? "", parts.count > 1 ? UInt32(parts[1]) ?? 0 : 0
      )
    }
    var rows: [ProgramRow] = []
    rows.reserveCapacity(segment.instructions.count)
    for engine in Engine.allCases {
      let track = TrackID(rawValue: engine.rawValue)!
      for index in segment.range(of: engine) {
        let instruction = segment.instructions[index]
        let site = segment.sites[Int(instruction.site)]
        let place = places[Int(instruction.site)]
        var row = ProgramRow(
          opcode: instruction.operation.opcode.name, engine: track, kernel: site.kernel,
          layer: site.layer, sourceFile: place.file, sourceLine: place.line,
          flops: 2 * instruction.operation.macs)
        row.describe(instruction, on: device, engine: engine)
        rows.append(row)
      }
    }
    return rows
  }

  /// What the instruction moves, transposes, waits for and updates.
  private mutating func describe(
    _ instruction: Instruction, on device: Device, engine: Engine
  ) {
    let operation = instruction.operation
    if operation.opcode.isDMA, let shape = operation.transferShape(on: device, engine: engine) {
      let engines = Int64(max(1, shape.engines))
      bytes = shape.totalBytes / engines
      hbmReadBytes = shape.hbmReadBytes / engines
      hbmWriteBytes = shape.hbmWriteBytes / engines
      ring = shape.queue
    }
    if case .matmul(let product) = operation, product.isTranspose { transposeFlops = flops }
    wait = ProgramWait(instruction.wait)
    update = ProgramUpdate(instruction.update)
    if case .control(let control) = operation, control.opcode == .eventSemaphoreRangeClear {
      update = ProgramUpdate(UInt16(control.first), .clear, UInt32(control.count))
    }
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
