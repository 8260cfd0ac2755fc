import NumericFormats

/// Where packed microscaled elements and their scales may stand: in the products and conversions
/// made for them, and wherever bits move unchanged. Casting one would read a part of it.
///
/// Source: NKI instruction reference (dtype rules: the x4 types take part in nc_matmul_mx,
/// quantize_mx and copies; memset writes zeros only; transfers do not cast them).
struct MicroscaledOperands {
  private var first: (name: String, format: NumberFormat)?
  private var onChip: NumberFormat?
  private var onChipDiffers = false
  private var transferred: NumberFormat?
  private var transferDiffers = false

  /// Notes an operand on chip.
  mutating func note(_ name: String, _ format: NumberFormat) {
    if first == nil, Self.isMicroscaled(format) { first = (name, format) }
    if let onChip, onChip != format { onChipDiffers = true }
    onChip = onChip ?? format
  }

  /// Notes one end of a transfer.
  mutating func noteTransfer(_ name: String, _ format: NumberFormat) {
    if first == nil, Self.isMicroscaled(format) { first = (name, format) }
    if let transferred, transferred != format { transferDiffers = true }
    transferred = transferred ?? format
  }

  /// Refuses what is no product, conversion, copy of bits or fill.
  func check(_ opcode: Opcode, _ rules: OperandRules) throws(Fault) {
    guard let first else { return }
    let isAllowed =
      switch opcode {
      // These name the formats that they take themselves.
      case .loadWeights, .matmul, .quantizeMX, .memset: true
      case .copy: !onChipDiffers
      case .dmaDirect, .dmaIndirect: !transferDiffers
      default: false
      }
    guard isAllowed else {
      throw rules.fault(
        first.name,
        .format(
          found: first.format.name,
          allowed: "a format with a value of its own; packed ones are only multiplied, quantized "
            + "to, filled with zeros or moved unchanged"))
    }
  }

  private static func isMicroscaled(_ format: NumberFormat) -> Bool {
    format.isPacked || format == .float8e8m0
  }
}
