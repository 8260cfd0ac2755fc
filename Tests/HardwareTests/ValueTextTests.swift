import Hardware
import Testing

/// Values with units, and what is refused.
@Suite struct ValueTextTests {
  @Test(arguments: [
    ("tensor.coldStart", "70 ns", "70000"), ("tensor.coldStart", "0.5us", "500000"),
    ("tensor.coldStart", "1.234 ns", "1234"), ("tensor.coldStart", "42", "42"),
    ("clocks.vector", "0.96 GHz", "3125/3"), ("clocks.vector", "1120 MHz", "6250/7"),
    ("clocks.vector", "1250/3", "1250/3"), ("vector.startupSBUF", "146.3 cycles", "1463"),
    ("limiter.windowCycles", "4096 cycles", "4096"),
    ("vector.rates.reduce", "1.04 cycles/element", "104"),
    ("vector.reciprocalCyclesPerElement", "6 cycles per element", "60"),
    ("memory.sbufBytesPerPartition", "224 KiB", "229376"),
    ("memory.hbmBytesPerSecondChip", "2.9 TB/s", "2900000000000"),
    ("dma.sustainedBytesPerMicrosecondPerEngine", "23 B/ns", "23000"),
    ("dma.sustainedBytesPerMicrosecondPerEngine", "23 GB/s", "23000"),
    ("dma.stretchLoadAlone", "135 %", "1350"), ("dma.stretchLoadAlone", "1.35x", "1350"),
    ("peaks.mxChip", "2.5 PFLOPS", "2500000"), ("dma.bytesPerCycle", "32 B/cycle", "32"),
  ])
  func unitsAreRead(path: String, text: String, value: String) throws {
    var device = Device.trainium2
    try device.set(path, to: text, source: "test")
    #expect(device.constants().first { $0.path == path }?.value == value)
  }

  @Test(arguments: [
    ("tensor.coldStart", "70 cycles"), ("tensor.coldStart", "0.0001 ns"),
    ("tensor.coldStart", "ns"), ("tensor.coldStart", "1.2.3 ns"), ("tensor.coldStart", "1. ns"),
    ("tensor.coldStart", "-1 ns"), ("clocks.vector", "0 GHz"), ("clocks.vector", "1 THz"),
    ("vector.startupSBUF", "146.35 cycles"), ("memory.sbufBytesPerPartition", "0.3 B"),
    ("dma.bytesPerCycle", "32 ns"), ("dma.skew", "1 ns, 2 ns"), ("limiter.startsHalf", "1"),
    ("tensor.coldStart", "99999999999999999 ms"), ("tensor.rows", "1e2"),
  ])
  func otherUnitsAndFractionsAreRefused(path: String, text: String) {
    var device = Device.trainium2
    #expect(throws: HardwareError.self) { try device.set(path, to: text, source: "test") }
  }

  @Test(arguments: Device.all) func shippedDevicesLieWithinTheLimits(device: Device) throws {
    try device.checkLimits()
    var wrong = device
    try wrong.set("dma.enginesPerCore", to: "17", source: "test")
    #expect(throws: HardwareError.self) { try wrong.checkLimits() }
  }

  @Test func trainium4SaysThatItIsAProjection() {
    let device = Device.trainium4
    #expect(device.status.rawValue == "announced: projection")
    #expect("\(device)".contains("announced: projection"))
    #expect(device.constants().allSatisfy { $0.confidence == .assumed && $0.range != nil })
    let (four, three) = (device.memory, Device.trainium3.memory)
    #expect(four.hbmBytesPerSecondChip.value == 4 * three.hbmBytesPerSecondChip.value)
    #expect(device.peaks.float8Chip.value == 3 * Device.trainium3.peaks.mxChip.value)
    #expect(device.peaks.mxChip.value == 6 * Device.trainium3.peaks.mxChip.value)
  }
}
