import InstructionSet
import NeuronCore

/// How often each row of a program ran: from the steps of its engines that were not to the next
/// row.
struct RowExecutions {
  /// The program counters of the rows that ask for transfers.
  let asking: [Int]
  /// How much more often each row runs than the one before it.
  private var changes: [Int64]

  /// Nothing ran yet.
  init(_ program: LoadedProgram) {
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

  /// By program counter, once all engines have come to their end.
  var counts: [Int64] {
    var running: Int64 = 0
    return changes.dropLast().map { change in
      running += change
      return running
    }
  }
}
