import Hardware
import InstructionSet
import NeuronCore
import ProfileImport
package import TraceFile
import Units

/// Writes both sides of a replay as traces with one program table, so that they can be compared row
/// by row. Zero lies before the first row of either side, equally far before the first trigger.
package struct ReplayTraces {
  private let replay: Replay
  private let lead: Int64
  private let workload: String
  private let tool: String

  /// Both sides of `replay`.
  package init(_ replay: Replay, tool: String) {
    self.replay = replay
    self.tool = tool
    workload = replay.report.name.isEmpty ? "profile" : replay.report.name
    let earliest = replay.rows.flatMap { [$0.measuredStart, $0.modelStart - $0.wait] }.min() ?? 0
    lead = max(0, -earliest)
  }

  /// Writes what was measured.
  package func writeMeasured(to path: String) throws(TraceError) {
    var tracks = TrackID.engines.map { _ in [TraceEvent]() }
    for (counter, row) in replay.rows.enumerated() where row.isKernel {
      let operands = ProfileOperands(row.measured.operands)
      let wait = operands.waits.first
      let cause: TraceFile.StallCause = wait?.name.hasPrefix("q") ?? false ? .dma : .semaphore
      tracks[Int(row.engine.rawValue)].append(
        TraceEvent(
          start: Picoseconds(row.measuredStart + lead),
          duration: Picoseconds(row.measured.duration),
          wait: Picoseconds(wait == nil ? 0 : row.measured.wait),
          stallCause: wait == nil ? .none : cause, detail: UInt16(clamping: wait?.semaphore ?? 0),
          programCounter: UInt32(counter)))
    }
    try write(path, mode: "measured", tracks, [])
  }

  /// Writes what the model did.
  package func writeModel(to path: String) throws(TraceError) {
    var tracks = TrackID.engines.map { _ in [TraceEvent]() }
    for (counter, row) in replay.rows.enumerated() where row.isKernel {
      tracks[Int(row.engine.rawValue)].append(
        TraceEvent(
          start: Picoseconds(row.modelStart + lead), duration: Picoseconds(row.modelDuration),
          wait: Picoseconds(row.wait), stallCause: row.cause, detail: UInt16(row.semaphore),
          programCounter: UInt32(counter)))
    }
    try write(path, mode: "timing", tracks, modelTransfers())
  }

  /// One record on each DMA engine that takes part; the engines differ by their skew.
  private func modelTransfers() -> [[TraceEvent]] {
    let skews = replay.device.dma.skew.value
    return TrackID.dmaEngines.indices.map { engine in
      replay.transfers.filter { engine < $0.engines && engine < skews.count }.map { event, _ in
        TraceEvent(
          start: Picoseconds(event.start + lead) + skews[engine],
          duration: Picoseconds(event.duration), detail: UInt16(event.ring),
          programCounter: event.programCounter)
      }
    }
  }

  private func write(
    _ path: String, mode: String, _ engines: [[TraceEvent]], _ transfers: [[TraceEvent]]
  ) throws(TraceError) {
    typealias Key = TraceMetadata.Key
    var writer = try TraceWriter(
      path: path,
      metadata: TraceMetadata([
        Key.tool: tool, Key.device: replay.device.identity, Key.workload: workload, Key.mode: mode,
      ]))
    _ = try writer.append(program: programRows())
    for (track, events) in zip(TrackID.engines, engines) {
      try writer.append(track: track, events: Self.sorted(events))
    }
    for (track, events) in zip(TrackID.dmaEngines, transfers) where !events.isEmpty {
      try writer.append(track: track, events: Self.sorted(events))
    }
    try writer.finish()
  }

  private static func sorted(_ events: [TraceEvent]) -> [TraceEvent] {
    events.sorted { ($0.start.value, $0.programCounter) < ($1.start.value, $1.programCounter) }
  }

  private func programRows() -> [ProgramRow] {
    let instructions = replay.rebuilt.program.segments[0].instructions
    return replay.rows.enumerated().map { counter, row in
      let operation = instructions[counter].operation
      let shape =
        operation.opcode.isDMA
        ? operation.transferShape(on: replay.device, engine: row.engine) : nil
      let engines = Int64(max(1, shape?.engines ?? 1))
      let operands = ProfileOperands(row.measured.operands)
      return ProgramRow(
        opcode: row.measured.opcode, engine: row.measured.engine, kernel: "profile",
        layer: row.measured.layer, sourceFile: row.measured.name,
        bytes: (shape?.totalBytes ?? 0) / engines, flops: 2 * operation.macs,
        transposeFlops: row.measured.isTranspose ? 2 * operation.macs : 0,
        hbmReadBytes: (shape?.hbmReadBytes ?? 0) / engines,
        hbmWriteBytes: (shape?.hbmWriteBytes ?? 0) / engines,
        wait: operands.programWait, update: operands.programUpdate, ring: shape?.queue)
    }
  }
}
