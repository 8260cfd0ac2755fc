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
/// captures (2 cycles per row of an fp32 pass, 97 ns to completion).
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

  /// Formats that the array multiplies on Trainium2.
  static let formats: [NumberFormat] = [
    .bfloat16, .float16, .float8e4m3, .float8e5m2, .float8e3m4, .tensorFloat32, .float32,
  ]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &moving)
    try visitor.integer("m", &columns)
    try visitor.flag("acc", &accumulate)
    try visitor.flag("transpose", &isTranspose)
    try visitor.flag("double", &isDoubleRow)
    try visitor.integer("row", &row)
    try visitor.integer("col", &column)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .psum)
    try rules.require("src", moving, in: .sbuf)
    try rules.require("src", moving, formats: Self.formats)
    let allowed: [NumberFormat] = isTranspose ? [.float32, moving.format] : [.float32]
    try rules.require("dst", destination, formats: allowed)
    if isDoubleRow {
      try Self.checkDoubleRow(rules, moving, isTranspose: isTranspose, column: column)
    }
    let limit = rules.device.tensor.maximumMovingColumns.value
    guard movingColumns <= limit else {
      throw rules.fault("src", .tooManyElements(found: movingColumns, limit: limit))
    }
    try rules.require("dst", destination, columns: movingColumns)
    try rules.require("dst", destination, partitions: Int(columns))
    if isTranspose, accumulate {
      throw rules.fault("acc", .value(found: "acc with transpose", allowed: "one of them"))
    }
    let bank = rules.device.memory.psumBankBytes.value
    let extent = destination.byteExtent
    guard extent.lowerBound / bank == (extent.upperBound - 1) / bank else {
      throw rules.fault(
        "dst", .value(found: "bytes \(extent)", allowed: "one PSUM bank of \(bank) bytes"))
    }
    try Self.checkTile(
      rules, row: row, rows: Int(moving.partitionCount), column: column, columns: Int(columns))
  }

  /// The double-row mode: a device that has it, fp8, [K, 2, …] patterns, no transpose and no column
  /// tiles.
  ///
  /// Source: NKI instruction reference (nc_matmul, double_row performance mode).
  static func checkDoubleRow(
    _ rules: OperandRules, _ access: AccessPattern, isTranspose: Bool, column: Int32
  ) throws(Fault) {
    guard rules.device.tensor.doubleRowRows.value == 2 else {
      throw rules.fault(
        "double", .value(found: "double", allowed: "not on device \(rules.device.name)"))
    }
    try rules.require("src", access, formats: [.float8e4m3, .float8e5m2])
    guard access.dimensionCount >= 2, access.sizes[0] == 2 else {
      throw rules.fault(
        "src",
        .value(
          found: "first free dimension \(access.sizes[0])", allowed: "2, and columns inside it"))
    }
    guard !isTranspose, column == 0 else {
      throw rules.fault(
        "double", .value(found: "double", allowed: "neither with transpose nor with column tiles"))
    }
  }

  /// A tile of the array starts at a multiple of its own power-of-two size: 32, 64 or 128.
  static func checkTile(
    _ rules: OperandRules, row: Int32, rows: Int, column: Int32, columns: Int
  ) throws(Fault) {
    let full = rules.device.memory.partitions.value
    for (name, start, count) in [("row", Int(row), rows), ("col", Int(column), columns)] {
      let size = count <= full / 4 ? full / 4 : count <= full / 2 ? full / 2 : full
      guard count > 0, start >= 0, start % size == 0, start + size <= full else {
        throw rules.fault(
          name, .value(found: "\(start)", allowed: "multiples of \(size) for \(count)"))
      }
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    if isTranspose {
      core.passThrough(
        moving, columns: Int(columns), to: destination, row: Int(row), column: Int(column),
        engine: engine)
    } else {
      core.multiply(
        moving, columns: Int(columns), to: destination, accumulate: accumulate, row: Int(row),
        column: Int(column), engine: engine, rowsPerPartition: isDoubleRow ? 2 : 1)
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
