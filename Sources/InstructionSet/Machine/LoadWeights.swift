public import CoreState
public import Hardware
import NumericFormats
import Units

/// Which part of an fp32 weight a pass of the tensor engine uses; other formats load whole.
public enum WeightPart: UInt8, OperandChoice, BitwiseCopyable {
  case whole, low, high

  public var text: String {
    switch self {
    case .whole: "whole"
    case .low: "low"
    case .high: "high"
    }
  }
}

/// LDWEIGHTS: loads a stationary tile [K partitions, M columns] into the shadow set of the array.
///
/// Source: NKI architecture guide (fast weight load: M/4 cycles in the background), profiler
/// captures (32, 128 and 256 + 12 cycles for 16-bit, fp32 transposed and fp32 regular tiles). That
/// microscaled tiles load as 16-bit ones do is assumed.
public struct LoadWeights: MachineInstruction {
  /// The stationary tile in SBUF: K partitions, M columns.
  public var source = AccessPattern()
  /// fp32 only: the pass that these weights are for.
  public var part = WeightPart.whole
  /// The tile passes data through unchanged to be transposed.
  public var isTranspose = false
  /// fp8 only: the tile is [K, 2, M], two contraction rows in each row of the array.
  public var isDoubleRow = false
  /// First row of the array (partition of K), a multiple of the tile's rows.
  public var row: Int32 = 0
  /// First column of the array, a multiple of the tile's columns.
  public var column: Int32 = 0
  /// Rows of the tile, 0 for the fewest that hold the operand.
  public var tileRows: Int32 = 0
  /// Columns of the tile, 0 for the fewest that hold the operand.
  public var tileColumns: Int32 = 0
  /// Microscaled formats only: uint8 scales in whole quadrants.
  public var scales = AccessPattern()
  /// First partition of the scales within each quadrant: 0, 4, 8 or 12.
  public var scaleOffset: Int32 = 0

  public var opcode: Opcode { .loadWeights }
  public init() {}

  /// Loads `source`.
  public init(
    _ source: AccessPattern, part: WeightPart = .whole, isTranspose: Bool = false,
    isDoubleRow: Bool = false
  ) {
    self.source = source
    self.part = part
    self.isTranspose = isTranspose
    self.isDoubleRow = isDoubleRow
  }

  /// Columns of the array that the tile fills: M.
  var columns: Int { isDoubleRow ? source.columns / 2 : source.columns }

  public static let indirectOperands = ["src", "scale"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.read("src", &source)
    try visitor.choice("part", &part)
    try visitor.flag("transpose", &isTranspose)
    try visitor.flag("double", &isDoubleRow)
    try visitor.integer("row", &row)
    try visitor.integer("col", &column)
    try visitor.integer("tilerows", &tileRows)
    try visitor.integer("tilecols", &tileColumns)
    guard source.format.isPacked else { return }
    try visitor.read("scale", &scales)
    try visitor.integer("offset", &scaleOffset)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, in: .sbuf)
    try Matmul.checkFormat(rules, source, isTranspose: isTranspose)
    if source.format.isPacked {
      try Matmul.checkScaled(
        rules, source, scales: scales, offset: scaleOffset, column: column,
        tileColumns: tileColumns, isTranspose: isTranspose, isDoubleRow: isDoubleRow)
      guard source.columns % 2 == 0 else {
        throw rules.fault(
          "src", .elementCountMismatch(found: source.columns, expected: source.columns + 1))
      }
    }
    try Matmul.checkIndirect(
      rules, source, scales: scales, row: row, column: column, tileRows: tileRows,
      tileColumns: tileColumns, isTranspose: isTranspose, isDoubleRow: isDoubleRow)
    if isDoubleRow {
      try Matmul.checkDoubleRow(
        rules, source, isTranspose: isTranspose, column: column, tileColumns: tileColumns)
    }
    let limit = rules.device.memory.partitions.value
    guard columns <= limit else {
      throw rules.fault("src", .tooManyElements(found: columns, limit: limit))
    }
    if part != .whole, source.format != .float32 {
      throw rules.fault("part", .value(found: part.text, allowed: "whole, unless src is fp32"))
    }
    if part != .whole, isTranspose {
      throw rules.fault("part", .value(found: part.text, allowed: "whole in a transpose"))
    }
    try Matmul.checkTile(
      rules, row: row, rows: Int(source.partitionCount), tileRows: tileRows, column: column,
      columns: columns, tileColumns: tileColumns)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    if isTranspose {
      core.loadPassThrough(source, row: Int(row), column: Int(column), engine: engine)
    } else {
      core.loadWeights(
        source, part: part == .whole ? .whole : part == .low ? .low : .high, row: Int(row),
        column: Int(column), engine: engine,
        rowsPerPartition: Matmul.rowsPerPartition(source.format, isDoubleRow),
        scales: Matmul.scales(source.format, scales, scaleOffset))
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.tensor
    var cost = Cost()
    cost.kind = .loadWeights
    let full = Int64(device.memory.partitions.value)
    let isFP32 = source.format == .float32
    let base =
      !isFP32
      ? law.loadWeightsCycles16.value
      : isTranspose ? law.loadWeightsTranspose32.value : law.loadWeightsFP32.value
    // The load shifts M columns in: its cycles follow M.
    cost.loadCycles = Int32((base * Int64(columns) + full - 1) / full)
    cost.loadBubbleCycles =
      isFP32 && !isTranspose ? Int16(law.loadWeightsFP32Extra.value) : 0
    cost.streamTenths = Int64(cost.loadCycles) * 10
    return cost
  }
}
