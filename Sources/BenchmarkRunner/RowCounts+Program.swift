import InstructionSet
import NeuronCore
import TraceFile

/// What follows from how often each instruction of a program ran: an instruction that asks for a
/// transfer leaves a record on each DMA engine that takes part.
extension RowCounts {
  /// Executions by program counter, of which some ask for transfers.
  init(_ executions: [Int64], _ program: LoadedProgram, asking: [Int]) {
    var transfers = [Int64](repeating: 0, count: executions.count)
    for counter in asking {
      let engines = program.transferShape(at: counter)?.engines ?? 0
      transfers[counter] = executions[counter] * Int64(engines)
    }
    self.init(executions: executions, transfers: transfers)
  }

  /// The records of each DMA engine, and the bytes that they moved.
  func transfers(
    of program: LoadedProgram, asking: [Int]
  ) -> [(count: Int64, bytes: Int64)] {
    var engines = TrackID.dmaEngines.map { _ in (count: Int64(0), bytes: Int64(0)) }
    for counter in asking {
      guard let shape = program.transferShape(at: counter) else { continue }
      let count = executions[counter]
      let bytes = count * (shape.totalBytes / Int64(max(1, shape.engines)))
      for engine in 0..<min(Int(shape.engines), engines.count) {
        engines[engine].count += count
        engines[engine].bytes += bytes
      }
    }
    return engines
  }
}
