public import CoreState
import NumericFormats

/// nc_matmul_mx: dst [M, N] = or += the product of microscaled operands, four contraction rows in
/// each packed element, every number times the scale of its group.
///
/// Expands to LDWEIGHTS and MATMUL, which take the time of a bf16 product.
/// Source: NKI instruction reference (nc_matmul_mx: NeuronCore-v4 and newer), architecture guide
/// for Trainium3.
public struct NcMatmulMX: Hashable, Sendable {
  /// [M, N] in PSUM, fp32 or bf16.
  public var destination: AccessPattern
  /// [K / 4, M] in SBUF, of a packed format.
  public var stationary: AccessPattern
  /// Scales of the stationary tile: whole quadrants, and the first partition in each.
  public var stationaryScales: MXScales
  /// [K / 4, N] in SBUF, of a packed format, which may be another.
  public var moving: AccessPattern
  /// Scales of the moving tile.
  public var movingScales: MXScales
  /// Adds to PSUM; otherwise overwrites.
  public var accumulate: Bool
  /// First row of the array.
  public var row: Int
  /// Rows of the tile: 32, 64 or 128, or 0 for the fewest that hold the operands.
  public var tileRows: Int

  /// dst = or += stationaryᵀ · moving.
  public init(
    _ destination: AccessPattern, stationary: AccessPattern, scales stationaryScales: MXScales,
    moving: AccessPattern, scales movingScales: MXScales, accumulate: Bool, row: Int = 0,
    tileRows: Int = 0
  ) {
    self.destination = destination
    self.stationary = stationary
    self.stationaryScales = stationaryScales
    self.moving = moving
    self.movingScales = movingScales
    self.accumulate = accumulate
    self.row = row
    self.tileRows = tileRows
  }

  /// Checks what the machine instructions cannot see by themselves: packed operands of the same
  /// partitions.
  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("moving", moving, partitions: Int(stationary.partitionCount))
    for (name, access) in [("stationary", stationary), ("moving", moving)] {
      try rules.require(name, access, formats: NumberFormat.allCases.filter(\.isPacked))
    }
  }

  /// Appends the machine instructions.
  public func expand(into operations: inout [Operation]) {
    var weights = LoadWeights(stationary)
    weights.row = Int32(row)
    weights.tileRows = Int32(tileRows)
    weights.scales = stationaryScales.access
    weights.scaleOffset = Int32(stationaryScales.offset)
    operations.append(.loadWeights(weights))
    var matmul = Matmul(
      destination, moving, columns: stationary.columns, accumulate: accumulate)
    matmul.row = Int32(row)
    matmul.tileRows = Int32(tileRows)
    matmul.scales = movingScales.access
    matmul.scaleOffset = Int32(movingScales.offset)
    operations.append(.matmul(matmul))
  }
}
