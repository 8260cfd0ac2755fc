public import Units

/// Control instructions by engine: how long a row lasts and when the next one may start.
public struct SequencerTiming: Sendable {
  /// EVENT_SEMAPHORE that only waits: duration.
  public var eventSemaphoreDuration: EngineTimes
  /// EVENT_SEMAPHORE: its start to the start of the next instruction.
  public var eventSemaphoreNext: EngineTimes
  /// NOP: duration.
  public var nopDuration: EngineTimes
  /// NOP: its start to the start of the next instruction.
  public var nopNext: EngineTimes
  /// DRAIN of an idle engine: duration.
  public var drainDuration: EngineTimes
  /// DRAIN of an idle engine: its start to the start of the next instruction.
  public var drainNext: EngineTimes
  /// DRAIN of a busy engine: the last completion to the end of the DRAIN.
  public var drainAfterCompletion: EngineTimes
  /// NOTIFY: duration.
  public var notifyDuration: EngineTimes
  /// NOTIFY: its start to the start of the next instruction.
  public var notifyNext: EngineTimes
  /// SET_ORDERING_MODE: duration.
  public var setOrderingMode: EngineTimes
  /// SET_ORDERING_MODE: its start to the start of the next instruction.
  public var setOrderingModeNext: EngineTimes
  /// EVENT_SEMAPHORE_RANGE_CLEAR of about 50 semaphores: duration.
  public var rangeClear: EngineTimes
  /// EVENT_SEMAPHORE_RANGE_CLEAR: its start to the start of the next instruction.
  public var rangeClearNext: EngineTimes
  /// COMPARE_BRANCH on a register.
  public var branchConditional: Constant<Picoseconds>
  /// COMPARE_BRANCH without a condition.
  public var branchUnconditional: Constant<Picoseconds>
  /// TENSOR_LOAD of one word from HBM to a register.
  public var tensorLoadOneWord: Constant<Picoseconds>
  /// TENSOR_LOAD of two words while five engines load.
  public var tensorLoadTwoWords: Constant<Picoseconds>
  /// TENSOR_STORE of one word from a register to HBM or SBUF.
  public var tensorStoreOneWord: Constant<Picoseconds>
  /// WRITE of one 32-bit device register.
  public var registerWrite: Constant<Picoseconds>
  /// MODIFY_POOL_CONFIG.
  public var modifyPoolConfig: Constant<Picoseconds>
  /// LOAD_MASK_SELECT.
  public var loadMaskSelect: Constant<Picoseconds>
  /// PSEUDO_CORE_BARRIER once both cores have come.
  public var coreBarrier: Constant<Picoseconds>
  /// Trigger of a collective.
  public var collectiveTrigger: Constant<Picoseconds>
  /// Register move and arithmetic.
  public var registerMove: Constant<Picoseconds>
  /// First scalar instruction of a body after the sync engine's first trigger.
  public var bodyStartScalar: Constant<Picoseconds>
  /// First software descriptor row of a body after the sync engine's first trigger.
  public var bodyStartGpSimd: Constant<Picoseconds>
}

extension SequencerTiming: ConstantGroup {
  static let entries: [ConstantEntry<SequencerTiming>] =
    [
      ConstantEntry.group("eventSemaphoreDuration", \.eventSemaphoreDuration),
      ConstantEntry.group("eventSemaphoreNext", \.eventSemaphoreNext),
      ConstantEntry.group("nopDuration", \.nopDuration),
      ConstantEntry.group("nopNext", \.nopNext),
      ConstantEntry.group("drainDuration", \.drainDuration),
      ConstantEntry.group("drainNext", \.drainNext),
      ConstantEntry.group("drainAfterCompletion", \.drainAfterCompletion),
      ConstantEntry.group("notifyDuration", \.notifyDuration),
      ConstantEntry.group("notifyNext", \.notifyNext),
      ConstantEntry.group("setOrderingMode", \.setOrderingMode),
      ConstantEntry.group("setOrderingModeNext", \.setOrderingModeNext),
      ConstantEntry.group("rangeClear", \.rangeClear),
      ConstantEntry.group("rangeClearNext", \.rangeClearNext),
      [ConstantEntry("branchConditional", \.branchConditional)],
      [ConstantEntry("branchUnconditional", \.branchUnconditional)],
      [ConstantEntry("tensorLoadOneWord", \.tensorLoadOneWord)],
      [ConstantEntry("tensorLoadTwoWords", \.tensorLoadTwoWords)],
      [ConstantEntry("tensorStoreOneWord", \.tensorStoreOneWord)],
      [ConstantEntry("registerWrite", \.registerWrite)],
      [ConstantEntry("modifyPoolConfig", \.modifyPoolConfig)],
      [ConstantEntry("loadMaskSelect", \.loadMaskSelect)],
      [ConstantEntry("coreBarrier", \.coreBarrier)],
      [ConstantEntry("collectiveTrigger", \.collectiveTrigger)],
      [ConstantEntry("registerMove", \.registerMove)],
      [ConstantEntry("bodyStartScalar", \.bodyStartScalar)],
      [ConstantEntry("bodyStartGpSimd", \.bodyStartGpSimd)],
    ].flatMap(\.self)
}
