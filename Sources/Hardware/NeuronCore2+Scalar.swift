private let guide = "NKI architecture guide, trainium_inferentia2"
private let reference = "NKI instruction reference, SDK 2.26"
private let captures = "three small matmul captures on inf2"
private let sweep = "published matmul sweep on inf2"

extension ScalarEngineTiming {
  /// NeuronCore-v2: one law for copies and functions, measured on inf2.
  ///
  /// The sweep copies N columns of a product out of PSUM: N + 219 cycles alone, N + 122 behind a
  /// copy of 512 columns. The opcode there is ACTIVATE, so that functions follow the same law; a
  /// pointer is one broadcast read more, as on Trainium2.
  static let neuronCore2: ScalarEngineTiming = {
    var timing = trainium2.carried(times: 6, over: 7, note: scaledToNeuronCore2)
    timing.cyclesPerElement = .hundredthsPerElement(100, .documented, guide)
    timing.cyclesPerElement16 = .hundredthsPerElement(100, .documented, guide)
    timing.tableLoad = .time(368_000, .measured, captures, (363_000, 373_000))
    timing.minimumInitiationInterval = .cycles(64, .documented, "\(reference), MIN_II")
    timing.copiesAsMeasured()
    timing.functionsAsCopies()
    return timing
  }()

  private mutating func copiesAsMeasured() {
    startupCopyPSUM = .tenths(
      2190, .measured, "\(sweep): 49 durations of 128 to 512 columns, residual 1 ns", (2176, 2204))
    startupCopyPSUMWarm = .tenths(
      1222, .measured, "\(sweep): 62 durations behind 512 columns, residual 1 ns", (1208, 1236))
    startupCopyPSUMInt32 = .tenths(2190, .assumed, "as other formats", (2176, 2204))
    dispatchGapCopyPSUMCold = .tenths(
      1180, .measured, "\(captures): 450 ns for 512 columns, n = 1", (1160, 1200))
    dispatchGapCopyPSUMWarm = .tenths(
      1180, .assumed, "\(captures): as after a cold one", (200, 1200))
    completionGapCopyPSUM = .tenths(
      210, .measured, "\(captures): 335 ns for 448 columns, n = 1", (190, 230))
    startupCopySBUF = .tenths(
      2190, .derived,
      "as from PSUM; the performance guide's 264 cycles from one dependent activation to the next "
        + "less the hand-off leave 215", (1_900, 2_600))
    gapCopySBUF = .tenths(1180, .assumed, "as from PSUM", (200, 2_190))
  }

  private mutating func functionsAsCopies() {
    let law = "as a copy from PSUM and one broadcast read"
    startupActivatePSUM = .tenths(3_334, .derived, law, (2_890, 3_400))
    startupActivatePSUMWarm = .tenths(2_366, .derived, law, (1_920, 2_440))
    startupActivateSBUF = .tenths(3_282, .derived, law, (2_890, 3_400))
    startupActivateSBUFWarm = .tenths(2_314, .derived, law, (1_920, 2_440))
    dispatchGapActivatePSUM = .tenths(2_324, .derived, law, (1_340, 2_400))
    completionGapActivatePSUM = .tenths(1_354, .derived, law, (910, 2_400))
    gapActivateSBUF = .tenths(2_272, .derived, law, (1_340, 2_400))
    let none = "\(captures): no later than after a warm one"
    coldDispatchExtraActivatePSUM = .time(0, .derived, none, (0, 16_000))
    coldDispatchExtraActivateSBUF = .time(0, .derived, none, (0, 16_000))
  }
}
