import CoreState
import Hardware
import NumericFormats
import Units

extension Cost {
  /// The constants of one of the scalar engine's laws, in tenths of a cycle unless said.
  private struct ScalarLaw {
    var cold: Int64
    var warm: Int64
    var dispatchAfterCold: Int64
    var dispatchAfterWarm: Int64
    var completion: Int64
    /// More between a cold instruction and the next, as a time.
    var coldExtra = Picoseconds.zero
    /// What pointers cost more (or less) than the law, in every one of its times.
    var pointers = Picoseconds.zero
  }

  /// COPY and CAST on the scalar engine.
  ///
  /// Source: profiler captures (from PSUM), third-party micro-benchmarks (from SBUF).
  static func scalarCopy(_ device: Device, _ shape: StreamShape, isInt32: Bool) -> Cost {
    let law = device.scalar
    if shape.readsPSUM {
      let (cold, warm) =
        isInt32
        ? (law.startupCopyPSUMInt32.value, law.startupCopyPSUMInt32.value)
        : (law.startupCopyPSUM.value, law.startupCopyPSUMWarm.value)
      return scalar(
        device, shape,
        ScalarLaw(
          cold: cold, warm: warm,
          dispatchAfterCold: law.dispatchGapCopyPSUMCold.value,
          dispatchAfterWarm: law.dispatchGapCopyPSUMWarm.value,
          completion: law.completionGapCopyPSUM.value))
    }
    let gap = law.gapCopySBUF.value
    return scalar(
      device, shape,
      ScalarLaw(
        cold: law.startupCopySBUF.value, warm: law.startupCopySBUF.value, dispatchAfterCold: gap,
        dispatchAfterWarm: gap, completion: gap))
  }

  /// ACTIVATE. The laws were seen with one bias pointer; each pointer more or less is one
  /// broadcast read, in the duration and in the intervals: without one the intervals come within
  /// 4 ns of those of a copy, which reads none.
  ///
  /// Rows from SBUF to PSUM were seen without a pointer, and start up sooner.
  ///
  /// Source: profiler captures (exponential), third-party micro-benchmarks (broadcast reads, rows
  /// to PSUM).
  static func activate(
    _ device: Device, _ shape: StreamShape, isNarrow: Bool, writesPSUM: Bool
  ) -> Cost {
    let law = device.scalar
    let more = Int64(shape.pointers - 1)
    if shape.readsPSUM {
      let gap = law.dispatchGapActivatePSUM.value
      return scalar(
        device, shape,
        ScalarLaw(
          cold: law.startupActivatePSUM.value, warm: law.startupActivatePSUMWarm.value,
          dispatchAfterCold: gap, dispatchAfterWarm: gap,
          completion: law.completionGapActivatePSUM.value,
          coldExtra: law.coldDispatchExtraActivatePSUM.value,
          pointers: law.broadcastReadPSUM.value * more))
    }
    let gap = law.gapActivateSBUF.value
    let broadcast = (isNarrow ? law.broadcastReadSBUF16 : law.broadcastReadSBUF).value
    var cost = scalar(
      device, shape,
      ScalarLaw(
        cold: law.startupActivateSBUF.value, warm: law.startupActivateSBUFWarm.value,
        dispatchAfterCold: gap, dispatchAfterWarm: gap, completion: gap,
        coldExtra: law.coldDispatchExtraActivateSBUF.value, pointers: broadcast * more))
    if writesPSUM {
      let clock = device.clocks.scalar.value
      let cold =
        clock.picoseconds(tenthsOfCycles: cost.streamTenths + law.startupActivateToPSUM.value)
        + broadcast * Int64(shape.pointers)
      cost.warmDuration = min(cost.warmDuration, cold)
      cost.coldDuration = cold
    }
    return cost
  }

  /// Hundredths of a cycle per element: formats of two bytes and less have a rate of their own.
  static func scalarRate(_ device: Device, _ accesses: [AccessPattern]) -> Int64 {
    let isNarrow = accesses.allSatisfy { $0.format.sizeBytes <= 2 }
    return (isNarrow ? device.scalar.cyclesPerElement16 : device.scalar.cyclesPerElement).value
  }

  private static func scalar(_ device: Device, _ shape: StreamShape, _ law: ScalarLaw) -> Cost {
    let clock = device.clocks.scalar.value
    let tenths = shape.tenths(device, strideFactor: device.scalar.strideFactor.value)
    var cost = Cost(streaming: shape, tenths: tenths, on: device, clock: clock)
    func time(_ constant: Int64) -> Picoseconds {
      clock.picoseconds(tenthsOfCycles: tenths + constant) + law.pointers
    }
    let minimum =
      shape.isDynamic
      ? device.vector.dynamicMinimumInterval.value : device.scalar.minimumInitiationInterval.value
    let least = clock.picoseconds(cycles: minimum)
    cost.coldDuration = time(law.cold)
    cost.warmDuration = time(law.warm)
    cost.intervalAfterCold = max(time(law.dispatchAfterCold) + law.coldExtra, least)
    cost.intervalAfterWarm = max(time(law.dispatchAfterWarm), least)
    cost.completionInterval = time(law.completion)
    return cost
  }

  /// An instruction of the scalar engine without a stream: a fixed time to its end and to the next.
  static func fixedScalar(_ duration: Picoseconds, next: Picoseconds) -> Cost {
    var cost = Cost.control(duration, next: next)
    cost.kind = .stream
    return cost
  }
}
