import Hardware
import Testing
import Units

/// The constants put together as the laws say, against durations that profiler captures of
/// attention (sequence 512) show, in nanoseconds as low...high.
@Suite struct LawTests {
  private let device = Device.trainium2

  private func expect(
    _ time: Picoseconds, _ seen: ClosedRange<Double>,
    _ location: SourceLocation = #_sourceLocation
  ) {
    // A capture rounds to whole nanoseconds.
    #expect(time.nanoseconds > seen.lowerBound - 1, sourceLocation: location)
    #expect(time.nanoseconds < seen.upperBound + 1, sourceLocation: location)
  }

  private func vector(_ elements: Int64, _ hundredths: Int64, plus tenths: Int64) -> Picoseconds {
    device.clocks.vector.value.picoseconds(hundredthsOfCycles: elements * hundredths + 10 * tenths)
  }

  @Test func vectorDurations() {
    let law = device.vector
    let reduce = law.rates.reduce.value
    expect(vector(512, reduce, plus: law.startupPSUM.value), 689...691)
    expect(
      vector(512, reduce, plus: law.startupPSUM.value - law.warmReduction.value), 678...680)
    expect(vector(512, reduce, plus: law.startupSBUF.value), 685...687)
    expect(vector(4, reduce, plus: law.startupSBUF.value), 156...157)
    expect(vector(128, law.rates.copyPSUM.value, plus: law.startupPSUM.value), 289...291)
    expect(
      vector(
        512, law.rates.scalarFloat32.value, plus: law.startupSBUF.value + law.pointerStartup.value),
      486...487)
    expect(
      vector(
        128, law.rates.scalarPSUM.value,
        plus: law.startupPSUM.value + law.pointerStartupPSUM.value),
      348...351)
    expect(
      vector(4, law.reciprocalCyclesPerElement.value * 10, plus: law.startupSBUF.value), 178...178)
  }

  @Test func vectorIntervals() {
    let law = device.vector
    expect(vector(512, law.rates.reduce.value, plus: law.gapPSUM.value), 598...598)
    expect(vector(512, law.rates.reduce.value, plus: law.gapSBUF.value), 592...593)
    expect(
      vector(512, law.rates.scalarFloat32.value, plus: law.gapSBUF.value + law.pointerGap.value),
      396...396)
    let afterCold = law.gapPSUM.value + law.warmReduction.value
    expect(vector(512, law.rates.reduce.value, plus: afterCold), 608...608)
  }

  private func scalar(_ elements: Int64, plus tenths: Int64) -> Picoseconds {
    let hundredths = elements * device.scalar.cyclesPerElement.value + 10 * tenths
    return device.clocks.scalar.value.picoseconds(hundredthsOfCycles: hundredths)
  }

  @Test func scalarDurationsAndIntervals() {
    let law = device.scalar
    expect(scalar(512, plus: law.startupActivatePSUM.value), 686...687)
    expect(scalar(512, plus: law.startupActivateSBUF.value), 720...721)
    expect(scalar(512, plus: law.startupActivateSBUFWarm.value), 705...707)
    expect(scalar(512, plus: law.startupCopyPSUM.value), 584...586)
    expect(scalar(128, plus: law.startupCopyPSUM.value), 264...265)
    expect(scalar(512, plus: law.dispatchGapActivatePSUM.value), 570...570)
    expect(
      scalar(512, plus: law.dispatchGapActivatePSUM.value)
        + law.coldDispatchExtraActivatePSUM.value,
      585.5...585.5)
    expect(scalar(512, plus: law.completionGapActivatePSUM.value), 577...581)
    expect(scalar(512, plus: law.gapActivateSBUF.value), 612.5...612.5)
    expect(scalar(512, plus: law.completionGapCopyPSUM.value), 486...489)
    expect(scalar(128, plus: law.gapCopySBUF.value), 199...199)
  }

  private func tensor(cycles: Int64, rate: Int64 = 1_000) -> Picoseconds {
    device.clocks.tensor.value.picoseconds(cycles: cycles * 1_000 / rate)
  }

  @Test func tensorStreams() {
    let law = device.tensor
    let half = device.limiter.limitedRate.value
    let row = law.cyclesPerRowFP32.value
    expect(tensor(cycles: 512, rate: half), 426...428)
    expect(tensor(cycles: 512 * row, rate: half), 853...854)
    expect(tensor(cycles: 512 * row + law.bubbleCycles.value), 429...430)
    expect(tensor(cycles: 128 * row + law.bubbleCycles.value), 109...110)
    expect(
      tensor(cycles: law.loadWeightsFP32.value + law.loadWeightsFP32Extra.value), 109...113)
    // Published intervals of 16-bit products at full rate, from two other kernels.
    expect(tensor(cycles: 512 + law.bubbleCycles.value), 215...216)
    expect(tensor(cycles: 128 + law.bubbleCycles.value), 55...56)
  }

  @Test func tensorRows() {
    let law = device.tensor
    let half = device.limiter.limitedRate.value
    let lead = law.rowLeadFixed.value
    expect(lead + tensor(cycles: law.rowLeadCycles.value, rate: half), 107...110)
    expect(lead + tensor(cycles: law.rowLeadCycles.value), 68...71)
    let loads: [(Int64, ClosedRange<Double>)] = [
      (law.loadWeightsCycles16.value, 146...150), (law.loadWeightsTranspose32.value, 225...230),
      (law.loadWeightsFP32.value, 332...337),
    ]
    for (load, seen) in loads {
      let cycles = tensor(cycles: law.loadWeightsDurationCycles.value + load, rate: half)
      expect(law.loadWeightsDurationFixed.value + cycles, seen)
    }
    let cold = law.coldStart.value + law.completionLatency.value
    expect(cold + tensor(cycles: law.loadWeightsCycles16.value, rate: half), 186...188)
  }

  @Test func handOffs() {
    let law = device.semaphore
    expect(law.publishTensor.value + law.detectScalar.value, 36...38)
    expect(law.publishTensor.value + law.detectVector.value, 37...40)
    expect(law.publishScalar.value + law.detectTensorLoadWeights.value, 51...53)
    expect(law.publishScalar.value + law.detectVector.value, 33...34)
    expect(law.publishVector.value + law.detectScalar.value, 32...34)
    expect(law.publishVector.value + law.detectVector.value, 34...36)
    expect(law.publishDMA.value + law.detectSync.value, 16...17)
    expect(law.publishDMA.value + law.detectTensorControl.value, 28...28)
  }

  @Test func dmaService() {
    let law = device.dma
    let clock = device.clocks.dma.value
    let seen: [(Int64, Double)] = [(256, 14.1), (512, 23.5), (2_048, 80), (4_096, 155.3)]
    for (bytes, spacing) in seen {
      let cycles = bytes / law.bytesPerCycle.value + law.descriptorGapCycles.value
      #expect(abs(clock.picoseconds(cycles: cycles).nanoseconds - spacing) < 0.06)
    }
    #expect(law.skew.value.count == law.enginesPerCore.value)
    // 64 KiB hardware load from HBM, whole transfer: trigger, first descriptor, service, notify.
    let service = clock.picoseconds(cycles: 4_096 / 32 + 4)
    let stretched = Picoseconds(service.value * law.stretchLoadAlone.value / 1_000)
    let skew = law.skew.value.max() ?? .zero
    let whole =
      law.triggerSyncLater.value + law.firstDescriptorSBUF.value + law.dramExtra.value + skew
      + stretched + law.notifyLoad.value
    expect(whole, 2_060...2_192)
  }

  @Test func limiterWindow() {
    let law = device.limiter
    let window = device.clocks.sequencer.value.picoseconds(cycles: law.windowCycles.value)
    #expect(window == Picoseconds(3_413_333))
    #expect(device.clocks.tensor.value.picoseconds(cycles: law.fullCycles.value) == window)
    #expect(law.thresholdNumerator.value * 8 == law.thresholdDenominator.value * 3)
  }
}
