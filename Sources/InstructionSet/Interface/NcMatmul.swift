public import CoreState
import Hardware
import NumericFormats

/// nc_matmul: dst [M, N] = or += stationary [K, M]ᵀ · moving [K, N].
///
/// Expands to LDWEIGHTS and MATMUL. An fp32 product runs in two passes, the low part of the weights
/// first; one pass is enough where an fp32 operand is known to be ones and zeros, and an fp32
/// transpose passes bits through in one.
/// Source: NKI instruction reference (nc_matmul), Neuron profiler schema (FP32 low and high
/// passes), profiler captures (order of the passes).
public struct NcMatmul: Hashable, Sendable {
  /// [M, N] in PSUM.
  public var destination: AccessPattern
  /// [K, M] in SBUF.
  public var stationary: AccessPattern
  /// [K, N] in SBUF.
  public var moving: AccessPattern
  /// Adds to PSUM; otherwise overwrites.
  public var accumulate: Bool
  /// Passes the stationary tile through in the order of the moving permutation.
  public var isTranspose: Bool
  /// False when the array still holds the same weights: only one pass can reuse them.
  public var loadsWeights: Bool
  /// fp8 only: stationary [K, 2, M] and moving [K, 2, N], twice the products in the same time.
  public var isDoubleRow: Bool
  /// First row of the array.
  public var row: Int
  /// First column of the array.
  public var column: Int
  /// Rows and columns of the tile: 32, 64 or 128, or 0 for the fewest that hold the operands.
  public var tileSize: (rows: Int, columns: Int) {
    get { (tileRows, tileColumns) }
    set { (tileRows, tileColumns) = newValue }
  }
  private var tileRows = 0
  private var tileColumns = 0
  /// The stationary tile holds ones and zeros only: of use for fp32.
  public var isStationaryOneZero = false
  /// The moving tile holds ones and zeros only: of use for fp32.
  public var isMovingOneZero = false

  /// dst = or += stationaryᵀ · moving.
  public init(
    _ destination: AccessPattern, stationary: AccessPattern, moving: AccessPattern,
    accumulate: Bool, isTranspose: Bool = false, loadsWeights: Bool = true,
    isDoubleRow: Bool = false, row: Int = 0, column: Int = 0
  ) {
    self.destination = destination
    self.stationary = stationary
    self.moving = moving
    self.accumulate = accumulate
    self.isTranspose = isTranspose
    self.loadsWeights = loadsWeights
    self.isDoubleRow = isDoubleRow
    self.row = row
    self.column = column
  }

  /// True when an fp32 operand is known to need one pass only.
  var isOneZero: Bool {
    !isTranspose && moving.format == .float32 && stationary.format == .float32
      && (isStationaryOneZero || isMovingOneZero)
  }

  /// True when the product needs a low and a high pass.
  public var hasTwoPasses: Bool {
    stationary.format == .float32 && !isTranspose && !isOneZero
  }

  /// Checks what the machine instructions cannot see by themselves: that both operands may meet.
  ///
  /// Source: NKI instruction reference (nc_matmul: fp32 and tf32 meet each other only; legacy e4m3
  /// does not meet e4m3fn; both have the same partitions).
  public func validate() throws(Fault) {
    let opcode = Opcode.matmul.name
    guard moving.partitionCount == stationary.partitionCount else {
      throw Fault(
        opcode, operand: "moving",
        .partitionMismatch(
          found: Int(moving.partitionCount), expected: Int(stationary.partitionCount)),
        engine: .tensor)
    }
    guard moving.format != stationary.format else { return }
    if Self.wideFormats.contains(stationary.format) != Self.wideFormats.contains(moving.format) {
      throw formatFault(allowed: "fp32 and tf32 with each other only")
    }
    if Self.kindsOfE4M3.contains(moving.format), Self.kindsOfE4M3.contains(stationary.format) {
      throw formatFault(allowed: "one kind of e4m3")
    }
  }

  private func formatFault(allowed: String) -> Fault {
    let found = "\(moving.format.name) beside \(stationary.format.name)"
    return Fault(
      Opcode.matmul.name, operand: "moving", .format(found: found, allowed: allowed),
      engine: .tensor)
  }

  private static let wideFormats: [NumberFormat] = [.float32, .tensorFloat32]

  private static let kindsOfE4M3: [NumberFormat] = [.float8e4m3, .float8e4m3fn]

  /// Appends the machine instructions.
  public func expand(into operations: inout [Operation]) {
    if hasTwoPasses {
      load(.low, into: &operations)
      operations.append(.matmul(pass(accumulate: accumulate)))
      load(.high, into: &operations)
      operations.append(.matmul(pass(accumulate: true)))
      return
    }
    if loadsWeights { load(.whole, into: &operations) }
    operations.append(.matmul(pass(accumulate: accumulate)))
  }

  private func load(_ part: WeightPart, into operations: inout [Operation]) {
    var weights = LoadWeights(
      stationary, part: part, isTranspose: isTranspose, isDoubleRow: isDoubleRow)
    weights.row = Int32(row)
    weights.column = Int32(column)
    weights.tileRows = Int32(tileRows)
    weights.tileColumns = Int32(tileColumns)
    operations.append(.loadWeights(weights))
  }

  private func pass(accumulate: Bool) -> Matmul {
    var matmul = Matmul(
      destination, moving, columns: stationary.columns / (isDoubleRow ? 2 : 1),
      accumulate: accumulate, isTranspose: isTranspose, isDoubleRow: isDoubleRow)
    matmul.row = Int32(row)
    matmul.column = Int32(column)
    matmul.tileRows = Int32(tileRows)
    matmul.tileColumns = Int32(tileColumns)
    matmul.isOneZero = isOneZero
    return matmul
  }
}
