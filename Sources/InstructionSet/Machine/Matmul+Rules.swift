import CoreState
import Hardware
import NumericFormats

extension Matmul {
  /// Formats that the array multiplies on every generation.
  static let formats: [NumberFormat] = [
    .bfloat16, .float16, .float8e4m3, .float8e5m2, .float8e3m4, .tensorFloat32, .float32,
  ]

  /// An operand has a format of the device's array; a transpose passes 8-bit integers through too.
  ///
  /// Source: NKI instruction reference (nc_matmul, nc_transpose, nc_matmul_mx).
  static func checkFormat(
    _ rules: OperandRules, _ access: AccessPattern, isTranspose: Bool
  ) throws(Fault) {
    if access.format == .float8e4m3fn || access.format.isPacked {
      return try rules.require("src", generation: 4)
    }
    let isByte = access.format == .int8 || access.format == .uint8
    if isTranspose, isByte, rules.device.tensor.transposeIsExact.value { return }
    try rules.require("src", access, formats: formats)
  }

  /// The result is fp32, from NeuronCore-v4 on also bf16; what a transpose passes through keeps its
  /// format, and elements of one byte lie two bytes apart.
  ///
  /// Source: NKI instruction reference (nc_matmul, nc_transpose), architecture guide for Trainium2
  /// (8-bit elements fill the lower halves of 16 bits).
  func checkResult(_ rules: OperandRules) throws(Fault) {
    let format = destination.format
    guard format != .float32 else { return }
    guard isTranspose else {
      if format == .bfloat16 { return try rules.require("dst", generation: 4) }
      let allowed: [NumberFormat] =
        rules.device.tensor.writesBFloat16.value ? [.float32, .bfloat16] : [.float32]
      return try rules.require("dst", destination, formats: allowed)
    }
    try rules.require("dst", destination, formats: [.float32, moving.format])
    guard rules.device.tensor.transposeIsExact.value else {
      return try rules.require("dst", generation: 3)
    }
    guard format.sizeBytes == 1 else { return }
    let isSpread = (0..<Int(destination.dimensionCount)).allSatisfy {
      destination.strides[$0] % 2 == 0
    }
    guard isSpread, destination.innermostStride == 2, destination.byteOffset % 2 == 0 else {
      throw rules.fault(
        "dst",
        .value(
          found: "stride \(destination.innermostStride) at byte \(destination.byteOffset)",
          allowed: "stride 2 from an even byte: 8-bit elements take 16 bits"))
    }
  }

  /// The result lies in as many banks as one instruction may write.
  func checkBanks(_ rules: OperandRules) throws(Fault) {
    let bank = rules.device.memory.psumBankBytes.value
    let limit = rules.device.tensor.banksPerInstruction.value
    let extent = destination.byteExtent
    let banks = (extent.upperBound - 1) / bank - extent.lowerBound / bank + 1
    guard banks <= limit else {
      let allowed =
        limit == 1 ? "one PSUM bank of \(bank) bytes" : "\(limit) PSUM banks of \(bank) bytes"
      throw rules.fault("dst", .value(found: "bytes \(extent)", allowed: allowed))
    }
  }

  /// The double-row mode: NeuronCore-v3 and newer, fp8, [K, 2, …] patterns, no transpose and no
  /// column tiles.
  ///
  /// Source: NKI instruction reference (nc_matmul, double_row performance mode).
  static func checkDoubleRow(
    _ rules: OperandRules, _ access: AccessPattern, isTranspose: Bool, column: Int32,
    tileColumns: Int32
  ) throws(Fault) {
    guard rules.device.tensor.doubleRowRows.value == 2 else {
      throw rules.generationFault("double", needs: 3)
    }
    let formats: [NumberFormat] = [.float8e4m3, .float8e5m2]
    if access.format != .float8e4m3fn { try rules.require("src", access, formats: formats) }
    guard access.dimensionCount >= 2, access.sizes[0] == 2 else {
      throw rules.fault(
        "src",
        .value(
          found: "first free dimension \(access.sizes[0])", allowed: "2, and columns inside it"))
    }
    let full = Int32(rules.device.memory.partitions.value)
    guard !isTranspose, column == 0, tileColumns == 0 || tileColumns == full else {
      throw rules.fault(
        "double", .value(found: "double", allowed: "neither with transpose nor with column tiles"))
    }
  }

  /// A microscaled operand: whole quadrants with their scales, in row tiles only.
  ///
  /// Source: NKI instruction reference (nc_matmul_mx).
  static func checkScaled(
    _ rules: OperandRules, _ access: AccessPattern, scales: AccessPattern, offset: Int32,
    column: Int32, tileColumns: Int32, isTranspose: Bool, isDoubleRow: Bool
  ) throws(Fault) {
    try MXRules.check(rules, data: "src", access, scales: scales, offset: offset)
    let full = Int32(rules.device.memory.partitions.value)
    guard column == 0, tileColumns == 0 || tileColumns == full else {
      throw rules.fault("col", .value(found: "\(column)", allowed: "0: row tiles only"))
    }
    guard !isTranspose, !isDoubleRow else {
      throw rules.fault(
        isTranspose ? "transpose" : "double",
        .value(found: access.format.name, allowed: "formats of one number per element"))
    }
  }

  /// What the array reads through offsets are 16-bit floats and fp8, in no tile but the first and
  /// not transposed; data and scales of a microscaled operand go through the same offsets.
  ///
  /// Source: NKI instruction reference (nc_matmul and nc_matmul_mx, tensor indirection).
  static func checkIndirect(
    _ rules: OperandRules, _ access: AccessPattern, scales: AccessPattern, row: Int32,
    column: Int32, tileRows: Int32, tileColumns: Int32, isTranspose: Bool, isDoubleRow: Bool
  ) throws(Fault) {
    if access.format.isPacked {
      guard access.isIndirect == scales.isIndirect,
        access.indexByte == scales.indexByte || !access.isIndirect
      else {
        throw rules.fault(
          "scale", .value(found: "other offsets than src", allowed: "those of src, or none"))
      }
    }
    guard access.isIndirect else { return }
    let floats: [NumberFormat] = [
      .float16, .bfloat16, .float8e4m3, .float8e5m2, .float8e4m3fn,
    ]
    if !access.format.isPacked { try rules.require("src", access, formats: floats) }
    try checkUntiled(
      rules, row: row, column: column, tileRows: tileRows, tileColumns: tileColumns,
      isTranspose: isTranspose, isDoubleRow: isDoubleRow)
  }

  /// Offsets go with the whole array only.
  static func checkUntiled(
    _ rules: OperandRules, row: Int32, column: Int32, tileRows: Int32, tileColumns: Int32,
    isTranspose: Bool, isDoubleRow: Bool
  ) throws(Fault) {
    guard row == 0, column == 0 else {
      throw rules.fault(
        row == 0 ? "col" : "row",
        .value(found: "\(row == 0 ? column : row)", allowed: "0 with indirect views"))
    }
    let full = Int32(rules.device.memory.partitions.value)
    for (name, size) in [("tilerows", tileRows), ("tilecols", tileColumns)]
    where size != 0 && size != full {
      throw rules.fault(name, .value(found: "\(size)", allowed: "none with indirect views"))
    }
    guard !isTranspose, !isDoubleRow else {
      throw rules.fault(
        isTranspose ? "transpose" : "double",
        .value(found: "with an indirect view", allowed: "plain patterns only"))
    }
  }

  /// A tile of the array is as large as it says, or the smallest that holds its operand, and starts
  /// at a multiple of its size.
  ///
  /// Source: NKI instruction reference (nc_matmul: tile_size 64 and 128, and 32 from NeuronCore-v3
  /// on).
  static func checkTile(
    _ rules: OperandRules, row: Int32, rows: Int, tileRows: Int32, column: Int32, columns: Int,
    tileColumns: Int32
  ) throws(Fault) {
    try checkSide(rules, "row", Int(row), rows, "tilerows", Int(tileRows))
    try checkSide(rules, "col", Int(column), columns, "tilecols", Int(tileColumns))
  }

  private static func checkSide(
    _ rules: OperandRules, _ name: String, _ start: Int, _ count: Int, _ sizeName: String,
    _ given: Int
  ) throws(Fault) {
    let full = rules.device.memory.partitions.value
    let least = rules.device.tensor.minimumTile.value
    let quarter = full / 4
    if given != 0 {
      guard [quarter, 2 * quarter, full].contains(given), given >= count else {
        let allowed = [quarter, 2 * quarter, full].filter { $0 >= count }
        throw rules.fault(
          sizeName,
          .value(found: "\(given)", allowed: allowed.map(String.init).joined(separator: ", ")))
      }
      if given < least { try rules.require(sizeName, generation: 3) }
    }
    let smallest = tileSize(count, given: given, full: full, least: quarter)
    let size = tileSize(count, given: given, full: full, least: least)
    guard count > 0, start >= 0, start % smallest == 0, start + smallest <= full else {
      throw rules.fault(
        name, .value(found: "\(start)", allowed: "multiples of \(size) for \(count)"))
    }
    guard start % size == 0, start + size <= full else {
      throw rules.generationFault(name, needs: 3)
    }
  }

  /// Rows or columns that a tile holds: what it says, or a quarter, a half or all of a side.
  static func tileSize(_ count: Int, given: Int, full: Int, least: Int) -> Int {
    if given != 0 { return given }
    let fitting = count <= full / 4 ? full / 4 : count <= full / 2 ? full / 2 : full
    return max(fitting, least)
  }
}
