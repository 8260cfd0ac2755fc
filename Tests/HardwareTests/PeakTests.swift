import Hardware
import Testing
import Units

/// What the geometry and clocks give, against what the vendor prints.
@Suite struct PeakTests {
  private func gigaflops(_ device: Device) -> Double {
    Double(device.tensor.rows.value * device.tensor.columns.value) * 2
      * device.clocks.tensor.value.gigahertz
  }

  private func near(_ derived: Double, _ documented: Int64, percent: Double) -> Bool {
    abs(derived - Double(documented)) * 100 <= percent * Double(documented)
  }

  @Test(arguments: Device.all) func tensorEnginePeaksFollowFromTheArray(device: Device) {
    let peak = gigaflops(device)
    #expect(near(peak, device.peaks.bfloat16Core.value, percent: 1))
    let cycles = Int64(device.tensor.passesFP32.value) * device.tensor.cyclesPerRowFP32.value
    // The vendor rounds FP32 to whole TFLOPS: 19.66 is printed as 20.
    #expect((peak / Double(cycles) / 1e3).rounded() * 1e3 == Double(device.peaks.float32Core.value))
    let double = device.tensor.doubleRowRows.value
    if double > 0 {
      #expect(near(peak * Double(double), device.peaks.float8Core.value, percent: 1))
    }
    let quad = device.tensor.quadRowRows.value
    #expect(near(peak * Double(quad), device.peaks.mxCore.value, percent: 1))
  }

  @Test func chipPeaksArePrintedAboveTheCoresSum() {
    let device = Device.trainium2
    let cores = device.peaks.bfloat16Core.value * Int64(device.memory.coresPerChip.value)
    #expect(device.peaks.bfloat16Chip.value > cores)
    let mx = Device.trainium3.peaks.mxCore.value * 8
    #expect(near(Double(mx), Device.trainium3.peaks.mxChip.value, percent: 1))
  }

  @Test(arguments: [("inf2", 27.2), ("trn1", 27.2), ("trn2", 27.2), ("trn3", 38.4)])
  func dmaEnginesReachTheDocumentedPeak(name: String, gigabytesPerSecond: Double) throws {
    let device = try Device.named(name)
    let peak = Double(device.dma.bytesPerCycle.value) * device.clocks.dma.value.gigahertz
    #expect(abs(peak - gigabytesPerSecond) < 1e-9)
  }

  /// 4 KiB packets with the extra reach the sustained rate within a thousandth.
  @Test(arguments: Device.all) func sustainedReadsFollowFromTheExtra(device: Device) {
    let dma = device.dma
    let bytes = Int64(dma.packetBytes.value)
    let cycles = bytes / dma.bytesPerCycle.value + dma.descriptorGapCycles.value
    let service =
      device.clocks.dma.value.picoseconds(cycles: cycles) + dma.sustainedReadExtraPerPacket.value
    let rate = Double(bytes) * 1e6 / Double(service.value)
    #expect(near(rate, dma.sustainedBytesPerMicrosecondPerEngine.value, percent: 0.1))
  }

  @Test(arguments: [("trn1", 24, 2), ("trn2", 28, 2), ("trn3", 32, 2)])
  func memorySizesAddUp(name: String, sbufMebibytes: Int, psumMebibytes: Int) throws {
    let memory = try Device.named(name).memory
    let partitions = memory.partitions.value
    #expect(memory.sbufBytesPerPartition.value * partitions == sbufMebibytes << 20)
    #expect(memory.psumBytesPerPartition.value * partitions == psumMebibytes << 20)
    #expect(
      memory.psumBanks.value * memory.psumBankBytes.value == memory.psumBytesPerPartition.value)
    #expect(memory.hbmStacks.value * memory.coresPerStack.value == memory.coresPerChip.value)
  }

  @Test func oneCoresShareOfHBM() {
    #expect(Device.trainium2.hbmBytesPerMicrosecondPerCore == 362_500)
    #expect(Device.trainium1.hbmBytesPerMicrosecondPerCore == 410_000)
  }
}
