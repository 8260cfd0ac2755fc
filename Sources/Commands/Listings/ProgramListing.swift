import Hardware
import InstructionSet
import TerminalUI

/// What programs are made of.
enum ProgramListing {
  /// Every operation of the kernel interface with its law and where that is known from.
  static func instructions() -> Listing {
    var table = Table(columns: [
      .text("name", title: "operation", minimumWidth: nil),
      .text("engines", minimumWidth: 12), .text("expansion", priority: 2, minimumWidth: 16),
      .text("operands", priority: 3, minimumWidth: 20),
      .text("formats", priority: 4, minimumWidth: 16), .text("cost", minimumWidth: 24),
      .text("source", priority: 1, minimumWidth: 20),
    ])
    for operation in InterfaceOperation.all {
      table.append([
        .text(operation.name), .text(operation.engines.map(\.name).joined(separator: " ")),
        .text(operation.expansion), .text(operation.operands), .text(operation.formats),
        .text(operation.cost), .text(operation.source),
      ])
    }
    table.footnotes = ["costs on trn2, in cycles of the engine, N elements per partition"]
    return Listing(table: table)
  }
}
