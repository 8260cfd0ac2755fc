import InstructionSet
import NeuronCore
import TraceFile

/// How often each row of a program ran: from the steps of its engines that were not to the next
/// row.
struct RowExecutions {
  private let program: LoadedProgram
  /// The program counters of the rows that ask for transfers.
  private let asking: [Int]
  /// How much more often each row runs than the one before it.
  private var changes: [Int64]

  /// Nothing ran yet.
  init(_ program: LoadedProgram) {
    self.program = program
    let rows = program.program.segments.reduce(0) { $0 + $1.instructions.count }
    asking = (0..<rows).filter { program.transferShape(at: $0) != nil }
    changes = Array(repeating: 0, count: rows + 1)
  }

  /// Adds the steps of an engine.
  mutating func add(_ steps: [ProgramStep]) {
    for step in steps {
      changes[Int(step.target)] += 1
      changes[Int(step.end)] -= 1
    }
  }

  /// By program counter, once all engines have come to their end. An instruction that asks for a
  /// transfer leaves a record on each DMA engine that takes part.
  var counts: RowCounts {
    var running: Int64 = 0
    let executions = changes.dropLast().map { change in
      running += change
      return running
    }
    var transfers = [Int64](repeating: 0, count: executions.count)
    for row in asking {
      transfers[row] = executions[row] * Int64(program.transferShape(at: row)?.engines ?? 0)
    }
    return RowCounts(executions: executions, transfers: transfers)
  }

  /// The records of each DMA engine and the bytes that they moved, where rows ran that often.
  func transfers(_ counts: RowCounts) -> [(count: Int64, bytes: Int64)] {
    var engines = TrackID.dmaEngines.map { _ in (count: Int64(0), bytes: Int64(0)) }
    for row in asking {
      guard let shape = program.transferShape(at: row) else { continue }
      let count = counts.executions[row]
      let bytes = count * (shape.totalBytes / Int64(max(1, shape.engines)))
      for engine in 0..<min(Int(shape.engines), engines.count) {
        engines[engine].count += count
        engines[engine].bytes += bytes
      }
    }
    return engines
  }
}
