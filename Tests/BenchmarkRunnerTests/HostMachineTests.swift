import BenchmarkRunner
import Foundation
import Testing

@Suite("The host machine describes itself")
struct HostMachineTests {
  @Test func thisMachineCanRunThisBuild() {
    let host = HostMachine.current()
    #expect(host.missingExtensions.isEmpty)
    #expect(!host.buildExtensions.isEmpty)
    #expect(host.coreCount >= 1)
    #expect(host.memoryBytes > 1 << 28)
    #expect(host.swiftVersion.hasPrefix("6."))
    #expect(host.cpuModel != "unknown" && !host.operatingSystem.isEmpty)
  }

  @Test func missingExtensionsAreNamed() {
    var host = HostMachine.current()
    host.buildExtensions = ["avx2", "avx512f"]
    host.cpuExtensions = ["fma", "avx2"]
    #expect(host.missingExtensions == ["avx512f"])
  }

  @Test func survivesJSON() throws {
    let host = HostMachine.current()
    let data = try JSONEncoder().encode(host)
    #expect(try JSONDecoder().decode(HostMachine.self, from: data) == host)
  }

  @Test func readsIntelAndAMD() {
    let text = """
      processor\t: 0
      model name\t: Some CPU @ 2.00GHz
      flags\t\t: fpu sse2 fma avx2 avx512f
      bogomips\t: 1

      processor\t: 1
      model name\t: Another
      """
    let information = CPUInformation(text)
    #expect(information.model == "Some CPU @ 2.00GHz")
    #expect(information.extensions == ["fma", "avx2", "avx512f"])
  }

  @Test func readsARM() {
    let text =
      "processor\t: 0\nFeatures\t: fp asimd bf16\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"
    let information = CPUInformation(text)
    #expect(information.model == "ARM implementer 0x41 part 0xd40")
    #expect(information.extensions == ["asimd", "bf16"])
  }

  @Test(arguments: ["", ":", "no colon\n: \n", "flags"])
  func survivesNonsense(text: String) {
    #expect(CPUInformation(text).model == nil)
    #expect(CPUInformation(text).extensions.isEmpty)
  }

  @Test func readsOperatingSystemAndLimit() {
    let osRelease = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"
    #expect(HostMachine.operatingSystemName(osRelease: osRelease) == "Debian GNU/Linux 12")
    #expect(HostMachine.operatingSystemName(osRelease: "ID=x\n") == nil)
    #expect(HostMachine.memoryLimitBytes(cgroupText: "1073741824\n") == 1 << 30)
    #expect(HostMachine.memoryLimitBytes(cgroupText: "max\n") == nil)
  }
}
