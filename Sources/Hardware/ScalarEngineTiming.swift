public import Units

/// Laws of the scalar engine, in tenths of its cycle unless said.
///
/// Two independent limits hold in a burst: start to start is the stream plus the dispatch gap, and
/// completion to completion is the stream plus the completion gap. The activation laws were seen
/// with one bias pointer; `broadcastReadSBUF` and `broadcastReadPSUM` say what each pointer costs.
public struct ScalarEngineTiming: Sendable {
  /// Any instruction, per element. Hundredths of a cycle per element.
  public var cyclesPerElement: Constant<Int64>
  /// Any instruction on 16-bit and 8-bit formats, per element. Hundredths of a cycle per element.
  public var cyclesPerElement16: Constant<Int64>
  /// SILU with its source in PSUM, per element. Hundredths of a cycle per element.
  public var siluPSUM: Constant<Int64>
  /// Copy from PSUM, any format, cold. Tenths of a cycle.
  public var startupCopyPSUM: Constant<Int64>
  /// Copy of INT32 from PSUM. Tenths of a cycle.
  public var startupCopyPSUMInt32: Constant<Int64>
  /// The same, warm. Tenths of a cycle.
  public var startupCopyPSUMWarm: Constant<Int64>
  /// Copy from SBUF. Tenths of a cycle.
  public var startupCopySBUF: Constant<Int64>
  /// ACTIVATE from PSUM, one bias pointer, cold. Tenths of a cycle.
  public var startupActivatePSUM: Constant<Int64>
  /// The same, warm. Tenths of a cycle.
  public var startupActivatePSUMWarm: Constant<Int64>
  /// ACTIVATE from SBUF, one bias pointer, cold. Tenths of a cycle.
  public var startupActivateSBUF: Constant<Int64>
  /// The same, warm. Tenths of a cycle.
  public var startupActivateSBUFWarm: Constant<Int64>
  /// ACTIVATE from SBUF to PSUM, no pointer, cold. Tenths of a cycle.
  public var startupActivateToPSUM: Constant<Int64>
  /// ACTIVATE from PSUM: start to start beyond the stream. Tenths of a cycle.
  public var dispatchGapActivatePSUM: Constant<Int64>
  /// ACTIVATE from PSUM: completion to completion beyond the stream. Tenths of a cycle.
  public var completionGapActivatePSUM: Constant<Int64>
  /// The dispatch after a cold ACTIVATE from PSUM is later by this.
  public var coldDispatchExtraActivatePSUM: Constant<Picoseconds>
  /// ACTIVATE from SBUF: start to start, and completion to completion. Tenths of a cycle.
  public var gapActivateSBUF: Constant<Int64>
  /// The dispatch after a cold ACTIVATE from SBUF is later by this.
  public var coldDispatchExtraActivateSBUF: Constant<Picoseconds>
  /// Copy from PSUM: start to start beyond the stream after a cold one. Tenths of a cycle.
  public var dispatchGapCopyPSUMCold: Constant<Int64>
  /// Copy from PSUM: start to start beyond the stream after a warm one. Tenths of a cycle.
  public var dispatchGapCopyPSUMWarm: Constant<Int64>
  /// Copy from PSUM: completion to completion beyond the stream. Tenths of a cycle.
  public var completionGapCopyPSUM: Constant<Int64>
  /// Copy from SBUF: start to start beyond the stream. Tenths of a cycle.
  public var gapCopySBUF: Constant<Int64>
  /// Each bias or scale pointer of an ACTIVATE from SBUF.
  public var broadcastReadSBUF: Constant<Picoseconds>
  /// The same where both ends are two bytes wide.
  public var broadcastReadSBUF16: Constant<Picoseconds>
  /// Each bias or scale pointer of an ACTIVATE from PSUM.
  public var broadcastReadPSUM: Constant<Picoseconds>
  /// ACTIVATE from SBUF with accumulation, one bias pointer.
  public var accumulateStartup: Constant<Picoseconds>
  /// Accumulating ACTIVATE to a following read of the accumulators.
  public var accumulateForward: Constant<Picoseconds>
  /// ACTIVATION_READ_ACCUMULATOR: start to start.
  public var readAccumulatorIssue: Constant<Picoseconds>
  /// ACTIVATION_READ_ACCUMULATOR: start to completion.
  public var readAccumulatorReady: Constant<Picoseconds>
  /// ACT_TABLE_LOAD: another set of functions.
  public var tableLoad: Constant<Picoseconds>
  /// A control row or trigger follows a compute start by this.
  public var controlOverlap: Constant<Picoseconds>
  /// Instructions that dispatch may run ahead of completion in a burst.
  public var maximumLead: Constant<Int>
  /// The shortest start to start. Cycles.
  public var minimumInitiationInterval: Constant<Int64>
  /// A strided FP32 operand: cycles for each of max(0, 2 x sectors - N). Hundredths of a cycle per
  /// element.
  public var strideFactor: Constant<Int64>
}

extension ScalarEngineTiming: ConstantGroup {
  static let entries: [ConstantEntry<ScalarEngineTiming>] = [
    .init("cyclesPerElement", \.cyclesPerElement),
    .init("cyclesPerElement16", \.cyclesPerElement16),
    .init("siluPSUM", \.siluPSUM),
    .init("startupCopyPSUM", \.startupCopyPSUM),
    .init("startupCopyPSUMInt32", \.startupCopyPSUMInt32),
    .init("startupCopyPSUMWarm", \.startupCopyPSUMWarm),
    .init("startupCopySBUF", \.startupCopySBUF),
    .init("startupActivatePSUM", \.startupActivatePSUM),
    .init("startupActivatePSUMWarm", \.startupActivatePSUMWarm),
    .init("startupActivateSBUF", \.startupActivateSBUF),
    .init("startupActivateSBUFWarm", \.startupActivateSBUFWarm),
    .init("startupActivateToPSUM", \.startupActivateToPSUM),
    .init("dispatchGapActivatePSUM", \.dispatchGapActivatePSUM),
    .init("completionGapActivatePSUM", \.completionGapActivatePSUM),
    .init("coldDispatchExtraActivatePSUM", \.coldDispatchExtraActivatePSUM),
    .init("gapActivateSBUF", \.gapActivateSBUF),
    .init("coldDispatchExtraActivateSBUF", \.coldDispatchExtraActivateSBUF),
    .init("dispatchGapCopyPSUMCold", \.dispatchGapCopyPSUMCold),
    .init("dispatchGapCopyPSUMWarm", \.dispatchGapCopyPSUMWarm),
    .init("completionGapCopyPSUM", \.completionGapCopyPSUM),
    .init("gapCopySBUF", \.gapCopySBUF),
    .init("broadcastReadSBUF", \.broadcastReadSBUF),
    .init("broadcastReadSBUF16", \.broadcastReadSBUF16),
    .init("broadcastReadPSUM", \.broadcastReadPSUM),
    .init("accumulateStartup", \.accumulateStartup),
    .init("accumulateForward", \.accumulateForward),
    .init("readAccumulatorIssue", \.readAccumulatorIssue),
    .init("readAccumulatorReady", \.readAccumulatorReady),
    .init("tableLoad", \.tableLoad),
    .init("controlOverlap", \.controlOverlap),
    .init("maximumLead", \.maximumLead),
    .init("minimumInitiationInterval", \.minimumInitiationInterval),
    .init("strideFactor", \.strideFactor),
  ]
}
