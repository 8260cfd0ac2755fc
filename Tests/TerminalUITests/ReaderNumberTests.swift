import TerminalUI
import Testing

@Suite struct ReaderNumberTests {
  @Test func timesChooseTheirUnit() {
    let known: [(Double, String)] = [
      (0, "0 s"), (1.5e-12, "1.500 ps"), (1e-9, "1 ns"), (4.2e-7, "420 ns"), (1.5e-6, "1.500 us"),
      (0.00118425, "1.184 ms"), (999.96e-6, "1.000 ms"), (999.94e-6, "999.9 us"), (59.5, "59.50 s"),
      (9.9996, "10.00 s"), (99.996e-3, "100.0 ms"),
      (3600, "3600 s"), (-0.002, "-2 ms"), (.infinity, "inf"), (.nan, "nan"),
    ]
    for (value, text) in known { #expect(ReaderNumber.time(seconds: value) == text) }
  }

  @Test func sizesAreBinary() {
    let known: [(Double, String)] = [
      (0, "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.500 KiB"),
      (117_440_512, "112 MiB"), (16_060_522_496, "14.96 GiB"), (4_398_046_511_104, "4 TiB"),
    ]
    for (value, text) in known { #expect(ReaderNumber.bytes(value) == text) }
  }

  @Test func countsAreDecimal() {
    let known: [(Double, String)] = [
      (0, "0"), (950, "950"), (12_346, "12.35 k"), (1_184_000, "1.184 M"), (0.5, "0.5000"),
      (999_999, "1.000 M"), (2e9, "2 G"), (9999.6, "10.00 k"),
    ]
    for (value, text) in known { #expect(ReaderNumber.count(value) == text) }
    #expect(ReaderNumber.count(94.28e12, unit: "FLOP/s") == "94.28 TFLOP/s")
    #expect(ReaderNumber.count(48.83, unit: "tokens/s") == "48.83 tokens/s")
  }

  @Test func percentAndChange() {
    #expect(ReaderNumber.percent(71.34) == "71.3 %")
    #expect(ReaderNumber.percent(0.42) == "0.42 %")
    #expect(ReaderNumber.percent(0) == "0.0 %")
    #expect(ReaderNumber.change(percent: 0) == "=")
    #expect(ReaderNumber.change(percent: 1e-9) == "~0 %")
    #expect(ReaderNumber.change(percent: -1.25) == "-1.25 %")
    #expect(ReaderNumber.change(percent: 250) == "+250 %")
  }

  @Test func fixedDigits() {
    #expect(ReaderNumber.fixed(-0.001, digits: 2) == "0.00")
    #expect(ReaderNumber.fixed(1.005, digits: 1) == "1.0")
    #expect(ReaderNumber.fixed(2.5, digits: 0) == "2")
    #expect(ReaderNumber.fixed(-12.05, digits: 3) == "-12.050")
    #expect(ReaderNumber.fixed(1e300, digits: 2) == "1e+300")
  }
}
