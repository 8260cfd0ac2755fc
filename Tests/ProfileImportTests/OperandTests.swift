import ProfileImport
import Testing

/// The profiler's text of operands, taken apart.
struct OperandTests {
  @Test func waitsAndUpdates() {
    let operands = ProfileOperands(
      "S[5] (Tensor)>=4 S[4] (Scalar)++@complete src=fp32@0x10[1][2] channels=128")
    #expect(
      operands.waits == [.init(semaphore: 5, isExact: false, value: 4, name: "Tensor")])
    #expect(operands.updates == [.init(semaphore: 4, kind: .add, value: 1)])
    #expect(operands.integer("channels") == 128)
  }

  @Test(arguments: [
    ("$S[2]++@complete", ProfileOperands.Update.Kind.add, UInt32(1)),
    ("$S[2]+=3@complete", .add, 3), ("$S[2]--@complete", .subtract, 1),
    ("$S[2]=0@complete", .write, 0), ("$S[2]-=2@complete", .subtract, 2),
  ])
  func changes(text: String, kind: ProfileOperands.Update.Kind, value: UInt32) {
    let operands = ProfileOperands(" setter=0 $S[2]==8 " + text)
    #expect(operands.waits == [.init(semaphore: 2, isExact: true, value: 8, name: "")])
    #expect(operands.updates == [.init(semaphore: 2, kind: kind, value: value)])
  }

  @Test func accesses() throws {
    let operands = ProfileOperands(
      "transpose_mode=ENABLED src=bfloat16@0x372fe[-1,0,-32][32,1,4] dst=0x2000100 128*64 EXP")
    let source = try #require(operands.access("src"))
    #expect(source.format == "bfloat16" && source.address == 0x372FE)
    #expect(source.strides == [-1, 0, -32] && source.sizes == [32, 1, 4] && source.count == 128)
    let destination = try #require(operands.access("dst"))
    #expect(destination.format.isEmpty && destination.sizes.isEmpty)
    let tile = try #require(operands.arrayTile)
    #expect(tile.rows == 128 && tile.columns == 64)
    #expect(operands.words.last == "EXP")
  }

  /// What follows no rule is nothing, never something else.
  @Test(arguments: [
    "src=fp32@0xZZ[1][2]", "src=fp32@0x10[1][2", "src=fp32@0x10[1][0]", "src=fp32@0x10[1,2][3]",
    "src=fp32@0x10[1][99999999999999999999]", "src=@[][]", "src=", "src=fp32@-4[1][1]", "[]", "S[",
    "S[]>=", "S[5] (", "$S[1]==x", "S[99999999999999999999]>=1", "a*b*c 9*",
  ])
  func nonsense(text: String) {
    let operands = ProfileOperands(text)
    #expect(operands.access("src") == nil)
    #expect(operands.waits.isEmpty && operands.updates.isEmpty)
    #expect(operands.arrayTile == nil)
  }
}
