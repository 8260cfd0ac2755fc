public import Hardware
import Units

/// The table of instructions as a document: every operation of the kernel interface with what it
/// takes and costs on each generation, and every machine instruction with its engines.
public enum InstructionDocument {
  /// The text, in Markdown. Costs are computed by the instructions themselves.
  public static func markdown(devices: [Device]) -> String {
    var lines = [
      "# Instructions",
      "",
      "Written by `trnbench`; a test keeps it equal to the sources. Do not edit.",
      "",
      "Operations of the kernel interface, what each becomes, and what it costs. N is the number of",
      "elements per partition; a law without a device is Trainium2's. The columns named after",
      "devices say which engines take it there, and the cycles of the stream and the time from",
      "dispatch to completion on an idle engine for \(InterfaceOperation.exampleOperands);",
      "for transfers the cycles and time that the busiest DMA engine needs, for the tensor engine",
      "those of its rows. `-` means that the device does not have it: such a program is refused",
      "with the generation that does.",
    ]
    for section in InterfaceOperation.sections {
      lines += ["", "## \(section.title)", ""]
      let titles =
        ["operation", "becomes", "operands", "formats", "cost", "source"] + devices.map(\.name)
      lines.append(row(titles))
      lines.append(row(titles.map { _ in "---" }))
      for operation in section.operations {
        lines.append(
          row(
            [
              "`\(operation.name)`", operation.expansion, operation.operands, operation.formats,
              operation.cost, operation.source,
            ] + devices.map { cell(operation, $0) }))
      }
    }
    return (lines + opcodes(devices) + indirectViews()).joined(separator: "\n") + "\n"
  }

  /// Which operands may be views through offsets in memory.
  private static func indirectViews() -> [String] {
    var lines = [
      "", "## Views through offsets", "",
      "From NeuronCore-v4 on these operands may be views whose elements uint16 offsets in SBUF",
      "choose along the free dimension: gathered where the operand is read, scattered where it is",
      "written (NKI: NkiTensor.indirect). Partitions come in whole groups of 16, 32 on the tensor",
      "engine; element i of a group's rows lies at the offset in the group's partition i mod 16,",
      "column i / 16. Offsets begin in a quadrant's first partition: the one in which the row that is",
      "read begins. The scalar engine does not scatter to PSUM; the tensor engine takes 16-bit floats",
      "and fp8, untiled and not transposed, and MX data with its scales through the same offsets. That",
      "an element costs what one of a row with long strides does is assumed: no source gives a cost.",
      "", row(["machine instruction", "operands"]), row(["---", "---"]),
    ]
    for opcode in Opcode.allCases {
      let names = Operation.empty(opcode).indirectOperands
      guard !names.isEmpty else { continue }
      lines.append(row(["`\(opcode.name)`", names.joined(separator: ", ")]))
    }
    return lines
  }

  /// Engines, cycles and time of one operation on one device.
  private static func cell(_ operation: InterfaceOperation, _ device: Device) -> String {
    let engines = operation.engines(generation: device.generation).map(\.name)
    guard !engines.isEmpty else { return "-" }
    guard let cost = operation.example(on: device) else { return engines.joined(separator: " ") }
    return engines.joined(separator: " ") + "; \(text(cost))"
  }

  /// `512 cycles, 685.7 ns`.
  public static func text(_ cost: ExampleCost) -> String {
    let cycles = cost.tenthsOfCycles
    let fraction = cycles % 10 == 0 ? "" : ".\(cycles % 10)"
    let tenths = (cost.duration.value + 50) / 100
    let time = "\(tenths / 10).\(tenths % 10) ns"
    return cycles == 0 ? time : "\(cycles / 10)\(fraction) cycles, \(time)"
  }

  private static func opcodes(_ devices: [Device]) -> [String] {
    let titles = ["machine instruction", "operations"] + devices.map(\.name)
    var lines = [
      "", "## Machine instructions", "",
      "As device profiles name them; the third column on: engines whose queue may hold them.", "",
      row(titles), row(titles.map { _ in "---" }),
    ]
    for opcode in Opcode.allCases {
      let users = InterfaceOperation.all.filter { $0.opcodes.contains(opcode) }.map(\.name)
      let engines = devices.map { device in
        let names = opcode.engines(generation: device.generation).map(\.name)
        return names.isEmpty ? "-" : names.joined(separator: " ")
      }
      lines.append(row(["`\(opcode.name)`", users.joined(separator: ", ")] + engines))
    }
    return lines
  }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.map { $0.split(separator: "|").joined(separator: "\\|") }.joined(separator: " | ")
      + " |"
  }
}
