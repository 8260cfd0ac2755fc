public import Units

/// Laws of the vector engine, in tenths of its cycle.
///
/// duration = elements x rate + startup; start to start = elements x rate + gap. *Cold* means that
/// the instruction waited on something: back to back the duration is shorter by `warmReduction`,
/// and the interval after a cold one is longer by the same, so that completions stay on one grid.
public struct VectorEngineTiming: Sendable {
  /// Cold startup, source in SBUF. Tenths of a cycle.
  public var startupSBUF: Constant<Int64>
  /// Cold startup, source in PSUM. Tenths of a cycle.
  public var startupPSUM: Constant<Int64>
  /// Start to start beyond the stream, source in SBUF. Tenths of a cycle.
  public var gapSBUF: Constant<Int64>
  /// Start to start beyond the stream, source in PSUM. Tenths of a cycle.
  public var gapPSUM: Constant<Int64>
  /// A back-to-back instruction is shorter by this. Tenths of a cycle.
  public var warmReduction: Constant<Int64>
  /// The same with a pointer operand. Tenths of a cycle.
  public var warmReductionPointer: Constant<Int64>
  /// More startup for a pointer operand, source in SBUF. Tenths of a cycle.
  public var pointerStartup: Constant<Int64>
  /// More startup for a pointer operand, source in PSUM. Tenths of a cycle.
  public var pointerStartupPSUM: Constant<Int64>
  /// More gap for a pointer operand. Tenths of a cycle.
  public var pointerGap: Constant<Int64>
  /// Cold startup of a copy, SBUF to SBUF. Tenths of a cycle.
  public var startupCopySBUF: Constant<Int64>
  /// COPY of INT32 within SBUF, cold. Tenths of cycles.
  public var startupCopyInt32: Constant<Int64>
  /// TENSOR_REDUCE of two-byte elements from SBUF, cold. Tenths of cycles.
  public var startupReduce16: Constant<Int64>
  /// Cold startup of TENSOR_SCALAR without pointers, SBUF to SBUF. Tenths of a cycle.
  public var startupTensorScalarSBUF: Constant<Int64>
  /// Cold startup of TENSOR_TENSOR, inputs in SBUF. Tenths of a cycle.
  public var startupTensorTensorSBUF: Constant<Int64>
  /// Cold startup of TENSOR_TENSOR, an input in PSUM. Tenths of a cycle.
  public var startupTensorTensorPSUM: Constant<Int64>
  /// Cold startup of a scan with a constant seed. Tenths of a cycle.
  public var startupScan: Constant<Int64>
  /// More for a scan whose seed is a tensor.
  public var scanTensorSeedExtra: Constant<Picoseconds>
  /// Cold startup of STREAM_SHUFFLE. Tenths of a cycle.
  public var startupShuffle: Constant<Int64>
  /// Cold startup of a predicated copy. Tenths of a cycle.
  public var startupCopyPredicated: Constant<Int64>
  /// Startup of MEMSET, any format.
  public var memsetStartup: Constant<Picoseconds>
  /// Start to start of 32 x 32 STREAM_TRANSPOSE.
  public var streamTransposeIssue: Constant<Picoseconds>
  /// The same when the pair of quadrants changes.
  public var streamTransposeQuadrantChange: Constant<Picoseconds>
  /// Dispatch to completion of 32 x 32 STREAM_TRANSPOSE.
  public var streamTransposeReady: Constant<Picoseconds>
  /// Startup of max8, find_index8 and match_replace8. Tenths of a cycle.
  public var topEightStartup: Constant<Int64>
  /// More cycles when an accumulator is read out after a reduction. Cycles.
  public var reduceReadExtra: Constant<Int64>
  /// RECIPROCAL. Tenths of a cycle per element.
  public var reciprocalCyclesPerElement: Constant<Int64>
  /// TENSOR_TENSOR_SCAN. Tenths of a cycle per element.
  public var scanCyclesPerElement: Constant<Int64>
  /// The shortest start to start. Cycles.
  public var minimumInitiationInterval: Constant<Int64>
  /// The shortest start to start with a register address. Cycles.
  public var dynamicMinimumInterval: Constant<Int64>
  /// The most elements of max8, find_index8 and match_replace8.
  public var findElementsMaximum: Constant<Int>
  /// XORWOW generators of one lane (0: a linear feedback shift register instead).
  public var randomGeneratorsPerLane: Constant<Int>
  /// The most elements of BN_STATS.
  public var batchNormElementsMaximum: Constant<Int>
  /// Cycles per element by operand class.
  public var rates: VectorRates
}

extension VectorEngineTiming: ConstantGroup {
  static let entries: [ConstantEntry<VectorEngineTiming>] =
    [
      [ConstantEntry("startupSBUF", \.startupSBUF)],
      [ConstantEntry("startupPSUM", \.startupPSUM)],
      [ConstantEntry("gapSBUF", \.gapSBUF)],
      [ConstantEntry("gapPSUM", \.gapPSUM)],
      [ConstantEntry("warmReduction", \.warmReduction)],
      [ConstantEntry("warmReductionPointer", \.warmReductionPointer)],
      [ConstantEntry("pointerStartup", \.pointerStartup)],
      [ConstantEntry("pointerStartupPSUM", \.pointerStartupPSUM)],
      [ConstantEntry("pointerGap", \.pointerGap)],
      [ConstantEntry("startupCopySBUF", \.startupCopySBUF)],
      [ConstantEntry("startupCopyInt32", \.startupCopyInt32)],
      [ConstantEntry("startupReduce16", \.startupReduce16)],
      [ConstantEntry("startupTensorScalarSBUF", \.startupTensorScalarSBUF)],
      [ConstantEntry("startupTensorTensorSBUF", \.startupTensorTensorSBUF)],
      [ConstantEntry("startupTensorTensorPSUM", \.startupTensorTensorPSUM)],
      [ConstantEntry("startupScan", \.startupScan)],
      [ConstantEntry("scanTensorSeedExtra", \.scanTensorSeedExtra)],
      [ConstantEntry("startupShuffle", \.startupShuffle)],
      [ConstantEntry("startupCopyPredicated", \.startupCopyPredicated)],
      [ConstantEntry("memsetStartup", \.memsetStartup)],
      [ConstantEntry("streamTransposeIssue", \.streamTransposeIssue)],
      [ConstantEntry("streamTransposeQuadrantChange", \.streamTransposeQuadrantChange)],
      [ConstantEntry("streamTransposeReady", \.streamTransposeReady)],
      [ConstantEntry("topEightStartup", \.topEightStartup)],
      [ConstantEntry("reduceReadExtra", \.reduceReadExtra)],
      [ConstantEntry("reciprocalCyclesPerElement", \.reciprocalCyclesPerElement)],
      [ConstantEntry("scanCyclesPerElement", \.scanCyclesPerElement)],
      [ConstantEntry("minimumInitiationInterval", \.minimumInitiationInterval)],
      [ConstantEntry("dynamicMinimumInterval", \.dynamicMinimumInterval)],
      [ConstantEntry("findElementsMaximum", \.findElementsMaximum)],
      [ConstantEntry("randomGeneratorsPerLane", \.randomGeneratorsPerLane)],
      [ConstantEntry("batchNormElementsMaximum", \.batchNormElementsMaximum)],
      ConstantEntry.group("rates", \.rates),
    ].flatMap(\.self)
}
