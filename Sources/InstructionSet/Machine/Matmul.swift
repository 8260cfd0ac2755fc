public import CoreState
public import Hardware
import NumericFormats
import Units

/// MATMUL: streams a moving tile [K partitions, N columns] past the loaded weights [K, M] and
/// writes or adds weightsᵀ·moving to PSUM [M partitions, N columns].
///
/// Each product accumulates k upward by fused multiply-add from zero; the sum is then written or
/// added to PSUM in fp32.
/// Source: NKI instruction reference (nc_matmul), architecture guide (64-cycle minimum), profiler
/// captures (2 cycles per row of an fp32 pass, 97 ns to completion), architecture guide for
/// Trainium3 (a microscaled product takes the time of a bf16 product; transposes run beside other
/// products, about twice as fast in chains).
public struct Matmul: MachineInstruction {
  /// The result in PSUM: M partitions, N columns.
  public var destination = AccessPattern()
  /// The moving tile in SBUF: K partitions, N columns.
  public var moving = AccessPattern()
  /// Columns of the weights in use: M.
  public var columns: Int32 = 128
  /// Adds to PSUM; otherwise overwrites.
  public var accumulate = false
  /// Bit-exact pass-through of the weights in the order that the moving permutation gives.
  public var isTranspose = false
  /// fp8 only: the moving tile is [K, 2, N], two contraction rows in each row of the array.
  public var isDoubleRow = false
  /// First row of the array (partition of K), a multiple of the tile's rows.
  public var row: Int32 = 0
  /// First column of the array, a multiple of the tile's columns.
  public var column: Int32 = 0
  /// fp32 only: one pass is enough, since an operand is ones and zeros.
  public var isOneZero = false
  /// Rows of the tile, 0 for the fewest that hold the operand.
  public var tileRows: Int32 = 0
  /// Columns of the tile, 0 for the fewest that hold the operand.
  public var tileColumns: Int32 = 0
  /// Microscaled formats only: uint8 scales of the moving tile in whole quadrants.
  public var scales = AccessPattern()
  /// First partition of the scales within each quadrant: 0, 4, 8 or 12.
  public var scaleOffset: Int32 = 0

  public var opcode: Opcode { .matmul }
  public init() {}

  /// Streams `moving` past `columns` columns of weights into `destination`.
  public init(
    _ destination: AccessPattern, _ moving: AccessPattern, columns: Int, accumulate: Bool,
    isTranspose: Bool = false, isDoubleRow: Bool = false
  ) {
    self.destination = destination
    self.moving = moving
    self.columns = Int32(columns)
    self.accumulate = accumulate
    self.isTranspose = isTranspose
    self.isDoubleRow = isDoubleRow
  }

  /// Columns that stream through the array: N.
  var movingColumns: Int { isDoubleRow ? moving.columns / 2 : moving.columns }

  /// Contraction rows that one partition holds.
  static func rowsPerPartition(_ format: NumberFormat, _ isDoubleRow: Bool) -> Int {
    format.isPacked ? MXFormat.packedCount : isDoubleRow ? 2 : 1
  }

  /// Where the scales of a microscaled operand lie; nil for all others.
  static func scales(_ format: NumberFormat, _ access: AccessPattern, _ offset: Int32) -> MXScales?
  {
    format.isPacked ? MXScales(access, offset: Int(offset)) : nil
  }

  public static let indirectOperands = ["dst", "src", "scale"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &moving)
    try visitor.integer("m", &columns)
    try visitor.flag("acc", &accumulate)
    try visitor.flag("transpose", &isTranspose)
    try visitor.flag("double", &isDoubleRow)
    try visitor.integer("row", &row)
    try visitor.integer("col", &column)
    try visitor.flag("onezero", &isOneZero)
    try visitor.integer("tilerows", &tileRows)
    try visitor.integer("tilecols", &tileColumns)
    guard moving.format.isPacked else { return }
    try visitor.read("scale", &scales)
    try visitor.integer("offset", &scaleOffset)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .psum)
    try rules.require("src", moving, in: .sbuf)
    try Self.checkFormat(rules, moving, isTranspose: isTranspose)
    try checkResult(rules)
    if isDoubleRow {
      try Self.checkDoubleRow(
        rules, moving, isTranspose: isTranspose, column: column, tileColumns: tileColumns)
    }
    if moving.format.isPacked {
      try Self.checkScaled(
        rules, moving, scales: scales, offset: scaleOffset, column: column,
        tileColumns: tileColumns, isTranspose: isTranspose, isDoubleRow: isDoubleRow)
    }
    try Self.checkIndirect(
      rules, moving, scales: scales, row: row, column: column, tileRows: tileRows,
      tileColumns: tileColumns, isTranspose: isTranspose, isDoubleRow: isDoubleRow)
    if destination.isIndirect {
      try Self.checkUntiled(
        rules, row: row, column: column, tileRows: tileRows, tileColumns: tileColumns,
        isTranspose: isTranspose, isDoubleRow: isDoubleRow)
    }
    if isOneZero, moving.format != .float32 || isTranspose {
      throw rules.fault("onezero", .value(found: "onezero", allowed: "products of fp32 only"))
    }
    let tensor = rules.device.tensor
    let limit =
      (destination.format.sizeBytes == 4
      ? tensor.maximumMovingColumns : tensor.maximumMovingColumns16).value
    guard movingColumns <= limit else {
      throw rules.fault("src", .tooManyElements(found: movingColumns, limit: limit))
    }
    try rules.require("dst", destination, columns: movingColumns)
    try rules.require("dst", destination, partitions: Int(columns))
    if isTranspose, accumulate {
      throw rules.fault("acc", .value(found: "acc with transpose", allowed: "one of them"))
    }
    try checkBanks(rules)
    try Self.checkTile(
      rules, row: row, rows: Int(moving.partitionCount), tileRows: tileRows, column: column,
      columns: Int(columns), tileColumns: tileColumns)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    if isTranspose {
      core.passThrough(
        moving, columns: Int(columns), to: destination, row: Int(row), column: Int(column),
        engine: engine)
    } else {
      core.multiply(
        moving, columns: Int(columns), to: destination, accumulate: accumulate, row: Int(row),
        column: Int(column), engine: engine,
        rowsPerPartition: Self.rowsPerPartition(moving.format, isDoubleRow),
        scales: Self.scales(moving.format, scales, scaleOffset))
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.tensor
    var cost = Cost()
    cost.kind = .matmul
    let isFP32 = moving.format == .float32
    let cyclesPerRow = (isFP32 ? law.cyclesPerRowFP32 : law.cyclesPerRow16).value
    let rows = max(law.minimumStreamCycles.value, Int64(movingColumns))
    cost.streamTenths = rows * cyclesPerRow * 10
    if isTranspose {
      if isFP32 { cost.streamTenths *= Int64(law.passesTransposeFP32.value) }
      // Beside another transpose the stream takes half its time.
      if law.backgroundTranspose.value { cost.streamTenths /= 2 }
    }
    if isFP32 {
      // The measured penalty of a strided fp32 operand is that of a product in two passes.
      let penalty = StreamShape(moving, to: nil, rate: 0).stridePenalty(device)
      let passes = Int64(law.passesFP32.value)
      cost.streamTenths += (penalty * law.stridedMovingFP32.value / passes + 50) / 100 * 10
    }
    cost.banks = destination.banks(bankBytes: device.memory.psumBankBytes.value)
    return cost
  }
}

extension AccessPattern {
  /// PSUM banks touched, one bit each; zero for SBUF. A register's address may lie anywhere.
  func banks(bankBytes: Int) -> UInt8 {
    guard space == .psum else { return 0 }
    guard register == AccessPattern.noRegister else { return .max }
    let extent = byteExtent
    var mask: UInt8 = 0
    for bank in (extent.lowerBound / bankBytes)...((extent.upperBound - 1) / bankBytes) {
      mask |= 1 << UInt8(bank)
    }
    return mask
  }
}
