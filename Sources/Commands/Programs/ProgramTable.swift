import Hardware
import InstructionSet
import TerminalUI

/// What a program consists of.
enum ProgramTable {
  /// One row per segment: how often it runs and how many instructions each engine has.
  static func table(_ program: Program) -> Table {
    var columns = [Column.text("segment", minimumWidth: 16), Column("invocations")]
    columns += Engine.allCases.map { Column($0.name) }
    columns += [Column("instructions"), Column("tensor_bytes", title: "tensors", priority: 1)]
    var table = Table(columns: columns)
    for (index, segment) in program.segments.enumerated() {
      let runs = program.invocations.count { $0.segment == index }
      let bytes = segment.tensors.reduce(0) { $0 + $1.sizeBytes }
      var cells: [Cell] = [.text(segment.name), .integer(Int64(runs))]
      cells += Engine.allCases.map { .integer(Int64(segment.range(of: $0).count)) }
      cells += [.integer(Int64(segment.instructions.count)), .bytes(Double(bytes))]
      table.append(cells)
    }
    return table
  }
}
