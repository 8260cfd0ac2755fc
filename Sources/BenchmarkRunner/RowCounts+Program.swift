import InstructionSet
import NeuronCore
import TraceFile

/// What follows from how often each instruction of a program ran: an instruction that asks for a
/// transfer leaves a record on each DMA engine that takes part.
extension RowCounts {
  init(_ executions: [Int64], _ program: LoadedProgram) {
    let transfers = executions.enumerated().map { counter, count in
      count == 0 ? 0 : count * Int64(program.transferShape(at: counter)?.engines ?? 0)
    }
    self.init(executions: executions, transfers: transfers)
  }

  /// The records of each DMA engine, and the bytes that they moved.
  func transfers(of program: LoadedProgram) -> [(count: Int64, bytes: Int64)] {
    var engines = TrackID.dmaEngines.map { _ in (count: Int64(0), bytes: Int64(0)) }
    for (counter, count) in executions.enumerated() where transfers[counter] > 0 {
      guard let shape = program.transferShape(at: counter) else { continue }
      let bytes = count * (shape.totalBytes / Int64(max(1, shape.engines)))
      for engine in 0..<min(Int(shape.engines), engines.count) {
        engines[engine].count += count
        engines[engine].bytes += bytes
      }
    }
    return engines
  }
}
