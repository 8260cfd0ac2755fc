import Testing
import Units

@Suite struct ClockTests {
  let tensor = Clock(periodPicoseconds: 1_250, over: 3)
  let vector = Clock(periodPicoseconds: 3_125, over: 3)
  let dma = Clock(periodPicoseconds: 20_000, over: 17)

  @Test func wholeCyclesRoundHalfUp() {
    #expect(tensor.picoseconds(cycles: 0) == .zero)
    #expect(tensor.picoseconds(cycles: 512) == Picoseconds(213_333))
    #expect(tensor.picoseconds(cycles: 2) == Picoseconds(833))
    #expect(tensor.picoseconds(cycles: 3) == Picoseconds(1_250))
    #expect(dma.picoseconds(cycles: 132) == Picoseconds(155_294))
    #expect(Clock(periodPicoseconds: 1, over: 2).picoseconds(cycles: 1) == Picoseconds(1))
  }

  @Test(arguments: [0, 1, 7, 63, 64, 511, 512, 4_096, 1_000_000] as [Int64])
  func unitsOfAScaleAgree(cycles: Int64) {
    for clock in [tensor, vector, dma] {
      #expect(clock.picoseconds(tenthsOfCycles: cycles * 10) == clock.picoseconds(cycles: cycles))
      #expect(
        clock.picoseconds(hundredthsOfCycles: cycles * 100) == clock.picoseconds(cycles: cycles))
    }
  }

  @Test func aWholePeriodNeverDrifts() {
    let period = dma.picoseconds(cycles: 17)
    #expect(period == Picoseconds(20_000))
    #expect(dma.picoseconds(cycles: 17_000_000) == period * 1_000_000)
  }

  @Test func fractionsRoundOnce() {
    #expect(vector.picoseconds(tenthsOfCycles: 6_583) == Picoseconds(685_729))
    #expect(vector.picoseconds(hundredthsOfCycles: 77) == Picoseconds(802))
  }
}
