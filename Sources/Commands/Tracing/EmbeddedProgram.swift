import InstructionSet
import TraceFile

/// The program that a trace carries in binary form.
struct EmbeddedProgram: Sendable {
  let program: Program
  /// First program counter of each segment, and one past the last.
  private let bases: [Int]

  /// The program of a trace; nil when it has none, or one that this build cannot read.
  init?(_ reader: borrowing TraceReader) throws(TraceError) {
    guard let bytes = try reader.programBinary(),
      let program = try? ProgramBinary.program(from: bytes)
    else { return nil }
    self.program = program
    var bases = [0]
    for segment in program.segments { bases.append(bases.last! + segment.instructions.count) }
    self.bases = bases
  }

  /// The instruction of a program counter with its operands, as assembly text; empty when there is
  /// none.
  func text(_ programCounter: UInt32) -> String {
    let counter = Int(programCounter)
    guard let after = bases.firstIndex(where: { $0 > counter }), after > 0 else { return "" }
    let segment = program.segments[after - 1]
    return Assembly.text(
      of: segment.instructions[counter - bases[after - 1]], tensors: segment.tensors)
  }
}
