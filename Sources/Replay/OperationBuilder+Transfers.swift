import CoreState
import Hardware
import InstructionSet
import NumericFormats
import ProfileImport

/// Transfers: `src_elem_size=512 src_pattern=[512,1][128,1] …`, strides in bytes, innermost first.
extension OperationBuilder {
  mutating func transfer(
    _ row: ProfileInstruction, _ operands: ProfileOperands
  ) throws(Refusal) -> Operation {
    guard operands.fields["compute_op"] ?? "NONE" == "NONE" else { throw Refusal("it computes") }
    let formats = try transferFormats(operands)
    // The instruction's row says which end lies in HBM: addresses of both look alike.
    let source = try end("src", formats.source, operands, isHBM: row.bytes.hbmRead > 0)
    let destination = try end("dst", formats.destination, operands, isHBM: row.bytes.hbmWrite > 0)
    return .dma(DMADirect(destination, from: source))
  }

  /// Formats matter where they differ; else any of a fitting size moves the same bytes.
  private func transferFormats(
    _ operands: ProfileOperands
  ) throws(Refusal) -> (source: NumberFormat, destination: NumberFormat) {
    if let from = operands.fields["in_dtype"], let to = operands.fields["out_dtype"] {
      guard let source = Self.format(from), let destination = Self.format(to) else {
        throw Refusal("formats '\(from)' and '\(to)'")
      }
      return (source, destination)
    }
    let steps = ["src", "dst"].flatMap { side in
      [operands.integer("\(side)_elem_size") ?? 1]
        + (operands.pattern("\(side)_pattern")?.strides ?? [])
    }
    let isWide = steps.allSatisfy { $0 % 4 == 0 || $0 == 1 }
    return isWide ? (.float32, .float32) : (.uint8, .uint8)
  }

  private mutating func end(
    _ side: String, _ format: NumberFormat, _ operands: ProfileOperands, isHBM: Bool
  ) throws(Refusal) -> DataLocation {
    guard let elementBytes = operands.integer("\(side)_elem_size"), elementBytes > 0,
      elementBytes % format.sizeBytes == 0,
      let (strides, sizes) = operands.pattern("\(side)_pattern")
    else { throw Refusal("no element size or pattern of '\(side)'") }
    let run = elementBytes / format.sizeBytes
    guard isHBM else { return .onChip(try onChip(side, format, run, strides, sizes, operands)) }
    var dimensions = zip(sizes, strides).reversed().filter { $0.0 != 1 }.map { ($0.0, $0.1) }
    dimensions.append((run, format.sizeBytes))
    guard dimensions.count <= 4,
      dimensions.allSatisfy({ $0.1 % format.sizeBytes == 0 && Int32(exactly: $0.1) != nil })
    else { throw Refusal("a pattern of \(dimensions.count) dimensions in HBM") }
    var access = TensorAccess(
      tensor: UInt16(clamping: tensors.count), format: format, byteOffset: 0,
      dimensionCount: UInt8(dimensions.count), sizes: SIMD4(repeating: 1),
      strides: SIMD4(repeating: 0))
    for (index, dimension) in dimensions.enumerated() {
      access.sizes[index] = UInt32(clamping: dimension.0)
      access.strides[index] = Int32(dimension.1 / format.sizeBytes)
    }
    let extent = access.byteExtent
    guard tensors.count < Int(UInt16.max), extent.lowerBound >= 0, extent.upperBound < 1 << 40
    else { throw Refusal("more of HBM than a program names") }
    tensors.append(
      TensorParameter(name: "\(side)\(tensors.count)", sizeBytes: extent.upperBound))
    return .hbm(access)
  }

  /// One dimension counts partitions; the others lie within one.
  private func onChip(
    _ side: String, _ format: NumberFormat, _ run: Int, _ strides: [Int], _ sizes: [Int],
    _ operands: ProfileOperands
  ) throws(Refusal) -> AccessPattern {
    guard let address = operands.integer("\(side)_addr_imm"), address >= 0 else {
      throw Refusal("no address of '\(side)'")
    }
    var partitions = 1
    var access = ProfileOperands.Access(
      format: "", address: UInt64(address) % Self.psumBase, strides: [1], sizes: [run])
    for (size, stride) in zip(sizes, strides) where size != 1 {
      if stride == Int(Self.partitionBytes), partitions == 1 {
        partitions = size
      } else {
        guard stride % format.sizeBytes == 0 else { throw Refusal("an odd stride of '\(side)'") }
        access.sizes.append(size)
        access.strides.append(stride / format.sizeBytes)
      }
    }
    return try pattern(access, format, partitions: partitions)
  }
}
