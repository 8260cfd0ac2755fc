import Hardware
import InstructionSet
import NeuronCore
import ProfileImport
package import TraceFile
import Units

/// Writes both sides of a replay as traces with one program table, so that they can be compared row
/// by row. Both begin with the first trigger and end with the last instruction of a data path, so
/// that they are as long as what `Replay.total` says.
package struct ReplayTraces {
  private let replay: Replay
  private let measured: MeasuredTransfers
  private let workload: String
  private let tool: String

  /// Both sides of `replay`.
  package init(_ replay: Replay, tool: String) {
    self.replay = replay
    self.tool = tool
    measured = MeasuredTransfers(replay)
    workload = replay.report.name.isEmpty ? "profile" : replay.report.name
  }

  /// Transfers that the capture's descriptors do not show: what was measured has no records of
  /// them.
  package var missingTransfers: Int { measured.missing }

  /// Writes what was measured.
  package func writeMeasured(to path: String) throws(TraceError) {
    var tracks = TrackID.engines.map { _ in [TraceEvent]() }
    for (counter, row) in replay.rows.enumerated() where row.isKernel {
      let operands = ProfileOperands(row.measured.operands)
      let wait = operands.waits.first
      let cause: TraceFile.StallCause = wait?.name.hasPrefix("q") ?? false ? .dma : .semaphore
      tracks[Int(row.engine.rawValue)].append(
        TraceEvent(
          start: Picoseconds(row.measuredStart), duration: Picoseconds(row.measured.duration),
          wait: Picoseconds(wait == nil ? 0 : row.measured.wait),
          stallCause: wait == nil ? .none : cause, detail: UInt16(clamping: wait?.semaphore ?? 0),
          programCounter: UInt32(counter)))
    }
    let shift = replay.rows.first.map { $0.measuredStart - $0.measured.start } ?? 0
    try write(
      path, mode: "measured", tracks + transfers { _ in shift }, total: replay.total.measured)
  }

  /// Writes what the model did.
  package func writeModel(to path: String) throws(TraceError) {
    var tracks = TrackID.engines.map { _ in [TraceEvent]() }
    for (counter, row) in replay.rows.enumerated() where row.isKernel {
      tracks[Int(row.engine.rawValue)].append(
        TraceEvent(
          start: Picoseconds(row.modelStart), duration: Picoseconds(row.modelDuration),
          wait: Picoseconds(row.wait), stallCause: row.cause, detail: UInt16(row.semaphore),
          programCounter: UInt32(counter)))
    }
    // Transfers that arrive when the capture saw them are as long after their triggers as there.
    let transfers =
      replay.usesMeasuredTransfers
      ? transfers { $0.modelStart - $0.measured.start } : modelTransfers()
    try write(path, mode: "timing", tracks + transfers, total: replay.total.model)
  }

  /// One record on each DMA engine that takes part; the engines differ by their skew.
  private func modelTransfers() -> [[TraceEvent]] {
    let skews = replay.device.dma.skew.value
    return TrackID.dmaEngines.indices.map { engine in
      replay.transfers.filter { engine < $0.engines && engine < skews.count }.map { event, _ in
        TraceEvent(
          start: Picoseconds(event.start) + skews[engine],
          duration: Picoseconds(event.duration), wait: Picoseconds(event.wait),
          detail: UInt16(event.ring), programCounter: event.programCounter)
      }
    }
  }

  /// What the capture's descriptors show, moved by `shift` of the trigger.
  private func transfers(_ shift: (Replay.Row) -> Int64) -> [[TraceEvent]] {
    var tracks = TrackID.dmaEngines.map { _ in [TraceEvent]() }
    for (counter, parts) in measured.parts.sorted(by: { $0.key < $1.key }) {
      let moved = shift(replay.rows[Int(counter)])
      let ring = UInt16(ring(counter) ?? 0)
      for part in parts {
        tracks[part.engine].append(
          TraceEvent(
            start: Picoseconds(part.start + moved), duration: Picoseconds(part.end - part.start),
            detail: ring, programCounter: counter))
      }
    }
    return tracks
  }

  /// The ring of a transfer, as the model numbers it.
  private func ring(_ counter: UInt32) -> UInt8? {
    replay.rebuilt.program.segments[0].instructions[Int(counter)].operation
      .transferShape(on: replay.device, engine: replay.rows[Int(counter)].engine)?.queue
  }

  private func write(
    _ path: String, mode: String, _ tracks: [[TraceEvent]], total: Int64
  ) throws(TraceError) {
    typealias Key = TraceMetadata.Key
    let window = ReplayWindow(total: total, tracks)
    var writer = try TraceWriter(
      path: path,
      metadata: TraceMetadata([
        Key.tool: tool, Key.device: replay.device.identity, Key.workload: workload, Key.mode: mode,
      ]))
    _ = try writer.append(program: programRows())
    for (track, events) in zip(TrackID.all, tracks) {
      let own = window.cut(events)
      if !own.isEmpty { try writer.append(track: track, events: own) }
    }
    try writer.finish()
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
