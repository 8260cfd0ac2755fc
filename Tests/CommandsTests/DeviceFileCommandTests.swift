import Foundation
import Testing

/// Device files and validation through the command line.
@Suite struct DeviceFileCommandTests {
  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func aDeviceFileRunsUnderAnIdentityOfItsOwn() throws {
    let desk = try Desk()
    try desk.write("slow.yaml", "extends: trn2\nclocks.vector: 480 MHz\n")
    func run(_ device: String) throws -> (device: String, latency: Double) {
      let answer = desk.run(
        "run", "kernel/alpha", "--mode", "timing", "--device", device, "--format", "json")
      #expect(answer.code == 0 && answer.errors.isEmpty)
      let runs = try #require(try object(answer.output)["runs"] as? [[String: Any]])
      let metrics = try #require(runs[0]["metrics"] as? [String: [String: Any]])
      return (
        try #require(runs[0]["device"] as? String),
        try #require(metrics["latency_us"]?["value"] as? Double)
      )
    }
    let usual = try run("trn2")
    let slow = try run("slow.yaml")
    #expect(usual.device == "trn2" && slow.device.hasPrefix("slow+"))
    #expect(slow.latency > usual.latency)
    try desk.write("slow.yaml", "extends: trn2\nclocks.vector: 470 MHz\n")
    #expect(try run("slow.yaml").device != slow.device)
    let compared = desk.run("compare", "device:trn2", "device:slow.yaml")
    #expect(compared.code == 0 && compared.output.contains("latency_us"))
    let chip = desk.run("compare", "reference:h100", "device:slow.yaml")
    #expect(chip.output.contains("has no chip to compare with"))
  }

  @Test func mistakesInADeviceFileAreInputErrors() throws {
    let desk = try Desk()
    try desk.write("bad.yaml", "extends: trn2\ndma:\n  bytesPerCycel: 3\n")
    for verb in [["device", "show", "bad.yaml"], ["run", "kernel/alpha", "--device", "bad.yaml"]] {
      let answer = desk.run(verb)
      #expect(answer.code == 64)
      #expect(
        answer.errors.contains(
          "bad.yaml:3:3: unknown key 'dma.bytesPerCycel' (did you mean 'dma.bytesPerCycle'?)"))
    }
    #expect(desk.run("device", "show", "none.yaml").code == 74)
  }

  @Test func differencesOfDevicesAreListed() throws {
    let desk = try Desk()
    try desk.write("wide.yaml", "extends: trn2\ndma.bytesPerCycle: 64\n")
    let answer = desk.run("device", "diff", "trn2", "wide.yaml", "--format", "csv")
    #expect(
      answer.output
        == "constant,base,new,unit,confidence\ndma.bytesPerCycle,32,64,B per cycle,assumed\n")
  }

  @Test func validationPrintsGroupsPointsAndJSON() throws {
    let desk = try Desk()
    try desk.write(
      "Workloads/calibration/x.csv",
      """
      id,device,program,size,quantity,value,unit,low,high,count,left_out,what,source
      X-1,trn2,vector copy psum:fp32 sbuf:fp32,512,first,690,ns,,,,,a copy,s
      X-2,trn2,,,,3,us,,,,not a program,a wait,s
      Y-1,inf2,tensor stream bf16,16,interval,22.857,ns,,,,,a product,s

      """)
    let document = try object(desk.run("validate", "--format", "json").output)
    #expect(document["schema"] as? Int == 1)
    let points = try #require(document["points"] as? [[String: Any]])
    #expect(points.map { $0["id"] as? String } == ["X-1", "Y-1"])
    #expect(abs(try #require(points[0]["error_percent"] as? Double)) < 1)
    #expect(points[0]["measured_us"] as? Double == 0.69)
    let summary = try #require(document["summary"] as? [String: Any])
    #expect(summary["count"] as? Int == 2 && summary["kendall_tau"] as? Double == 1)
    let left = try #require(document["left_out"] as? [[String: Any]])
    #expect(left.map { $0["reason"] as? String } == ["not a program"])
    let table = desk.run("validate", "--set", "x", "--points")
    #expect(table.code == 0 && table.output.contains("left out, X: not a program: 1 row: X-2"))
    #expect(!table.output.contains("Y-1"))
    #expect(desk.run("validate", "--set", "Z").code == 64)
    #expect(desk.run("validate", "--device", "trn3").code == 64)
  }

  @Test func uncertaintyIsRecordedWhenAskedFor() throws {
    let desk = try Desk()
    func model(_ arguments: [String]) throws -> [String: Any] {
      let answer = desk.run(
        ["run", "kernel/alpha", "--mode", "timing", "--format", "json"] + arguments)
      let runs = try #require(try object(answer.output)["runs"] as? [[String: Any]])
      return try #require(runs[0]["model"] as? [String: Any])
    }
    #expect(try model([])["uncertainty_percent"] is NSNull)
    let known = try model(["--uncertainty", "--device", "trn3"])
    #expect(try #require(known["uncertainty_percent"] as? Double) > 0)
    #expect(desk.run("run", "kernel/alpha", "--uncertainty").output.contains("is uncertain by"))
  }
}
