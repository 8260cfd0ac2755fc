import DeviceCatalog
import Foundation
import Hardware
import Testing

/// The error of a device text, or nil when it is read.
private func failure(_ text: String) -> String? {
  do {
    _ = try DeviceFile.device(text: text, file: "d.yaml")
    return nil
  } catch { return "\(error)" }
}

@Suite struct DeviceFileTests {
  @Test func constantsAreChangedByPathGroupAndList() throws {
    let device = try DeviceFile.device(
      text: """
        extends: trn2
        name: wide
        source: a what-if   # for every value without a source of its own
        dma.bytesPerCycle: 64
        clocks: {tensor: 2.8 GHz}
        semaphore:
          detectVector:
            value: 20 ns
            source: a faster hand-off
        dma.skew: [0, 1 ns, 2 ns, 3 ns, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.5 ns]
        limiter.startsHalf: false
        vector.rates.copy16: 0.3 cycles/element
        memory.sbufBytesPerPartition: 256 KiB
        memory.hbmBytesPerSecondChip: 3.1 TB/s
        dma.stretchLoadAlone: 120 %
        vector.startupSBUF: 140.5 cycles
        """, file: "folder/d.yaml")
    #expect(device.name == "wide" && device.baseName == "trn2")
    #expect(device.dma.bytesPerCycle.value == 64)
    #expect(device.dma.bytesPerCycle.source == "a what-if")
    #expect(device.clocks.tensor.value.constantText == "2500/7")
    #expect(device.semaphore.detectVector.value.constantText == "20000")
    #expect(device.semaphore.detectVector.source == "a faster hand-off")
    #expect(device.dma.skew.value.map(\.constantText).last == "1500")
    #expect(!device.limiter.startsHalf.value)
    #expect(device.vector.rates.copy16.value == 30)
    #expect(device.memory.sbufBytesPerPartition.value == 262_144)
    #expect(device.memory.hbmBytesPerSecondChip.value == 3_100_000_000_000)
    #expect(device.dma.stretchLoadAlone.value == 1_200)
    #expect(device.vector.startupSBUF.value == 1_405)
    #expect(device.vector.startupSBUF.confidence == .assumed)
    let changed = zip(Device.trainium2.constants(), device.constants()).filter {
      $0.value != $1.value
    }
    #expect(changed.count == 10)
  }

  @Test func theIdentityFollowsTheValuesAlone() throws {
    func identity(_ text: String) throws -> String {
      try DeviceFile.device(text: "extends: trn2\nname: n\n" + text, file: "d.yaml").identity
    }
    let one = try identity("dma.bytesPerCycle: 64\n")
    #expect(one.hasPrefix("n+") && one.count == "n+".count + 8)
    #expect(try identity("source: other words\ndma: {bytesPerCycle: 64}\n") == one)
    #expect(try identity("dma.bytesPerCycle: 63\n") != one)
    #expect(try identity("") != one)
    let other = try DeviceFile.device(
      text: "extends: trn3\nname: n\ndma.bytesPerCycle: 64\n", file: "d.yaml")
    #expect(other.identity != one)
    #expect(Device.trainium2.identity == "trn2")
  }

  @Test func theNameIsTheFilesUnlessGiven() throws {
    let device = try DeviceFile.device(text: "extends: inf2", file: "/some/my-inf2.yaml")
    #expect(device.name == "my-inf2")
    #expect(device.constants().map(\.value) == Device.inferentia2.constants().map(\.value))
  }

  @Test(arguments: [
    ("", "d.yaml:1:1: the device lacks 'extends'; add a line such as 'extends: trn2'"),
    ("- a\n", "d.yaml:1:1: the device lacks 'extends'; add a line such as 'extends: trn2'"),
    (
      "extend: trn2\n",
      "d.yaml:1:1: unknown key 'extend' (did you mean 'extends'?); "
        + "'trnbench device show trn2' lists every constant"
    ),
    (
      "extends: trm2\n",
      "d.yaml:1:10: extends: no device is named 'trm2' (did you mean 'trn2'?); "
        + "known devices: inf2, trn1, trn2, trn3, trainium4"
    ),
    (
      "extends: trn2\ndma:\n  bytesPerCycel: 64\n",
      "d.yaml:3:3: unknown key 'dma.bytesPerCycel' (did you mean 'dma.bytesPerCycle'?); "
        + "'trnbench device show trn2' lists every constant"
    ),
    (
      "extends: trn2\nbytesPerCycle: 64\n",
      "d.yaml:2:1: unknown key 'bytesPerCycle' (did you mean 'dma.bytesPerCycle'?); "
        + "'trnbench device show trn2' lists every constant"
    ),
    (
      "extends: trn2\ndma.bytesPerCycle: 64 ns\n",
      "d.yaml:2:20: '64 ns' is no value for dma.bytesPerCycle; give it as whole numbers, "
        + "in B per cycle"
    ),
    (
      "extends: trn2\ndma.bytesPerCycle: 0\n",
      "d.yaml:2:20: dma.bytesPerCycle cannot be 0 B per cycle; the model takes 1 to 4096"
    ),
    (
      "extends: trn2\nclocks.tensor: 2.4\n",
      "d.yaml:2:16: '2.4' is no value for clocks.tensor; give it as a frequency such as 2.4 GHz, "
        + "or a period such as 1250/3 in ps"
    ),
    (
      "extends: trn2\nclocks.tensor: 500 GHz\n",
      "d.yaml:2:16: clocks.tensor cannot be 2/1 ps per cycle; the model takes 10 to 1000000"
    ),
    (
      "extends: trn2\ntensor.coldStart: 0.0005 ns\n",
      "d.yaml:2:19: '0.0005 ns' is no value for tensor.coldStart; give it as a time such as "
        + "500 ns, or whole numbers in ps"
    ),
    (
      "extends: trn2\ndma.bytesPerCycle: 64\ndma: {bytesPerCycle: 32}\n",
      "d.yaml:3:7: dma.bytesPerCycle is given twice; keep one"
    ),
    (
      "extends: trn2\ndma.bytesPerCycle: {value: 3, sauce: x}\n",
      "d.yaml:2:31: dma.bytesPerCycle: expected a value, or 'value' and 'source'"
    ),
    (
      "extends: trn2\ndma: 64\n",
      "d.yaml:2:6: dma is a group: give its constants, one per line"
    ),
    (
      "extends: trn2\nname: trn3\n",
      "d.yaml:2:7: name: 'trn3' is a device of its own; choose another name"
    ),
    (
      "extends: trn2\nname: ../up\n",
      "d.yaml:2:7: name: '../up' is no name; use letters, digits, '.', '_' and '-'"
    ),
    (
      "extends: &a trn2\n",
      "d.yaml:1:10: anchors and aliases are not read; write the value itself"
    ),
    (
      "extends: trn2\nmemory.psumBanks: 4\n",
      "d.yaml:2:19: memory.psumBytesPerPartition cannot be 16384 B; "
        + "the model takes psumBanks x psumBankBytes = 8192"
    ),
  ])
  func mistakesAreNamedWithTheirPlace(_ text: String, _ message: String) {
    #expect(failure(text) == message)
  }

  @Test func yamlThatIsNoneIsRefusedWithItsPlace() {
    #expect(failure("extends: [trn2\n")?.hasPrefix("d.yaml:") == true)
    #expect(failure("extends: trn2\nextends: trn3\n")?.contains("given twice") == true)
    #expect(failure(String(repeating: "[", count: 100_000))?.contains("too long") != nil)
    #expect(failure("a: " + String(repeating: "[", count: 80))?.contains("brackets") == true)
    let deep = (0..<5_000).map { String(repeating: " ", count: $0 % 900) + "a:" }
    #expect(failure(deep.joined(separator: "\n")) != nil)
  }

  @Test func aFileThatIsNotThereIsUnreadable() {
    #expect {
      try DeviceFile.device(contentsOf: "/no/such/file.yaml")
    } throws: { ($0 as? DeviceFileError)?.isUnreadable == true }
  }

  /// The files that ship with the project are read.
  @Test func shippedFilesAreRead() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Devices")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(!files.isEmpty)
    for file in files where file.hasSuffix(".yaml") {
      let device = try DeviceFile.device(contentsOf: folder.appending(path: file).path)
      #expect(device.baseName != nil && device.identity != device.name)
    }
  }
}
