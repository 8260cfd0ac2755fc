import Hardware
import Testing
import Units

@Suite struct DeviceNameTests {
  @Test func everyDeviceIsFoundByItsName() throws {
    for device in Device.all { #expect(try Device.named(device.name).title == device.title) }
    #expect(try Device.named("TRN2").title == "AWS Trainium2")
  }

  @Test func aWrongNameNamesTheNearest() {
    #expect {
      try Device.named("trm2")
    } throws: { error in
      "\(error)" == "no device is named 'trm2' (did you mean 'trn2'?); "
        + "known devices: inf2, trn1, trn2, trn3, trainium4"
    }
    #expect {
      try Device.named("h100-sxm")
    } throws: { error in
      "\(error)"
        == "no device is named 'h100-sxm'; known devices: inf2, trn1, trn2, trn3, trainium4"
    }
    #expect(throws: HardwareError.self) { try Device.named("") }
  }

  @Test func aWrongPathNamesTheNearest() {
    var device = Device.trainium2
    #expect {
      try device.set("vector.startupSBFU", to: "1", source: "test")
    } throws: { error in
      "\(error)" == "device trn2 has no constant 'vector.startupSBFU' "
        + "(did you mean 'vector.startupSBUF'?); 'trnbench device show trn2' lists them"
    }
    #expect(throws: HardwareError.self) {
      try device.set("price.centsPerHour", to: "1", source: "trn2 has no price")
    }
  }

  @Test(arguments: [
    ("vector.startupSBUF", "-1"), ("vector.startupSBUF", "1.5"), ("vector.startupSBUF", ""),
    ("vector.startupSBUF", "9999999999999999999"), ("clocks.tensor", "0/3"),
    ("clocks.tensor", "1250"), ("limiter.startsHalf", "yes"), ("dma.skew", "1 2 3"),
    ("dma.skew", ""), ("memory.partitions", "x"),
  ])
  func unreadableValuesAreRefused(path: String, text: String) {
    var device = Device.trainium2
    let before = device.constants()
    #expect(throws: HardwareError.self) { try device.set(path, to: text, source: "test") }
    #expect(device.constants() == before)
  }

  @Test func movingNeedsARange() throws {
    var device = Device.trainium2
    try device.move("limiter.phase", to: .high)
    #expect(device.limiter.phase.value.value == 3_413_333)
    #expect(throws: HardwareError.self) { try device.move("memory.partitions", to: .low) }
  }
}
