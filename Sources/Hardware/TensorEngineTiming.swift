public import Units

/// Laws of the tensor engine: one stream in order, weights loaded into a shadow set meanwhile.
///
/// A matrix product starts at the later of the previous stream's end and weights ready, streams
/// `max(minimumStreamCycles, N)` cycles per pass divided by the limiter's rate, and completes
/// `completionLatency` later.
public struct TensorEngineTiming: Sendable {
  /// Rows of the array: the contraction size.
  public var rows: Constant<Int>
  /// Columns of the array: the most stationary columns.
  public var columns: Constant<Int>
  /// The smallest row or column tile.
  public var minimumTile: Constant<Int>
  /// The most moving columns of one instruction whose result is FP32.
  public var maximumMovingColumns: Constant<Int>
  /// The most moving columns of one instruction whose result is BF16 (or is passed through).
  public var maximumMovingColumns16: Constant<Int>
  /// The shortest stream of one pass. Cycles.
  public var minimumStreamCycles: Constant<Int64>
  /// Cycles per moving column for 16-bit, TF32 and FP8 operands. Cycles.
  public var cyclesPerRow16: Constant<Int64>
  /// Cycles per moving column of one FP32 pass. Cycles.
  public var cyclesPerRowFP32: Constant<Int64>
  /// Passes of a 16-bit, TF32 or FP8 product.
  public var passes16: Constant<Int>
  /// Passes of an FP32 product: low, then high.
  public var passesFP32: Constant<Int>
  /// Passes of an FP32 product with the hint that an operand is ones and zeros.
  public var passesFP32OneZero: Constant<Int>
  /// Passes of an FP32 transpose.
  public var passesTransposeFP32: Constant<Int>
  /// Contraction rows per partition of an FP8 double-row product (0: no such mode).
  public var doubleRowRows: Constant<Int>
  /// Contraction rows per partition of an MX product (0: no such instruction).
  public var quadRowRows: Constant<Int>
  /// Transposes pass bits through, at one pass.
  public var transposeIsExact: Constant<Bool>
  /// A transpose runs beside another product.
  public var backgroundTranspose: Constant<Bool>
  /// PSUM banks that one instruction may write.
  public var banksPerInstruction: Constant<Int>
  /// Results may be stored, and accumulated, in BF16.
  public var writesBFloat16: Constant<Bool>
  /// Idle cycles between two streams at full rate; none at half rate. Cycles.
  public var bubbleCycles: Constant<Int64>
  /// Load of 128 columns of 16-bit or FP8 weights; in proportion for fewer. Cycles.
  public var loadWeightsCycles16: Constant<Int64>
  /// Load of 128 columns for an FP32 transpose. Cycles.
  public var loadWeightsTranspose32: Constant<Int64>
  /// Load of 128 columns for one FP32 pass. Cycles.
  public var loadWeightsFP32: Constant<Int64>
  /// More cycles before an FP32 regular pass finds its weights ready. Cycles.
  public var loadWeightsFP32Extra: Constant<Int64>
  /// End of a stream to completion.
  public var completionLatency: Constant<Picoseconds>
  /// Dispatch of LDWEIGHTS to the start of its load when the array is idle.
  public var coldStart: Constant<Picoseconds>
  /// More of the same at full rate.
  public var coldStartFullRateExtra: Constant<Picoseconds>
  /// The row of a MATMUL begins this long before its stream, plus `rowLeadCycles`.
  public var rowLeadFixed: Constant<Picoseconds>
  /// The part of the row lead that the limiter slows. Cycles.
  public var rowLeadCycles: Constant<Int64>
  /// LDWEIGHTS row to MATMUL row after an EVENT_SEMAPHORE.
  public var rowGapAfterControl: Constant<Picoseconds>
  /// Duration of a warm LDWEIGHTS row, plus (80 cycles + load) / rate.
  public var loadWeightsDurationFixed: Constant<Picoseconds>
  /// The part of that duration that the limiter slows. Cycles.
  public var loadWeightsDurationCycles: Constant<Int64>
  /// Duration of a cold LDWEIGHTS row, plus load / rate.
  public var loadWeightsColdDurationFixed: Constant<Picoseconds>
  /// Time per entry as the sequencer runs ahead of the array.
  public var sequencerStep: Constant<Picoseconds>
  /// Entries that the sequencer runs ahead at most.
  public var runAhead: Constant<Int>
  /// FP32 moving operand: cycles for each of max(0, 2 x sectors - N). Hundredths of a cycle per
  /// element.
  public var stridedMovingFP32: Constant<Int64>
}

extension TensorEngineTiming: ConstantGroup {
  static let entries: [ConstantEntry<TensorEngineTiming>] = [
    .init("rows", \.rows),
    .init("columns", \.columns),
    .init("minimumTile", \.minimumTile),
    .init("maximumMovingColumns", \.maximumMovingColumns),
    .init("maximumMovingColumns16", \.maximumMovingColumns16),
    .init("minimumStreamCycles", \.minimumStreamCycles),
    .init("cyclesPerRow16", \.cyclesPerRow16),
    .init("cyclesPerRowFP32", \.cyclesPerRowFP32),
    .init("passes16", \.passes16),
    .init("passesFP32", \.passesFP32),
    .init("passesFP32OneZero", \.passesFP32OneZero),
    .init("passesTransposeFP32", \.passesTransposeFP32),
    .init("doubleRowRows", \.doubleRowRows),
    .init("quadRowRows", \.quadRowRows),
    .init("transposeIsExact", \.transposeIsExact),
    .init("backgroundTranspose", \.backgroundTranspose),
    .init("banksPerInstruction", \.banksPerInstruction),
    .init("writesBFloat16", \.writesBFloat16),
    .init("bubbleCycles", \.bubbleCycles),
    .init("loadWeightsCycles16", \.loadWeightsCycles16),
    .init("loadWeightsTranspose32", \.loadWeightsTranspose32),
    .init("loadWeightsFP32", \.loadWeightsFP32),
    .init("loadWeightsFP32Extra", \.loadWeightsFP32Extra),
    .init("completionLatency", \.completionLatency),
    .init("coldStart", \.coldStart),
    .init("coldStartFullRateExtra", \.coldStartFullRateExtra),
    .init("rowLeadFixed", \.rowLeadFixed),
    .init("rowLeadCycles", \.rowLeadCycles),
    .init("rowGapAfterControl", \.rowGapAfterControl),
    .init("loadWeightsDurationFixed", \.loadWeightsDurationFixed),
    .init("loadWeightsDurationCycles", \.loadWeightsDurationCycles),
    .init("loadWeightsColdDurationFixed", \.loadWeightsColdDurationFixed),
    .init("sequencerStep", \.sequencerStep),
    .init("runAhead", \.runAhead),
    .init("stridedMovingFP32", \.stridedMovingFP32),
  ]
}
