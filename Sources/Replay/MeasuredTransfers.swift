import InstructionSet
import ProfileImport

/// What each transfer of the kernel did on each DMA engine, from the capture's descriptor rows.
struct MeasuredTransfers {
  /// The parts of the transfers by program counter of their triggers, in picoseconds on the
  /// capture's clock; absent where the capture's descriptors do not show them.
  private(set) var parts: [UInt32: [ProfileTransfers.Part]] = [:]
  /// Transfers that were triggered and have no parts.
  let missing: Int

  init(_ replay: Replay) {
    let instructions = replay.rebuilt.program.segments[0].instructions
    let triggers = replay.rows.indices.filter {
      replay.rows[$0].isKernel && instructions[$0].operation.opcode.isDMA
    }
    let transfers = ProfileTransfers(
      of: triggers.map { replay.rows[$0].measured }, replay.report, core: replay.core)
    missing = transfers.missing
    for (counter, parts) in zip(triggers, transfers.parts) where !parts.isEmpty {
      self.parts[UInt32(counter)] = parts
    }
  }
}
