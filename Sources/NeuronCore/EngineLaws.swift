import Hardware
import InstructionSet
import Units

/// The hand-off and trigger constants of a device as plain picoseconds, by engine.
struct EngineLaws {
  /// Completion to the time at which the update can be seen.
  let publish: InlineArray<5, Int64>
  /// Update seen to the dispatch of a compute or control row.
  let detect: InlineArray<5, Int64>
  /// The tensor engine detects a wait of a control row faster than one of a weight load.
  let detectTensorControl: Int64
  /// A control row of the vector engine that waits.
  let detectVectorControl: Int64
  /// A MATMUL that waits itself.
  let detectTensorMatmul: Int64
  /// The longest detection: older updates are folded into the value.
  let longestDetect: Int64
  /// Start of a compute row to the earliest control row after it.
  let controlOverlap: Int64
  /// Instructions that the scalar engine may dispatch ahead of their completion.
  let scalarLead: Int
  /// One entry of the tensor engine's sequencer.
  let tensorStep: Int64
  /// Entries that its sequencer may be ahead of the array.
  let tensorRunAhead: Int
  /// Last completion to the end of a DRAIN, by engine.
  let drainAfterCompletion: [Int64]
  /// The least from one instruction whose address comes from a register to the next.
  private let dynamicInterval: Int64
  private let dma: DMATimes

  init(device: Device) {
    let law = device.semaphore
    publish = [
      law.publishTensor.value.value, law.publishVector.value.value, law.publishScalar.value.value,
      law.publishGpSimd.value.value, law.publishSync.value.value,
    ]
    detect = [
      law.detectTensorLoadWeights.value.value, law.detectVector.value.value,
      law.detectScalar.value.value, law.detectGpSimd.value.value, law.detectSync.value.value,
    ]
    detectTensorControl = law.detectTensorControl.value.value
    detectTensorMatmul = law.detectTensorMatmul.value.value
    detectVectorControl = law.detectVectorControl.value.value
    var longest = max(detectTensorControl, detectTensorMatmul, detectVectorControl)
    for engine in detect.indices { longest = max(longest, detect[engine]) }
    longestDetect = longest
    controlOverlap = device.scalar.controlOverlap.value.value
    scalarLead = device.scalar.maximumLead.value
    tensorStep = device.tensor.sequencerStep.value.value
    tensorRunAhead = device.tensor.runAhead.value
    let drain = device.sequencer.drainAfterCompletion
    drainAfterCompletion = [
      drain[.tensor].value, drain[.vector].value, drain[.scalar].value, drain[.gpsimd].value,
      drain[.sync].value,
    ]
    dynamicInterval =
      device.clocks.vector.value.picoseconds(
        cycles: device.vector.dynamicMinimumInterval.value
      ).value
    dma = DMATimes(device.dma)
  }

  /// Detection time of a wait on one engine by the kind of instruction that waits.
  @inline(__always)
  func detection(_ engine: Int, _ kind: Cost.Kind) -> Int64 {
    if engine == 1, kind == .control { return detectVectorControl }
    guard engine == 0 else { return detect[engine] }
    switch kind {
    case .loadWeights: return detect[0]
    case .matmul: return detectTensorMatmul
    default: return detectTensorControl
    }
  }

  /// How long a hardware trigger holds its queue, by what came before; one of stored descriptors is
  /// a register write.
  func triggerDuration(
    _ engine: Engine, since previous: Int64, at dispatch: Int64, isStored: Bool
  ) -> Int64 {
    if isStored { return dma.staticTrigger }
    let isFirst = previous < 0
    guard engine == .sync else {
      return isFirst ? dma.triggerScalarFirst : dma.triggerScalarLater
    }
    if isFirst { return dma.triggerSyncFirst }
    let isSoon = dispatch - previous <= dma.triggerSoonWindow
    return isSoon ? dma.triggerSyncSoon : dma.triggerSyncLater
  }

  /// The least from a trigger whose address comes from a register to the next instruction.
  func dynamicTrigger(_ shape: TransferShape) -> Int64 { shape.isDynamic ? dynamicInterval : 0 }

  /// End of a trigger to the next instruction of its queue.
  func afterTrigger(_ engine: Engine) -> Int64 {
    engine == .sync ? dma.nextTriggerSync : dma.afterTrigger
  }

  /// Wait met to the row of a software trigger; more when it reads an index.
  func softwarePreparation(_ shape: TransferShape) -> Int64 {
    dma.softwarePreparation
      + Int64(shape.indexRows) * dma.softwareIndexRow
  }

  /// Duration of the row of a software trigger that `earlier` rows of its burst came before.
  func doorbell(earlier: Int64) -> Int64 {
    dma.softwareRowDuration + dma.softwareRowInBurst * min(earlier, dma.softwareRowsInBurst)
  }

  /// Row to row of software triggers in a burst.
  var softwareInterval: Int64 { dma.softwareBurstInterval }
}
