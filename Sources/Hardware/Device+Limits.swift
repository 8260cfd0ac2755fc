extension Device {
  /// Refuses values that the model cannot hold or that mean nothing, such as an engine without
  /// bytes per cycle: what a device file or a what-if must pass. Throws `HardwareError`.
  public func checkLimits() throws {
    for row in constants() {
      let limits = ConstantLimits.of(row)
      guard let violation = limits.violation(row.value) else { continue }
      throw HardwareError.outOfLimits(
        path: row.path, value: violation, unit: row.unit, allowed: limits.text)
    }
    let banks = memory.psumBanks.value * memory.psumBankBytes.value
    guard banks == memory.psumBytesPerPartition.value else {
      throw HardwareError.outOfLimits(
        path: "memory.psumBytesPerPartition", value: "\(memory.psumBytesPerPartition.value)",
        unit: .bytes, allowed: "psumBanks x psumBankBytes = \(banks)")
    }
  }
}

/// The lowest and highest value that the model can work with.
private struct ConstantLimits {
  let low: Int64
  let high: Int64

  /// `low to high`.
  var text: String { low == high ? "\(low) alone" : "\(low) to \(high)" }

  /// Those of a constant: its own, else those of its unit.
  static func of(_ row: ConstantRow) -> ConstantLimits {
    let range = special[row.path] ?? usual(row.unit)
    return ConstantLimits(low: range.lowerBound, high: range.upperBound)
  }

  /// The part of a value that lies outside; nil when none does.
  func violation(_ text: String) -> String? {
    for word in text.split(separator: " ") {
      let parts = word.split(separator: "/").compactMap { Int64($0) }
      // Flags are no numbers and have no limits.
      guard let first = parts.first else { continue }
      let value = parts.count == 2 ? first / max(1, parts[1]) : first
      guard value < low || value > high || parts.contains(where: { $0 > 1_000_000 && low == 10 })
      else { continue }
      return String(word)
    }
    return nil
  }

  private static func usual(_ unit: ConstantUnit) -> ClosedRange<Int64> {
    switch unit {
    // A tenth of a second: products with a clock's ratio stay far from overflow.
    case .picoseconds: 0...100_000_000_000
    // 100 GHz to 1 MHz.
    case .picosecondsPerCycle: 10...1_000_000
    case .cycles, .tenthsOfCycles: 0...10_000_000
    case .tenthsOfCyclesPerElement, .hundredthsOfCyclesPerElement: 0...1_000_000
    case .bytes: 1...1_000_000_000_000_000
    case .bytesPerCycle: 1...4_096
    case .bytesPerSecond: 1_000_000_000...1_000_000_000_000_000
    case .bytesPerMicrosecond: 0...1_000_000_000
    case .permille: 1...100_000
    case .count: 0...1_000_000
    case .gigaflops, .centsPerHour: 0...1_000_000_000_000
    case .flag: 0...1
    }
  }

  /// What sizes of the model's own tables and operands allow.
  private static let special: [String: ClosedRange<Int64>] = [
    "chip.dies": 1...64, "chip.chipsPerInstance": 1...10_000,
    "memory.partitions": 128...128, "tensor.rows": 128...128, "tensor.columns": 128...128,
    "memory.coresPerChip": 1...1_024, "memory.coresPerStack": 1...1_024,
    "memory.hbmStacks": 1...1_024,
    "memory.hbmBytesPerChip": 1_073_741_824...70_368_744_177_664,
    "memory.sbufBytesPerPartition": 16_384...1_048_576,
    "memory.sbufPartitionPitchBytes": 16_384...16_777_216,
    "memory.psumBytesPerPartition": 2_048...65_536, "memory.psumBanks": 1...8,
    "memory.psumBankBytes": 256...16_384, "memory.maximumFreeElementsSBUF": 64...65_536,
    "memory.maximumFreeElementsPSUM": 64...65_536, "memory.startPartitionStep": 1...128,
    "memory.strideSectorBytes": 4...64, "memory.semaphores": 16...256, "memory.events": 0...256,
    "memory.registersPerSequencer": 1...64, "tensor.minimumTile": 32...128,
    "tensor.maximumMovingColumns": 64...8_192, "tensor.cyclesPerRow16": 1...64,
    "tensor.cyclesPerRowFP32": 1...64, "tensor.passes16": 1...8, "tensor.passesFP32": 1...8,
    "tensor.passesFP32OneZero": 1...8, "tensor.passesTransposeFP32": 1...8,
    "tensor.doubleRowRows": 0...2, "tensor.quadRowRows": 0...4, "tensor.runAhead": 1...63,
    "tensor.loadWeightsFP32Extra": 0...10_000, "limiter.windowCycles": 64...1_000_000,
    "limiter.fullCycles": 64...10_000_000, "limiter.thresholdNumerator": 0...1_000_000,
    "limiter.thresholdDenominator": 1...1_000_000, "limiter.limitedRate": 1...1_000,
    "scalar.maximumLead": 1...63, "gpsimd.processors": 1...128,
    "gpsimd.partitionsPerProcessor": 1...128, "dma.enginesPerCore": 1...16,
    "dma.partitionsPerEngine": 1...128, "dma.ringsPerEngine": 1...16,
    "dma.maxDescriptorBytes": 64...1_048_576, "dma.packetBytes": 64...1_048_576,
    "dma.maxDescriptorsPerPacket": 1...65_536, "dma.maxSources": 1...1_024,
    "dma.semaphoreIncrements": 1...16, "dma.stretchMaximumBytes": 0...1_073_741_824,
    "dma.stretchLoadAlone": 1_000...100_000, "dma.stretchLoadQueued": 1_000...100_000,
    "dma.stretchLoadOneEngine": 1_000...100_000,
    "dma.loneLoadBytesPerMicrosecondPerEngine": 1...1_000_000_000,
    "dma.stretchSoftwareLoad": 1_000...100_000, "dma.transposeFromHBM": 1...1_000,
    "dma.transposeFromSBUF": 1...1_000, "dma.computeThroughput": 1...1_000,
    "vector.findElementsMaximum": 8...65_536, "vector.batchNormElementsMaximum": 1...65_536,
    "vector.rates.batchNormAggregateDenominator": 1...1_000_000,
    "envelope.hostDispatch": 0...1_000_000_000_000_000,
    "price.chips": 1...1_000_000,
  ]
}
