import Hardware
import TerminalUI

/// The modelled devices by what people choose them for.
enum DeviceListing {
  static func devices() -> Listing {
    var table = Table(columns: [
      .text("name", title: "device", minimumWidth: nil), .text("title", minimumWidth: 12),
      .text("status", priority: 1, minimumWidth: nil), Column("cores"),
      Column("hbm_bytes", title: "HBM"), Column("hbm_bytes_per_second", title: "HBM rate"),
      Column("bf16_flops", title: "BF16"), Column("fp8_flops", title: "FP8", priority: 2),
      Column("constants", priority: 3), Column("assumed", priority: 3),
    ])
    for device in Device.all {
      let constants = device.constants()
      table.append([
        .text(device.name), .text(device.title), .text(device.status.rawValue),
        .integer(Int64(device.memory.coresPerChip.value)),
        .bytes(Double(device.memory.hbmBytesPerChip.value)),
        .count(Double(device.memory.hbmBytesPerSecondChip.value), unit: "B/s"),
        .count(Double(device.peaks.bfloat16Chip.value) * 1e9, unit: "FLOP/s"),
        .count(Double(device.peaks.float8Chip.value) * 1e9, unit: "FLOP/s"),
        .integer(Int64(constants.count)),
        .integer(Int64(constants.count { $0.confidence == .assumed })),
      ])
    }
    table.footnotes = [
      "one chip each, peaks as the vendor states them; most workloads run on one core",
      "a device file changes any constant: --device my-trn2.yaml (docs/devices.md)",
    ]
    return Listing(table: table)
  }
}
