import ModelGraph
import NumericFormats
import Testing

@Suite("Unit roundoffs")
struct RoundoffTests {
  @Test("bf16: the bound is reached half-way between neighbours, and never exceeded")
  func bfloat16() {
    // 1 + 2⁻⁸ lies half-way between 1 and 1 + 2⁻⁷ and goes to the even one.
    let middle: Float = 1 + 0x1p-8
    #expect(roundedToBfloat16(middle) == 1)
    #expect(Double(middle - 1) == Roundoff.unit(of: .bfloat16))
    let values = seeded("values", [10_000], format: .float32)
    for value in values {
      let change = abs(Double(roundedToBfloat16(value)) - Double(value))
      #expect(change <= Roundoff.unit(of: .bfloat16) * abs(Double(value)))
    }
  }

  @Test("fp16 and fp32 against the host's own arithmetic")
  func hostFormats() {
    #expect(Roundoff.unit(of: .float32) == Double(Float.ulpOfOne) / 2)
    #expect(Roundoff.unit(of: .float16) == 0x1p-11)
    #expect(Roundoff.unit(of: .int32) == 0)
  }
}
