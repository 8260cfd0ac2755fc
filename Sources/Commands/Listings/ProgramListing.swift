import Hardware
import InstructionSet
import TerminalUI

/// What programs are made of.
enum ProgramListing {
  /// The operations of the kernel interface that a device has, with their laws, where these are
  /// known from, and what one set of operands costs on the device.
  static func instructions(on device: Device) -> Listing {
    var table = Table(columns: [
      .text("name", title: "operation", minimumWidth: nil),
      .text("engines", minimumWidth: 12), .text("expansion", priority: 2, minimumWidth: 16),
      .text("operands", priority: 3, minimumWidth: 20),
      .text("formats", priority: 4, minimumWidth: 16), .text("cost", minimumWidth: 24),
      .text("example", priority: 1, minimumWidth: 16),
      .text("source", priority: 1, minimumWidth: 20),
    ])
    let present = InterfaceOperation.all.filter {
      !$0.engines(generation: device.generation).isEmpty
    }
    for operation in present {
      let engines = operation.engines(generation: device.generation)
      table.append([
        .text(operation.name), .text(engines.map(\.name).joined(separator: " ")),
        .text(operation.expansion), .text(operation.operands), .text(operation.formats),
        .text(operation.cost),
        .text(operation.example(on: device).map(InstructionDocument.text) ?? ""),
        .text(operation.source),
      ])
    }
    table.footnotes = [
      "\(present.count) of \(InterfaceOperation.all.count) operations exist on \(device.name)",
      "costs on trn2, in cycles of the engine, N elements per partition; the example is what "
        + "\(InterfaceOperation.exampleOperands) cost on \(device.name)",
    ]
    return Listing(table: table)
  }
}
