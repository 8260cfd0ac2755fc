import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import TerminalUI

/// The device kernels, each with one example built for a device.
enum KernelListing {
  /// Every kernel; one that cannot be built for the device is named and the others listed.
  static func kernels(on device: Device) -> Listing {
    var listing = Listing(
      table: Table(columns: [
        .text("name", title: "kernel", minimumWidth: nil), .text("family", priority: 1),
        .text("purpose", minimumWidth: 24),
        .text("example", priority: 1, minimumWidth: 16), Column("instructions"),
        .text("tensors", priority: 2, minimumWidth: 24),
      ]))
    var absent: [String] = []
    for entry in KernelShelf.entries {
      var count: Cell = .missing
      do {
        count = .integer(Int64(try entry.example.segment(on: device).instructions.count))
      } catch {
        guard entry.isMicroscaled, device.tensor.quadRowRows.value == 0 else {
          listing.failures.append(error)
          continue
        }
        absent.append(entry.name)
      }
      listing.table.append([
        .text(entry.name), .text(entry.family), .text(entry.purpose), .text(entry.example.name),
        count, .text(tensors(entry.example)),
      ])
    }
    listing.table.footnotes = ["instructions of the example on \(device.name)"]
    if !absent.isEmpty {
      listing.table.footnotes.append(
        "not on \(device.name), which lacks their instructions: "
          + absent.joined(separator: ", "))
    }
    return listing
  }

  /// `lhs bf16 [512, 512], …, out bf16 [512, 512]`
  private static func tensors(_ kernel: any Kernel) -> String {
    kernel.parameters.map { parameter in
      let shape = parameter.shape.map { "\($0)" }.joined(separator: ", ")
      return "\(parameter.name) \(parameter.format.name) [\(shape)]"
    }.joined(separator: ", ")
  }
}
