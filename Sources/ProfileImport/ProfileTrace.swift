package import TraceFile
import Units

/// Writes a report as a trace: the core that did the work on its tracks, all else as tables.
package struct ProfileTrace {
  private let report: ProfileReport
  private let core: String
  /// The instructions that ask for transfers, by their places in the report.
  private let triggers: [Int]
  private let transfers: ProfileTransfers

  /// What a trace holds of a report's rows.
  package struct Contents: Equatable, Sendable {
    /// Instruction rows on the five engines' tracks.
    package var instructions = 0
    /// Descriptor rows on the sixteen DMA engines' tracks.
    package var descriptors = 0
    /// Rows in tables.
    package var tableRows = 0
    /// Rows of the report in all.
    package var rows = 0
  }

  /// A report that is about to be written.
  package init(_ report: ProfileReport) {
    self.report = report
    core = report.mainCore
    let core = core
    triggers = report.instructions.indices.filter {
      let row = report.instructions[$0]
      return row.core == core && row.isCompiled && row.opcode.hasPrefix("DMA_")
    }
    transfers = ProfileTransfers(
      of: triggers.map { report.instructions[$0] }, report, core: core)
  }

  /// What the device of the report could do at best.
  package struct Peaks: Equatable, Sendable {
    /// Floating-point operations per second of one core's tensor engine.
    package var flops: Double
    /// Bytes per second that one core moves to and from HBM.
    package var hbmBytes: Int64

    package init(flops: Double, hbmBytes: Int64) {
      self.flops = flops
      self.hbmBytes = hbmBytes
    }
  }

  /// Writes the trace at `path`, replacing one that is there. Without `peaks` it tells no shares of
  /// them.
  package func write(
    to path: String, tool: String, peaks: Peaks? = nil
  ) throws(TraceError) -> Contents {
    var contents = Contents()
    contents.rows = report.rowCounts.reduce(0) { $0 + $1.rows }
    var writer = try TraceWriter(path: path, metadata: metadata(tool, peaks))
    try writer.append(table: StatedNumber.table(ProfileMeasures(report).compared(with: report)))
    for table in report.tables {
      contents.tableRows += table.rowCount
      try writer.append(table: table)
    }
    contents.instructions = try writeInstructions(&writer)
    contents.descriptors = try writeDescriptors(&writer)
    try writer.finish()
    return contents
  }

  private func metadata(_ tool: String, _ peaks: Peaks?) -> TraceMetadata {
    typealias Key = TraceMetadata.Key
    var metadata = TraceMetadata([
      Key.tool: tool, Key.device: report.device.isEmpty ? "unknown" : report.device,
      Key.workload: report.name.isEmpty ? "profile" : report.name, Key.mode: "measured",
      "profiler_version": report.summaryTexts["profiler_version"] ?? "",
      "physical_core": core,
    ])
    if let peaks {
      metadata.entries[Key.peakFlops] = "\(peaks.flops)"
      metadata.entries[Key.hbmBandwidth] = "\(peaks.hbmBytes)"
    }
    return metadata
  }

  // MARK: Instructions

  /// One program row per distinct instruction, then the events of each engine in order of start.
  private func writeInstructions(_ writer: inout TraceWriter) throws(TraceError) -> Int {
    var table = RowTable<InstructionKey>()
    var events = TrackID.engines.map { _ in [TraceEvent]() }
    let rings = Dictionary(uniqueKeysWithValues: zip(triggers, transfers.rings))
    for (index, row) in report.instructions.enumerated() where row.core == core {
      let operands = ProfileOperands(row.operands)
      let key = InstructionKey(row)
      let ring = rings[index]?.flatMap { UInt8(exactly: $0) }
      let number = table.number(key) { Self.programRow(row, operands, ring) }
      events[Int(row.engine.rawValue)].append(Self.event(row, operands, number))
    }
    _ = try writer.append(program: table.rows)
    var count = 0
    for track in TrackID.engines {
      let own = events[Int(track.rawValue)].sortedByStart()
      count += own.count
      try writer.append(track: track, events: own)
    }
    return count
  }

  /// What makes two executions one instruction.
  private struct InstructionKey: Hashable {
    var engine: TrackID
    var programCounter: Int64
    var operands: String

    init(_ row: ProfileInstruction) {
      engine = row.engine
      programCounter = row.programCounter
      operands = row.opcode + " " + row.operands
    }
  }

  private static func programRow(
    _ row: ProfileInstruction, _ operands: ProfileOperands, _ ring: UInt8?
  ) -> ProgramRow {
    ProgramRow(
      opcode: row.opcode, engine: row.engine, kernel: row.isCompiled ? "profile" : "runtime",
      layer: row.layer, sourceFile: row.name, shape: shape(row.operands),
      flops: row.flops(operands), transposeFlops: row.isTranspose ? row.flops(operands) : 0,
      wait: operands.programWait, update: operands.programUpdate, ring: ring)
  }

  /// The operands without what is waited for and updated.
  private static func shape(_ operands: String) -> String {
    operands.split(separator: " ").filter { part in
      !part.contains("S[") && !part.hasPrefix("(") && part != "setter=0"
    }.joined(separator: " ")
  }

  /// A row of a barrier begins before it waits and lasts until it has been let through; all other
  /// rows begin when their wait is over, and say apart how long it was.
  private static func event(
    _ row: ProfileInstruction, _ operands: ProfileOperands, _ number: UInt32
  ) -> TraceEvent {
    let wait = operands.waits.first
    let isQueue = wait?.name.hasPrefix("q") ?? false
    let waitsInside = row.isSemaphoreRow && !row.isCompiled
    // What was waited before the report's beginning is none of its time.
    let waited = waitsInside ? row.duration : wait == nil ? 0 : min(row.wait, row.start)
    return TraceEvent(
      start: Picoseconds(waitsInside ? row.end : row.start),
      duration: Picoseconds(waitsInside ? 0 : row.duration),
      wait: Picoseconds(waited),
      stallCause: waited == 0 ? .none : isQueue ? .dma : .semaphore,
      detail: UInt16(clamping: wait?.semaphore ?? 0), programCounter: number)
  }

  // MARK: Descriptors

  private struct DescriptorKey: Hashable {
    var queue: Int
    var kind: String
    var bytes: Int64
    var part = DescriptorPart()
  }

  /// What the trigger says of a descriptor of its transfer; nothing where none is known.
  private struct DescriptorPart: Hashable {
    var readsHBM = false
    var writesHBM = false
    /// The semaphore that it adds one to.
    var semaphore: UInt16?
  }

  private func writeDescriptors(_ writer: inout TraceWriter) throws(TraceError) -> Int {
    var table = RowTable<DescriptorKey>()
    var events = TrackID.dmaEngines.map { _ in [TraceEvent]() }
    let parts = descriptorParts()
    for (index, row) in report.descriptors.enumerated() where row.core == core && !row.isAggregate {
      let key = DescriptorKey(
        queue: row.queue, kind: row.kind, bytes: row.bytes, part: parts[index] ?? DescriptorPart())
      let number = table.number(key) { programRow(row, key.part) }
      events[row.engine].append(
        TraceEvent(
          start: Picoseconds(row.start), duration: Picoseconds(row.duration),
          detail: UInt16(clamping: row.queue), programCounter: number))
    }
    let first = try writer.append(program: table.rows)
    var count = 0
    for engine in events.indices where !events[engine].isEmpty {
      var own = events[engine].sortedByStart()
      for index in own.indices { own[index].programCounter += first }
      count += own.count
      try writer.append(track: .dma(engine), events: own)
    }
    return count
  }

  /// What is known of the descriptors of transfers, by their places in the report.
  private func descriptorParts() -> [Int: DescriptorPart] {
    var found: [Int: DescriptorPart] = [:]
    for (trigger, parts) in zip(triggers, transfers.parts) {
      let row = report.instructions[trigger]
      let update = ProfileOperands(row.operands).programUpdate
      for part in parts {
        for place in part.descriptors.dropLast() {
          found[place] = DescriptorPart(
            readsHBM: row.bytes.hbmRead > 0, writesHBM: row.bytes.hbmWrite > 0)
        }
        guard let last = part.descriptors.last, update.operation == .add else { continue }
        found[last] = DescriptorPart(semaphore: update.semaphore)
      }
    }
    return found
  }

  private func programRow(_ row: ProfileDescriptor, _ part: DescriptorPart) -> ProgramRow {
    let name = report.queueNames[core]?[row.queue] ?? "queue \(row.queue)"
    return ProgramRow(
      opcode: "DMA \(row.kind)", engine: Self.owner(of: name), kernel: name,
      shape: "\(row.bytes) B", bytes: row.bytes, hbmReadBytes: part.readsHBM ? row.bytes : 0,
      hbmWriteBytes: part.writesHBM ? row.bytes : 0,
      update: part.semaphore.map { ProgramUpdate($0, .add, 1) } ?? .none,
      ring: UInt8(exactly: row.queue))
  }

  /// The engine that triggers a queue: queues are named for it.
  package static func owner(of queue: String) -> TrackID {
    let names: [(String, TrackID)] = [
      ("qScalar", .scalar), ("qGpSimd", .gpsimd), ("qVector", .vector), ("qDve", .vector),
      ("qTensor", .tensor), ("qPe", .tensor),
    ]
    return names.first { queue.hasPrefix($0.0) }?.1 ?? .sync
  }
}

extension ProfileOperands {
  /// The first wait, as a trace keeps it.
  package var programWait: ProgramWait {
    guard let wait = waits.first, let number = UInt16(exactly: wait.semaphore) else { return .none }
    return ProgramWait(number, wait.isExact ? .equal : .atLeast, wait.value)
  }

  /// The first update, or that of the transfer which it triggers, as a trace keeps it.
  package var programUpdate: ProgramUpdate {
    if let semaphore = integer("semaphore").flatMap({ UInt16(exactly: $0) }),
      let count = integer("sem_increment").flatMap({ UInt32(exactly: $0) })
    {
      return ProgramUpdate(semaphore, .add, count)
    }
    guard let update = updates.first, let number = UInt16(exactly: update.semaphore) else {
      return .none
    }
    switch update.kind {
    case .add: return ProgramUpdate(number, .add, update.value)
    case .subtract: return ProgramUpdate(number, .subtract, update.value)
    case .write: return ProgramUpdate(number, .write, update.value)
    }
  }
}

/// Program rows by what makes them distinct, numbered in order of first use.
struct RowTable<Key: Hashable> {
  private(set) var rows: [ProgramRow] = []
  private var numbers: [Key: UInt32] = [:]

  mutating func number(_ key: Key, _ row: () -> ProgramRow) -> UInt32 {
    if let known = numbers[key] { return known }
    let number = UInt32(rows.count)
    numbers[key] = number
    rows.append(row())
    return number
  }
}

extension [TraceEvent] {
  /// In order of start; equal starts keep their order.
  func sortedByStart() -> [TraceEvent] {
    enumerated().sorted {
      ($0.element.start.value, $0.offset) < ($1.element.start.value, $1.offset)
    }.map(\.element)
  }
}
