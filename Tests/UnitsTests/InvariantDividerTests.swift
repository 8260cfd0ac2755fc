import Testing
import Units

/// The multiplication gives what the division gives.
@Suite struct InvariantDividerTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 10, 12, 1_000, 4_095, 4_096, 4_097, 1 << 40, 1 << 61])
  func quotients(_ divisor: Int64) {
    let divider = InvariantDivider(divisor)
    var values: [Int64] = [0, 1, -1, -divisor, .max, .min, (1 << 62) - 1, 1 << 62]
    for multiple in [1, 2, 3, 1_000_003] as [Int64] {
      let (product, overflow) = multiple.multipliedReportingOverflow(by: divisor)
      if !overflow { values += [product - 1, product, product < .max ? product + 1 : product] }
    }
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for _ in 0..<10_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      values.append(Int64(bitPattern: state >> (state & 63)))
    }
    for value in values { #expect(divider.quotient(value) == value / divisor) }
  }
}
